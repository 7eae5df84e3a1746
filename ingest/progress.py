"""What a run shows while it goes on: bars on a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from types import TracebackType
from typing import Protocol, Self

import pydantic_core
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ingest.pipeline import FileEvent
from ingest.pipeline import Progress as Stage

SECONDS_BETWEEN_LINES = 10.0
TOLD = ("failed", "partial")


class Shown(Protocol):
    """Takes the events of a run, between entering and leaving."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def tell(self, event: FileEvent | Stage) -> None: ...


class Lines:
    """A line for each file that could not be read whole, and now and then how far the run is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def tell(self, event: FileEvent | Stage) -> None:
        if isinstance(event, FileEvent):
            if event.outcome in TOLD:
                self._print(f"{event.outcome}: {printable(event.path)}: {event.reason}")
        elif time.monotonic() - self._last > SECONDS_BETWEEN_LINES:
            self._print(f"{event.stage}: {event.done:,} of {event.total:,}")

    def _print(self, line: str) -> None:
        self._last = time.monotonic()
        print(line, file=sys.stderr, flush=True)


class JsonLines:
    """Each event as one JSON object on standard output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def tell(self, event: FileEvent | Stage) -> None:
        kind = "file" if isinstance(event, FileEvent) else "progress"
        print(pydantic_core.to_json({"type": kind, **asdict(event)}).decode(), flush=True)


class Bars:
    """A bar for reading and one for embedding; failures scroll above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, event: FileEvent | Stage) -> None:
        if isinstance(event, FileEvent):
            if event.outcome in TOLD:
                self._progress.console.print(
                    f"{event.outcome}: {escape(printable(event.path))}: {escape(event.reason)}"
                )
            return
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(event.stage, total=event.total)
        self._progress.update(self._tasks[event.stage], completed=event.done, total=event.total)


def bars() -> Bars:
    """Bars on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bars(Progress(*columns, console=Console(stderr=True)))


def printable(path: str) -> str:
    """A path on one line of a terminal, whatever its name: line breaks and control characters are escaped."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in path)
