"""The server's words decide which error it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from search import errors
from search.errors import (
    InputTooLong,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelRefused,
    ModelUnreachable,
    NotFinite,
    RouteMissing,
    RunnerFailed,
)
from search.ollama import api, hosts, translation

HOST = hosts.parse("gpu-box")
EMBED = api.embed("bge-m3", ["text"])
CHAT = api.chat("llama3", [{"role": "user", "content": "hi"}])
PULL = api.pull("bge-m3")
COPY = api.copy("a", "b")
TAGS = api.tags()

TABLE: list[tuple[api.Call[Any], int, str, type[ModelError], str]] = [
    # too long, in the words of many versions
    (EMBED, 400, "the input length exceeds the context length", InputTooLong, "window"),
    (EMBED, 400, "input length exceeds maximum context length", InputTooLong, "window"),
    (EMBED, 400, "input after truncation exceeds maximum context length", InputTooLong, "window"),
    (EMBED, 400, "input exceeds maximum context length and cannot be truncated further", InputTooLong, "window"),
    (EMBED, 500, "input (2100 tokens) is too large to process. increase the physical batch size", InputTooLong, ""),
    (EMBED, 400, "the request exceeds the available context size, try increasing it", InputTooLong, ""),
    (CHAT, 400, "the prompt is longer than the context length currently available to the model; x", InputTooLong, ""),
    # no numbers
    (EMBED, 400, "embedding contains NaN or Inf values", NotFinite, "NaN"),
    (EMBED, 500, "failed to encode response: json: unsupported value: NaN", NotFinite, "NaN"),
    # the runner
    (EMBED, 400, 'do embedding request: Post "http://127.0.0.1:1/embedding": EOF', RunnerFailed, "try again"),
    (EMBED, 400, "dial tcp 127.0.0.1:1: connect: connection refused", RunnerFailed, "try again"),
    (EMBED, 500, "EOF", RunnerFailed, "try again"),
    (EMBED, 400, "unexpected server status: llm server loading model", RunnerFailed, "try again"),
    (EMBED, 400, "failed to tokenize", RunnerFailed, "try again"),
    (CHAT, 500, "llama runner process has terminated: exit status 2", RunnerFailed, "try again"),
    (CHAT, 500, "model requires more system memory (9 GiB) than is available (3 GiB)", RunnerFailed, "memory"),
    (CHAT, 500, "the compute graph is too large for memory", RunnerFailed, "memory"),
    (TAGS, 500, "open /models: permission denied", RunnerFailed, "permission denied"),
    # busy
    (EMBED, 503, "server busy, please try again. maximum pending requests exceeded", ModelBusy, "later"),
    (EMBED, 500, "server busy, please try again", ModelBusy, "later"),
    (CHAT, 429, "you've reached your hourly usage limit", ModelBusy, "hourly usage limit"),
    # missing
    (EMBED, 404, 'model "bge-m3" not found, try pulling it first', ModelMissing, "`ollama pull bge-m3`"),
    (EMBED, 404, "model 'bge-m3' not found", ModelMissing, "`ollama pull bge-m3`"),
    (COPY, 404, 'model "a" not found', ModelMissing, "`ollama pull a`"),
    # no such route
    (EMBED, 404, "404 page not found", RouteMissing, "update Ollama"),
    (TAGS, 404, "", RouteMissing, "check OLLAMA_HOST"),
    (EMBED, 404, "", RouteMissing, "check OLLAMA_HOST"),
    # refused
    (CHAT, 401, "unauthorized", ModelRefused, "ollama signin"),
    (EMBED, 403, "", ModelRefused, "host name"),
    (EMBED, 403, "ollama cloud is disabled", ModelRefused, "ollama cloud is disabled"),
    (CHAT, 400, '"bge-m3" does not support chat', ModelRefused, "choose a model that does"),
    (EMBED, 400, "invalid input type", ModelRefused, "invalid input type"),
    (EMBED, 405, "405 method not allowed", ModelRefused, "405"),
    (PULL, 400, "connection refused", ModelRefused, "connection refused"),
    (COPY, 400, "blob x not found", ModelRefused, "blob x not found"),
    (EMBED, 418, "", ModelRefused, "418"),
    # in between
    (CHAT, 502, "ollama.com is unreachable", ModelUnreachable, "ollama.com is unreachable"),
    (CHAT, 504, "", ModelUnreachable, "504"),
    (CHAT, 499, "request canceled", ModelUnreachable, "request canceled"),
]


@pytest.mark.parametrize(("call", "status", "words", "kind", "said"), TABLE)
def test_each_wording_has_its_class(
    call: api.Call[Any], status: int, words: str, kind: type[ModelError], said: str
) -> None:
    """And a message that names the server, the call, the server's words and what to do."""
    body = to_json({"error": words}) if words else b""
    error = translation.refusal(call, HOST, status, body, {})
    assert type(error) is kind
    assert said in str(error)
    assert "http://gpu-box:11434" in str(error)
    if kind not in (ModelMissing, RouteMissing, NotFinite):
        assert words in str(error)
    if isinstance(error, ModelRefused):
        assert error.status == status


