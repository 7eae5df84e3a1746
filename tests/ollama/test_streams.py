"""Answers line by line, whole and broken, on both clients."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from search.errors import (
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelRefused,
    ModelUnreachable,
    RunnerFailed,
)
from search.ollama import api, hosts, streams
from search.ollama.asynchronous import AsyncClient
from search.ollama.client import Client, Timeouts
from search.ollama.streams import Lines
from tests.fake_ollama import FakeOllama
from tests.ollama.conftest import Ask
from tests.waiting import wait_for

CHAT = api.chat("llama3", [{"role": "user", "content": "hi"}])
HOST = hosts.parse("")
MESSAGES = [{"role": "user", "content": "hi"}]
SAID = "I have no passages."


def line(text: str, done: bool = False) -> bytes:
    return to_json({"message": {"content": text}, "done": done}) + b"\n"


def read(pieces: list[bytes]) -> list[str]:
    """The contents of all lines, ended as a stream ends."""
    lines = Lines(CHAT, HOST)
    found = [record for piece in pieces for record in lines.feed(piece)]
    return [record.message.content for record in [*found, *lines.end()]]


TEXTS = st.lists(st.text(max_size=20), max_size=8)


@given(TEXTS, st.lists(st.integers(0, 400), max_size=20), st.booleans())
def test_lines_are_the_same_however_the_bytes_are_cut(texts: list[str], cuts: list[int], newline: bool) -> None:
    """In the middle of a character, with empty lines, without a line end at the end; white space at the beginning may
    come a line later, because thoughts may begin with it."""
    whole = b"\n".join(line(text) for text in texts) + b"\r\n" + line("end", done=True)
    whole = whole if newline else whole.rstrip(b"\n")
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    contents = read(pieces)
    assert len(contents) == len(texts) + 1
    assert "".join(contents) == "".join(texts) + "end"


def test_only_line_feeds_end_a_line() -> None:
    """U+0085, U+2028 and their like may stand within JSON text as they are."""
    text = "a\u0085b\u2028c\x1cd\x0be"
    raw = '{"message": {"content": "a\u0085b\u2028c"}, "done": true}\n'.encode()
    assert read([line(text), raw]) == [text, "a\u0085b\u2028c"]


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never ends its line does not fill the memory."""
    monkeypatch.setattr(streams, "MAX_LINE", 1000)
    with pytest.raises(ModelGarbled, match="1,000 bytes"):
        read([b"x" * 600, b"x" * 600])


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_stream_arrives_in_any_pieces(ask: Ask, fake_ollama: FakeOllama, size: int) -> None:
    fake_ollama.fault("pieces", size=size)
    lines = ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES)
    assert "".join(line.message.content for line in lines) == SAID
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1].metrics.tokens_per_second == pytest.approx(50)


def test_a_line_of_nine_megabytes_arrives_whole(ask: Ask, fake_ollama: FakeOllama) -> None:
    text = "é" * 4_500_000
    fake_ollama.reply = text
    lines = ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES)
    assert [line.message.content for line in lines] == [text, ""]


def test_thoughts_are_apart_from_the_text(ask: Ask, fake_ollama: FakeOllama) -> None:
    lines = ask(fake_ollama.url, "chat_stream", "qwen3", MESSAGES, think=True)
    assert "".join(line.message.thinking for line in lines) == "Let me think."
    assert "".join(line.message.content for line in lines) == SAID


def test_probabilities_come_with_the_tokens(ask: Ask, fake_ollama: FakeOllama) -> None:
    lines = ask(fake_ollama.url, "generate_stream", "llama3", "hi", logprobs=True, top_logprobs=2)
    assert lines[0].logprobs[0].token == lines[0].response == "I"
    assert [item.logprob for item in lines[0].logprobs[0].top_logprobs] == [-0.25, -0.25]


BROKEN = [
    (("error_line", {}), RunnerFailed, "runner process has terminated"),
    (("error_line", {"after": 0}), RunnerFailed, "runner process has terminated"),
    (("error_line", {"words": "server busy, please try again"}), ModelBusy, "server busy"),
    (("error_line", {"words": "unauthorized"}), ModelRefused, "unauthorized"),
    (("no_end", {}), ModelUnreachable, "after 4 lines"),
    (("half_line", {}), ModelUnreachable, "in the middle of a line"),
    (("bytes", {"body": b'{"message": {"content": "x"}'}), ModelUnreachable, "in the middle of a line"),
    (("half", {}), ModelUnreachable, "broke off"),
    (("drop", {}), ModelUnreachable, "broke off"),
    (("bad_line", {}), ModelGarbled, "not JSON"),
    (("bad_line", {"line": b'["a"]\n'}), ModelGarbled, "not an object"),
    (("bad_line", {"line": b'{"done": "perhaps"}\n'}), ModelGarbled, "done"),
    (("bytes", {}), ModelGarbled, "It works!"),
    (("bytes", {"body": b""}), ModelUnreachable, "after 0 lines"),
    (("busy", {"retry_after": 7}), ModelBusy, "in 7 s"),
]


