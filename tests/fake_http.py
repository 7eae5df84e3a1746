"""The sockets under the fake Ollama: a threaded HTTP/1.1 server that can also misbehave.

It knows nothing of models: it hands each `Request` to one function and plays back the `Answer`.
"""

from __future__ import annotations

import math
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Condition = Callable[[], object]
Step = bytes | float | Condition | None
HANG_UP: None = None
FOR_EVER = math.inf


@dataclass(frozen=True)
class Request:
    """One request as it came; `json` is its body, None where it has none or it isn't JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any = None


@dataclass(frozen=True)
class Answer:
    """What is sent: bytes are sent, so many seconds or until something holds is waited, HANG_UP closes the connection.

    The status line goes out with the first bytes, so waiting before them is waiting for the first byte.
    `length` None sends chunks, as Ollama's streams do.
    """

    status: int = 200
    steps: Iterable[Step] = ()
    length: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"


class HungUp(Exception):
    """The client closed the connection."""


class Server(ThreadingHTTPServer):
    """Serves `respond` on 127.0.0.1 until closed; `hung_up` counts the clients that left in the middle."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, respond: Callable[[Request], Answer], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.respond = respond
        self.hung_up = 0
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), name="fake ollama")
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        """Stops serving, closes every connection and waits for all threads."""
        self.closing.set()
        self.shutdown()
        self.thread.join()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error here; anything else is printed by the parent."""
        if not isinstance(sys.exception(), (ConnectionError, HungUp)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the tests read `fake.requests`."""

    def answer(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()), self.read_body())
        answer = self.server.respond(request)
        steps = iter(answer.steps)
        try:
            self.play(answer, steps)
        except (ConnectionError, HungUp):
            self.server.hung_up += 1
            self.close_connection = True
        finally:
            if isinstance(steps, Iterator) and hasattr(steps, "close"):
                steps.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 (the names that http.server calls)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def play(self, answer: Answer, steps: Iterator[Step]) -> None:
        head = self.head(answer)
        chunked = answer.length is None
        for step in steps:
            if step is HANG_UP:
                self.close_connection = True
                return
            if isinstance(step, bytes):
                self.wfile.write(head + (b"%x\r\n%b\r\n" % (len(step), step) if chunked else step))
                head = b""
            else:
                self.wait(step)
        self.wfile.write(head + (b"0\r\n\r\n" if chunked else b""))

    def head(self, answer: Answer) -> bytes:
        headers = {"Content-Type": answer.content_type, **answer.headers}
        if answer.length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(answer.length)
        lines = [f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('Unknown',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def wait(self, step: float | Condition) -> None:
        """Waits so many seconds, or until something holds; not longer than the client or the server is there."""
        until = FOR_EVER if callable(step) else time.monotonic() + step
        while (left := until - time.monotonic()) > 0 and not self.server.closing.is_set():
            if callable(step) and step():
                return
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise HungUp
            if readable:
                time.sleep(min(left, 0.02))
        if self.server.closing.is_set():
            raise HungUp