@pytest.mark.parametrize(
    ("call", "words", "kind"),
    [
        (CHAT, "llama runner process has terminated: exit status 2", RunnerFailed),
        (CHAT, "an error was encountered while running the model: unexpected EOF", RunnerFailed),
        (CHAT, "server busy, please try again", ModelBusy),
        (CHAT, 'model "x" not found, try pulling it first', ModelMissing),
        (CHAT, "unauthorized", ModelRefused),
        (PULL, "pull model manifest: file does not exist", ModelRefused),
    ],
)
def test_an_error_within_a_stream_is_told_by_its_words_alone(
    call: api.Call[Any], words: str, kind: type[ModelError]
) -> None:
    error = translation.refused_by_words(call, HOST, words)
    assert type(error) is kind
    assert not isinstance(error, ModelRefused) or (error.status == 0 and words in str(error))


def test_retry_after_is_read_as_seconds_or_date() -> None:
    """Nonsense is no time at all."""

    def after(value: str) -> float | None:
        error = translation.refusal(EMBED, HOST, 503, b"", httpx.Headers({"Retry-After": value}))
        assert isinstance(error, ModelBusy)
        return error.retry_after

    assert after("2.5") == 2.5
    assert after("-3") == 0
    assert after("inf") is after("nan") is after("soon") is after("") is None
    assert after(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0
    later = after(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert later is not None
    assert 3000 < later <= 3600


def test_bodies_that_are_no_ollama_errors_are_still_told() -> None:
    """A proxy's page, a vendor's shape, a place to go, a link to sign in."""
    page = b"<html><style>a{b}</style><h1>413 Request Entity Too Large</h1></html>"
    assert "413 Request Entity Too Large" in str(translation.refusal(EMBED, HOST, 413, page, {}))
    shape = to_json({"error": {"message": "bad thing", "code": 3}})
    assert "bad thing" in str(translation.refusal(EMBED, HOST, 400, shape, {}))
    moved = translation.refusal(EMBED, HOST, 301, b"", {"location": "https://there.example/"})
    assert "https://there.example/" in str(moved)
    link = to_json({"error": "unauthorized", "signin_url": "https://ollama.com/connect?x"})
    assert "https://ollama.com/connect?x" in str(translation.refusal(CHAT, HOST, 401, link, {}))


def test_the_embedded_model_is_never_to_be_pulled() -> None:
    embedded = hosts.parse("embedded://")
    error = translation.refusal(EMBED, embedded, 404, to_json({"error": 'model "bge-m3" not found'}), {})
    assert isinstance(error, ModelMissing)
    assert "pull" not in str(error)


@given(
    st.sampled_from([EMBED, CHAT, PULL, TAGS]),
    st.integers(300, 599),
    st.binary(max_size=200) | st.text(max_size=50).map(lambda words: to_json({"error": words})),
    st.dictionaries(st.sampled_from(["retry-after", "location"]), st.text(max_size=30)),
)
def test_any_answer_becomes_an_error_of_ours(
    call: api.Call[Any], status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = translation.refusal(call, HOST, status, body, headers)
    assert isinstance(error, errors.ModelError)
    assert str(error)
