"""Files that are sent as blobs: their digest, and their bytes piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import ConfigError

PIECE = 1024 * 1024


def digest(file: Path) -> str:
    """ "sha256:" and 64 hex digits, as the server names it. Raises ConfigError for a file that cannot be read."""
    with _readable(file), file.open("rb") as opened:
        return "sha256:" + hashlib.file_digest(opened, "sha256").hexdigest()


def pieces(file: Path) -> Iterator[bytes]:
    """The bytes of a file, a megabyte at a time. Raises ConfigError for a file that cannot be read."""
    with _readable(file), file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


async def apieces(file: Path) -> AsyncIterator[bytes]:
    """As `pieces`, reading in a thread."""
    import asyncio  # noqa: PLC0415 (see `search.ollama.asynchronous`)

    source = pieces(file)
    while piece := await asyncio.to_thread(next, source, b""):
        yield piece


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
