"""Calls that the embedded model answers in this process: its endpoints are called, with no JSON and no HTTP between."""

from __future__ import annotations

from typing import TypeVar

from search.ollama.api import Call
from search.ollama.hosts import Host

T = TypeVar("T")


def send(call: Call[T], host: Host) -> T:
    """The answer to a call. Raises ModelError, as for a server that answers the same."""
    from search.embedded import answers  # noqa: PLC0415 (who has a server needs none of it)

    status, content = answers.answer(call.method, call.path, lambda: dict(call.body or {}))
    if status == 404 and call.absent is not None:
        return call.absent
    if status >= 400:
        from search.ollama import translation  # noqa: PLC0415 (httpx and pydantic, for an error)

        raise translation.refusal(call, host, status, answers.encoded(content), {})
    return call.read(content)
