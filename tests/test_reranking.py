"""Hits read and graded by a chat model, over a real index and a fake Ollama on a socket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from search import query, reranking
from search.query import Searcher
from search.records import Query, Results
from search.service import Service
from tests import index
from tests.fake_ollama import FakeOllama

ASKED = "vectors kept in the file"


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as made:
        chat = made.answerer.chat
        assert chat
        made.searcher.reranker = partial(reranking.rerank, chat)
        yield made


def grading(**grades: int) -> Any:
    """A model that grades each passage by the first of these words that it has, else 0."""

    def reply(messages: list[dict[str, Any]]) -> str:
        passages = re.findall(r"\[(\d+)\] [^\n]*\n<passage>\n(.*?)\n</passage>", messages[-1]["content"], re.DOTALL)
        graded = {
            number: next((grade for word, grade in grades.items() if word in text), 0) for number, text in passages
        }
        return json.dumps(graded)

    return reply


def ask(searcher: Searcher, k: int = 10, *, rerank: bool = True) -> Results:
    return query.search(searcher, Query(ASKED, k, rerank=rerank))


def test_hits_come_in_the_order_of_their_grades(service: Service, fake_ollama: FakeOllama) -> None:
    """Equal grades keep their order, ranks are counted anew, and each hit says its grade."""
    before = [hit.chunk.text for hit in ask(service.searcher, rerank=False).hits]
    fake_ollama.reply = grading(umbrella=3, Lisbon=2)
    found = ask(service.searcher)
    texts = [hit.chunk.text for hit in found.hits]
    assert texts[:2] == ["Bring the red umbrella.", "We leave for Lisbon on Monday at nine."]
    assert texts[2:] == [text for text in before if text not in texts[:2]]
    assert [hit.rank for hit in found.hits] == list(range(1, len(texts) + 1))
    assert [hit.grade for hit in found.hits] == [3, 2, 0, 0, 0, 0]
    assert found.hits[0].why.startswith("grade 3 of 3 by llama3; ")
    assert found.took_ms["rerank"] > 0
    assert not found.notes


def test_a_hit_beyond_the_page_can_be_lifted_onto_it(service: Service, fake_ollama: FakeOllama) -> None:
    """More are read than are shown."""
    fake_ollama.reply = grading(umbrella=3)
    assert [hit.chunk.text for hit in ask(service.searcher, k=1).hits] == ["Bring the red umbrella."]


def test_the_model_is_held_to_a_form_and_sees_passages_as_data(service: Service, fake_ollama: FakeOllama) -> None:
    """Fenced, numbered, nothing cut, no thinking; the query comes last."""
    fake_ollama.reply = grading()
    ask(service.searcher)
    (body,) = fake_ollama.sent("/api/chat")
    assert (body["think"], body["truncate"], body["shift"]) == (False, False, False)
    assert body["format"]["required"] == ["1", "2", "3", "4", "5", "6"]
    assert "[6] " in body["messages"][-1]["content"]
    assert f"Query: {ASKED}" in body["messages"][-1]["content"]


@pytest.mark.parametrize(
    "said",
    [
        "{}",
        "{oops",
        '{"1": 3}',
        '{"grades": 7}',
        json.dumps({str(n): 9 for n in range(1, 7)}),
        json.dumps({str(n): -1 for n in range(1, 7)}),
        json.dumps({str(n): True for n in range(1, 7)}),
        json.dumps({str(n): "3" for n in range(1, 7)}),
        json.dumps({str(n): None for n in range(1, 7)}),
    ],
)
def test_what_is_no_grade_of_each_passage_changes_nothing(service: Service, fake_ollama: FakeOllama, said: str) -> None:
    """The order stays, and a note says what came."""
    fake_ollama.reply = said
    found = ask(service.searcher)
    assert found.hits == ask(service.searcher, rerank=False).hits
    assert "not reranked: llama3 did not grade each passage" in found.notes[0]


@pytest.mark.parametrize("fault", ["busy", "missing", "runner", "drop", "half", "too_long"])
def test_a_model_that_fails_changes_nothing(service: Service, fake_ollama: FakeOllama, fault: str) -> None:
    """Never an error of the search."""
    fake_ollama.fault(fault, route="/api/chat")
    found = ask(service.searcher)
    assert found.hits == ask(service.searcher, rerank=False).hits
    assert found.notes[0].startswith("not reranked: ")


def test_a_model_that_takes_too_long_is_broken_off(service: Service, fake_ollama: FakeOllama) -> None:
    """The hits come as they were, and the note says how long was waited."""
    fake_ollama.fault("slow", route="/api/chat", seconds=30)
    chat = service.answerer.chat
    assert chat
    service.searcher.reranker = partial(reranking.rerank, chat, seconds=0.2)
    found = ask(service.searcher)
    assert found.hits == ask(service.searcher, rerank=False).hits
    assert found.notes == ("not reranked: llama3 took longer than 0.2 seconds: ask again when it is loaded",)


def test_passages_that_do_not_fit_the_window_follow_unread(service: Service, fake_ollama: FakeOllama) -> None:
    """They are counted in a note; the others are graded."""
    long = [f"Vectors are kept in file {number}. " + "word " * 80 for number in range(8)]
    index.fill(service.store, {"long.md": long})
    fake_ollama.reply = grading(file=2)
    chat = service.answerer.chat
    assert chat
    service.searcher.reranker = partial(reranking.rerank, replace(chat, num_ctx=1000))
    found = query.search(service.searcher, Query(ASKED, path="long.md", diversify=False, rerank=True))
    graded = [hit.grade for hit in found.hits]
    assert len(graded) == 8
    assert graded == [2] * graded.count(2) + [None] * graded.count(None)
    assert 0 < graded.count(None) < 8
    assert f"{graded.count(None)} of 8 hits were not reranked" in "".join(found.notes)


def test_without_a_chat_model_a_note_says_what_to_do(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """The hits come all the same."""
    with index.service(tmp_path, fake_ollama.url) as service:
        found = ask(service.searcher, k=2)
    assert len(found.hits) == 2
    assert found.notes == ("not reranked: no chat model is set; name one in SEARCH_CHAT_MODEL",)
