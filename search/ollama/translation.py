"""What went wrong, as the errors of `search.errors`: by the server's words first, by the status after.

Ollama's statuses say little: a crashed runner is a 400 or a 500, an input that is too long a 400 or a 500,
and an error within a stream has no status at all. The wordings are those of Ollama 0.1 to 0.34.
"""

from __future__ import annotations

import errno
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError
from pydantic_core import from_json

from search.config import EMBEDDED_HOST, EMBEDDED_MODEL, MULTILINGUAL_MODEL
from search.errors import (
    InputTooLong,
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelMissing,
    ModelRefused,
    ModelUnreachable,
    NotFinite,
    RouteMissing,
    RunnerFailed,
)
from search.ollama.api import Call
from search.ollama.embeddings import Unusable, UnusableRows
from search.ollama.hosts import Host

TOO_LONG = re.compile(
    r"exceeds (the|maximum) context length|longer than the context length|cannot be truncated further"
    r"|physical batch size|context size|too large"
)
NOT_FINITE = re.compile(r"\bNaN\b|\bInf values|unsupported value")
BUSY = re.compile(r"server busy|maximum pending requests")
RUNNER = re.compile(
    r"connection refused|connection reset|\bEOF\b|unexpected server status|runner process|do embedding request"
    r"|tokenize"
)
MISSING = re.compile(r"model .*not found|not found, try pulling")
T = TypeVar("T")

RUNS_A_MODEL = ("/api/embed", "/api/embeddings", "/api/generate", "/api/chat")
WITHOUT_OLLAMA = {
    "/api/embed": ", or unset SEARCH_EMBED_MODEL to use the embedded model",
    "/api/show": ", or unset SEARCH_EMBED_MODEL to use the embedded model",
    "/api/chat": ", or unset SEARCH_CHAT_MODEL to have answers quoted from the documents",
}
IN_STREAM = 0
"""The status of an error that comes as a line of a stream."""


@contextmanager
def translated(call: Call[Any], host: Host) -> Iterator[None]:
    """Turns what httpx raises within it into a ModelError; for sync and async code alike."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise _timed_out(call, host, error) from error
    except httpx.ConnectError as error:
        raise unreachable(call, host, _reason(error)) from error
    except httpx.DecodingError as error:
        raise garbled(call, host, f"its compression is broken ({error})") from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, UnicodeError) as error:
        raise unreachable(call, host, f"the connection broke off: {_reason(error)}") from error


def refusal(call: Call[Any], host: Host, status: int, body: bytes, headers: Mapping[str, str]) -> ModelError:
    """The error that an answer with an error status stands for."""
    data = _decoded(body)
    words = _words(data) or _text(body)
    if status == 404:
        return _not_found(call, host, words)
    if status in (429, 503) or BUSY.search(words):
        return _busy(call, host, words or f"status {status}", _retry_after(headers))
    if status == 401:
        link = data.get("signin_url", "") if isinstance(data, dict) else ""
        how = f"open {link} or run `ollama signin`" if link else "run `ollama signin`"
        return _refused(call, host, f"{words or 'not signed in'}: {how}, or set OLLAMA_API_KEY", status)
    if status == 403 and not words:
        return _refused(
            call,
            host,
            "it does not answer under this host name: ask it as http://127.0.0.1:11434 or by its own name, "
            "or start it with OLLAMA_HOST=0.0.0.0",
            status,
        )
    if 300 <= status < 400:
        place = headers.get("location", "elsewhere")
        return _refused(call, host, f"it sends us on to {place}: set OLLAMA_HOST to where Ollama is", status)
    return refused_by_words(call, host, words, status)


def refused_by_words(call: Call[Any], host: Host, words: str, status: int = IN_STREAM) -> ModelError:
    """The error that the server's words stand for; `status` tells only where they don't."""
    if call.path in RUNS_A_MODEL and (error := _by_runner(call, host, words, status)):
        return error
    if BUSY.search(words):
        return _busy(call, host, words, None)
    if status == IN_STREAM and MISSING.search(words):
        return _missing(call, host)
    if status in (502, 504, 408, 499):
        return unreachable(call, host, words or f"status {status}")
    if status >= 500:
        return _runner_failed(call, host, words or f"status {status}")
    return _refused(call, host, words or f"status {status}", status)


def garbled(call: Call[Any], host: Host, reason: str | Exception) -> ModelGarbled:
    """An answer that cannot be used; `reason` may be the exception of whoever read it."""
    if isinstance(reason, ValidationError):
        first = reason.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the answer"
        reason = f"{place}: {first['msg']}"
    text = f"{host} gave an answer to {call} that cannot be used: {reason}"
    return NotFinite(text, reason.rows) if isinstance(reason, UnusableRows) else ModelGarbled(text)


def unreachable(call: Call[Any], host: Host, reason: str) -> ModelUnreachable:
    """No answer, for this reason; the message says how to get one, or do without."""
    return ModelUnreachable(
        f"no answer from {host} to {call} ({reason}): start Ollama there (`ollama serve`) or check OLLAMA_HOST"
        + WITHOUT_OLLAMA.get(call.path, "")
    )


def broken_off(call: Call[Any], host: Host, where: str) -> ModelUnreachable:
    """A stream that ended before its end."""
    return ModelUnreachable(
        f"{host} broke its answer to {call} off {where}: it was stopped or the model crashed; ask again, "
        "and look into the server's log if it happens again"
    )


def decoded(call: Call[Any], host: Host, body: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises ModelError where it is none, or is `{"error": ...}`."""
    try:
        data = (call.quickly(body) if call.quickly else None) or from_json(body)
    except ValueError as error:
        shown = _text(body)[:80] or "nothing at all"
        raise garbled(call, host, f"it is not JSON ({error}): {shown!r}; is that an Ollama?") from error
    if not isinstance(data, dict):
        raise garbled(call, host, f"it is a JSON {type(data).__name__}, not an object; is that an Ollama?")
    if data.get("error"):
        raise refused_by_words(call, host, _words(data))
    return data


