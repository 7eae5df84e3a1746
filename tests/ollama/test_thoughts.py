"""Thoughts within the text of an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ollama.thoughts import ThoughtsApart
from search.ollama.wire import ChatResponse, Message
from tests.fake_ollama import FakeOllama
from tests.ollama.conftest import Ask


def apart(pieces: list[str]) -> tuple[str, str]:
    """Thinking and content of an answer that comes in these pieces, then its end."""
    split = ThoughtsApart()
    lines = [ChatResponse(message=Message(content=piece)) for piece in pieces] + [ChatResponse(done=True)]
    messages = [split(line).message for line in lines]
    return "".join(m.thinking for m in messages), "".join(m.content for m in messages)


@pytest.mark.parametrize(
    ("text", "thinking", "content"),
    [
        ("<think>hm</think>yes", "hm", "yes"),
        ("\n <think>hm\n</think>\n\nyes", "hm\n", "\n\nyes"),
        ("<think></think>", "", ""),
        ("<think>never ends </thin", "never ends </thin", ""),
        ("a <think>tag</think> in the text", "", "a <think>tag</think> in the text"),
        ("<thin ice", "", "<thin ice"),
        ("<think", "", "<think"),
        ("  ", "", "  "),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ],
)
def test_thoughts_come_apart_in_any_pieces(text: str, thinking: str, content: str) -> None:
    """Only at the beginning; what is no tag in the end is text."""
    for size in range(1, len(text) + 1):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert apart(pieces) == (thinking, content)


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "</th", "ink>", "a", "\n", "<thi", "nk>"])))
def test_any_pieces_give_what_the_whole_text_gives(pieces: list[str]) -> None:
    """As one regular expression would split it."""
    whole = "".join(pieces)
    found = re.match(r"\s*<think>(.*?)(?:</think>(.*))?\Z", whole, re.DOTALL)
    assert apart(pieces) == ((found[1], found[2] or "") if found else ("", whole))


def test_both_clients_keep_thoughts_apart(ask: Ask, fake_ollama: FakeOllama) -> None:
    """In one piece and in a stream, each answer anew."""
    fake_ollama.reply = "<think>Let me see.</think> It is a cat [1]."
    messages = [{"role": "user", "content": "?"}]
    for _ in range(2):
        whole = ask(fake_ollama.url, "chat", "llama3", messages).message
        lines = [line.message for line in ask(fake_ollama.url, "chat_stream", "llama3", messages)]
        assert (whole.thinking, whole.content) == ("Let me see.", " It is a cat [1].")
        assert "".join(line.thinking for line in lines) == "Let me see."
        assert "".join(line.content for line in lines) == " It is a cat [1]."
