"""A folder against what an index knows of it: which files are new, changed, gone or as before. Writes nothing.

Unchanged is told by the stat, then by the hash of the bytes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import file_digest
from pathlib import Path

from ingest import files
from ingest.files import Found, Skipped, Unseen
from search.store import FileState

# A file may change twice within the resolution of its time (2 s on FAT): a time so fresh proves nothing later.
FRESH_NS = 2_000_000_000

OWN = "it is the index itself"
TWICE = "another file has this name too, once bytes that are no UTF-8 are spelt out: rename one of them"
KEPT = "what was read there before ({:,} files) stays in the index and may be out of date"

_OWN_ENDS = re.compile(r"(-wal|-shm|-journal|\.lock|\.uploads(?:[/\\].*)?)?\Z", re.DOTALL)
"""What the names of an index's own files add to its own: SQLite's, `ingest.lock`'s and `search.uploads`'."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder are read, as for `files.walk`; `reread` are globs of those to read though unchanged.

    With `retry_failed` false, files that failed are read again only when they changed.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_bytes: int = files.MAX_BYTES
    hidden: bool = False
    reread: tuple[str, ...] = ()
    retry_failed: bool = True


EVERYTHING = Selection()


@dataclass(slots=True)
class Changes:
    """What there is to do.

    read        files to read, with the hash of their bytes (SHA-256, hex)
    touched     files of which only the stat is another, with their new state
    unreadable  files that cannot be opened, with the reason; what is in the index of them goes
    failed      by path the reason of those that failed before and are not tried again, and of those of which the
                system says nothing: what is in the index of these stays
    unchanged   how many are as they were
    skipped     what is not read, and why
    gone        paths that are in the index and not in the folder any more
    """

    read: dict[Found, str] = field(default_factory=dict)
    touched: dict[Found, FileState] = field(default_factory=dict)
    unreadable: dict[Found, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


def compare(folder: Path, known: dict[str, FileState], chunking: str, selection: Selection, index: str) -> Changes:
    """Looks at every file once. `index` is where the index is: its own files are no documents.

    Raises ConfigError for a folder that cannot be listed.
    """
    changes, present = Changes(), set[str]()
    for entry in _walk(folder, selection, index):
        if isinstance(entry, Skipped):
            changes.skipped.append(entry)
            continue
        if entry.name in present:
            changes.failed[entry.name] = TWICE
            continue
        present.add(entry.name)
        if isinstance(entry, Unseen):
            # What was read before in a folder that cannot be listed now is not gone.
            kept = {path for path in known if entry.name.endswith("/") and path.startswith(entry.name)}
            present |= kept
            changes.failed[entry.name] = entry.reason + (f"; {KEPT.format(len(kept))}" if kept else "")
            continue
        _judge(changes, entry, known.get(entry.name), chunking, selection)
    changes.gone = known.keys() - present
    return changes


def is_own(path: str, index: str) -> bool:
    """Whether a path is that of the index, or of a file that belongs to it; both absolute or both in one folder."""
    return path.startswith(index) and _OWN_ENDS.match(path, len(index)) is not None


def settled(found: Found, state: FileState) -> FileState:
    """The state with the file's stat, as far as that can be relied on next time."""
    fresh = found.mtime_ns > time.time_ns() - FRESH_NS
    return replace(state, size=found.size, mtime_ns=0 if fresh else found.mtime_ns)


def _walk(folder: Path, selection: Selection, index: str) -> Iterator[Found | Skipped | Unseen]:
    own = _own(folder, index)
    walked = files.walk(
        folder,
        include=selection.include,
        exclude=selection.exclude,
        max_bytes=selection.max_bytes,
        hidden=selection.hidden,
    )
    for entry in walked:
        yield Skipped(entry.name, OWN) if own and is_own(entry.name, own) else entry


def _own(folder: Path, index: str) -> str:
    """The index's path in the folder; "" where it is elsewhere."""
    path, root = Path(index).expanduser().absolute().resolve(), folder.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def _judge(changes: Changes, found: Found, state: FileState | None, chunking: str, selection: Selection) -> None:
    wanted = bool(selection.reread) and _matches(found.name, selection.reread)
    usable = state is not None and state.chunking == chunking and not wanted
    if state is None or not usable or (state.outcome == "failed" and selection.retry_failed):
        _read(changes, found)
        return
    if (state.size, state.mtime_ns) == (found.size, found.mtime_ns):
        _keep(changes, found, state)
        return
    if (hash_ := _hashed(changes, found)) is None:
        return
    if state.hash == hash_:
        if (now := settled(found, state)) != state:
            changes.touched[found] = now
        _keep(changes, found, state)
    else:
        changes.read[found] = hash_


def _read(changes: Changes, found: Found) -> None:
    if (hash_ := _hashed(changes, found)) is not None:
        changes.read[found] = hash_


def _keep(changes: Changes, found: Found, state: FileState) -> None:
    if state.outcome == "failed":
        changes.failed[found.name] = state.reason
    else:
        changes.unchanged += 1


def _hashed(changes: Changes, found: Found) -> str | None:
    try:
        with found.path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        changes.unreadable[found] = f"cannot be read: {error.strerror or error}"
        return None


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
