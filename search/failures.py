"""Every file and every passage of an index that is not fully searchable: why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.records import ChunkRef
from search.store import Store

REMEDIES = (
    ("password", "save it without a password"),
    ("OCR", "run text recognition on it, such as ocrmypdf, and ingest again"),
    ("binary data", "it holds no text: exclude it with --exclude or in an .ignore file"),
    ("data for programs", "it holds no text: exclude it with --exclude or in an .ignore file"),
    ("image", "it holds no text: exclude it with --exclude or in an .ignore file"),
    ("end is missing", "copy or download it again"),
    ("archive", "unpack it into the folder"),
    ("no text in it", "nothing to do: it holds no words"),
    ("is empty", "nothing to do: it has no content"),
    ("but blanks", "nothing to do: it has no content"),
    ("took longer", "split it, or exclude it; where the machine was busy, ingest again"),
    ("memory", "split it, or exclude it"),
    ("permission denied", "make it readable for your user"),
    ("old binary format", "save it in a current format"),
)
"""What to do, by some words of the reason; the first that fits."""

OTHERWISE = {
    "failed": "open it in its program and save it again, or exclude it with --exclude or in an .ignore file",
    "partial": "what could be read is searchable; for the rest, open it in its program and save it again",
    "refused": "it is found by keyword only; when the model or its server is another, ingest with --retry",
    "waiting": "wait for the ingest under way, or run it again; until then these passages are found by keyword only",
}


@dataclass(frozen=True, slots=True)
class Unsearchable:
    """A file that is not fully searchable.

    `waiting`: `chunks` of it have no vector yet. `refused`: the model makes no vector of its passage `chunk`.
    """

    root: str
    path: str
    outcome: Literal["failed", "partial", "waiting", "refused"]
    reason: str
    remedy: str
    chunks: int = 0
    chunk: ChunkRef | None = None


def failures(store: Store) -> list[Unsearchable]:
    """Files that failed or are partial, then files with passages that have no vector in the active space yet, then
    passages of which the model makes none. Raises StoreError."""
    found = [
        Unsearchable(one.root, one.path, one.outcome, one.reason, remedy(one.reason, one.outcome))
        for one in store.failures()
    ]
    active = store.active()
    for root, path, count in store.lagging() if active and store.waiting(active) else ():
        reason = f"{count:,} of its passages have no vector yet"
        found.append(Unsearchable(root, path, "waiting", reason, OTHERWISE["waiting"], count))
    for one in store.quarantined():
        found.append(Unsearchable(one.root, one.path, "refused", one.reason, OTHERWISE["refused"], 1, one.chunk))
    return found


def remedy(reason: str, outcome: str) -> str:
    """What a person can do about a file."""
    return next((words for mark, words in REMEDIES if mark.lower() in reason.lower()), OTHERWISE[outcome])
