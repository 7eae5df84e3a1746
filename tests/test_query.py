"""The read hub, over a real index and a fake Ollama on a socket."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from search import embed, query
from search.config import EMBEDDED_HOST
from search.errors import ModelUnreachable, QueryError, StoreError, StoreMismatch
from search.ollama.client import Client
from search.query import Searcher
from search.records import MODES, Query
from search.service import Service
from search.store import Filter, Ranking
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    with index.service(tmp_path, fake_ollama.url) as made:
        yield made


def test_a_hit_carries_all_that_is_known_of_it(service: Service) -> None:
    """Text, place, span, both scores and ranks, and why it is there."""
    results = query.search(service.searcher, Query("Where are vectors kept?", k=1))
    (hit,) = results.hits
    assert (hit.rank, hit.document.path, hit.document.type) == (1, "guide/storage.md", "md")
    assert hit.chunk.text == "Vectors are kept in one SQLite file."
    assert service.store.text("/docs", "guide/storage.md")[hit.chunk.start : hit.chunk.end] == hit.chunk.text
    assert hit.chunk.heading == ("guide",)
    assert (hit.ranks.keyword, hit.ranks.vector) == (1, 1)
    assert hit.scores.keyword
    assert hit.scores.vector
    assert "number 1 by keyword" in hit.why
    assert results.mode == "hybrid"
    assert set(results.took_ms) == {"total", "embed", "wait", "keyword", "vector", "fuse", "fetch"}


def test_one_search_is_at_work_after_the_other(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait, and say how long; one that fails gives its turn back."""
    matching, at_work, most = service.store.matching, 0, 0

    def watched(terms: Sequence[str], count: int, only: Filter) -> Ranking:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.01)  # so that the others come to where they have to wait
        at_work -= 1
        return matching(terms, count, only)

    monkeypatch.setattr(service.store, "matching", watched)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: query.search(service.searcher, Query("vectors")), range(6)))
    assert most == 1
    assert max(results.took_ms["wait"] for results in found) > 0
    monkeypatch.setattr(service.store, "matching", Mock(side_effect=StoreError("it is damaged")))
    for _ in range(2):
        with pytest.raises(StoreError):
            query.search(service.searcher, Query("vectors"))


@pytest.mark.parametrize("mode", MODES)
def test_a_filter_holds_in_every_mode(service: Service, mode: query.Mode) -> None:
    """Filters come before ranking: what they leave is found, however far down it would be."""
    results = query.search(service.searcher, Query("umbrella kept in one SQLite file", mode=mode, path="mail/*"))
    assert {hit.document.path for hit in results.hits} == {"mail/trip.eml"}


def test_a_hit_without_a_vector_counts_as_near_as_its_words_say(tmp_path: Path) -> None:
    """In the midst of an ingest; and that is what its arithmetic says."""
    with index.service(tmp_path, EMBEDDED_HOST, embedded=False) as service:
        described = embed.describe(service.searcher.client, "all-minilm")
        space = service.store.space(described.space(index.CHUNKING))
        waiting = "The file can be copied while nobody writes."
        for ids, texts in service.store.missing(space, 100):
            has = [at for at, text in enumerate(texts) if waiting not in text]
            service.store.add(space, ids[has], embed.documents(described, [texts[at] for at in has]))
        first = query.search(service.searcher, Query("When may a file be copied?", explain=True)).hits[0]
    assert (first.chunk.text, first.scores.vector) == (waiting, None)
    assert first.explain
    assert first.explain.vector
    assert first.explain.keyword
    assert 0 < first.explain.vector.z <= first.explain.keyword.z
    shares = first.explain.vector.share + first.explain.keyword.share + first.explain.phrases
    assert shares == pytest.approx(first.score, abs=1e-3)


def test_a_filter_that_matches_nothing_says_so(service: Service) -> None:
    """An empty result has a reason."""
    results = query.search(service.searcher, Query("vectors", path="none/*", type="md"))
    assert results.hits == ()
    assert results.notes == ("nothing found within path 'none/*' and type 'md'",)


