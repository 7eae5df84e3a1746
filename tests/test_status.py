"""Status says what is there, what is used, and what could be."""

from __future__ import annotations

from pathlib import Path

from ingest import pipeline
from search import embed, status
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL, MULTILINGUAL_MODEL, Settings
from search.ollama.client import Client
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama


def test_an_ollama_that_is_not_used_is_mentioned_with_the_setting(fake_ollama: FakeOllama) -> None:
    """What is used is never guessed, and never a riddle."""
    neither = status.unused_ollama(Settings("i.db", fake_ollama.url))
    assert neither
    assert "not used for embeddings and answers: set SEARCH_EMBED_MODEL and SEARCH_CHAT_MODEL" in neither
    half = status.unused_ollama(Settings("i.db", fake_ollama.url, "", "all-minilm"))
    assert half
    assert "not used for answers: set SEARCH_CHAT_MODEL to" in half
    assert status.unused_ollama(Settings("i.db", fake_ollama.url, "", "all-minilm", "llama3")) is None


def test_no_ollama_is_no_note() -> None:
    """Nothing listens on port 9."""
    assert status.unused_ollama(Settings("i.db", "http://127.0.0.1:9")) is None


def test_the_embedded_models_limits_are_said(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Its languages and its window."""
    with index.service(tmp_path, fake_ollama.url) as service:
        notes = status.status(service.store, Settings("i.db", "http://127.0.0.1:9")).notes
        assert any("made for English, 256 word pieces" in note for note in notes)
        assert not any("made for English" in note for note in service.status().notes)
    assert Settings("i.db").embed_host == EMBEDDED_HOST


def test_an_index_in_other_languages_is_told_what_fits(tmp_path: Path) -> None:
    """By `status` and at the end of an ingest, while the English model embeds; code and short texts don't count."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "fahrplan.txt").write_text("Der Zug fährt jeden Morgen um sieben Uhr vom Hauptbahnhof ab.", "utf-8")
    (folder / "bienen.txt").write_text("Die Bienen machen im Sommer aus dem Nektar der Blüten ihren Honig.", "utf-8")
    (folder / "trains.txt").write_text("The train leaves the main station at seven every morning.", "utf-8")
    (folder / "main.py").write_text("def main():\n    return 'nothing that a language could be told from'\n", "utf-8")
    store = SqliteStore(tmp_path / "index.db")
    with Client(EMBEDDED_HOST) as client:
        report = pipeline.ingest(folder, store, lambda: embed.describe(client, EMBEDDED_MODEL), lambda _: None)
    assert store.counts().languages == {"de": 2, "en": 1}
    (note,) = report.notes
    assert "2 of 3 documents are in other languages (2 de)" in note
    assert note in status.status(store, Settings("i.db", "http://127.0.0.1:9")).notes
    multilingual = Settings("i.db", "http://127.0.0.1:9", embed_model=EMBEDDED_HOST + MULTILINGUAL_MODEL)
    assert not any("English" in said for said in status.status(store, multilingual).notes)
    store.close()
