"""The embedded model on a port: an ASGI application over the same answers as the transports.

As Ollama does, a server on loopback takes only requests whose Host header names this machine or its network, so
that no web page can reach it under a name of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any

import httpx

from search.embedded import transport

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_BYTES = 100 * 1024 * 1024
LOCAL_SUFFIXES = (".localhost", ".local", ".internal")


def application(*, public: bool) -> Application:
    """The ASGI application. `public`: it listens beyond loopback, and takes any Host header."""

    async def respond(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if not public and not is_local(headers.get(b"host", b"").decode("latin-1")):
            await _send(httpx.Response(403), send)
            return
        body = await _body(receive)
        if body is None:
            await _send(httpx.Response(413, json={"error": "request body too large"}), send)
            return
        answer = await asyncio.to_thread(transport.answer, scope["method"], scope["path"], body)
        await _send(answer, send)

    return respond


def is_local(host: str) -> bool:
    """Whether a Host header names this machine, or an address that is no public one."""
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 or (host.startswith("[") and "]:" in host) else host
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        name = name.lower().rstrip(".")
        return name in ("", "localhost") or name.endswith(LOCAL_SUFFIXES)
    return address.is_loopback or address.is_private or address.is_unspecified


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None where it is too large to be one."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(answer: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in answer.headers.raw]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
