"""Follow-up questions: found out, rewritten only then, searched for both ways, with a history that is kept short."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search import answer, conversation
from search.errors import QueryError
from search.queries import Question, Turn
from search.service import Service
from tests import index
from tests.fake_ollama import FakeOllama

TURNS = (Turn("Where are vectors kept?", "Vectors are kept in one SQLite file [1]."),)


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as made:
        yield made


@pytest.mark.parametrize(
    "question", ["Can it be copied?", "And in winter?", "What about the umbrella?", "Why?", "Who wrote them?"]
)
def test_a_follow_up_leans_on_what_was_said(question: str) -> None:
    """Pronouns, beginnings that continue, and questions of hardly a word."""
    assert conversation.leans(question)


@pytest.mark.parametrize("question", ["Where are vectors kept?", "How many dimensions does the embedded model have?"])
def test_a_question_of_its_own_does_not(question: str) -> None:
    """It is searched for as it is."""
    assert not conversation.leans(question)


def test_only_whole_and_recent_turns_are_kept() -> None:
    """The oldest go first."""
    turns = tuple(Turn(f"Question {n}?", "x" * 90) for n in range(5))
    assert conversation.recent(turns, 250) == turns[3:]
    assert conversation.recent(turns, 10) == ()


def test_without_a_model_the_question_before_is_searched_for_too(service: Service) -> None:
    """And a note shows it."""
    whole = answer.answer(
        replace(service.answerer, chat=None), Question("Can it be copied while nobody writes?", conversation=TURNS)
    )
    assert whole.how == "extracts"
    assert "searched for: Where are vectors kept? Can it be copied while nobody writes?" in whole.notes
    assert any("The file can be copied" in sentence.text for sentence in whole.sentences)


def test_with_a_model_the_follow_up_is_rewritten(service: Service, fake_ollama: FakeOllama) -> None:
    """The model sees the conversation; what it makes of the question is shown and searched for."""
    fake_ollama.reply = "Can the file with the vectors be copied?"
    whole = answer.answer(service.answerer, Question("Can it be copied?", conversation=TURNS))
    rewriting, *_, last = fake_ollama.sent("/api/chat")
    assert rewriting["messages"][0] == {"role": "user", "content": "Where are vectors kept?"}
    assert "searched for: Can the file with the vectors be copied?" in whole.notes
    assert [message["role"] for message in last["messages"]] == ["system", "user", "assistant", "user"]
    assert last["messages"][-1]["content"].endswith("Question: Can it be copied?")


def test_a_rewriting_that_is_no_json_does_not_matter(service: Service, fake_ollama: FakeOllama) -> None:
    """The question before it is used instead."""
    reply = {"model": "llama3", "message": {"role": "assistant", "content": "Sure!"}, "done": True}
    fake_ollama.fault("bytes", route="/api/chat", times=1, body=json.dumps(reply).encode())
    whole = answer.answer(service.answerer, Question("Can it be copied?", conversation=TURNS))
    assert "searched for: Where are vectors kept? Can it be copied?" in whole.notes


def test_a_question_of_its_own_is_not_rewritten(service: Service, fake_ollama: FakeOllama) -> None:
    """No call, no note."""
    whole = answer.answer(
        service.answerer, Question("How many dimensions does the embedded model have?", conversation=TURNS)
    )
    assert not any("searched for" in note for note in whole.notes)
    assert not any("understood without" in str(body) for body in fake_ollama.sent("/api/chat"))


def test_turns_that_are_not_read_are_said(service: Service) -> None:
    """A long conversation is cut from its beginning, and not in silence."""
    turns = tuple(Turn(f"Question {n}?", "x" * 1_900) for n in range(5))
    whole = answer.answer(service.answerer, Question("Where are vectors kept?", conversation=turns))
    assert "only the last 2 of 5 turns of the conversation were read" in whole.notes


def test_an_empty_turn_is_refused() -> None:
    """In words."""
    with pytest.raises(QueryError, match="conversation"):
        Question("Why?", conversation=(Turn(" "),))
