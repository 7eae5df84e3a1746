"""Status says what is there, what is used, and what could be."""

from __future__ import annotations

from pathlib import Path

from search import status
from search.config import EMBEDDED_HOST, Settings
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
