"""Where a passage stands and how it begins, a line each for people."""

from __future__ import annotations

import re

from search.records import ChunkRef, DocumentRef

SHOWN_CHARACTERS = 300
"""So much of a passage is shown in a list of hits."""

# Control signs, separators of lines and paragraphs, what turns the direction of writing, lone surrogates.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(name: str) -> str:
    """A name on one line that does nothing to a terminal, whatever its characters: some stand as Python writes them."""
    return _UNSHOWN.sub(lambda sign: repr(sign[0])[1:-1], name)


def place(document: DocumentRef, chunk: ChunkRef) -> str:
    """Path, page or rows where there are any, and heading path."""
    page = f", page {chunk.page}" if chunk.page is not None else ""
    page += f", {rows(chunk)}" if chunk.rows else ""
    heading = f" ({' > '.join(chunk.heading)})" if chunk.heading else ""
    return printable(f"{document.path}{page}{heading}")


def rows(chunk: ChunkRef) -> str:
    """The rows of a table that a passage holds, "row 7" or "rows 7-12"; empty where it stands in none."""
    first, last = chunk.rows or (0, 0)
    return "" if not first else f"row {first}" if first == last else f"rows {first}-{last}"


def shortened(text: str) -> str:
    """A text on one line, up to the last word that has room in SHOWN_CHARACTERS."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " …"
