"""Both clients against a server on a real socket: what works, and every way to fail."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from search.errors import (
    ConfigError,
    InputTooLong,
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelMissing,
    ModelRefused,
    ModelUnreachable,
    NotFinite,
    RouteMissing,
    RunnerFailed,
)
from search.ollama.client import Client, Timeouts
from tests import fake_models
from tests.fake_faults import FAULTS
from tests.fake_ollama import VERSION, FakeOllama
from tests.ollama.conftest import PATIENT, Ask

MESSAGES = [{"role": "user", "content": "Sources:\n[1] The cat sat. It slept.\n[2] A dog.\n\nWho sat?"}]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


# ------------------------------------------------------------------ what works


def test_the_server_says_what_it_is(ask: Ask, fake_ollama: FakeOllama) -> None:
    assert ask(fake_ollama.url, "health") is True
    assert ask(fake_ollama.url, "version").version == VERSION
    assert ask(fake_ollama.url, "status").cloud.disabled is True
    assert fake_ollama.requests[0].method == "HEAD"


def test_models_are_listed_shown_and_seen_loaded(ask: Ask, fake_ollama: FakeOllama) -> None:
    installed = ask(fake_ollama.url, "tags").find("all-minilm")
    assert installed.capabilities == ("embedding",)
    assert len(installed.digest) == 64
    assert installed.modified_at.endswith(".123456789Z")
    shown = ask(fake_ollama.url, "show", "all-minilm")
    assert (shown.context_length, shown.embedding_length) == (8192, 256)
    assert ask(fake_ollama.url, "ps").models == ()
    ask(fake_ollama.url, "embed", "all-minilm", [], options={"num_ctx": 512})
    loaded = ask(fake_ollama.url, "ps").find("all-minilm")
    assert (loaded.context_length, loaded.gpu_share) == (512, 0.5)


def test_texts_become_vectors_in_their_order(ask: Ask, fake_ollama: FakeOllama) -> None:
    """To the last digit of float32, with what the server counted."""
    texts = ["the cat sat", "a dog", "the cat"]
    found = ask(fake_ollama.url, "embed", "all-minilm", texts, truncate=False)
    expected = np.array([fake_models.vector(text) for text in texts], dtype=np.float32)
    assert found.vectors.dtype == np.float32
    assert np.array_equal(found.vectors, expected)
    assert found.model == "all-minilm"
    assert found.metrics.prompt_tokens == 7
    assert found.metrics.load_seconds == 0.25
    assert fake_ollama.texts == texts


def test_one_text_gives_one_vector_and_no_text_loads_the_model(ask: Ask, fake_ollama: FakeOllama) -> None:
    assert ask(fake_ollama.url, "embed", "all-minilm", "a cat").vectors.shape == (1, 256)
    assert ask(fake_ollama.url, "embed", "all-minilm", ["a cat"], dimensions=64).vectors.shape == (1, 64)
    nothing: Sequence[str]
    for nothing in ("", [], ()):
        assert ask(fake_ollama.url, "embed", "llama3", nothing).vectors.shape == (0, 0)
    assert fake_ollama.loads["llama3:latest"] == 1


def test_the_legacy_call_gives_the_same_vector(ask: Ask, fake_ollama: FakeOllama) -> None:
    found = ask(fake_ollama.url, "embeddings", "all-minilm", "the cat")
    assert np.array_equal(found.vectors, ask(fake_ollama.url, "embed", "all-minilm", "the cat").vectors)
    assert ask(fake_ollama.url, "embeddings", "all-minilm", "").vectors.shape == (0, 0)


def test_a_long_input_is_refused_only_where_it_must_not_be_cut(ask: Ask, fake_ollama: FakeOllama) -> None:
    """By the window, and by the physical batch below it."""
    text = "word " * 2100
    with pytest.raises(InputTooLong):
        ask(fake_ollama.url, "embed", "all-minilm", ["short", text], truncate=False)
    assert fake_ollama.texts == []
    assert ask(fake_ollama.url, "embed", "all-minilm", text, truncate=True).metrics.prompt_tokens == 2048
    options = {"num_ctx": 8192, "num_batch": 8192}
    whole = ask(fake_ollama.url, "embed", "all-minilm", text, truncate=False, options=options)
    assert whole.metrics.prompt_tokens == 2100


def test_a_chat_answers_in_one_piece(ask: Ask, fake_ollama: FakeOllama) -> None:
    answer = ask(fake_ollama.url, "chat", "llama3", MESSAGES)
    assert answer.message.content == "The cat sat. [1]"
    assert (answer.done, answer.done_reason) == (True, "stop")
    assert answer.metrics.eval_tokens == 7
    assert answer.metrics.tokens_per_second == pytest.approx(50)
    assert ask(fake_ollama.url, "chat", "llama3").done_reason == "load"
    assert ask(fake_ollama.url, "chat", "llama3", keep_alive=0).done_reason == "unload"


def test_a_chat_answers_in_the_format_asked_for(ask: Ask, fake_ollama: FakeOllama) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "sources": {"type": "array"}}}
    answer = ask(fake_ollama.url, "chat", "llama3", MESSAGES, format=schema)
    said = "The cat sat. [1]"
    assert json.loads(answer.message.content) == {"text": said, "sources": [said]}
    completion = ask(fake_ollama.url, "generate", "llama3", "x", format="json").response
    assert json.loads(completion) == {"answer": "I have no passages."}


def test_a_prompt_that_does_not_fit_is_refused_where_it_must_not_be_cut(ask: Ask, fake_ollama: FakeOllama) -> None:
    """Else the server cuts it in silence, which its count gives away."""
    long = [{"role": "user", "content": "word " * 300}]
    options = {"num_ctx": 100}
    with pytest.raises(InputTooLong):
        ask(fake_ollama.url, "chat", "llama3", long, truncate=False, shift=False, options=options)
    assert ask(fake_ollama.url, "chat", "llama3", long, options=options).metrics.prompt_tokens == 52


def test_a_completion_is_whole_or_in_lines(ask: Ask, fake_ollama: FakeOllama) -> None:
    prompt = MESSAGES[0]["content"]
    assert ask(fake_ollama.url, "generate", "llama3", prompt).response == "The cat sat. [1]"
    lines = ask(fake_ollama.url, "generate_stream", "qwen3", prompt)
    assert "".join(line.response for line in lines) == "The cat sat. [1]"
    assert lines[0].thinking == "Let me think."
    assert lines[-1].done


def test_models_are_pulled_copied_pushed_and_deleted(ask: Ask, fake_ollama: FakeOllama) -> None:
    url = fake_ollama.url
    lines = ask(url, "pull_stream", "bge-m3")
    assert [line.completed for line in lines if line.total] == [0, 500, 1000]
    assert ask(url, "pull", "bge-m3").status == "success"
    assert ask(url, "copy", "bge-m3", "mine") is None
    assert ask(url, "push_stream", "mine")[-1].status == "success"
    assert ask(url, "push", "mine").status == "success"
    assert ask(url, "delete", "bge-m3") is None
    assert ask(url, "tags").find("bge-m3") is None
    assert ask(url, "tags").find("mine") is not None
    with pytest.raises(ModelRefused, match="pull model manifest: file does not exist"):
        ask(url, "pull", "nowhere/model")


@pytest.mark.parametrize("method", ["delete", "show", "push", "embed", "embeddings", "generate", "chat", "copy"])
def test_a_model_that_is_not_there_is_named_with_the_pull(ask: Ask, fake_ollama: FakeOllama, method: str) -> None:
    second = {"embed": ["x"], "embeddings": ["x"], "copy": ["x"]}.get(method, [])
    with pytest.raises(ModelMissing, match="`ollama pull ghost`"):
        ask(fake_ollama.url, method, "ghost", *second)


def test_a_model_is_made_of_a_file_sent_from_disk(ask: Ask, fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """Once: a blob that is there isn't sent again."""
    file = tmp_path / "model.gguf"
    file.write_bytes(os.urandom(3_000_001))
    digest = ask(fake_ollama.url, "upload", file)
    assert fake_ollama.blobs == {digest: file.read_bytes()}
    assert ask(fake_ollama.url, "upload", file) == digest
    assert [request.method for request in fake_ollama.requests] == ["HEAD", "POST", "HEAD"]
    assert fake_ollama.requests[1].headers["Transfer-Encoding"] == "chunked"
    lines = ask(fake_ollama.url, "create_stream", "mine", files={"model.gguf": digest})
    assert lines[-1].status == "success"
    assert ask(fake_ollama.url, "blob_exists", "sha256:" + "0" * 64) is False
    with pytest.raises(ModelRefused, match="digest mismatch"):
        ask(fake_ollama.url, "blob_upload", "sha256:" + "0" * 64, file)