@pytest.mark.parametrize("mode", MODES)
def test_a_type_is_known_by_its_name_and_an_unknown_one_is_said(service: Service, mode: query.Mode) -> None:
    """Upper and lower case are the same; where no document has it, those that there are stand in the note."""
    assert query.search(service.searcher, Query("umbrella", mode=mode, type="EML")).hits
    unknown = query.search(service.searcher, Query("umbrella", mode=mode, type="PDF", path="guide/*"))
    assert unknown.hits == ()
    assert unknown.notes == ("no document has the type 'PDF': there are md, eml",)
    foreign = query.search(service.searcher, Query("umbrella", mode=mode, language="fr"))
    assert foreign.notes == ("no document is in the language 'fr'",)


def test_a_repeated_query_costs_no_second_embedding(service: Service, fake_ollama: FakeOllama) -> None:
    """The query's vector is remembered."""
    query.search(service.searcher, Query("vectors"))
    before = fake_ollama.calls["/api/embed"]
    query.search(service.searcher, Query("vectors", k=2))
    assert fake_ollama.calls["/api/embed"] == before


def test_every_embed_call_refuses_to_be_cut_and_has_the_same_options(service: Service, fake_ollama: FakeOllama) -> None:
    """`truncate` is false, and nothing makes the server load the model again."""
    query.search(service.searcher, Query("vectors"))
    bodies = fake_ollama.sent("/api/embed")
    assert all(body["truncate"] is False for body in bodies)
    assert len({str(body.get("options")) for body in bodies}) == 1
    assert fake_ollama.loads["all-minilm:latest"] == 1


def test_without_the_model_search_goes_on_by_keyword_and_says_so(service: Service, fake_ollama: FakeOllama) -> None:
    """Degraded, never silently."""
    fake_ollama.stop()
    results = query.search(service.searcher, Query("red umbrella"))
    assert results.mode == "keyword"
    assert results.hits[0].chunk.text == "Bring the red umbrella."
    assert "ranked by keyword only" in results.notes[0]
    with pytest.raises(ModelUnreachable):
        query.search(service.searcher, Query("red umbrella", mode="vector"))


def test_a_query_too_long_for_the_model_is_ranked_by_keyword(service: Service, fake_ollama: FakeOllama) -> None:
    """It is not cut."""
    fake_ollama.fault("too_long", route="/api/embed")
    results = query.search(service.searcher, Query("umbrella " * 500))
    assert results.mode == "keyword"
    assert "ranked by keyword only" in results.notes[0]


