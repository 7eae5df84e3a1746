"""The embedded model as an Ollama server inside this process: httpx transports that answer its REST API.

    httpx.Client(base_url="embedded://model", transport=EmbeddedTransport())

Nothing is listened on and nothing is sent. Scheme and host of the address are not looked at; the path is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
from pydantic_core import to_json

from search.embedded import endpoints
from search.errors import ModelMissing, SearchError


class EmbeddedTransport(httpx.BaseTransport):
    """Answers in the calling thread; safe to share between threads."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return answer(request.method, request.url.path, request.read())


class AsyncEmbeddedTransport(httpx.AsyncBaseTransport):
    """Answers in a thread, so that the event loop goes on while the model runs."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        return await asyncio.to_thread(answer, request.method, request.url.path, body)


def answer(method: str, path: str, body: bytes) -> httpx.Response:
    """The answer to one request, errors included; raises nothing that a request can cause."""
    if (methods := _ROUTES.get(path)) is None:
        return _text(404, "404 page not found")
    if (endpoint := methods.get(method)) is None:
        return _text(405, "" if method == "HEAD" else "405 method not allowed")
    try:
        response = endpoint(body)
    except endpoints.Refused as error:
        response = _json(error.status, {"error": error.message})
    except ModelMissing as error:
        response = _json(404, {"error": error.message})
    except SearchError as error:
        response = _json(500, {"error": error.message})
    return httpx.Response(response.status_code, headers=response.headers) if method == "HEAD" else response


Endpoint = Callable[[bytes], httpx.Response]


def _plain(function: Callable[[], dict[str, Any]]) -> Endpoint:
    """An endpoint that reads no body."""
    return lambda _: _json(200, function())


def _posted(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Endpoint:
    """An endpoint that reads a JSON object."""
    return lambda body: _json(200, function(_decode(body)))


def _root(_: bytes) -> httpx.Response:
    return _text(200, "Ollama is running")


_ROUTES: dict[str, dict[str, Endpoint]] = {
    "/": {"GET": _root, "HEAD": _root},
    "/api/version": {"GET": _plain(endpoints.version), "HEAD": _plain(endpoints.version)},
    "/api/tags": {"GET": _plain(endpoints.tags), "HEAD": _plain(endpoints.tags)},
    "/api/ps": {"GET": _plain(endpoints.ps)},
    "/api/show": {"POST": _posted(endpoints.show)},
    "/api/embed": {"POST": _posted(endpoints.embed)},
    "/api/embeddings": {"POST": _posted(endpoints.embeddings)},
    "/api/generate": {"POST": _posted(endpoints.generate)},
    "/api/chat": {"POST": _posted(endpoints.chat)},
    "/api/pull": {"POST": _posted(endpoints.manage)},
    "/api/push": {"POST": _posted(endpoints.manage)},
    "/api/create": {"POST": _posted(endpoints.manage)},
    "/api/copy": {"POST": _posted(endpoints.manage)},
    "/api/delete": {"DELETE": _posted(endpoints.manage)},
}


def _decode(body: bytes) -> dict[str, Any]:
    """A request's JSON object. As in Go, bytes that are not UTF-8 become U+FFFD, and null is no object."""
    if not body.strip():
        raise endpoints.Refused(400, "missing request body")
    try:
        decoded = json.loads(body.decode("utf-8", "replace"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise endpoints.Refused(400, f"invalid JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise endpoints.Refused(400, "json: the request body is not an object")
    return decoded


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python would read, are no JSON."""
    raise ValueError(f"{name} is not a JSON value")


def _json(status: int, content: dict[str, Any]) -> httpx.Response:
    """A JSON answer; float32 numbers come back as they were."""
    return _response(status, "application/json; charset=utf-8", to_json(content))


def _text(status: int, content: str) -> httpx.Response:
    return _response(status, "text/plain; charset=utf-8", content.encode())


def _response(status: int, kind: str, content: bytes) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": kind}, content=content)
