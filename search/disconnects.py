"""Clients that go away before they have their answer: the model that works for them is stopped at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from search.errors import Stopped
from search.ollama.stopping import Stop

T = TypeVar("T")

_watches: set[asyncio.Task[None]] = set()


def stop_of(request: Request) -> Stop:
    """A stop that is called when the client has gone, or has all of its answer. The body has been read by now."""
    stop = Stop()
    task = asyncio.get_running_loop().create_task(_wait(request, stop))
    _watches.add(task)  # the loop itself keeps no task alive
    task.add_done_callback(_watches.discard)
    return stop


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled, and Stopped raised, where the client goes first."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Stopped("the request was broken off: whoever asked has gone")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()


async def _wait(request: Request, stop: Stop) -> None:
    await _gone(request)
    stop()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
