"""Requests forwarded to a server as they are, and its answers as they come: bytes in, bytes out. For one event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from search.ollama import translation
from search.ollama.api import Call
from search.ollama.asynchronous import AsyncClient

# What belongs to one connection and not to the message (RFC 9110, 7.6.1), and what is set anew for the next one.
_OWN = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade host"
    " content-length content-encoding date server accept-encoding authorization cookie origin referer".split()
)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A server's answer: its status and headers are here, its body is still to come. Read it, or close it."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]

    async def read(self) -> bytes:
        """The whole body. Raises ModelError."""
        return b"".join([piece async for piece in self.body])


async def send(
    client: AsyncClient,
    method: str,
    path: str,
    body: bytes | AsyncIterator[bytes] = b"",
    headers: Mapping[str, str] = {},
) -> Forwarded:
    """Asks the client's server. Raises ModelUnreachable; what the server answers, errors too, is given as it is."""
    call: Call[Any] = Call(method, path, _nothing)
    sent = {name: value for name, value in headers.items() if name.lower() not in _OWN}
    timeouts = client.timeouts
    timeout = httpx.Timeout(connect=timeouts.connect, read=timeouts.first_byte, write=timeouts.idle, pool=None)
    request = client._http.build_request(
        method, path, content=body, headers=sent | {"accept-encoding": "identity"}, timeout=timeout
    )
    with translation.translated(call, client.host):
        response = await client._http.send(request, stream=True)
    kept = {name: value for name, value in response.headers.items() if name.lower() not in _OWN}
    return Forwarded(response.status_code, kept, _pieces(client, call, response))


async def _pieces(client: AsyncClient, call: Call[Any], response: httpx.Response) -> AsyncIterator[bytes]:
    async with AsyncExitStack() as cleanup:
        cleanup.push_async_callback(response.aclose)
        with translation.translated(call, client.host):
            async for piece in response.aiter_bytes():
                yield piece


def _nothing(_: Any) -> None:
    """Answers are passed on unread."""