def read(call: Call[T], host: Host, data: Any) -> T:
    """The record of a decoded answer. Raises ModelGarbled."""
    try:
        return call.read(data)
    except (ValidationError, Unusable) as error:
        raise garbled(call, host, error) from error


def _by_runner(call: Call[Any], host: Host, words: str, status: int) -> ModelError | None:
    """The error if these are the words of a model that was run on something, or of the process that runs it."""
    if TOO_LONG.search(words) and "memory" not in words:
        return InputTooLong(f"{host} refused {call}: the text is longer than the model's window ({words})", status)
    if NOT_FINITE.search(words):
        return NotFinite(f"{host} could not do {call}: the model made NaN or infinity of an input ({words})")
    return _runner_failed(call, host, words) if RUNNER.search(words) else None


def _timed_out(call: Call[Any], host: Host, error: httpx.TimeoutException) -> ModelUnreachable:
    waits = error.request.extensions.get("timeout", {})
    if isinstance(error, httpx.ConnectTimeout):
        return unreachable(call, host, f"no connection within {waits.get('connect')} s")
    seconds = waits.get("write" if isinstance(error, httpx.WriteTimeout) else "read")
    return ModelUnreachable(
        f"{host} was silent for {seconds} s on {call}: the model may be too big for the machine or the server "
        "stuck; look at `ollama ps` and its log, and ask again"
    )


def _not_found(call: Call[Any], host: Host, words: str) -> ModelError:
    if call.model and "not found" in words and "page not found" not in words:
        return _missing(call, host)
    if host.embedded and "not installed" in words:
        return ModelMissing(words)  # they say how to have it
    return RouteMissing(
        f"{host} does not know {call} ({words or 'status 404'}): update Ollama there, or check OLLAMA_HOST: "
        "is it an Ollama, and is there a path too many?",
        404,
    )


def _missing(call: Call[Any], host: Host) -> ModelMissing:
    if host.embedded:
        return ModelMissing(
            f'there is no embedded model "{call.model}": leave SEARCH_EMBED_MODEL unset for {EMBEDDED_MODEL}, set it '
            f"to {EMBEDDED_HOST}{MULTILINGUAL_MODEL}, or have OLLAMA_HOST name a server that has the model"
        )
    return ModelMissing(
        f'{host} has no model "{call.model}": run `ollama pull {call.model}` there, or name one that it has '
        "(`search models` lists them)"
    )


def _busy(call: Call[Any], host: Host, words: str, retry_after: float | None) -> ModelBusy:
    when = "later" if retry_after is None else f"in {retry_after:g} s"
    return ModelBusy(f"{host} has no time for {call} ({words}): try again {when}", retry_after)


def _runner_failed(call: Call[Any], host: Host, words: str) -> RunnerFailed:
    if host.embedded:
        return RunnerFailed(f"the embedded model could not do {call}: {words}")
    return RunnerFailed(
        f"{host} could not run {call} ({words}): try again; if it stays, the model doesn't fit the machine's "
        "memory or the server's log says why"
    )


def _refused(call: Call[Any], host: Host, words: str, status: int) -> ModelRefused:
    hint = ""
    if "does not support" in words:
        hint = ": choose a model that does (`ollama show MODEL` lists its capabilities)"
    return ModelRefused(f"{host} refused {call}: {words}{hint}", status)


def _decoded(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None


def _words(data: Any) -> str:
    """What an error body says: Ollama's {"error": text}, or a proxy's {"error": {"message": text}}."""
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return str(error).strip() if error else ""


def _text(body: bytes) -> str:
    """A body that isn't JSON, in a line: without its tags and at most 200 characters."""
    text = re.sub(r"<style.*?</style>|<[^>]*>", " ", body[:4000].decode("utf-8", "replace"), flags=re.DOTALL)
    return " ".join(text.split())[:200]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, which may be a number or a date."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if isfinite(seconds) else None


def _reason(error: BaseException) -> str:
    """What the operating system said, where it did: the innermost error is the plainest."""
    innermost = error
    while cause := innermost.__cause__ or innermost.__context__:
        innermost = cause
    if isinstance(innermost, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(innermost):
        return "it speaks http, not https"
    if isinstance(innermost, OSError) and innermost.errno and innermost.strerror:
        return os.strerror(innermost.errno) if innermost.errno in errno.errorcode else innermost.strerror
    return str(error) or type(error).__name__
