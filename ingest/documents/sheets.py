"""In which row each sheet of a workbook begins: the extractor leaves out the empty rows above. Pure.

What is empty there is not even a cell with a format alone. The old binary formats don't say it where it could be
read in passing; their rows have no numbers.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

from ingest.documents import parts

TYPES = frozenset({"xlsx", "ods"})
MAX_BYTES = 100_000_000

_SHEET = re.compile(r'<(?:\w+:)?sheet\b[^>]*?\bname="([^"]*)"[^>]*?\br:id="([^"]*)"')
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="[A-Z]+(\d+)"[^>]*[^/]>\s*<(?:\w+:)?(?:f|v|is)\b')
_ODS = re.compile(
    rb'<table:table\b[^>]*?table:name="([^"]*)"|<table:table-row\b([^>]*)>|(office:value-type=|<text:p\b)'
    rb"|</table:table>"
)
_REPEATED = re.compile(rb'table:number-rows-repeated="(\d+)"')


def first_rows(data: bytes) -> dict[str, int]:
    """The number, from 1, of the first row with a value, by the sheet's name; nothing where the file doesn't say."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "content.xml" in archive.namelist():
                return dict(_opendocument(_member(archive, "content.xml")))
            return dict(_office(archive))
    except parts.FAILURES:
        return {}


def _office(archive: zipfile.ZipFile) -> Iterator[tuple[str, int]]:
    paths = parts.relations(archive, "xl/workbook.xml")
    for name, id_ in _SHEET.findall(_member(archive, "xl/workbook.xml").decode("utf-8", "replace")):
        if found := _CELL.search(_member(archive, paths[id_])):
            yield unescape(name), int(found[1])


def _opendocument(content: bytes) -> Iterator[tuple[str, int]]:
    """Rows above may stand for several; a table that has begun is passed over up to its end."""
    name, before, inside = b"", 0, 0
    for found in _ODS.finditer(content):
        table, row, value = found.groups()
        if table is not None:
            name, before, inside = table, 0, 0
        elif row is not None:
            before += inside
            repeated = _REPEATED.search(row)
            inside = int(repeated[1]) if repeated else 1
        elif value and name and inside:
            yield unescape(name.decode("utf-8", "replace")), before + 1
            name = b""


def _member(archive: zipfile.ZipFile, path: str) -> bytes:
    """Raises ValueError for one that is too large, KeyError where there is none."""
    if archive.getinfo(path).file_size > MAX_BYTES:
        raise ValueError(f"{path} is too large")
    return archive.read(path)
