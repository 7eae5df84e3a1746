"""The service as an Ollama, asked by the official package, by LangChain, and over plain HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from search.faces import models
from tests import index
from tests.faces.conftest import REPLY, faced
from tests.fake_ollama import FakeOllama

ollama = pytest.importorskip("ollama", reason="the official ollama package is not installed")


@pytest.fixture
def official(client: httpx.Client) -> Iterator[Any]:
    """The official client, closed afterwards."""
    with ollama.Client(str(client.base_url)) as made:
        yield made


ASK = [{"role": "user", "content": "Where are vectors kept?"}]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3", None),
        ("llama3:8b", None),
        ("llama3+docs", "llama3"),
        ("llama3+docs:latest", "llama3:latest"),
        ("llama3:8b+docs", "llama3:8b"),
        ("extracts+docs", "extracts"),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    """Wherever a client puts the tag."""
    assert models.base(name) == expected


def test_the_official_package_lists_shows_and_embeds(official: Any) -> None:
    """Chat models a second time, embedding models once; the rest as the server behind has it."""
    names = [model.model for model in official.list().models]
    assert names == ["all-minilm:latest", "llama3:latest", "qwen3:latest", "llama3:latest+docs", "qwen3:latest+docs"]
    assert official.show("llama3+docs").capabilities == ["completion"]
    assert official.show("llama3").capabilities == ["completion", "tools"]
    assert len(official.embed("all-minilm", ["one", "two"]).embeddings) == 2
    assert official.ps().models[0].model == "all-minilm:latest"


def test_an_encoder_that_the_list_calls_a_chat_model_gets_no_documents(official: Any, fake_ollama: FakeOllama) -> None:
    """Ollama's list is wrong about encoders made from safetensors; what it shows of the model counts."""
    imported = replace(fake_ollama.models["all-minilm:latest"], listed_as=("completion",))
    fake_ollama.models["all-minilm:latest"] = imported
    assert "all-minilm:latest+docs" not in [model.model for model in official.list().models]


def test_the_official_package_gets_an_answer_from_the_documents(official: Any) -> None:
    """Streamed and whole, with citations in the text and as a field, and what is not in the sources said."""
    whole = official.chat("llama3:latest+docs", ASK)
    text = whole.message.content
    assert text.startswith(REPLY)
    assert "Not found in the sources: The moon is made of green cheese [1]." in text
    assert "Sources:\n[1] guide/storage.md (guide)" in text
    assert whole.done
    assert whole.done_reason == "stop"
    assert whole.eval_count > 0
    lines = list(official.chat("llama3+docs", ASK, stream=True))
    assert "".join(line.message.content for line in lines) == text
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert len(lines) > 5
    generated = official.generate("llama3+docs", "Where are vectors kept?")
    assert generated.response == text


def test_a_conversation_goes_with_the_question(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """A follow-up is understood with what it leans on; what we added to earlier answers does not go along."""
    first = client.post("/api/chat", json={"model": "llama3+docs", "messages": ASK, "stream": False}).json()
    assert "Sources:" in first["message"]["content"]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "  "},
        *ASK,
        first["message"],
        {"role": "user", "content": "x" * 25_000},
        *ASK,
        first["message"],
        {"role": "user", "content": [{"type": "text", "text": "Can it be copied?"}]},
    ]
    for path in ("/api/chat", "/v1/chat/completions"):
        fake_ollama.requests.clear()
        answer = client.post(path, json={"model": "llama3+docs", "messages": messages, "stream": False})
        assert answer.status_code == 200, answer.text
        sent = fake_ollama.sent("/api/chat")
        assert "understood without the conversation" in sent[0]["messages"][-1]["content"]
        system, question, reply, last = sent[-1]["messages"]
        assert "Be brief" not in system["content"]
        assert (question["content"], reply["content"]) == ("Where are vectors kept?", REPLY)
        assert last["content"].endswith("Question: Can it be copied?")
        text = answer.text
        assert "searched for: " in text


