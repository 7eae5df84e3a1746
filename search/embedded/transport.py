"""The embedded model as an Ollama server inside this process: httpx transports that answer its REST API.

    httpx.Client(base_url="embedded://model", transport=EmbeddedTransport())

Nothing is listened on and nothing is sent. Scheme and host of the address are not looked at; the path is.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import httpx

from search.embedded import answers, endpoints


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
    status, content = answers.answer(method, path, partial(_decode, body))
    kind = "text/plain" if isinstance(content, str) else "application/json"
    headers = {"content-type": f"{kind}; charset=utf-8"}
    sent = answers.encoded(content)
    if method == "HEAD":
        return httpx.Response(status, headers=headers | {"content-length": str(len(sent))})
    return httpx.Response(status, headers=headers, content=sent)


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
