"""Calls that another thread breaks off: at every stage, with no other call disturbed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from search.errors import ModelRefused, ModelUnreachable, Stopped
from search.ollama.client import Client
from search.ollama.stopping import Stop
from tests.fake_ollama import FakeOllama
from tests.waiting import wait_for

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def client(fake_ollama: FakeOllama) -> Iterator[Client]:
    with Client(fake_ollama.url) as made:
        yield made


@pytest.mark.parametrize("streamed", [True, False])
def test_a_call_that_waits_for_its_first_byte_is_broken_off(
    client: Client, fake_ollama: FakeOllama, streamed: bool
) -> None:
    """The server learns of it, and the thread that waits does not wait any more."""
    fake_ollama.fault("stall", route="/api/chat")
    stop = Stop()
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            if streamed:
                list(client.stopped_by(stop).chat_stream("llama3", HELLO))
            else:
                client.stopped_by(stop).chat("llama3", HELLO)
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: fake_ollama.calls["/api/chat"])
    stop()
    thread.join(20)
    assert not thread.is_alive()
    assert len(caught) == 1
    fake_ollama.stop()
    assert fake_ollama.hung_up == 1


def test_a_stream_is_broken_off_between_two_lines(client: Client, fake_ollama: FakeOllama) -> None:
    """The lines that came are there."""
    fake_ollama.fault("stall", route="/api/chat", after=1)
    stop = Stop()
    lines = iter(client.stopped_by(stop).chat_stream("llama3", HELLO))
    next(lines)
    threading.Timer(0.05, stop).start()
    with pytest.raises(Stopped):
        next(lines)


def test_no_call_begins_that_is_stopped_already(client: Client, fake_ollama: FakeOllama) -> None:
    """Nothing is sent."""
    stop = Stop()
    stop()
    with pytest.raises(Stopped):
        client.stopped_by(stop).chat("llama3", HELLO)
    with pytest.raises(Stopped):
        next(client.stopped_by(stop).chat_stream("llama3", HELLO))
    assert fake_ollama.calls["/api/chat"] == 0


def test_other_calls_go_on(client: Client, fake_ollama: FakeOllama) -> None:
    """Those of the same client with another stop, and with none; and stopping what has ended does nothing."""
    first, second = Stop(), Stop()
    assert client.stopped_by(first).chat("llama3", HELLO).done
    lines = client.stopped_by(second).chat_stream("llama3", HELLO)
    next(lines)
    first()
    first()
    assert list(lines)[-1].done
    assert client.chat("llama3", HELLO).done
    assert fake_ollama.calls["/api/chat"] == 3


def test_failures_that_nobody_asked_for_stay_what_they_are(client: Client, fake_ollama: FakeOllama) -> None:
    """A server that refuses or goes away has not been stopped."""
    stop = Stop()
    with pytest.raises(ModelRefused):
        client.stopped_by(stop).chat("all-minilm", HELLO)
    fake_ollama.fault("drop", route="/api/chat")
    with pytest.raises(ModelUnreachable):
        client.stopped_by(stop).chat("llama3", HELLO)