def test_a_file_that_cannot_be_read_is_our_error(ask: Ask, fake_ollama: FakeOllama, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.gguf cannot be read"):
        ask(fake_ollama.url, "upload", tmp_path / "nothing.gguf")
    with pytest.raises(ConfigError, match="cannot be read"):
        ask(fake_ollama.url, "blob_upload", "sha256:" + "0" * 64, tmp_path)


def test_one_client_serves_many_threads(fake_ollama: FakeOllama) -> None:
    with Client(fake_ollama.url) as client, ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: client.embed("all-minilm", f"word{n}").vectors[0], range(64))
        for number, vector in enumerate(found):
            assert np.array_equal(vector, np.array(fake_models.vector(f"word{number}"), dtype=np.float32))


# ------------------------------------------------------------------ every way to fail

Expected = type[ModelError] | None

IMPATIENT = Timeouts(connect=5, quick=0.1, first_byte=0.1, idle=0.1)

OUTCOMES: dict[str, tuple[dict[str, Any], Expected, Expected, Expected]] = {
    # fault: settings, outcome of embed, of chat, of chat_stream
    "busy": ({"retry_after": 3}, ModelBusy, ModelBusy, ModelBusy),
    "missing": ({}, ModelMissing, ModelMissing, ModelMissing),
    "sign_in": ({}, ModelRefused, ModelRefused, ModelRefused),
    "forbidden": ({}, ModelRefused, ModelRefused, ModelRefused),
    "no_cloud": ({}, ModelRefused, ModelRefused, ModelRefused),
    "no_route": ({}, RouteMissing, RouteMissing, RouteMissing),
    "bytes": ({}, ModelGarbled, ModelGarbled, ModelGarbled),
    "too_long": ({}, InputTooLong, InputTooLong, InputTooLong),
    "nan": ({}, NotFinite, NotFinite, NotFinite),
    "runner": ({}, RunnerFailed, RunnerFailed, RunnerFailed),
    "runner_refused": ({}, RunnerFailed, RunnerFailed, RunnerFailed),
    "load": ({}, RunnerFailed, RunnerFailed, RunnerFailed),
    "error": ({}, ModelRefused, ModelRefused, ModelRefused),
    "rate": ({}, ModelBusy, ModelBusy, ModelBusy),
    "cloud": ({}, ModelUnreachable, ModelUnreachable, ModelUnreachable),
    "redirect": ({}, ModelRefused, ModelRefused, ModelRefused),
    "drop": ({}, ModelUnreachable, ModelUnreachable, ModelUnreachable),
    "half": ({}, ModelUnreachable, ModelUnreachable, ModelUnreachable),
    "slow": ({"seconds": 0.01}, None, None, None),
    "stall": ({}, ModelUnreachable, ModelUnreachable, ModelUnreachable),
    "half_line": ({}, None, None, ModelUnreachable),
    "error_line": ({}, None, None, RunnerFailed),
    "no_end": ({}, None, None, ModelUnreachable),
    "bad_line": ({}, None, None, ModelGarbled),
    "pieces": ({}, None, None, None),
    "one_less": ({}, ModelGarbled, None, None),
    "one_more": ({}, ModelGarbled, None, None),
    "ragged": ({}, ModelGarbled, None, None),
    "empty_rows": ({}, ModelGarbled, None, None),
    "nan_values": ({}, NotFinite, None, None),
    "null_values": ({}, NotFinite, None, None),
    "text_values": ({}, ModelGarbled, None, None),
    # what one answer cannot show: the caller compares with what it knows
    "reordered": ({}, None, None, None),
    "other_dimensions": ({}, None, None, None),
    "silent_cut": ({}, None, None, None),
}


