"""Jupyter notebooks: cells in order, Markdown with its headings, code, and what the code printed. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from ingest.documents import markdown
from ingest.documents.content import Content, Outline, Unreadable, Writer, without_title
from ingest.documents.text import clean
from search.records import Block

MAX_OUTPUT = 20_000
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read(text: str) -> Content:
    """A notebook's JSON as Content; raises Unreadable where it is none.

    An output longer than MAX_OUTPUT characters is cut there, which a warning says.
    """
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a notebook that is no valid JSON ({error})") from error
    if not isinstance(notebook, dict):
        raise Unreadable("JSON, but not of a notebook")
    reader = _Reader()
    for cell in _cells(notebook):
        reader.cell(cell)
    title = _text(_mapping(notebook.get("metadata")).get("title")).strip() or reader.title
    blocks = without_title(reader.writer.blocks, title)
    return Content("notebook", reader.writer.text, title, blocks, warnings=reader.warnings)


class _Reader:
    def __init__(self) -> None:
        self.writer = Writer()
        self.warnings: list[str] = []
        self.title = ""
        self._outline = Outline()

    def cell(self, cell: dict[str, Any]) -> None:
        source = clean(_text(cell.get("source", cell.get("input"))))
        if cell.get("cell_type") == "code":
            self.writer.add(source, "code", self._outline.path)
            for output in _list(cell.get("outputs")):
                self._output(_mapping(output))
        else:
            self._markdown(source)

    def _markdown(self, source: str) -> None:
        """The cell's own headings go on with the outline of those before it."""
        blocks: list[Block] = []
        for block in markdown.scan(source):
            if block.kind == "heading":
                level = _level(source[block.start : block.end])
                name = block.heading[-1] if block.heading else ""
                self._outline.open(level, name)
                self.title = self.title or (name if level == 1 else "")
            blocks.append(Block(block.start, block.end, block.kind, self._outline.path, None, block.context))
        self.writer.extend(source, blocks, (), None)

    def _output(self, output: dict[str, Any]) -> None:
        data = _mapping(output.get("data"))
        raw = _text(output.get("text")) or _text(data.get("text/markdown")) or _text(data.get("text/plain"))
        raw = raw or "\n".join(_text(line) for line in _list(output.get("traceback")))
        text = clean(_COLOURS.sub("", raw)).strip("\n")
        if len(text) > MAX_OUTPUT:
            self.warnings.append(f"an output of {len(text):,} characters was cut to {MAX_OUTPUT:,}")
            text = text[:MAX_OUTPUT]
        self.writer.add(text, "output", self._outline.path)


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of format 4, or of the worksheets of format 3."""
    cells = _list(notebook.get("cells"))
    for sheet in _list(notebook.get("worksheets")):
        cells = cells + _list(_mapping(sheet).get("cells"))
    return [_mapping(cell) for cell in cells]


def _level(heading: str) -> int:
    signs = len(heading.lstrip()) - len(heading.lstrip().lstrip("#"))
    return signs or (1 if heading.rstrip().endswith("=") else 2)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
