"""The two clients of the Ollama API, sync and async: `api` says what to send, this sends it.

Every failure is a ModelError of `search.errors`; nothing of httpx comes out. Nothing is retried here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
from pydantic_core import PydanticSerializationError, to_json

from search.config import DEFAULT_OLLAMA_HOST
from search.errors import ModelError, ModelRefused
from search.ollama import api, blobs, connections, hosts, translation
from search.ollama.api import Call
from search.ollama.hosts import Host
from search.ollama.stopping import NEVER, Stop
from search.ollama.streams import AsyncStream, Stream, refusal

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait. Loading a big model takes minutes, so the first byte may come late.

    connect     for a connection
    quick       for the answer of a call that needs no model
    first_byte  for a model to be loaded and to begin to answer; without streaming, to finish its answer
    idle        between two lines of a stream, and for a piece of an upload to be taken
    """

    connect: float = 5.0
    quick: float = 30.0
    first_byte: float = 900.0
    idle: float = 300.0


# ------------------------------------------------------------------ binding


def unary(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """A method that sends the call and gives its one answer."""

    @wraps(endpoint)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(endpoint(*args, **kwargs))

    return method


def streaming(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], Stream[T]]:
    """A method that gives the answer line by line."""

    @wraps(endpoint)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Stream[T]:
        return self.stream(endpoint(*args, **kwargs))

    return method


def final(endpoint: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """A method that waits for the last line of a stream: long work stays alive by its progress lines."""

    @wraps(endpoint)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.stream(endpoint(*args, **kwargs)) as lines:
            for line in lines:
                last = line
        return last  # a stream without any line raises

    return method


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


# ------------------------------------------------------------------ clients


class Client:
    """Asks one server; may be used from several threads. Close it, or use it in a `with` block.

    `host` is text as in OLLAMA_HOST, or "embedded://"; of several hosts this asks the first, and `each` has a
    client for every one, in order. `api_key` is sent as a bearer token; `transport` replaces the network.
    Raises ConfigError for a host or key that cannot be used.
    """

    def __init__(
        self,
        host: str = DEFAULT_OLLAMA_HOST,
        *,
        api_key: str = "",
        timeouts: Timeouts = Timeouts(),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.host = hosts.parse(host)
        self.timeouts = timeouts
        self._http = connections.connected(self.host, api_key, transport)
        self._connected = partial(connections.connected, self.host, api_key, transport)
        self._stop = NEVER
        others = hosts.parse_all(host)[1:]
        more = (Client(one.given, api_key=api_key, timeouts=timeouts, transport=transport) for one in others)
        self.each: tuple[Client, ...] = (self, *more)
        self.away_until = 0.0  # by the monotonic clock; for whoever chooses between several hosts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections, those of `each` too."""
        for other in self.each[1:]:
            other.close()
        self._http.close()
        if "_single" in self.__dict__:
            self._single.close()

    def stopped_by(self, stop: Stop) -> Self:
        """This client, for calls that `stop` breaks off from another thread. It is closed with this one."""
        other = copy(self)
        other._stop = stop
        other._http = self._single
        return other

    def send(self, call: Call[T]) -> T:
        """The answer to a call. Raises ModelError."""
        with self._stop.heeded(), translation.translated(call, self.host):
            response = self._http.send(self._request(call, stream=False))
        return _answer(call, self.host, response)

    def stream(self, call: Call[T]) -> Stream[T]:
        """The answer to a call, line by line. Raises ModelError, while it is read."""
        return Stream(
            lambda: self._http.send(self._request(call, stream=True), stream=True),
            call,
            self.host,
            self.timeouts.idle,
            self._stop,
        )

    @cached_property
    def _single(self) -> httpx.Client:
        """For calls that can be stopped: each on a connection of its own, see `search.ollama.stopping`."""
        return self._connected(reused=False)

    def _request(self, call: Call[Any], stream: bool) -> httpx.Request:
        content = blobs.pieces(call.upload) if call.upload else _encoded(call, stream)
        request = _request(self._http, call, content, self.timeouts)
        if self._stop is not NEVER:
            request.extensions["trace"] = self._stop.trace
        return request

    def health(self) -> bool:
        """Whether a server answers at the host; asks for nothing else and raises nothing."""
        try:
            return self.send(api.health())
        except ModelError:
            return False

    def upload(self, file: Path) -> str:
        """Sends a file unless the server has it; gives its digest, for `create`. Raises ConfigError, ModelError."""
        digest = blobs.digest(file)
        if not self.blob_exists(digest):
            self.blob_upload(digest, file)
        return digest

    version = unary(api.version)
    status = unary(api.status)
    tags = unary(api.tags)
    ps = unary(api.ps)
    show = unary(api.show)
    embed = unary(api.embed)
    embeddings = unary(api.embeddings)
    generate = unary(api.generate)
    generate_stream = streaming(api.generate)
    chat = unary(api.chat)
    chat_stream = streaming(api.chat)
    copy = unary(api.copy)
    delete = unary(api.delete)
    pull = final(api.pull)
    pull_stream = streaming(api.pull)
    push = final(api.push)
    push_stream = streaming(api.push)
    create = final(api.create)
    create_stream = streaming(api.create)
    blob_exists = unary(api.blob_exists)
    blob_upload = unary(api.blob_upload)


class AsyncClient:
    """As Client, to await. For one event loop."""

    def __init__(
        self,
        host: str = DEFAULT_OLLAMA_HOST,
        *,
        api_key: str = "",
        timeouts: Timeouts = Timeouts(),
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
        return _answer(call, self.host, response)

    def stream(self, call: Call[T]) -> AsyncStream[T]:
        """The answer to a call, line by line. Raises ModelError, while it is read."""
        return AsyncStream(
            lambda: self._http.send(self._request(call, stream=True), stream=True),
            call,
            self.host,
            self.timeouts.idle,
        )

    def _request(self, call: Call[Any], stream: bool) -> httpx.Request:
        content = blobs.apieces(call.upload) if call.upload else _encoded(call, stream)
        return _request(self._http, call, content, self.timeouts)

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


# ------------------------------------------------------------------ what both do


def _encoded(call: Call[Any], stream: bool) -> bytes | None:
    """The body as JSON. Raises ModelRefused for what JSON cannot say."""
    if call.body is None:
        return None
    body = call.body if call.finished is None else {**call.body, "stream": stream}
    try:
        return to_json(body)
    except (PydanticSerializationError, ValueError) as error:
        raise ModelRefused(f"{call} was not sent: its fields cannot be written as JSON ({error})") from error


def _request(
    http: httpx.Client | httpx.AsyncClient,
    call: Call[Any],
    content: bytes | Iterator[bytes] | AsyncIterator[bytes] | None,
    timeouts: Timeouts,
) -> httpx.Request:
    first_byte = timeouts.quick if call.quick else timeouts.first_byte
    return http.build_request(
        call.method,
        call.path,
        content=content,
        headers=None if call.body is None else {"Content-Type": "application/json"},
        timeout=httpx.Timeout(connect=timeouts.connect, read=first_byte, write=timeouts.idle, pool=None),
    )


def _answer(call: Call[T], host: Host, response: httpx.Response) -> T:
    if response.status_code == 404 and call.absent is not None:
        return call.absent
    if not response.is_success:
        raise refusal(call, host, response)
    data = translation.decoded(call, host, response.content) if call.has_json else None
    record = translation.read(call, host, data)
    if call.finished is not None and not call.finished(record):
        raise translation.broken_off(call, host, "before its end")
    return call.tidy()(record) if call.tidy else record
