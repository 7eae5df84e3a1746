"""Streamed answers: one JSON object a line, the last of which says that it is the last."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

import httpx

from search.errors import ModelGarbled
from search.ollama import translation
from search.ollama.api import Call
from search.ollama.hosts import Host
from search.ollama.stopping import NEVER, Stop

T = TypeVar("T")

MAX_LINE = 256 * 1024 * 1024
"""A line may have this many bytes; what is longer is not an answer but a server gone mad."""


class Lines(Generic[T]):
    """Cuts bytes into lines and reads each; pure. `finished` once the last line was seen."""

    def __init__(self, call: Call[T], host: Host) -> None:
        self.call = call
        self.host = host
        self.finished = False
        self._tidy = call.tidy() if call.tidy else None
        self._parts: list[bytes] = []
        self._size = 0
        self._count = 0

    def feed(self, data: bytes) -> Iterator[T]:
        """The records that these bytes complete. Raises ModelError as `end`."""
        first, *others = data.split(b"\n")
        self._keep(first)
        for following in others:
            line = b"".join(self._parts)
            self._parts, self._size = [], 0
            self._keep(following)
            if line.strip():
                yield self._read(line)

    def end(self) -> Iterator[T]:
        """What is left at the end. Raises ModelUnreachable where the stream ended too early."""
        if line := b"".join(self._parts).strip():
            yield self._last(line)
        if not self.finished:
            raise translation.broken_off(self.call, self.host, f"after {self._count} lines")

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > MAX_LINE:
            raise translation.garbled(self.call, self.host, f"a line has more than {MAX_LINE:,} bytes")

    def _last(self, line: bytes) -> T:
        """Reads what no line end follows: a whole line, or half of one."""
        try:
            return self._read(line)
        except ModelGarbled:
            if not line.startswith(b"{"):
                raise
        raise translation.broken_off(self.call, self.host, "in the middle of a line")

    def _read(self, line: bytes) -> T:
        record: T = translation.read(self.call, self.host, translation.decoded(self.call, self.host, line))
        self._count += 1
        self.finished = self.call.finished is not None and self.call.finished(record)
        return self._tidy(record) if self._tidy else record


class Stream(Generic[T]):
    """An answer line by line: iterate it, within `with` if you may leave early.

    The request goes out with the first line asked for, or on entering `with`. Closing it closes the connection,
    on which the server stops writing. Raises ModelError at any line.
    """

    def __init__(
        self, send: Callable[[], httpx.Response], call: Call[T], host: Host, idle: float, stop: Stop = NEVER
    ) -> None:
        self._send = send
        self._call = call
        self._host = host
        self._idle = idle
        self._stop = stop
        self._response: httpx.Response | None = None
        self._records: Generator[T, None, None] | None = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._open())

    def close(self) -> None:
        """Ends the answer; what was not read is lost."""
        if self._response is not None:
            self._response.close()
        if self._records is not None:
            self._records.close()

    def _open(self) -> Generator[T, None, None]:
        if self._records is None:
            with self._stop.heeded(), translation.translated(self._call, self._host):
                self._response = self._send()
                if not self._response.is_success:
                    self._response.read()
                    raise refusal(self._call, self._host, self._response)
            wait_between_lines(self._response, self._idle)
            self._records = self._read(self._response)
        return self._records

    def _read(self, response: httpx.Response) -> Generator[T, None, None]:
        lines = Lines(self._call, self._host)
        try:
            with self._stop.heeded():
                with translation.translated(self._call, self._host):
                    for data in response.iter_bytes():
                        yield from lines.feed(data)
                        if lines.finished:
                            return
                yield from lines.end()
        finally:
            response.close()


class AsyncStream(Generic[T]):
    """As Stream, for `async for` and `async with`."""

    def __init__(self, send: Callable[[], Awaitable[httpx.Response]], call: Call[T], host: Host, idle: float) -> None:
        self._send = send
        self._call = call
        self._host = host
        self._idle = idle
        self._response: httpx.Response | None = None
        self._records: AsyncGenerator[T, None] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(await self._open())

    async def aclose(self) -> None:
        """Ends the answer; what was not read is lost."""
        if self._response is not None:
            await self._response.aclose()
        if self._records is not None:
            await self._records.aclose()

    async def _open(self) -> AsyncGenerator[T, None]:
        if self._records is None:
            with translation.translated(self._call, self._host):
                self._response = await self._send()
                if not self._response.is_success:
                    await self._response.aread()
                    raise refusal(self._call, self._host, self._response)
            wait_between_lines(self._response, self._idle)
            self._records = self._read(self._response)
        return self._records

    async def _read(self, response: httpx.Response) -> AsyncGenerator[T, None]:
        lines = Lines(self._call, self._host)
        try:
            with translation.translated(self._call, self._host):
                async for data in response.aiter_bytes():
                    for record in lines.feed(data):
                        yield record
                    if lines.finished:
                        return
            for record in lines.end():
                yield record
        finally:
            await response.aclose()


def refusal(call: Call[T], host: Host, response: httpx.Response) -> Exception:
    """The error of a response that was read."""
    return translation.refusal(call, host, response.status_code, response.content, response.headers)


def wait_between_lines(response: httpx.Response, idle: float) -> None:
    """From here on the read timeout is the one between two lines, no longer the one for the first byte.

    httpcore reads the "timeout" extension of the request anew when it begins with the body.
    """
    response.request.extensions.setdefault("timeout", {})["read"] = idle
