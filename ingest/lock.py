"""One ingest of an index at a time: a file beside the index that the running one holds, and that says who it is.

The operating system takes the hold away when its process ends, however it ends, so a dead holder holds nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from search.errors import StoreUnavailable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

SUFFIX = ".lock"
PATIENCE_SECONDS = 5.0
_BETWEEN_TRIES = 0.1
_HELD_BYTE = 1 << 30  # far behind the text, which Windows would not let others read


@contextmanager
def held(
    location: str, folder: str, seconds: float | None = PATIENCE_SECONDS, waiting: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Holds the index at `location` for an ingest of `folder`.

    Waits so many seconds for another to end, None for ever; `waiting` is then told, once, who holds it.
    Raises StoreUnavailable, which names the holder, its folder and since when, where it does not end.
    """
    with _opened(path_of(location)) as file:
        _acquire(file, location, seconds, waiting)
        _write(file, {"pid": os.getpid(), "host": socket.gethostname(), "folder": folder, "since": time.time()})
        try:
            yield
        finally:
            _write(file, {})
            _hold(file, False)


def path_of(location: str) -> Path:
    """Where the file that is held stands: beside the index."""
    path = Path(location).expanduser()
    return path.with_name(path.name + SUFFIX)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644), "r+b", 0)
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written ({error.strerror or error}): check that its folder exists and is yours, "
            "or name another index with --db"
        ) from error
    with file:
        yield file


def _acquire(file: IO[bytes], location: str, seconds: float | None, waiting: Callable[[str], None] | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    while not _hold(file, True):
        who = _holder(file)
        if end is not None and time.monotonic() >= end:
            raise StoreUnavailable(
                f"the index {location} is being written by another ingest ({who}): wait until that has ended, "
                "or give --wait to wait for it"
            )
        if waiting:
            waiting(f"waiting for another ingest of the same index ({who})")
            waiting = None
        time.sleep(_BETWEEN_TRIES)


def _hold(file: IO[bytes], wanted: bool) -> bool:
    """Takes or gives back the hold; whether that went well."""
    try:
        if sys.platform == "win32":
            file.seek(_HELD_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK if wanted else msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if wanted else fcntl.LOCK_UN)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise StoreUnavailable(f"{file.name} cannot be locked ({error}): keep the index on a local disk") from error
    return True


def _write(file: IO[bytes], holder: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a full disk: the hold itself needs no space
        file.seek(0)
        file.truncate()
        file.write(json.dumps(holder).encode() if holder else b"")


def _holder(file: IO[bytes]) -> str:
    """Who holds the index, in words."""
    try:
        file.seek(0)
        holder = json.loads(file.read())
        since = datetime.fromtimestamp(holder["since"]).strftime("%Y-%m-%d %H:%M:%S")
        return f"process {holder['pid']} on {holder['host']}, of {holder['folder']}, since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said who it is"
