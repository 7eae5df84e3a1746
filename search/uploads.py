"""Documents that were sent over HTTP: files in a folder of their own beside the index, a root like any other."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from search.errors import QueryError, StoreUnavailable

SUFFIX = ".uploads"
MAX_BYTES = 200_000_000
MAX_FILES = 10_000
MAX_PATH = 1_000
MAX_PART_BYTES = 200
MAX_DEPTH = 20

_FORBIDDEN = '\\:*?"<>|'
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))})


class TooLarge(Exception):
    """More bytes, or more files, than are taken."""


def folder(database: str) -> Path:
    """Where the uploads of an index are kept; made where it is missing. Raises StoreUnavailable."""
    index = Path(database).expanduser()
    found = index.absolute().with_name(index.name + SUFFIX)
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{found} cannot be made ({error.strerror or error})") from error
    return found.resolve()


def place(root: Path, path: str) -> Path:
    """The file that a document's path names in the folder. Raises QueryError for what could be anywhere else."""
    parts = path.split("/")
    if len(path) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise QueryError(f"the path has {len(path):,} characters in {len(parts)} parts: shorten it")
    for part in parts:
        if not part or part.startswith(".") or part.endswith((".", " ")) or part.split(".")[0].lower() in _DEVICES:
            raise QueryError(f"the path {path!r} cannot be used: {part!r} is empty, hidden, a device or ends in a dot")
        if any(character in _FORBIDDEN or not character.isprintable() for character in part):
            raise QueryError(f"the path {path!r} cannot be used: {part!r} has characters that not every system takes")
        if len(part.encode("utf-8", "replace")) > MAX_PART_BYTES:
            raise QueryError(f"the path {path!r} cannot be used: {part!r} is too long for a name")
    target = root.joinpath(*parts)
    if not target.resolve().is_relative_to(root):
        raise QueryError(f"the path {path!r} leads out of the folder of uploads")
    return target


@contextmanager
def receiving(root: Path, path: str) -> Iterator[Upload]:
    """Takes a document piece by piece; it is there whole when the block ends well, else not at all.

    Raises QueryError for its path and for no bytes at all, TooLarge, StoreUnavailable where it cannot be written.
    """
    target = place(root, path)
    if not target.exists() and sum(len(names) for _, _, names in os.walk(root)) >= MAX_FILES:
        raise TooLarge(f"{MAX_FILES:,} documents are kept already: delete some first")
    part = root / f".{secrets.token_hex(8)}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            upload = Upload(file)
            yield upload
        if not upload.size:
            raise QueryError(f"the document {path!r} has no bytes, so there is no text in it: nothing was changed")
        part.replace(target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise QueryError(f"the path {path!r} cannot be used: a part of it is a document or a folder") from error
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)


class Upload:
    """A document that is being received; `size` in bytes so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Adds a piece. Raises TooLarge."""
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise TooLarge(f"a document may have at most {MAX_BYTES:,} bytes")
        self._file.write(piece)


def delete(root: Path, path: str) -> bool:
    """Removes a document's file and the folders that are empty then; whether it was there. Raises QueryError."""
    target = place(root, path)
    if not target.is_file():
        return False
    target.unlink()
    for parent in target.parents:
        if parent == root or any(parent.iterdir()):
            break
        parent.rmdir()
    return True
