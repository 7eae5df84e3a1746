"""What a run shows while it goes on: bars on a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import pydantic_core

from ingest.pipeline import FileEvent, Report
from ingest.pipeline import Progress as Stage
from search.places import printable

# rich is only imported where there are bars.
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 10.0
TOLD = ("failed", "partial")
NAMED = 3
"""So many files that were skipped for one reason are named; --json names all."""


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
                self._print(f"{event.outcome}: {printable(event.path)}: {printable(event.reason)}")
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
                from rich.markup import escape  # noqa: PLC0415

                self._progress.console.print(
                    f"{event.outcome}: {escape(printable(event.path))}: {escape(printable(event.reason))}"
                )
            return
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(event.stage, total=event.total)
        self._progress.update(self._tasks[event.stage], completed=event.done, total=event.total)


def shown(*, as_json: bool) -> Shown:
    """What fits where the output goes."""
    return JsonLines() if as_json else bars() if sys.stderr.isatty() else Lines()


def bars() -> Bars:
    """Bars on standard error."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bars(Progress(*columns, console=Console(stderr=True)))


def describe(report: Report) -> str:
    """The report in lines for people; its counts add up to the files seen."""
    root = printable(report.root)
    if not report.seen and not report.removed:
        return f"{root}: no files here; nothing to do"
    if not report.changed and not report.failed:
        line = f"{root}: nothing changed; {report.unchanged:,} files are up to date{_passed_over(report)}"
        return "\n".join([line, *_skipped(report), *_stale(report)])
    lines = [
        f"{root}: {report.seen:,} files seen = {report.indexed:,} indexed + {report.partial:,} partial"
        f" + {report.failed:,} failed + {report.unchanged:,} unchanged + {report.skipped:,} skipped",
        f"{report.removed:,} removed; {report.chunks:,} chunks read in {report.text_seconds:.1f} s,"
        f" {report.embedded:,} embedded in {report.vector_seconds:.1f} s",
    ]
    lines += _skipped(report)
    if report.parted:
        lines.append(f"{report.parted:,} chunks were too long for the model and were embedded in parts")
    if report.quarantined:
        lines.append(
            f"{report.quarantined:,} of the chunks got no vector, as the model makes none: keyword search finds them, "
            "`ingest failures` says why, --retry tries again"
        )
    lines += [*_stale(report), *report.notes]
    if report.paused:
        lines.append(f"{report.waiting:,} chunks have no vector yet; the folder has changed and is read first")
    elif report.waiting:
        lines.append(f"{report.waiting:,} chunks have no vector yet: run it again")
    return "\n".join(lines)


def _skipped(report: Report) -> list[str]:
    """A line for each reason why files were skipped, with the first of them."""
    by_reason: dict[str, list[FileEvent]] = {}
    for event in report.problems:
        if event.outcome == "skipped":
            by_reason.setdefault(event.reason, []).append(event)
    lines = []
    for reason, events in by_reason.items():
        count = sum(event.count for event in events)
        named = [printable(event.path) for event in events[:NAMED] if event.path]
        more = f" and {count - len(named):,} more" if named and count > len(named) else ""
        lines.append(f"{count:,} skipped, {printable(reason)}" + (f": {', '.join(named)}{more}" if named else ""))
    return lines


def _stale(report: Report) -> list[str]:
    if not report.stale_answers:
        return []
    return [f"kept answers that are stale: {report.stale_answers:,} (`search answers stale` shows what has changed)"]


def _passed_over(report: Report) -> str:
    return f", {report.skipped:,} skipped" if report.skipped else ""