@pytest.mark.parametrize(("broken", "kind", "words"), BROKEN)
def test_a_broken_stream_says_how_it_broke(
    ask: Ask, fake_ollama: FakeOllama, broken: tuple[str, dict[str, Any]], kind: type[ModelError], words: str
) -> None:
    fault, settings = broken
    fake_ollama.fault(fault, times=1, **settings)
    with pytest.raises(kind, match=words) as raised:
        ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES)
    assert type(raised.value) is kind
    assert fake_ollama.url in str(raised.value)


def test_lines_before_the_break_are_given(fake_ollama: FakeOllama) -> None:
    """What was said before an error can be shown."""
    fake_ollama.fault("error_line", after=3)
    heard = []
    with Client(fake_ollama.url) as client, suppress(RunnerFailed):
        for line in client.chat_stream("llama3", MESSAGES):
            heard.append(line.message.content)
    assert "".join(heard) == "I have no"


def test_a_stalled_stream_ends_by_the_idle_timeout(ask: Ask, fake_ollama: FakeOllama) -> None:
    """Though the first byte may take long."""
    fake_ollama.fault("stall", after=2)
    with pytest.raises(ModelUnreachable, match=r"silent for 0\.1 s"):
        ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES, timeouts=Timeouts(first_byte=30, idle=0.1))


def test_a_slow_first_byte_is_no_stall(ask: Ask, fake_ollama: FakeOllama) -> None:
    """A model is loaded: the idle timeout does not apply yet."""
    fake_ollama.fault("slow", seconds=1.5)
    timeouts = Timeouts(first_byte=30, idle=1.0)
    assert ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES, timeouts=timeouts)[-1].done


def test_a_first_byte_that_never_comes_ends_by_its_own_timeout(ask: Ask, fake_ollama: FakeOllama) -> None:
    fake_ollama.fault("stall")
    with pytest.raises(ModelUnreachable, match=r"silent for 0\.1 s"):
        ask(fake_ollama.url, "chat_stream", "llama3", MESSAGES, timeouts=Timeouts(first_byte=0.1, idle=30))


def test_leaving_early_closes_the_connection(fake_ollama: FakeOllama) -> None:
    """So that the server stops writing; sync."""
    fake_ollama.fault("stall", after=1)
    with Client(fake_ollama.url) as client:
        with client.chat_stream("llama3", MESSAGES) as lines:
            assert next(lines).message.content == "I"
        assert list(lines) == []
        wait_for(lambda: fake_ollama.hung_up == 1)
        assert client.version().version


def test_leaving_early_closes_the_connection_async(fake_ollama: FakeOllama) -> None:
    """By leaving the block, and by cancelling the task that waits for a line."""
    fake_ollama.fault("stall", after=1)

    async def listen(client: AsyncClient) -> None:
        async with client.chat_stream("llama3", MESSAGES) as lines:
            async for _ in lines:
                pass

    async def run() -> None:
        async with AsyncClient(fake_ollama.url) as client:
            async with client.chat_stream("llama3", MESSAGES) as lines:
                assert (await anext(lines)).message.content == "I"
            assert [line async for line in lines] == []
            await asyncio.to_thread(wait_for, lambda: fake_ollama.hung_up == 1)
            listening = asyncio.create_task(listen(client))
            await asyncio.to_thread(wait_for, lambda: fake_ollama.calls["/api/chat"] == 2)
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await asyncio.to_thread(wait_for, lambda: fake_ollama.hung_up == 2)
            assert (await client.version()).version

    asyncio.run(run())


def test_entering_the_block_already_raises(fake_ollama: FakeOllama) -> None:
    """So that a caller knows of an error before it begins an answer of its own."""
    with Client(fake_ollama.url) as client, pytest.raises(ModelError, match="ollama pull nowhere"):
        client.chat_stream("nowhere", MESSAGES).__enter__()


def test_many_streams_run_side_by_side(fake_ollama: FakeOllama) -> None:
    """Twenty on one async client, each with an answer of its own."""
    fake_ollama.reply = lambda messages: str(messages[-1]["content"]) * 3

    async def say(client: AsyncClient, text: str) -> str:
        async with client.chat_stream("llama3", [{"role": "user", "content": text}]) as lines:
            return "".join([line.message.content async for line in lines])

    async def run() -> list[str]:
        async with AsyncClient(fake_ollama.url) as client:
            return await asyncio.gather(*(say(client, f"{n} ") for n in range(20)))

    assert asyncio.run(run()) == [f"{n} " * 3 for n in range(20)]
