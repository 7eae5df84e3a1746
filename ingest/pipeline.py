"""The write hub: a folder in, an index that matches it, and a report that accounts for every file.

Text first: a document is searchable by keyword as soon as it is read, and vectors are made meanwhile. Nothing that is
unchanged is read, nothing that has a vector is embedded again, and a run that was cut off goes on where it
stopped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ingest import changes, chunks
from ingest.changes import EVERYTHING, Changes, Selection
from ingest.embedding import Embedding
from ingest.files import Found
from search import embed, languages
from search.embedded import tokens
from search.errors import DocumentError
from search.records import Chunk, Document
from search.store import FileState, Store

if TYPE_CHECKING:
    from ingest.workers import Result

READ_SECONDS, READ_MEGABYTES = 120.0, 2_000
"""What reading one file may take of time and of memory; what takes more has failed with that reason."""
MOST_HELD = 32
"""Files that are kept in memory while the model for languages is loaded."""

Outcome = Literal["indexed", "partial", "failed", "unchanged", "skipped", "removed"]


@dataclass(frozen=True, slots=True)
class FileEvent:
    """What became of one file, or of `count` files (no path): the unchanged, and those skipped for one reason."""

    path: str
    outcome: Outcome
    reason: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: `done` of `total` files (reading) or chunks (embedding)."""

    stage: Literal["reading", "embedding"]
    done: int
    total: int


Observer = Callable[[FileEvent | Progress], None]


@dataclass(slots=True)
class Report:
    """What a run did. `seen` = indexed + partial + failed + unchanged + skipped, always."""

    root: str
    seen: int = 0
    indexed: int = 0
    partial: int = 0
    failed: int = 0
    unchanged: int = 0
    skipped: int = 0
    removed: int = 0
    chunks: int = 0
    embedded: int = 0
    waiting: int = 0
    parted: int = 0
    quarantined: int = 0
    notes: list[str] = field(default_factory=list)
    paused: bool = False
    text_seconds: float = 0.0
    vector_seconds: float = 0.0
    problems: list[FileEvent] = field(default_factory=list)
    stale_answers: int = 0

    @property
    def reconciles(self) -> bool:
        """Whether every file that was seen has exactly one outcome."""
        return self.seen == self.indexed + self.partial + self.failed + self.unchanged + self.skipped

    @property
    def changed(self) -> int:
        """How much was done: files read or removed, chunks embedded or refused by the model."""
        return self.indexed + self.partial + self.removed + self.embedded + self.quarantined

    def count(self, event: FileEvent) -> None:
        """Adds one file's outcome."""
        setattr(self, event.outcome, getattr(self, event.outcome) + event.count)
        self.seen += event.count if event.outcome != "removed" else 0
        if event.outcome in ("partial", "failed", "skipped"):
            self.problems.append(event)


def ingest(
    folder: Path,
    store: Store,
    model: Callable[[], embed.Model],
    observer: Observer,
    *,
    workers: int = 2,
    selection: Selection = EVERYTHING,
    retry: bool = False,
    paused: Callable[[], bool] = bool,
) -> Report:
    """Makes the index match the folder: reads what changed, drops what is gone, embeds what has no vector.

    `model` is asked for the embedding model, in another thread; `retry` sends it again what it made no vector of
    before. Where `paused` turns true, the run ends with the batches that are at the model: text that came meanwhile
    is worth more than vectors of older text. `vector_seconds` are those after all text was there.
    Raises ConfigError for a folder that is none, StoreError, and ModelError when the model fails: the text is
    in the index by then.
    """
    run = _Run(str(folder.resolve()), store, observer)
    start = time.perf_counter()
    found = changes.compare(folder, store.known(run.root), chunks.CHUNKING, selection, store.location)
    _settle(run, found)
    with Embedding(store, model, chunks.CHUNKING, retry=retry, paused=paused, tell=run.tell_embedding) as vectors:
        _read(run, found.read, workers)
        _drop(run, found.gone)
        read = time.perf_counter()
        made = vectors.finish()
    report = run.report
    report.text_seconds, report.vector_seconds = read - start, time.perf_counter() - read
    report.embedded, report.parted, report.quarantined = made.embedded, made.parted, made.quarantined
    report.waiting, report.notes = made.waiting, made.notes
    report.paused = bool(made.waiting) and paused()
    report.stale_answers = store.answers.counts()[1]
    return report


