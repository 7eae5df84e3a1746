"""Tables as text: CSV and its kin; the header row is the context of all others. Pure."""

from __future__ import annotations

import csv
import json
import re

from ingest.documents.content import Content
from search.records import Block

SAMPLE = 16_384
MAX_HEADER = 2_000
_NUMBER = re.compile(r"[-+]?[\d.,\s%$€£:/-]+$")


def read(text: str, type: str = "csv") -> Content:
    """Comma, semicolon, tab or bar separated values, kept as they stand."""
    start = len(text) - len(text.lstrip("\n"))
    end = _first_row(text, start)
    header = text[start:end].strip()
    if not _is_header(text, header) or not text[end:].strip():
        return Content(type, text, blocks=[Block(0, len(text), "rows")] if text.strip() else [])
    rows = Block(end, len(text), "rows", context=header[:MAX_HEADER])
    return Content(type, text, blocks=[Block(start, end, "header"), rows])


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


def _first_row(text: str, start: int) -> int:
    """Where the first record ends: a quoted field may hold line ends."""
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