def test_every_fault_of_the_fake_has_its_outcome() -> None:
    assert set(OUTCOMES) == set(FAULTS)


@pytest.mark.parametrize("fault", OUTCOMES)
def test_every_fault_is_an_error_of_ours(ask: Ask, fake_ollama: FakeOllama, fault: str) -> None:
    """Nothing of httpx, json or pydantic comes out, in one piece or in a stream; and the client can go on."""
    settings, *outcomes = OUTCOMES[fault]
    calls: list[tuple[str, list[Any]]] = [
        ("embed", ["all-minilm", ["a b", "c"]]),
        ("chat", ["llama3", MESSAGES]),
        ("chat_stream", ["llama3", MESSAGES]),
    ]
    for (method, given), expected in zip(calls, outcomes, strict=True):
        with fake_ollama.failing(fault, **settings):
            if expected is None:
                ask(fake_ollama.url, method, *given)
                continue
            with pytest.raises(ModelError) as raised:
                ask(fake_ollama.url, method, *given, timeouts=IMPATIENT if fault == "stall" else PATIENT)
        assert type(raised.value) is expected
        assert fake_ollama.url in str(raised.value)
    assert ask(fake_ollama.url, "embed", "all-minilm", "a").vectors.shape == (1, 256)


STRANGE = b'{"detail": {"a": 1}}'
BODIES = [b"", b"null", b"[]", b"3", b'"x"', b"{", STRANGE, b'{"embeddings": [["a"]]}', b'{"models": 3}', b"\xff\xfe"]
BODIES += [b"[" * 100_000, b'{"error": "strange"}', b'{"error": {"message": "strange"}}', b'{"done": false}']
ASKED: list[tuple[str, list[Any]]] = [
    ("embed", ["m", "x"]),
    ("embeddings", ["m", "x"]),
    ("chat", ["m"]),
    ("chat_stream", ["m"]),
    ("generate", ["m"]),
    ("version", []),
    ("tags", []),
    ("ps", []),
    ("pull", ["m"]),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_body_is_taken_for_an_answer(ask: Ask, fake_ollama: FakeOllama, status: int, body: bytes) -> None:
    """Whatever is sent in its place, and with whatever status, the error is one of ours."""
    for method, _ in ASKED:
        fake_ollama.fault("bytes", route=f"/api/{method.removesuffix('_stream')}", body=body, status=status)
    for method, given in ASKED:
        with pytest.raises(ModelError, match=fake_ollama.url):
            ask(fake_ollama.url, method, *given)


def test_health_is_false_where_nothing_answers(ask: Ask, fake_ollama: FakeOllama) -> None:
    fake_ollama.fault("error", route="/", status=500)
    assert ask(fake_ollama.url, "health") is False
    fake_ollama.stop()
    assert ask(fake_ollama.url, "health") is False


def test_a_server_that_is_not_there_is_said_with_what_to_do(ask: Ask, fake_ollama: FakeOllama) -> None:
    fake_ollama.stop()
    with pytest.raises(ModelUnreachable) as raised:
        ask(fake_ollama.url, "embed", "all-minilm", "x")
    for words in (fake_ollama.url, "Connection refused", "start Ollama", "OLLAMA_HOST", "SEARCH_EMBED_MODEL"):
        assert words in str(raised.value)
    fake_ollama.start()
    assert ask(fake_ollama.url, "embed", "all-minilm", "x").vectors.shape == (1, 256)


def test_https_on_an_http_port_is_said(ask: Ask, fake_ollama: FakeOllama) -> None:
    with pytest.raises(ModelUnreachable, match="speaks http, not https"):
        ask(fake_ollama.url.replace("http:", "https:"), "version")


def test_loading_a_model_is_no_timeout_but_a_quick_call_is(ask: Ask, fake_ollama: FakeOllama) -> None:
    timeouts = Timeouts(quick=0.1, first_byte=30, idle=0.1)
    fake_ollama.fault("slow", seconds=0.4)
    assert ask(fake_ollama.url, "embed", "all-minilm", "x", timeouts=timeouts).vectors.shape == (1, 256)
    fake_ollama.fault("slow", route="/api/tags", seconds=0.4)
    with pytest.raises(ModelUnreachable, match=r"silent for 0\.1 s"):
        ask(fake_ollama.url, "tags", timeouts=timeouts)


def test_what_json_cannot_say_is_not_sent(ask: Ask, fake_ollama: FakeOllama) -> None:
    """Half a surrogate pair, or an object of Python."""
    with pytest.raises(ModelRefused, match="was not sent"):
        ask(fake_ollama.url, "embed", "all-minilm", "a \ud800 b")
    with pytest.raises(ModelRefused, match="was not sent"):
        ask(fake_ollama.url, "chat", "llama3", MESSAGES, options={"seed": object()})
    assert fake_ollama.requests == []


def test_a_client_goes_on_when_the_server_comes_back(fake_ollama: FakeOllama) -> None:
    """A connection that was in use when it stopped is an error of ours, once."""
    with Client(fake_ollama.url) as client:
        assert client.version().version
        fake_ollama.stop()
        with pytest.raises(ModelUnreachable):
            client.version()
        fake_ollama.start()
        assert client.version().version


# ------------------------------------------------------------------ how the host is reached


def test_a_key_is_sent_as_bearer_and_a_password_as_basic(ask: Ask, fake_ollama: FakeOllama) -> None:
    ask(fake_ollama.url, "version", api_key=" k3y\n")
    ask(fake_ollama.url.replace("//", "//user:p%20w@"), "version", api_key="k3y")
    ask(fake_ollama.url, "version")
    sent = [request.headers.get("Authorization") for request in fake_ollama.requests]
    assert sent == ["Bearer k3y", "Basic " + "dXNlcjpwIHc=", None]


@pytest.mark.parametrize("key", ["ké", "a\nb", "a\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="OLLAMA_API_KEY") as raised:
        Client(api_key=key)
    assert key not in str(raised.value)


def test_a_path_before_the_api_is_kept(ask: Ask, fake_ollama: FakeOllama) -> None:
    with pytest.raises(RouteMissing):
        ask(fake_ollama.url + "/ollama/api/", "version")
    assert fake_ollama.requests[0].path == "/ollama/api/version"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_proxy_never_stands_before_loopback(
    ask: Ask, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable in PROXIES:
        monkeypatch.setenv(variable, "" if variable == "NO_PROXY" else "http://127.0.0.1:1")
        monkeypatch.setenv(variable.lower(), "" if variable == "NO_PROXY" else "http://127.0.0.1:1")
    assert ask(fake_ollama.url.replace("127.0.0.1", name), "version").version == VERSION


def test_a_proxy_stands_before_other_hosts(ask: Ask, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in PROXIES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", fake_ollama.url)
    with pytest.raises(RouteMissing):
        ask("gpu-box.example", "version")
    assert fake_ollama.requests[0].path == "http://gpu-box.example:11434/api/version"


def test_a_proxy_setting_that_cannot_be_used_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in PROXIES:
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv("ALL_PROXY", "nonsense://proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(ConfigError, match="ALL_PROXY"):
        ask("gpu-box.example", "version")


def test_the_transport_can_be_replaced() -> None:
    """By anything that httpx takes for one."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"version": f"{request.url}"})

    with Client("gpu-box", transport=httpx.MockTransport(answer)) as client:
        assert client.version().version == "http://gpu-box:11434/api/version"


def test_the_embedded_model_is_asked_like_a_server(ask: Ask) -> None:
    """Same calls, same records, same errors."""
    assert ask("embedded://", "health") is True
    installed, *_ = ask("embedded://", "tags").models
    found = ask("embedded://", "embed", installed.name, ["a cat", "a kitten", "tax law"], truncate=False)
    assert found.vectors.shape == (3, installed.details.embedding_length)
    near, far = found.vectors[0] @ found.vectors[1], found.vectors[0] @ found.vectors[2]
    assert near > far
    with pytest.raises(InputTooLong, match="embedded://"):
        ask("embedded://", "embed", installed.name, "word " * 1000, truncate=False)
    with pytest.raises(ModelMissing, match='no embedded model "bge-m3"'):
        ask("embedded://", "embed", "bge-m3", "x")
    with pytest.raises(ModelRefused, match="does not support chat"):
        ask("embedded://", "chat_stream", installed.name, MESSAGES)


def test_a_client_of_several_hosts_asks_the_first_and_has_one_for_each(fake_ollama: FakeOllama) -> None:
    """In order, each host once; all are closed together."""
    with FakeOllama() as other, Client(f"{fake_ollama.url},{other.url},{fake_ollama.url}/") as client:
        assert [one.host.url for one in client.each] == [fake_ollama.url, other.url]
        client.version()
        client.each[1].tags()
        assert (fake_ollama.calls["/api/version"], other.calls["/api/tags"]) == (1, 1)
    with pytest.raises(RuntimeError, match="closed"):
        client.each[1].tags()
