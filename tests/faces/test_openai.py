"""The service as an OpenAI, asked by the official package and over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.faces.conftest import REPLY
from tests.fake_ollama import FakeOllama

official = pytest.importorskip("openai", reason="the official openai package is not installed")

ASK = [{"role": "user", "content": "Where are vectors kept?"}]


@pytest.fixture
def openai(client: httpx.Client) -> Iterator[Any]:
    with official.OpenAI(base_url=f"{client.base_url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_models(openai: Any) -> None:
    """Those of the server behind, and the chat models again with documents."""
    assert [model.id for model in openai.models.list()][-2:] == ["llama3:latest+docs", "qwen3:latest+docs"]
    assert openai.models.retrieve("llama3:latest+docs").created > 0
    with pytest.raises(official.NotFoundError, match="not found"):
        openai.models.retrieve("nothing")


def test_an_answer_from_the_documents(openai: Any) -> None:
    """Whole and streamed, with citations, usage, and an end."""
    whole = openai.chat.completions.create(model="llama3+docs", messages=ASK)
    text = whole.choices[0].message.content
    assert text.startswith(REPLY)
    assert "Sources:\n[1] guide/storage.md (guide)" in text
    assert whole.usage.total_tokens > 0
    assert whole.citations[0]["path"] == "guide/storage.md"
    chunks = list(
        openai.chat.completions.create(
            model="llama3+docs", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens > 0


def test_parts_of_a_message_are_read(openai: Any) -> None:
    """As newer clients send them."""
    parts = [{"role": "user", "content": [{"type": "text", "text": "Where are vectors kept?"}]}]
    assert openai.chat.completions.create(model="llama3+docs", messages=parts).choices[0].message.content


def test_embeddings(openai: Any, client: httpx.Client) -> None:
    """As base64, which the official client asks for, and as numbers; the same vectors."""
    made = openai.embeddings.create(model="all-minilm", input=["one", "two"])
    numbers = client.post("/v1/embeddings", json={"model": "all-minilm", "input": ["one", "two"]}).json()
    assert [one.embedding for one in made.data] == [pytest.approx(one["embedding"]) for one in numbers["data"]]
    assert numbers["usage"]["total_tokens"] == 2
    with pytest.raises(official.BadRequestError, match="exceeds the context length"):
        openai.embeddings.create(model="all-minilm", input="word " * 9_000)


def test_embeddings_of_the_embedded_model(alone: httpx.Client) -> None:
    """Without any Ollama."""
    with official.OpenAI(base_url=f"{alone.base_url}/v1", api_key="none") as made:
        assert len(made.embeddings.create(model="all-minilm", input="x").data[0].embedding) == 384
        assert "extracts+docs" in [model.id for model in made.models.list()]


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"model": "nothing+docs"}, 404, "not found"),
        ({"tools": [{"type": "function"}]}, 400, "does not support tools"),
        ({"response_format": {"type": "json_object"}}, 400, "does not support response_format"),
        ({"n": 2}, 400, "does not support n"),
        ({"messages": []}, 400, "at least one"),
        ({"messages": {"role": "user"}}, 400, "has to be a list of objects"),
        ({"stream": True, "stream_options": "x"}, 400, "stream_options has to be an object"),
    ],
)
def test_what_documents_cannot_answer_is_refused(
    client: httpx.Client, more: dict[str, Any], status: int, words: str
) -> None:
    """In OpenAI's form of an error."""
    answer = client.post("/v1/chat/completions", json={"model": "llama3+docs", "messages": ASK} | more)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_a_failure_in_a_stream_is_an_event(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """And no [DONE] follows."""
    fake_ollama.fault("half", route="/api/chat")
    body = {"model": "llama3+docs", "messages": ASK, "stream": True}
    events = client.post("/v1/chat/completions", json=body).text.strip().split("\n\n")
    assert json.loads(events[-1].removeprefix("data: "))["error"]["message"]


def test_other_models_are_passed_on(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """To the server behind, whose answer comes back as it is; this one does not know the route."""
    body = {"model": "llama3", "messages": ASK}
    answer = client.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert fake_ollama.sent("/v1/chat/completions") == [body]
