"""Every test that takes `ask` runs with the sync client and with the async one."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import pytest

from search.ollama.asynchronous import AsyncClient
from search.ollama.client import Client, Timeouts
from search.ollama.streams import AsyncStream, Stream

PATIENT = Timeouts(connect=20, quick=20, first_byte=20, idle=20)
"""Long enough for a busy machine, short enough for a test that would wait for ever."""


class Ask(Protocol):
    """Calls one method of a client and closes the client; a stream is read to its end, as a list."""

    def __call__(
        self, host: str, method: str, *args: Any, timeouts: Timeouts = ..., api_key: str = ..., **fields: Any
    ) -> Any: ...


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return ask_sync if request.param == "sync" else ask_async


def ask_sync(host: str, method: str, *args: Any, timeouts: Timeouts = PATIENT, api_key: str = "", **fields: Any) -> Any:
    with Client(host, timeouts=timeouts, api_key=api_key) as client:
        answer = getattr(client, method)(*args, **fields)
        return list(answer) if isinstance(answer, Stream) else answer


def ask_async(
    host: str, method: str, *args: Any, timeouts: Timeouts = PATIENT, api_key: str = "", **fields: Any
) -> Any:
    async def run() -> Any:
        async with AsyncClient(host, timeouts=timeouts, api_key=api_key) as client:
            answer = getattr(client, method)(*args, **fields)
            return [line async for line in answer] if isinstance(answer, AsyncStream) else await answer

    return asyncio.run(run())
