"""The client of `search.ollama.client`, to await: for one event loop.

In a module of its own, since asyncio takes a good part of the time of a command that has no use for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from search.config import DEFAULT_OLLAMA_HOST
from search.errors import ModelError
from search.ollama import api, blobs, connections, hosts, translation
from search.ollama.api import Call
from search.ollama.client import USUAL, Timeouts
from search.ollama.streams import AsyncStream

P = ParamSpec("P")
T = TypeVar("T")


def aunary(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """As `unary`, to await."""

    @wraps(endpoint)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(endpoint(*args, **kwargs))

    return method


def astreaming(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], AsyncStream[T]]:
    """As `streaming`, for `async for`."""

    @wraps(endpoint)
    def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncStream[T]:
        return self.stream(endpoint(*args, **kwargs))

    return method


def afinal(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """As `final`, to await."""

    @wraps(endpoint)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.stream(endpoint(*args, **kwargs)) as lines:
            async for line in lines:
                last = line
        return last  # a stream without any line raises

    return method


class AsyncClient:
    """As Client, to await. For one event loop."""

    def __init__(
        self,
        host: str = DEFAULT_OLLAMA_HOST,
        *,
        api_key: str = "",
        timeouts: Timeouts = USUAL,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.host = hosts.parse(host)
        self.timeouts = timeouts
        self._http = connections.async_connected(self.host, api_key, transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """The answer to a call. Raises ModelError."""
        with translation.translated(call, self.host):
            response = await self._http.send(self._request(call, stream=False))
        return connections.answer(call, self.host, response)

    def stream(self, call: Call[T]) -> AsyncStream[T]:
        """The answer to a call, line by line. Raises ModelError, while it is read."""
        return AsyncStream(
            lambda: self._http.send(self._request(call, stream=True), stream=True),
            call,
            self.host,
            self.timeouts.idle,
        )

    def _request(self, call: Call[Any], stream: bool) -> httpx.Request:
        content = blobs.apieces(call.upload) if call.upload else connections.encoded(call, stream)
        return connections.request(self._http, call, content, self.timeouts)

    async def health(self) -> bool:
        """Whether a server answers at the host; asks for nothing else and raises nothing."""
        try:
            return await self.send(api.health())
        except ModelError:
            return False

    async def upload(self, file: Path) -> str:
        """Sends a file unless the server has it; gives its digest, for `create`. Raises ConfigError, ModelError."""
        digest = await asyncio.to_thread(blobs.digest, file)
        if not await self.blob_exists(digest):
            await self.blob_upload(digest, file)
        return digest

    version = aunary(api.version)
    status = aunary(api.status)
    tags = aunary(api.tags)
    ps = aunary(api.ps)
    show = aunary(api.show)
    embed = aunary(api.embed)
    embeddings = aunary(api.embeddings)
    generate = aunary(api.generate)
    generate_stream = astreaming(api.generate)
    chat = aunary(api.chat)
    chat_stream = astreaming(api.chat)
    copy = aunary(api.copy)
    delete = aunary(api.delete)
    pull = afinal(api.pull)
    pull_stream = astreaming(api.pull)
    push = afinal(api.push)
    push_stream = astreaming(api.push)
    create = afinal(api.create)
    create_stream = astreaming(api.create)
    blob_exists = aunary(api.blob_exists)
    blob_upload = aunary(api.blob_upload)
