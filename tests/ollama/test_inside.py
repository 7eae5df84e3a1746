"""The embedded model answers a call as it answers a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.embedded.transport import EmbeddedTransport
from search.errors import ModelError
from search.ollama.client import Client


@pytest.fixture
def called() -> Iterator[Client]:
    with Client(EMBEDDED_HOST) as client:
        yield client


@pytest.fixture
def sent() -> Iterator[Client]:
    """The same through httpx and JSON."""
    with Client(EMBEDDED_HOST, transport=EmbeddedTransport()) as client:
        yield client


def outcome(ask: Callable[[Client], Any], client: Client) -> Any:
    """What is answered, or the error in words."""
    try:
        return ask(client)
    except ModelError as error:
        return type(error), str(error)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.health(),
        lambda client: client.version(),
        lambda client: client.tags(),
        lambda client: client.show(EMBEDDED_MODEL),
        lambda client: client.show("none"),
        lambda client: client.show(""),
        lambda client: client.status(),
        lambda client: client.embed("none", "a"),
        lambda client: client.embed("a b", "a"),
        lambda client: client.embed(EMBEDDED_MODEL, "word " * 400, truncate=False),
        lambda client: client.embeddings(EMBEDDED_MODEL, "word " * 400),
        lambda client: client.embed(EMBEDDED_MODEL, ["a"], options={"num_ctx": "many"}),
        lambda client: client.generate(EMBEDDED_MODEL, "a"),
        lambda client: client.chat(EMBEDDED_MODEL, [{"role": "user", "content": "a"}]),
        lambda client: client.delete(EMBEDDED_MODEL),
        lambda client: client.pull(EMBEDDED_MODEL),
        lambda client: client.blob_exists("sha256:" + "0" * 64),
    ],
)
def test_answers_and_errors_are_those_of_a_request(called: Client, sent: Client, ask: Callable[[Client], Any]) -> None:
    """In the same classes and words."""
    assert outcome(ask, called) == outcome(ask, sent)


def test_vectors_are_those_of_a_request(called: Client, sent: Client) -> None:
    """To the last bit, however they are asked for; the tokens are counted too."""
    for texts in (["a red umbrella", "ein roter Schirm"], "one", []):
        one, other = called.embed(EMBEDDED_MODEL, texts), sent.embed(EMBEDDED_MODEL, texts)
        np.testing.assert_array_equal(one.vectors, other.vectors)
        assert one.metrics.prompt_tokens == other.metrics.prompt_tokens
        assert (one.model, one.extra) == (other.model, other.extra)
    cut = called.embed(EMBEDDED_MODEL, "a", dimensions=7).vectors
    np.testing.assert_array_equal(cut, sent.embed(EMBEDDED_MODEL, "a", dimensions=7).vectors)
    legacy = called.embeddings(EMBEDDED_MODEL, "a"), sent.embeddings(EMBEDDED_MODEL, "a")
    np.testing.assert_array_equal(legacy[0].vectors, legacy[1].vectors)


def test_a_model_is_described_as_it_describes_itself(called: Client, sent: Client) -> None:
    """Without being asked."""
    model, listed = embed.describe(called, EMBEDDED_MODEL), sent.tags().find(EMBEDDED_MODEL)
    assert listed
    assert model.digest == listed.digest
    assert model.dimensions == sent.embed(EMBEDDED_MODEL, "a").vectors.shape[1]
    assert model.window == sent.show(EMBEDDED_MODEL).context_length


def test_it_can_be_closed_unused_and_used() -> None:
    """With a stream, which goes through httpx, or without."""
    Client(EMBEDDED_HOST).close()
    with Client(EMBEDDED_HOST) as client, pytest.raises(ModelError, match="does not support chat"):
        list(client.chat_stream(EMBEDDED_MODEL, [{"role": "user", "content": "a"}]))
