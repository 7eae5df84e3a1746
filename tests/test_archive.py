"""Kept answers: what stands in them, when they are stale, what has changed, and asking again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search import answer, archive
from search.errors import AnswerMissing
from search.records import Chunk, Document, Question
from search.replies import Answer, Answered, SavedAnswer
from search.service import Service
from search.store import FileState, Store
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama

ASKED = Question("Where are vectors kept?", 5, path="guide/*", save=True)
STATE = FileState(1, 2, "h", "indexed", "", index.CHUNKING)


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]. Penguins paint them blue [1]."
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as made:
        yield made


def put(store: Store, path: str, texts: list[str]) -> None:
    """As `index.fill` puts a document of the guide."""
    text = "\n\n".join(texts)
    chunks = [Chunk(part, text.index(part), text.index(part) + len(part), ("guide",)) for part in texts]
    store.put("/docs", path, STATE, [(Document("/docs", path, "", "md", text), chunks)])


def kept(service: Service, question: Question = ASKED) -> SavedAnswer:
    whole = answer.answer(service.answerer, question)
    assert whole.id is not None
    return archive.saved(service.store, whole.id)


def test_nothing_is_kept_unless_it_is_asked_for(service: Service) -> None:
    """An answer leaves no trace of its own."""
    assert answer.answer(service.answerer, replace(ASKED, save=False)).id is None
    assert service.store.answers.counts() == (0, 0)


def test_an_answer_is_kept_with_all_that_it_was_made_of(service: Service, fake_ollama: FakeOllama) -> None:
    """Question and settings, passages with their text, checks, model, digest, space and metrics."""
    events = list(answer.stream(service.answerer, ASKED))
    assert isinstance(events[-1], Answered)
    whole = events[-1].answer
    (entry,) = service.store.answers.entries()
    found = archive.saved(service.store, entry.id)
    assert (whole.id, entry.question, entry.how, entry.stale) == (entry.id, ASKED.question, "chat", False)
    assert found.answer == whole
    assert found.asked == replace(ASKED, save=False)
    assert found.answer.sources[0].chunk.text == "Vectors are kept in one SQLite file."
    assert [sentence.support for sentence in found.answer.sentences] == ["supported", "not found"]
    assert found.digest == fake_ollama.models["llama3:latest"].listed["digest"]
    assert found.space == service.store.active()
    assert found.answer.metrics["eval_tokens"] > 0
    assert not found.stale
    assert found.changes == ()


def test_an_answer_that_cannot_be_kept_comes_all_the_same(service: Service) -> None:
    """A full disk takes no answer away; a note says that it is not kept."""
    store = service.store
    assert isinstance(store, SqliteStore)
    with store._database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    whole = answer.answer(service.answerer, ASKED)
    assert (whole.how, whole.id) == ("chat", None)
    assert any(note.startswith("the answer was not kept: ") for note in whole.notes)
    with pytest.raises(AnswerMissing):
        archive.saved(store, 1)


def test_extracts_and_refusals_are_kept_too(service: Service) -> None:
    """They name no model, and a refusal rests on the nearest passages."""
    quoted = replace(service.answerer, chat=None)
    for question, how in ((ASKED, "extracts"), (Question("Who won the chess cup of 1972?", save=True), "refused")):
        whole = answer.answer(quoted, question)
        found = archive.saved(service.store, whole.id or 0)
        assert (found.answer.how, found.digest, found.answer.model) == (how, "", None)
    assert found.answer.rests_on == {source.n for source in found.answer.sources}


def test_a_changed_passage_makes_its_answers_stale(service: Service) -> None:
    """What was cited then and what stands there now, and the sentences that leaned on it."""
    found = kept(service)
    put(service.store, "guide/storage.md", ["Vectors are kept in one PostgreSQL table.", "The file can be copied."])
    (entry,) = service.store.answers.entries(stale=True)
    assert entry.id == found.id
    stale = archive.saved(service.store, found.id)
    assert stale.stale
    (change,) = stale.changes
    assert change.source == found.answer.sources[0]
    assert change.now
    assert change.now.text == "Vectors are kept in one PostgreSQL table."
    assert [(one.text, one.holds) for one in change.sentences] == [("Vectors are kept in one SQLite file [1].", False)]


def test_a_passage_that_only_moved_into_other_words_still_holds(service: Service) -> None:
    """The passage is another one, but what was cited stands in it as before."""
    found = kept(service)
    put(service.store, "guide/storage.md", ["Vectors are kept in one SQLite file. Since the last version, that is."])
    (change,) = archive.saved(service.store, found.id).changes
    assert [one.holds for one in change.sentences] == [True]


def test_a_deleted_document_is_gone(service: Service) -> None:
    """Nothing stands there now."""
    found = kept(service)
    service.store.drop("/docs", ["guide/storage.md"])
    (change,) = archive.saved(service.store, found.id).changes
    assert change.now is None
    assert [one.holds for one in change.sentences] == [False]


def test_what_is_not_cited_may_change(service: Service) -> None:
    """Only passages that the answer rests on make it stale."""
    kept(service)
    put(service.store, "guide/models.md", ["Something else altogether."])
    assert service.store.answers.counts() == (1, 0)


def test_a_renamed_document_makes_nothing_stale_and_one_that_comes_back_heals(service: Service) -> None:
    """Passages are known by their content."""
    found = kept(service)
    texts = index.DOCUMENTS["guide/storage.md"]
    put(service.store, "guide/renamed.md", texts)
    assert archive.saved(service.store, found.id).moved == ()
    service.store.drop("/docs", ["guide/storage.md"])
    assert service.store.answers.counts() == (1, 0)
    assert [(one.n, one.document.path) for one in archive.saved(service.store, found.id).moved] == [
        (1, "guide/renamed.md")
    ]
    service.store.drop("/docs", ["guide/renamed.md"])
    assert service.store.answers.counts() == (1, 1)
    put(service.store, "guide/storage.md", texts)
    assert service.store.answers.counts() == (1, 0)


def test_answers_outlive_spaces_and_the_program(service: Service, tmp_path: Path) -> None:
    """They belong to the index, not to what it is searched with."""
    found = kept(service)
    first = service.store.active()
    assert first
    service.store.activate(service.store.space(replace(first, model="other")))
    service.store.forget(first)
    store = SqliteStore(tmp_path / "index.db")
    assert archive.saved(store, found.id) == found
    store.close()


def test_keeping_an_answer_changes_nothing_that_is_searched(service: Service) -> None:
    """Readers need not read the index anew."""
    store = service.store
    assert isinstance(store, SqliteStore)

    def generation() -> int:
        with store._database.reading() as connection:
            return int(connection.execute("SELECT number FROM generation").fetchone()[0])

    before = generation()
    found = kept(service)
    store.answers.drop(found.id)
    assert generation() == before


def test_asking_again_keeps_both_and_says_what_is_different(service: Service, fake_ollama: FakeOllama) -> None:
    """The new record names the old one."""
    found = kept(service)
    same = answer.rerun(service.answerer, found.id)
    assert same.difference.same
    assert same.difference.digest == (found.digest, found.digest)
    assert (same.answer.rerun_of, same.answer.asked) == (found.id, found.asked)
    put(service.store, "guide/storage.md", ["Vectors are kept in one PostgreSQL table."])
    index.embed_all(service.store, service.searcher.client)  # type: ignore[arg-type]
    fake_ollama.reply = "Vectors are kept in one PostgreSQL table [1]."
    other = answer.rerun(service.answerer, found.id).difference
    assert not other.same
    assert other.sentences_gone == ("Vectors are kept in one SQLite file.", "Penguins paint them blue.")
    assert other.sentences_new == ("Vectors are kept in one PostgreSQL table.",)
    assert "Vectors are kept in one SQLite file." in [source.chunk.text for source in other.sources_gone]
    assert [source.chunk.text for source in other.sources_new] == ["Vectors are kept in one PostgreSQL table."]
    assert [entry.rerun_of for entry in service.store.answers.entries()] == [None, found.id, found.id]


def test_an_answer_that_is_dropped_is_missing_and_its_number_is_not_used_again(service: Service) -> None:
    """In words, whatever the number."""
    first = kept(service)
    service.store.answers.drop(first.id)
    assert kept(service).id > first.id
    for wrong in (first.id, 0, -1, 2**70):
        with pytest.raises(AnswerMissing, match="search answers"):
            service.store.answers.get(wrong)
        with pytest.raises(AnswerMissing):
            service.store.answers.drop(wrong)
        with pytest.raises(AnswerMissing):
            answer.rerun(service.answerer, wrong)
    assert service.store.answers.gone(first.id) == frozenset()


def test_what_an_answer_rests_on() -> None:
    """What it cites; all its sources where it cites none."""
    empty = Answer("q", "a", "refused", (), (), (), None, {})
    assert empty.rests_on == frozenset()
