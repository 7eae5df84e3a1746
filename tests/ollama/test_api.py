"""What each endpoint sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.ollama import api
from search.ollama.asynchronous import AsyncClient
from search.ollama.client import Client
from search.ollama.wire import Message
from tests.fake_ollama import ROUTES, FakeOllama
from tests.ollama.conftest import Ask

DIGEST = "sha256:" + "0" * 64

COVERED: dict[tuple[str, str], api.Call[Any]] = {
    ("HEAD", "/"): api.health(),
    ("GET", "/api/version"): api.version(),
    ("GET", "/api/status"): api.status(),
    ("GET", "/api/tags"): api.tags(),
    ("GET", "/api/ps"): api.ps(),
    ("POST", "/api/show"): api.show("m"),
    ("POST", "/api/generate"): api.generate("m"),
    ("POST", "/api/chat"): api.chat("m"),
    ("POST", "/api/embed"): api.embed("m", "text"),
    ("POST", "/api/embeddings"): api.embeddings("m", "text"),
    ("POST", "/api/pull"): api.pull("m"),
    ("POST", "/api/push"): api.push("m"),
    ("POST", "/api/create"): api.create("m"),
    ("POST", "/api/copy"): api.copy("m", "n"),
    ("DELETE", "/api/delete"): api.delete("m"),
    ("HEAD", "/api/blobs/:digest"): api.blob_exists(DIGEST),
    ("POST", "/api/blobs/:digest"): api.blob_upload(DIGEST, Path("file")),
}
"""The server's routes that hold models and run them, with the call that asks each."""

LEFT_OUT = {
    "same answer as another": [
        ("GET", "/"),
        ("HEAD", "/api/version"),
        ("HEAD", "/api/tags"),
    ],
    "account of ollama.com": [
        ("POST", "/api/me"),
        ("POST", "/api/signout"),
        ("DELETE", "/api/user/keys/:key"),
    ],
    "cloud helpers, experimental": [
        ("POST", "/api/experimental/web_search"),
        ("POST", "/api/experimental/web_fetch"),
        ("GET", "/api/experimental/model-recommendations"),
    ],
    "the shapes of other vendors, which ignore num_ctx, keep_alive and truncate": [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/:model"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/messages"),
    ],
}
"""The server's other routes (Ollama 0.33), and why nothing here asks them."""

METHODS_OF_ITS_OWN = {"close", "aclose", "send", "stream", "stopped_by", "upload"}
"""What a client can do beside the endpoints."""


def test_every_route_of_the_server_has_its_function_or_a_reason() -> None:
    for (method, path), call in COVERED.items():
        assert (call.method, call.path.replace(DIGEST, ":digest")) == (method, path)
    assert not set(COVERED) & {route for routes in LEFT_OUT.values() for route in routes}
    served = {(method, "/api/blobs/:digest" if path == "/api/blobs" else path) for method, path in ROUTES}
    assert served - {("GET", "/")} | {("HEAD", "/")} == set(COVERED)


def test_every_function_is_bound_to_both_clients() -> None:
    """Under its own name, and with _stream where it streams."""
    functions = {call.__name__ for call in vars(api).values() if _is_endpoint(call)}
    assert len(functions) == len(COVERED)
    streamed = {f"{call.path.rsplit('/', 1)[-1]}_stream" for call in COVERED.values() if call.finished}
    for client in (Client, AsyncClient):
        public = {name for name in vars(client) if not name.startswith("_")}
        assert public - METHODS_OF_ITS_OWN == functions | streamed


def _is_endpoint(value: Any) -> bool:
    """Of its public functions; the classes have capitals."""
    if not callable(value) or getattr(value, "__module__", "") != api.__name__:
        return False
    return bool(value.__name__.islower()) and not value.__name__.startswith("_")


MESSAGE = {"role": "user", "content": "hi"}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "required": ["at"]}}}
OPTIONS = {"num_ctx": 2048, "num_batch": 2048}

