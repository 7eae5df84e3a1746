"""Tables as text: CSV and its kin; the header row is the context of all others. Pure."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace

from ingest.documents.content import Content, lines
from search.records import Block

SAMPLE = 16_384
MAX_HEADER = 2_000
_NUMBER = re.compile(r"[-+]?[\d.,\s%$€£:/-]+$")


def read(text: str, type: str = "csv") -> Content:
    """Comma, semicolon, tab or bar separated values, kept as they stand."""
    start = len(text) - len(text.lstrip("\n"))
    end = _row_end(text, start)
    header = text[start:end].strip()
    if not _is_header(text, header) or not text[end:].strip():
        return Content(type, text, blocks=list(_numbered(text, 0, len(text), 1, Block(0, 0, "rows"))))
    blocks = list(_numbered(text, start, end, start + 1, Block(0, 0, "header")))
    rows = Block(0, 0, "rows", context=header[:MAX_HEADER])
    return Content(type, text, blocks=blocks + list(_numbered(text, end + 1, len(text), start + 2, rows)))


def read_json(text: str) -> Content:
    """JSON, one value or one a line, kept as it stands; a title where the outermost value has one."""
    title = ""
    try:
        value = json.loads(text) if len(text) < 5_000_000 else None
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("title"), str):
        title = " ".join(value["title"].split())[:200]
    return Content("json", text, title, [Block(0, len(text), "rows")] if text.strip() else [])


def _numbered(text: str, start: int, stop: int, row: int, like: Block) -> Iterator[Block]:
    """The rows from `start`, where the one of this number begins, to `stop`, in blocks that are otherwise `like` this.

    One block for all, but for rows of several lines: as each line of a block counts as a row, each of theirs is one.
    """
    begin, first = start, row
    while '"' in text and start < stop:
        end = min(_row_end(text, start), stop)
        if text.find("\n", start, end) >= 0:
            yield from _block(text, begin, start, first, like)
            for offset, line in lines(text[start:end]):
                yield from _block(text, start + offset, start + offset + len(line), row, like)
            begin, first = end + 1, row + 1
        start, row = end + 1, row + 1
    yield from _block(text, begin, stop, first, like)


def _block(text: str, start: int, end: int, row: int, like: Block) -> Iterator[Block]:
    if text[start:end].strip():
        yield replace(like, start=start, end=end, row=row)


def _row_end(text: str, start: int) -> int:
    """Where the row that begins at `start` ends: a quoted field may hold line ends."""
    position = start
    for _ in range(20):
        position = text.find("\n", position)
        if position < 0:
            return len(text)
        if text.count('"', start, position) % 2 == 0:
            return position
        position += 1
    found = text.find("\n", start)
    return found if found >= 0 else len(text)


def _is_header(text: str, header: str) -> bool:
    """A first row of several names, none of them a number, is one."""
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:SAMPLE], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        cells = next(csv.reader([header], dialect), [])
    except csv.Error:
        return False
    names = [cell.strip() for cell in cells if cell.strip()]
    return len(names) > 1 and not any(_NUMBER.match(name) for name in names)