class _Run:
    """One ingest under way: where its results go."""

    def __init__(self, root: str, store: Store, observer: Observer) -> None:
        self.root = root
        self.store = store
        self.observer = observer
        self.report = Report(root)

    def tell(self, event: FileEvent) -> None:
        self.report.count(event)
        self.observer(event)

    def tell_embedding(self, done: int, total: int) -> None:
        self.observer(Progress("embedding", done, total))


def _settle(run: _Run, found: Changes) -> None:
    """Accounts for all files that need no reading."""
    for skipped in found.skipped:
        run.tell(FileEvent(skipped.name, "skipped", skipped.reason, skipped.count))
    for file, state in found.touched.items():
        run.store.touch(run.root, file.name, state)
    if found.unchanged:
        run.tell(FileEvent("", "unchanged", count=found.unchanged))
    for path, reason in found.failed.items():
        run.tell(FileEvent(path, "failed", reason))
    for file, reason in found.unreadable.items():
        _fail(run, file, "", reason)


def _read(run: _Run, changed: dict[Found, str], workers: int) -> None:
    if not changed:
        return
    from ingest.workers import Workers  # noqa: PLC0415 (with the readers of all formats)

    with Workers(workers, READ_SECONDS, READ_MEGABYTES) as pool:
        for done, (found, result) in enumerate(_in_known_languages(pool.read_all(changed, run.root)), 1):
            if isinstance(result, DocumentError):
                _fail(run, found, changed[found], result.reason)
            else:
                _keep(run, found, changed[found], result)
            run.observer(Progress("reading", done, len(changed)))


def _in_known_languages(read: Iterable[tuple[Found, Result]]) -> Iterator[tuple[Found, Result]]:
    """Files as they are read; those whose language takes a model when that is loaded, as others can be embedded now."""
    held: deque[tuple[Found, Result]] = deque()
    for one in read:
        if _is_waiting_for_language(one[1]) and len(held) < MOST_HELD:
            held.append(one)
            continue
        yield one
        while held and not _is_waiting_for_language(held[0][1]):
            yield held.popleft()
    yield from held


def _is_waiting_for_language(result: Result) -> bool:
    if isinstance(result, DocumentError):
        return False
    return not all(languages.at_once(document.type, document.text) for document in result)


def _keep(run: _Run, found: Found, hash_: str, documents: list[Document]) -> None:
    pieces = [(document, split(document)) for document in documents]
    reason = "; ".join(warning for document in documents for warning in document.warnings)
    outcome: Literal["indexed", "partial"] = "partial" if reason else "indexed"
    state = FileState(found.size, found.mtime_ns, hash_, outcome, reason, chunks.CHUNKING)
    run.store.put(run.root, found.name, changes.settled(found, state), pieces)
    run.report.chunks += sum(len(of_one) for _, of_one in pieces)
    run.tell(FileEvent(found.name, outcome, reason))


def _fail(run: _Run, found: Found, hash_: str, reason: str) -> None:
    """Keeps that a file could not be read; text from an earlier state of it would be stale and goes."""
    state = FileState(found.size, found.mtime_ns, hash_, "failed", reason, chunks.CHUNKING)
    run.store.put(run.root, found.name, changes.settled(found, state), [])
    run.tell(FileEvent(found.name, "failed", reason))


def _drop(run: _Run, gone: set[str]) -> None:
    run.store.drop(run.root, gone)
    for path in sorted(gone):
        run.tell(FileEvent(path, "removed"))


def split(document: Document) -> list[Chunk]:
    """The document's chunks, sized by the embedded model's word pieces."""
    return chunks.split(document, tokens.starts, size=chunks.SIZE, overlap=chunks.OVERLAP)
