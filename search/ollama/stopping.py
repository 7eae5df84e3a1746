"""Calls that another thread breaks off.

A thread that waits for a server's next byte cannot be interrupted, but the socket it waits on can be shut down, which
ends the wait at once and tells the server that nobody listens any more. httpcore's trace names the sockets; it does
so when a connection is made, so each call needs one of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from search.errors import ModelError, Stopped

if TYPE_CHECKING:
    import socket

_OPENED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Stop:
    """Called, it breaks off the calls that are under way with it, and lets no other begin; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._stopped = False

    def __call__(self) -> None:
        with self._lock:
            self._stopped = True
            for one in self._sockets:
                _shut(one)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook, called with what happens to a request: keeps the sockets that it goes through."""
        if event in _OPENED:
            opened = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.append(opened)
                if self._stopped:
                    _shut(opened)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """A call, or a part of one. Raises Stopped in place of the failure that stopping makes of it."""
        self._check(None)
        try:
            yield
        except ModelError as error:
            self._check(error)
            raise

    def _check(self, error: ModelError | None) -> None:
        if self._stopped:
            raise Stopped("the call was broken off: whoever asked has gone") from error


NEVER = Stop()
"""For calls that nobody stops."""


def _shut(one: socket.socket) -> None:
    import socket  # noqa: PLC0415 (only who talks to a server has it)

    with suppress(OSError):  # it was closed already
        # Not the method of SSLSocket, which takes the TLS state away from the thread that reads.
        socket.socket.shutdown(one, socket.SHUT_RDWR)
