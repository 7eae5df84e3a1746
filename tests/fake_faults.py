"""The ways in which the fake Ollama can fail: one function each, named as `fake.fault(name, ...)` takes it.

A fault stands between the request and the answer: it gets both the request and `make`, which computes the
honest answer, and returns what is sent instead. Wordings and statuses are those of real servers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fake_http import FOR_EVER, HANG_UP, Answer, Condition, Request, Step

Make = Callable[[], Answer]
Failing = Callable[..., Answer]

MODEL_ROUTES = ("/api/embed", "/api/embeddings", "/api/generate", "/api/chat")


@dataclass(eq=False)
class Fault:
    """A fault that is switched on: where (`routes`, all if empty), how often, and for which texts.

    It applies to `times` requests (None: to all), after letting `skip` of them through, and only to those
    whose body contains `marker`.
    """

    name: str
    routes: tuple[str, ...]
    times: int | None = None
    skip: int = 0
    marker: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def takes(self, route: str, request: Request) -> bool:
        """Whether this request is to fail; counts it."""
        if self.routes and route not in self.routes:
            return False
        if self.marker not in json.dumps(request.json, ensure_ascii=False) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def answer(self, request: Request, make: Make) -> Answer:
        return FAULTS[self.name](request, make, **self.settings)


def reply(status: int, body: Any, **headers: str) -> Answer:
    """A whole answer: `body` as JSON, or as it is if it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, [data], len(data), named)


def error(status: int, message: str) -> Failing:
    """A fault that answers with an error, in the words of a real server unless `words` or `status` say otherwise."""

    def failing(_request: Request, _make: Make, words: str = message, status: int = status) -> Answer:
        return reply(status, {"error": words})

    return failing


def busy(_request: Request, _make: Make, retry_after: float | None = None, status: int = 503) -> Answer:
    words = "server busy, please try again. maximum pending requests exceeded"
    return reply(status, {"error": words}, **({} if retry_after is None else {"Retry_After": str(retry_after)}))


def missing(request: Request, _make: Make) -> Answer:
    name = (request.json or {}).get("model", "")
    return reply(404, {"error": f'model "{name}" not found, try pulling it first'})


