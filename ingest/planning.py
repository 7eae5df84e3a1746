"""What an ingest would do, without doing it: `ingest FOLDER --dry-run`.

The files that would be read are read, so that what would fail and how many passages are new is known, not guessed.
Nothing is written. The seconds are an estimate from the model's own speed, measured on some of the new passages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest import changes, chunks
from ingest.changes import Changes, Selection
from ingest.files import Found
from ingest.pipeline import READ_MEGABYTES, READ_SECONDS, split
from ingest.workers import Workers
from search import embed
from search.errors import DocumentError
from search.places import printable
from search.records import Chunk
from search.store import FileState, Store

MARKS = {"read": "+", "fail": "!", "remove": "-"}
SAMPLE = 24
SAMPLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Would:
    """What would become of one file; `reason` says why."""

    path: str
    action: Literal["read", "fail", "remove"]
    reason: str
    chunks: int = 0


@dataclass(slots=True)
class Plan:
    """What a run would do. `embed` counts the texts that would go to the model, each once.

    `seconds` is the estimate for these, at `characters_per_second`, which was measured; both are None where there
    is nothing to embed.
    """

    root: str
    read: int = 0
    fail: int = 0
    remove: int = 0
    unchanged: int = 0
    skipped: int = 0
    chunks: int = 0
    embed: int = 0
    read_seconds: float = 0.0
    seconds: float | None = None
    characters_per_second: float | None = None
    model: str = ""


def plan(
    folder: Path,
    store: Store | None,
    model: Callable[[], embed.Model],
    observer: Callable[[Would], None],
    *,
    selection: Selection,
    index: str,
    workers: int = 2,
) -> Plan:
    """Finds out what an ingest of the folder into the store (None: there is none yet) would do.

    Raises ConfigError, StoreError, and ModelError where the model fails.
    """
    made = Plan(str(folder.resolve()))
    known = store.known(made.root) if store else {}
    found = changes.compare(folder, known, chunks.CHUNKING, selection, index)
    made.unchanged, made.skipped = found.unchanged, sum(skipped.count for skipped in found.skipped)

    def tell(would: Would) -> None:
        setattr(made, would.action, getattr(made, would.action) + 1)
        observer(would)

    start = time.perf_counter()
    texts = _read(made, found, known, tell, workers)
    made.read_seconds = time.perf_counter() - start
    for path in sorted(found.gone):
        tell(Would(path, "remove", "it is gone, or not wanted any more"))
    _estimate(made, store, model, texts)
    return made


def _read(
    made: Plan, found: Changes, known: dict[str, FileState], tell: Callable[[Would], None], workers: int
) -> dict[str, str]:
    """Reads what would be read; the texts to embed by their hash."""
    texts: dict[str, str] = {}
    for path, reason in [*found.failed.items(), *((file.name, why) for file, why in found.unreadable.items())]:
        tell(Would(path, "fail", reason))
    with Workers(workers, READ_SECONDS, READ_MEGABYTES) as pool:
        for file, result in pool.read_all(found.read, made.root):
            if isinstance(result, DocumentError):
                tell(Would(file.name, "fail", result.reason))
                continue
            pieces = [chunk for document in result for chunk in split(document)]
            texts.update((chunk.hash, chunk.embedded) for chunk in pieces)
            made.chunks += len(pieces)
            tell(Would(file.name, "read", _why(file, known, found.read[file]), len(pieces)))
    return texts


def _why(file: Found, known: dict[str, FileState], hash_: str) -> str:
    state = known.get(file.name)
    if state is None:
        return "new"
    if state.outcome == "failed":
        return "failed before"
    return "changed" if state.hash != hash_ else "to be read again"


def _estimate(made: Plan, store: Store | None, model: Callable[[], embed.Model], texts: dict[str, str]) -> None:
    """Measures the model on some of the texts that have no vector, and reckons for all of them."""
    described = model()
    made.model = described.name
    wanted = list((texts if store is None else _lacking(store, described, texts)).values())
    made.embed = len(wanted)
    if wanted:
        made.characters_per_second = _speed(described, wanted)
        made.seconds = sum(map(len, wanted)) / made.characters_per_second


def _lacking(store: Store, model: embed.Model, texts: dict[str, str]) -> dict[str, str]:
    """Those of the texts that have no vector, and those that the index waits for already."""
    space = next((space for space in store.spaces() if model.fits(space)), model.space(chunks.CHUNKING))
    known = store.embedded(space, list(texts))
    lacking = {hash_: text for hash_, text in texts.items() if hash_ not in known}
    for _, waiting in store.missing(space, 1_000):
        lacking.update((Chunk(text, 0, len(text)).hash, text) for text in waiting)
    return lacking


def _speed(model: embed.Model, texts: list[str]) -> float:
    """Characters a second, on texts evenly taken from all of them; the model is loaded before the clock starts."""
    sample = texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
    embed.documents(model, sample[:1])
    start, done = time.perf_counter(), 0
    for at in range(0, len(sample), 8):
        batch = sample[at : at + 8]
        embed.documents(model, batch)
        done += sum(map(len, batch))
        if time.perf_counter() - start > SAMPLE_SECONDS:
            break
    return done / (time.perf_counter() - start)


def describe(made: Plan) -> str:
    """The plan in lines for people."""
    lines = [
        f"{printable(made.root)}: {made.read:,} files would be read, {made.fail:,} would fail, "
        f"{made.remove:,} would be removed; {made.unchanged:,} are unchanged, "
        f"{made.skipped:,} skipped. Nothing has been written.",
    ]
    if made.seconds is None:
        lines.append("nothing would be embedded")
    else:
        lines.append(
            f"{made.embed:,} passages would be embedded by {made.model}: about {made.seconds:,.0f} s at "
            f"{made.characters_per_second:,.0f} characters a second, measured now; "
            f"reading took {made.read_seconds:.1f} s"
        )
    return "\n".join(lines)


def words(would: Would) -> str:
    """One file's line, with a mark at its beginning."""
    return f"{MARKS[would.action]} {printable(would.path)}: {printable(would.reason)}"
