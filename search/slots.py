"""Slots for slow answers: so many at once, the others are asked to come back."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from search.errors import ModelBusy

T = TypeVar("T")

ANSWERS_AT_ONCE = 8
"""In a trial, 60 chats at once without a limit pushed a search from 4 to 700 ms; with 8 it took 3 to 13."""
RETRY_SECONDS = 2
"""What a client is told in Retry-After where no slot is free."""


class Slots:
    """A number of answers that may be under way together."""

    def __init__(self, count: int = ANSWERS_AT_ONCE) -> None:
        self._count = count
        self._free = threading.BoundedSemaphore(count)

    def hold(self, events: Iterator[T]) -> Held[T]:
        """The events, which hold a slot until they end. Raises ModelBusy where no slot is free."""
        self._take()
        return Held(events, self._free)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A slot for the length of a `with` block. Raises ModelBusy where none is free."""
        self._take()
        try:
            yield
        finally:
            self._free.release()

    def _take(self) -> None:
        if not self._free.acquire(blocking=False):
            raise ModelBusy(f"{self._count} answers are being written already: try again", RETRY_SECONDS)


class Held(Generic[T]):
    """Events that hold a slot until they end, fail, or nobody wants them any more."""

    def __init__(self, events: Iterator[T], free: threading.Semaphore) -> None:
        self._events = events
        self._release = weakref.finalize(self, free.release)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return next(self._events)
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Stops what makes the events, a model that is writing too, and frees the slot."""
        if isinstance(self._events, Generator):
            self._events.close()
        self._release()