def test_an_index_that_is_not_embedded_yet_is_searched_by_keyword(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Text first, vectors after."""
    with index.service(tmp_path, fake_ollama.url, embedded=False) as service:
        results = query.search(service.searcher, Query("umbrella"))
    assert results.hits
    assert "nothing is embedded yet" in results.notes[0]


def test_chunks_that_wait_for_their_vector_are_mentioned(service: Service) -> None:
    """And found by their words meanwhile."""
    index.fill(service.store, {"new.md": ["A giraffe was seen."]})  # type: ignore[arg-type]
    results = query.search(service.searcher, Query("giraffe"))
    assert results.hits[0].document.path == "new.md"
    assert any("1 chunks have no vector yet" in note for note in results.notes)


def test_an_empty_index_says_what_to_do(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Nothing found because nothing is there."""
    with index.service(tmp_path, fake_ollama.url, embedded=False) as service:
        service.store.drop("/docs", index.DOCUMENTS)
        results = query.search(service.searcher, Query("umbrella"))
    assert any("is empty: run `ingest FOLDER` first" in note for note in results.notes)


def test_a_changed_model_is_an_error_that_names_the_repair(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Never a mixed search."""
    index.service(tmp_path, fake_ollama.url).close()
    with (
        FakeOllama([FakeModel("all-minilm", digest="f" * 64)]) as changed,
        index.service(tmp_path, changed.url, embedded=False) as service,
    ):
        with pytest.raises(StoreMismatch, match=r"run `ingest FOLDER` again"):
            query.search(service.searcher, Query("vectors"))
        assert query.search(service.searcher, Query("vectors", mode="keyword")).hits


def test_the_old_space_serves_with_its_own_model_while_a_new_one_fills(tmp_path: Path) -> None:
    """Whether the model is at the same server or elsewhere; and the result says so."""
    with FakeOllama([FakeModel("all-minilm"), FakeModel("other", dimensions=32)]) as both:
        index.service(tmp_path, both.url).close()
        store = SqliteStore(tmp_path / "index.db")
        with Client(both.url) as client:
            store.space(embed.describe(client, "other").space(index.CHUNKING))
            results = query.search(Searcher(store, client, "other"), Query("vectors kept", mode="vector"))
            assert results.hits[0].document.path == "guide/storage.md"
            assert any("ranked by the vectors of all-minilm" in note for note in results.notes)
            new = FakeOllama([FakeModel("other", dimensions=32)]).start()
            with Client(new.url) as configured:
                with pytest.raises(StoreMismatch):
                    query.search(Searcher(store, configured, "other"), Query("vectors", mode="vector"))
                searcher = Searcher(store, configured, "other", elsewhere=lambda: (client,))
                assert query.search(searcher, Query("vectors kept", mode="vector")).hits
                new.stop()
                searcher = Searcher(store, configured, "other", elsewhere=lambda: (client,))
                assert query.search(searcher, Query("vectors kept", mode="vector")).hits
        store.close()


@pytest.mark.parametrize(
    ("text", "k", "mode"), [("", 10, "hybrid"), (" \n", 10, "hybrid"), ("x" * 100_000, 10, "hybrid"),
                            ("x", 0, "hybrid"), ("x", 10**9, "hybrid"), ("x", 10, "magic"), ("\ud800", 10, "hybrid")]
)  # fmt: skip
def test_what_cannot_be_searched_for_is_refused(text: str, k: int, mode: query.Mode) -> None:
    """In words, before anything is done."""
    with pytest.raises(QueryError):
        Query(text, k, mode)


@pytest.mark.parametrize("text", ['"', "a OR", "NEAR(", "x* AND -y", "'; DROP TABLE chunks; --", "\0", "…"])
def test_signs_of_query_languages_are_just_text(service: Service, text: str) -> None:
    """No query is a syntax error."""
    query.search(service.searcher, Query(text, mode="keyword"))


def test_where_chunks_stand_is_read_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read to look for the query's words side by side is not read again for the page."""
    asked: list[int] = []
    read = SqliteStore.occurrences
    monkeypatch.setattr(
        SqliteStore, "occurrences", lambda store, ids, only: (asked.extend(ids.tolist()), read(store, ids, only))[1]
    )
    assert query.search(service.searcher, Query("the embedded model needs no server")).hits
    assert len(asked) == len(set(asked)) > 0


def test_a_query_in_another_language_than_the_documents_is_explained(tmp_path: Path) -> None:
    """With a model for both, words count less and the explanation says so; one in their own language is as ever."""
    german = {"a.md": ["Die Vektoren stehen in einer Datei, die man kopieren kann, solange niemand sie schreibt."]}
    english = {"b.md": ["The vectors of an index are kept in one file, which can be copied while nobody writes to it."]}
    with FakeOllama([FakeModel("bge-m3")]) as ollama, Client(ollama.url) as client:
        store = SqliteStore(tmp_path / "index.db")
        index.fill(store, german)
        index.embed_all(store, client, "bge-m3")
        searcher = Searcher(store, client, "bge-m3")
        results = [
            query.search(searcher, Query(text, explain=True))
            for text in ("which is the file of the Vektoren", "welche ist die Datei der Vektoren")
        ]
        index.fill(store, english)
        index.embed_all(store, client, "bge-m3")
        searcher = Searcher(store, client, "bge-m3")  # one that has not counted the languages yet
        asked = Query("which is the file of the Vektoren", explain=True)
        mixed = [query.search(searcher, replace(asked, language=only)).explain for only in (None, "DE", "en")]
        store.close()
    weights = [result.hits[0].explain.keyword.weight for result in results if result.hits[0].explain]  # type: ignore[union-attr]
    assert weights[0] < weights[1]
    assert [bool(result.explain and result.explain.weights) for result in results] == [True, False]
    assert [bool(one and one.weights) for one in mixed] == [False, True, False]