SENT = [
    ("show", ["m"], {"verbose": True, "system": "s", "options": OPTIONS}, None),
    ("embed", ["m", ["a", "b"]], {"truncate": False, "options": OPTIONS, "dimensions": 8, "keep_alive": "10m"}, None),
    ("embed", ["m", "a"], {"truncate": True, "keep_alive": -1}, None),
    ("embeddings", ["m", "a"], {"options": OPTIONS, "keep_alive": 0}, None),
    (
        "generate",
        ["m", "p"],
        {
            "suffix": "s",
            "system": "y",
            "template": "t",
            "context": [1, 2],
            "format": SCHEMA,
            "think": False,
            "truncate": False,
            "shift": False,
            "logprobs": True,
            "top_logprobs": 3,
            "options": OPTIONS,
            "keep_alive": 5.5,
        },
        False,
    ),
    ("generate", ["m", "p"], {"raw": True}, False),
    ("generate_stream", ["m", "p"], {"format": "json"}, True),
    (
        "chat",
        ["m", [MESSAGE]],
        {
            "tools": [TOOL],
            "format": SCHEMA,
            "think": "high",
            "truncate": False,
            "shift": False,
            "logprobs": True,
            "top_logprobs": 3,
            "options": OPTIONS,
            "keep_alive": "1h",
        },
        False,
    ),
    ("chat_stream", ["m", [MESSAGE]], {}, True),
    ("copy", ["m"], {"destination": "n"}, None),
    ("delete", ["m"], {}, None),
    ("pull", ["m"], {"insecure": True}, True),
    ("push_stream", ["m"], {}, True),
]
NAMES = {
    "embed": ("model", "input"),
    "embeddings": ("model", "prompt"),
    "generate": ("model", "prompt"),
    "chat": ("model", "messages"),
    "copy": ("source",),
}


@pytest.mark.parametrize(("method", "given", "fields", "stream"), SENT)
def test_the_json_that_is_sent_is_exactly_what_was_asked_for(
    ask: Ask, method: str, given: list[Any], fields: dict[str, Any], stream: bool | None
) -> None:
    """No field is added, none is dropped; whether to stream is always said where it matters."""
    capable = ("completion", "tools", "thinking", "embedding")
    with FakeOllama() as fake:
        fake.models["m:latest"] = fake.models["qwen3:latest"].__class__("m", capabilities=capable)
        ask(fake.url, method, *given, **fields)
        route = method.removesuffix("_stream")
        (sent,) = fake.sent(f"/api/{route}")
    named = dict(zip(NAMES.get(route, ("model",)), given, strict=True))
    truncate = {"truncate": True} if route == "embed" else {}
    streamed = {} if stream is None else {"stream": stream}
    assert sent == truncate | named | fields | streamed


def test_create_sends_every_field(ask: Ask, fake_ollama: FakeOllama) -> None:
    fields: dict[str, Any] = {
        "adapters": {"a": DIGEST},
        "template": "t",
        "license": ["l"],
        "system": "s",
        "parameters": {"temperature": 0.1},
        "messages": [MESSAGE],
        "renderer": "r",
        "parser": "p",
        "quantize": "q8_0",
        "draft_quantize": "q4_K_M",
        "draft_files": {"d": DIGEST},
        "requires": "0.30.0",
        "remote_host": "h",
        "info": {"x": 1},
    }
    assert ask(fake_ollama.url, "create", "mine", from_="llama3", **fields).status == "success"
    (sent,) = fake_ollama.sent("/api/create")
    assert sent == {"model": "mine", "from": "llama3", "stream": True} | fields


def test_images_are_sent_as_base64_and_a_path_is_never_read(ask: Ask, fake_ollama: FakeOllama) -> None:
    """Bytes are encoded; a text goes as it is, even if it names a file that exists."""
    message = {"role": "user", "content": "see", "images": [b"\x89PNG", __file__]}
    ask(fake_ollama.url, "chat", "llama3", [message])
    ask(fake_ollama.url, "generate", "llama3", "see", images=[b"\x89PNG"])
    assert fake_ollama.sent("/api/chat")[0]["messages"][0]["images"] == ["iVBORw==", __file__]
    assert fake_ollama.sent("/api/generate")[0]["images"] == ["iVBORw=="]


def test_a_message_that_came_can_be_sent_back(ask: Ask, fake_ollama: FakeOllama) -> None:
    """With its tool calls, their ids, and fields that we don't know."""
    said = ask(fake_ollama.url, "chat", "llama3", [MESSAGE], tools=[TOOL]).message
    assert said.tool_calls[0].function.arguments == {"at": "x"}
    result = Message(role="tool", content="a cat", tool_name="look", tool_call_id=said.tool_calls[0].id)
    ask(fake_ollama.url, "chat", "llama3", [MESSAGE, said, result])
    assert fake_ollama.sent("/api/chat")[1]["messages"] == [
        MESSAGE,
        {
            "role": "assistant",
            "content": "I have no passages.",
            "tool_calls": [{"id": "call_1", "function": {"name": "look", "arguments": {"at": "x"}}}],
        },
        {"role": "tool", "content": "a cat", "tool_name": "look", "tool_call_id": "call_1"},
    ]
    kept = Message.model_validate({"role": "assistant", "content": "", "new_field": 1})
    assert api.chat("m", [kept]).body == {
        "model": "m",
        "messages": [{"role": "assistant", "content": "", "new_field": 1}],
    }
