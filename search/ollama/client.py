"""The client of the Ollama API: `api` says what to send, this sends it. The async one is in `asynchronous`.

Every failure is a ModelError of `search.errors`; nothing of httpx comes out. Nothing is retried here.
The embedded model is called, not sent to (`inside`): httpx, and what reads its answers, are imported for a server, or a
stream. They take longer to import than a search.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from search.config import DEFAULT_OLLAMA_HOST
from search.errors import ModelError
from search.ollama import api, blobs, hosts, inside
from search.ollama.api import Call
from search.ollama.stopping import NEVER, Stop

if TYPE_CHECKING:
    import httpx

    from search.ollama.streams import Stream

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


USUAL = Timeouts()

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
        timeouts: Timeouts = USUAL,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.host = hosts.parse(host)
        self.timeouts = timeouts
        self._connected = partial(_connected, self.host, api_key, transport)
        self._is_inside = self.host.embedded and transport is None
        if not self._is_inside:
            self._http = self._connected()  # a host or key that cannot be used is told now
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
        for made in ("_http", "_single"):
            if made in self.__dict__:
                getattr(self, made).close()

    def stopped_by(self, stop: Stop) -> Self:
        """This client, for calls that `stop` breaks off from another thread. It is closed with this one."""
        other = copy(self)
        other._stop = stop
        other._http = self._single
        return other

    def send(self, call: Call[T]) -> T:
        """The answer to a call. Raises ModelError."""
        with self._stop.heeded():
            if self._is_inside:
                return inside.send(call, self.host)
            from search.ollama import connections, translation  # noqa: PLC0415 (see above)

            with translation.translated(call, self.host):
                response = self._http.send(self._request(call, stream=False))
        return connections.answer(call, self.host, response)

    def stream(self, call: Call[T]) -> Stream[T]:
        """The answer to a call, line by line. Raises ModelError, while it is read."""
        from search.ollama.streams import Stream  # noqa: PLC0415 (see above)

        return Stream(
            lambda: self._http.send(self._request(call, stream=True), stream=True),
            call,
            self.host,
            self.timeouts.idle,
            self._stop,
        )

    @cached_property
    def _http(self) -> httpx.Client:
        return self._connected()

    @cached_property
    def _single(self) -> httpx.Client:
        """For calls that can be stopped: each on a connection of its own, see `search.ollama.stopping`."""
        return self._connected(reused=False)

    def _request(self, call: Call[Any], stream: bool) -> httpx.Request:
        from search.ollama import connections  # noqa: PLC0415 (see above)

        content = blobs.pieces(call.upload) if call.upload else connections.encoded(call, stream)
        request = connections.request(self._http, call, content, self.timeouts)
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


def _connected(
    host: hosts.Host, api_key: str, transport: httpx.BaseTransport | None, *, reused: bool = True
) -> httpx.Client:
    from search.ollama import connections  # noqa: PLC0415 (see above)

    return connections.connected(host, api_key, transport, reused=reused)