def sign_in(_request: Request, _make: Make) -> Answer:
    return reply(401, {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=x"})


def no_route(_request: Request, _make: Make) -> Answer:
    return replace(reply(404, b"404 page not found"), content_type="text/plain")


def bytes_instead(_request: Request, _make: Make, body: bytes = b"<html>It works!</html>", status: int = 200) -> Answer:
    return replace(reply(status, body), content_type="text/html")


# ------------------------------------------------------------------ the connection


def drop(_request: Request, _make: Make) -> Answer:
    """Closes the connection without a byte."""
    return Answer(200, [HANG_UP], 0)


def half(_request: Request, make: Make) -> Answer:
    """Sends half of the answer, or half of a stream's last line, and closes the connection."""
    answer = make()
    steps = list(answer.steps)
    last = steps[-1]
    assert isinstance(last, bytes)
    return replace(answer, steps=[*steps[:-1], last[: len(last) // 2], HANG_UP])


def slow(_request: Request, make: Make, seconds: float = 0.0, until: Condition | None = None) -> Answer:
    """Waits before the first byte, as a model that is loaded makes a server do; for so long, or until something holds.

    With `until` a test decides what comes first, however slow the machine is.
    """
    answer = make()
    return replace(answer, steps=[until or seconds, *answer.steps])


def stall(_request: Request, make: Make, after: int = 0, until: Condition | None = None) -> Answer:
    """Falls silent after so many lines of a stream (0: before the first byte), until something holds, or for ever."""
    answer = make()
    steps = list(answer.steps)
    return replace(answer, steps=[*steps[:after], until or FOR_EVER, *steps[after:]])


# ------------------------------------------------------------------ streams


def streamed(change: Callable[..., list[Step]]) -> Failing:
    """A fault that changes the lines of a stream; answers in one piece stay as they are."""

    def failing(_request: Request, make: Make, **settings: Any) -> Answer:
        answer = make()
        lines = [step for step in answer.steps if isinstance(step, bytes)]
        if answer.length is not None:
            return replace(answer, steps=lines)
        return replace(answer, steps=change(lines, **settings))

    return failing


@streamed
def half_line(lines: list[bytes]) -> list[Step]:
    """A stream that ends, in good order, in the middle of its last line."""
    return [*lines[:-1], lines[-1][: len(lines[-1]) // 2]]


@streamed
def error_line(
    lines: list[bytes], after: int = 1, words: str = "llama runner process has terminated: exit status 2"
) -> list[Step]:
    """An error after the answer has begun."""
    return [*lines[:after], json.dumps({"error": words}).encode() + b"\n"]


@streamed
def no_end(lines: list[bytes]) -> list[Step]:
    """A stream that ends without its last line."""
    return [*lines[:-1]]


@streamed
def bad_line(lines: list[bytes], after: int = 1, line: bytes = b"{oops}\n") -> list[Step]:
    """A line that isn't JSON in the middle of a stream."""
    return [*lines[:after], line, *lines[after:]]


@streamed
def pieces(lines: list[bytes], size: int = 0) -> list[Step]:
    """The same stream in other pieces: `size` bytes each, or all lines at once; nothing is wrong with it."""
    whole = b"".join(lines)
    size = size or len(whole)
    return [whole[start : start + size] for start in range(0, len(whole), size)]


# ------------------------------------------------------------------ embeddings

Rows = list[list[float]]


def embeddings(change: Callable[[Rows], Rows]) -> Failing:
    """A fault that changes the rows of an honest embedding answer."""

    def failing(request: Request, make: Make) -> Answer:
        answer = make()
        if request.path != "/api/embed" or answer.status != 200:
            return answer
        body = json.loads(b"".join(step for step in answer.steps if isinstance(step, bytes)))
        return reply(200, body | {"embeddings": change(body["embeddings"])})

    return failing


FAULTS: dict[str, Failing] = {
    "busy": busy,
    "missing": missing,
    "sign_in": sign_in,
    "forbidden": lambda _request, _make: reply(403, b""),
    "no_cloud": error(403, "ollama cloud is disabled"),
    "no_route": no_route,
    "bytes": bytes_instead,
    "too_long": error(400, "the input length exceeds the context length"),
    "nan": error(400, "embedding contains NaN or Inf values"),
    "runner": error(500, "llama runner process has terminated: exit status 2"),
    "runner_refused": error(
        400, 'do embedding request: Post "http://127.0.0.1:39999/embedding": dial tcp: connection refused'
    ),
    "load": error(500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)"),
    "error": error(400, "something else"),
    "rate": error(429, "you've reached your hourly usage limit"),
    "cloud": error(502, "ollama.com is unreachable"),
    "redirect": lambda _request, _make: reply(301, b"", Location="https://elsewhere.example/"),
    "drop": drop,
    "half": half,
    "half_line": half_line,
    "slow": slow,
    "stall": stall,
    "error_line": error_line,
    "no_end": no_end,
    "bad_line": bad_line,
    "pieces": pieces,
    "one_less": embeddings(lambda rows: rows[:-1]),
    "one_more": embeddings(lambda rows: [*rows, rows[-1]]),
    "reordered": embeddings(lambda rows: rows[::-1]),
    "ragged": embeddings(lambda rows: [*rows[:-1], *(row[:-1] for row in rows[-1:])]),
    "other_dimensions": embeddings(lambda rows: [row[: len(row) // 2] for row in rows]),
    "empty_rows": embeddings(lambda rows: [[] for _ in rows]),
    "nan_values": embeddings(lambda rows: [*rows[:-1], [math.nan, *rows[-1][1:]]]),
    "null_values": embeddings(lambda rows: [*rows[:-1], [None, *rows[-1][1:]]]),  # type: ignore[list-item]
    "text_values": embeddings(lambda rows: [*rows[:-1], ["x", *rows[-1][1:]]]),  # type: ignore[list-item]
    "silent_cut": lambda _request, make: make(),  # the routes look for it themselves
}
"""Fault names. Those that fail only texts with a mark take `marker=` like every fault."""
