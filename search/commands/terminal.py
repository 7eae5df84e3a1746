"""How commands behave among other programs: standard input, JSON, notes, colours. Knows no index."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any, TextIO

from search.errors import QueryError
from search.inert import inert
from search.places import printable
from search.records import DocumentRef

BOLD, DIM, YELLOW, RED = "1", "2", "33", "31"


def text(words: Sequence[str]) -> str:
    """The text that a command was given: its words, or standard input for "-" and, in a pipe, for none.

    Raises QueryError for standard input that is no UTF-8.
    """
    if list(words) != ["-"] and (words or sys.stdin.isatty()):
        return " ".join(words)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise QueryError(f"standard input is not UTF-8 text ({error}): convert it, with iconv for example") from error


def as_json(record: Any, *, indent: int | None = 2) -> None:
    """Prints records as JSON; with `indent` None on one line, for one of several."""
    import pydantic_core  # noqa: PLC0415 (it takes as long as a stage of a search, and is for this form alone)

    print(pydantic_core.to_json(record, indent=indent).decode(), flush=True)


def files(documents: Iterable[DocumentRef]) -> None:
    """Prints the paths of documents, each once."""
    for path in dict.fromkeys(str(PurePath(one.root, one.path)) for one in documents):
        print(printable(path))


def painted(words: str, colour: str, stream: TextIO | None = None) -> str:
    """`words` in a colour where the stream is a terminal that shows them and nobody asked for none (NO_COLOR)."""
    stream = stream or sys.stdout  # None where it was closed
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or stream is None or not stream.isatty():
        return words
    return f"\x1b[{colour}m{words}\x1b[0m"


def tell(notes: Iterable[str], *, quiet: bool) -> None:
    """Prints notes beside the results, on standard error; none where quiet was asked for."""
    for note in () if quiet else notes:
        print(f"{painted('note:', YELLOW, sys.stderr)} {note}", file=sys.stderr)


def one_line(words: str) -> str:
    """A text on one line, with nothing in it that acts on a terminal."""
    return " ".join(inert(words).split())