def test_citations_are_spans_of_documents(client: httpx.Client) -> None:
    """For programs: where each sentence stands."""
    body = {"model": "llama3+docs", "messages": ASK, "stream": False}
    answer = client.post("/api/chat", json=body).json()
    (citation,) = answer["citations"]
    where = {name: citation[name] for name in ("root", "path", "start", "end")}
    assert client.get("/document", params=where).json()["text"] == "Vectors are kept in one SQLite file."
    assert (citation["n"], citation["support"]) == (1, "supported")


def test_langchain_runs_unchanged(client: httpx.Client) -> None:
    """Its ChatOllama, whole and streamed."""
    langchain = pytest.importorskip("langchain_ollama", reason="langchain-ollama is not installed")
    chat = langchain.ChatOllama(model="llama3+docs", base_url=str(client.base_url))
    assert chat.invoke("Where are vectors kept?").content.startswith(REPLY)
    assert "".join(piece.content for piece in chat.stream("Where are vectors kept?")).startswith(REPLY)
    chat._client.close()
    asyncio.run(chat._async_client.close())


def test_other_models_are_passed_on_word_for_word(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """Bodies, answers and errors as without us."""
    fake_ollama.reply = "Hello there."
    body = {"model": "llama3", "messages": [{"role": "user", "content": "hi"}], "options": {"seed": 1}}
    ours, theirs = (httpx.post(f"{url}/api/chat", json=body) for url in (client.base_url, fake_ollama.url))
    texts = [
        "".join(json.loads(line)["message"]["content"] for line in answer.text.splitlines())
        for answer in (ours, theirs)
    ]
    assert texts == ["Hello there."] * 2
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    assert fake_ollama.sent("/api/chat")[0] == body
    for method, path, wrong in (
        ("POST", "/api/chat", {"model": "nothing", "messages": ASK}),
        ("POST", "/api/show", {"model": "nothing"}),
        ("POST", "/api/embed", {"model": "all-minilm", "input": "word " * 9_000, "truncate": False}),
        ("POST", "/api/generate", {"model": "all-minilm", "prompt": "x"}),
        ("POST", "/api/chat", {"model": "nothing+docs", "messages": ASK}),
        ("POST", "/api/chat", [1]),
    ):
        ours = client.request(method, path, json=wrong)
        plain = json.loads(json.dumps(wrong).replace("+docs", "").replace("/api/chat", "/api/show"))
        theirs = httpx.request(method, f"{fake_ollama.url}{path}", json=plain)
        assert ours.status_code == theirs.status_code, wrong
        assert ours.json()["error"].replace("'", '"') in theirs.json()["error"].replace("'", '"')


@pytest.mark.parametrize("model", ["llama3", "llama3+docs"])
def test_streams_are_not_held_back(client: httpx.Client, fake_ollama: FakeOllama, model: str) -> None:
    """Two lines arrive though the server says nothing more; when it goes away, the last line says so."""
    fake_ollama.fault("stall", route="/api/chat", after=2)
    with client.stream("POST", "/api/chat", json={"model": model, "messages": ASK}) as answer:
        lines = answer.iter_lines()
        for _ in range(2):
            assert json.loads(next(lines))["message"]["content"]
        fake_ollama.stop()
        assert json.loads(list(lines)[-1])["error"]


def test_a_failure_in_a_stream_is_a_last_line(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """As Ollama does it, with and without documents."""
    fake_ollama.fault("half", route="/api/chat")
    for model in ("llama3", "llama3+docs"):
        answer = client.post("/api/chat", json={"model": model, "messages": ASK})
        assert answer.status_code == 200
        assert json.loads(answer.text.splitlines()[-1])["error"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tools": [{"type": "function"}]}, "does not support tools"),
        ({"think": True}, "does not support thinking"),
        ({"format": "json"}, "does not support a format"),
        ({"messages": [{"role": "user", "content": "?", "images": ["x"]}]}, "does not support images"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "the last message has to be a text of the user"),
        ({"messages": "x"}, "messages has to be a list of objects"),
        ({"messages": 5}, "messages has to be a list of objects"),
        ({"messages": {"role": "user"}}, "messages has to be a list of objects"),
        ({"messages": ["x"]}, "messages has to be a list of objects"),
        ({"messages": [{"role": "user", "content": " "}]}, "the question is empty"),
        ({"model": "all-minilm+docs"}, "does not support chat"),
    ],
)
def test_what_documents_cannot_answer_is_refused(client: httpx.Client, more: dict[str, Any], words: str) -> None:
    """400 in words; nothing is ignored in silence."""
    answer = client.post("/api/chat", json={"model": "llama3+docs", "messages": ASK} | more)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_loading_and_looking_whether_it_is_there(client: httpx.Client) -> None:
    """What clients do before they ask."""
    assert client.post("/api/generate", json={"model": "llama3+docs"}).json()["done_reason"] == "load"
    unload = {"model": "llama3+docs", "messages": [], "keep_alive": 0}
    assert client.post("/api/chat", json=unload).json()["done_reason"] == "unload"
    assert client.head("/").status_code == 200
    assert client.head("/api/tags").status_code == 200
    assert client.get("/api/version").json()["version"]


def test_models_are_changed_from_this_machine_only(
    client: httpx.Client, official: Any, tmp_path: Path, fake_ollama: FakeOllama
) -> None:
    """Passed on, streams too; not where others reach the service, and not for a page of another site."""
    assert [line.status for line in official.pull("new", stream=True)][-1] == "success"
    official.copy("new", "copied")
    official.delete("new")
    assert "copied:latest" in fake_ollama.models
    assert "new:latest" not in fake_ollama.models
    (tmp_path / "weights").write_bytes(b"weights" * 1000)
    digest = official.create_blob(tmp_path / "weights")
    assert client.head(f"/api/blobs/{digest}").status_code == 200
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert client.post("/api/pull", json={"model": "x"}, headers=headers).status_code == 403
    (tmp_path / "other").mkdir()
    with (
        index.service(tmp_path / "other", fake_ollama.url, chat_model="llama3") as service,
        faced(service, "0.0.0.0") as reached,
    ):
        assert reached.request("DELETE", "/api/delete", json={"model": "copied"}).status_code == 403
        assert reached.post("/api/chat", json={"model": "llama3+docs", "messages": ASK}).status_code == 200
    assert "copied:latest" in fake_ollama.models


def test_without_a_chat_model_the_documents_are_quoted(alone: httpx.Client) -> None:
    """extracts+docs, in front of the embedded model, which embeds through the same port."""
    with ollama.Client(str(alone.base_url)) as official:
        names = [model.model for model in official.list().models]  # the multilingual model is there where its extra is
        assert (names[0], names[-1]) == ("all-minilm:latest", "extracts+docs")
        assert official.show("extracts+docs").details.family == "semsearch"
        answer = official.chat("extracts+docs", ASK)
        assert "- Vectors are kept in one SQLite file. [1]" in answer.message.content
        assert len(official.embed("all-minilm", "x").embeddings[0]) == 384
        with pytest.raises(ollama.ResponseError, match="not found"):
            official.chat("llama3+docs", ASK)


def test_a_server_that_is_down_is_said(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """503 in words; quotations go on."""
    fake_ollama.stop()
    for path, body in (("/api/embed", {"model": "all-minilm", "input": "x"}), ("/api/chat", {"model": "llama3+docs"})):
        answer = client.post(path, json=body)
        assert answer.status_code == 503
        assert "no answer from" in answer.json()["error"]
    quoted = client.post("/api/chat", json={"model": "extracts+docs", "messages": ASK, "stream": False})
    assert "Vectors are kept" in quoted.json()["message"]["content"]


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate", "/api/show", "/v1/chat/completions", "/v1/embeddings"])
def test_a_body_that_is_nested_too_deep_is_refused(client: httpx.Client, path: str) -> None:
    """As one that is no JSON at all, and not as a defect of the service."""
    answer = client.post(path, content=b'{"model": ' + b"[" * 100_000)
    assert answer.status_code in (400, 404)
