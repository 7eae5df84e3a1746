"""Builds those sample documents that cannot be read in an editor, from Markdown.

    pip install '.[docs]'
    python data/make_documents.py

`data/sources/guide/faq.docx.md` becomes `data/corpus/guide/faq.docx`, and so on for PDF, PPTX, XLSX and
notebooks. The same sources give the same bytes with the same versions of the packages in the extra `docs`.
Only the Markdown that the sources use is understood: headings, paragraphs, lists, tables, fenced code.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import docx
import openpyxl
import pptx
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, Preformatted, SimpleDocTemplate, Spacer, Table

HERE = Path(__file__).parent
DATE = datetime(2026, 1, 1)


@dataclass(frozen=True)
class Block:
    """A piece of a source. `rows` holds the cells of a table, or the items of a list as rows of one."""

    kind: str
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


def main() -> None:
    for source in sorted((HERE / "sources").rglob("*.md")):
        target = HERE / "corpus" / source.relative_to(HERE / "sources").with_suffix("")
        target.write_bytes(build(source.read_text("utf-8"), target.suffix))
        print(f"{target.relative_to(HERE)}: {target.stat().st_size:,} bytes")


def build(source: str, suffix: str) -> bytes:
    """The document with this suffix, such as ".pdf", that a Markdown source describes."""
    return {".pdf": pdf, ".docx": word, ".pptx": slides, ".xlsx": sheets, ".ipynb": notebook}[suffix](source)


def pdf(source: str) -> bytes:
    blocks = list(parse(source))
    file = io.BytesIO()
    template = SimpleDocTemplate(
        file,
        pagesize=A5,
        title=blocks[0].text,
        author="semsearch",
        invariant=1,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
    )
    template.build([part for block in blocks for part in _flowables(block)])
    return file.getvalue()


def word(source: str) -> bytes:
    document = docx.Document()
    for block in parse(source):
        if block.kind == "heading":
            document.add_heading(block.text, block.level)
        elif block.kind == "list":
            for (item,) in block.rows:
                document.add_paragraph(item, "List Bullet")
        elif block.kind == "table":
            table = document.add_table(0, len(block.rows[0]), "Table Grid")
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(block.text)
    return _saved(document, next(parse(source)).text)


def slides(source: str) -> bytes:
    """A slide for each heading of level 2, after a title slide."""
    deck = pptx.Presentation()
    title, content = deck.slide_layouts[0], deck.slide_layouts[1]
    for block in parse(source):
        if block.kind == "heading":
            slide = deck.slides.add_slide(title if block.level == 1 else content)
            slide.shapes.title.text = block.text
        else:
            lines = [row[0] for row in block.rows] or [block.text]
            slide.placeholders[1].text = "\n".join(lines)
    return _saved(deck, next(parse(source)).text)


def sheets(source: str) -> bytes:
    """A sheet for each heading of level 2, with the table that follows it."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for block in parse(source):
        if block.kind == "heading" and block.level == 2:
            sheet = book.create_sheet(block.text)
        for row in block.rows:
            sheet.append([_number(cell) for cell in row])
    book.properties.title = next(parse(source)).text
    book.properties.created = DATE
    file = io.BytesIO()
    book.save(file)
    return _steady(file.getvalue())


def notebook(source: str) -> bytes:
    """Python fences become code cells, run one after the other; what they print is their output."""
    names: dict[str, object] = {}
    cells: list[dict[str, object]] = []
    for number, part in enumerate(re.split(r"^```(python\n.*?)^```\n", source, flags=re.M | re.S)):
        cell: dict[str, object] = {"id": f"cell-{number}", "metadata": {}}
        if part.startswith("python\n"):
            code = part.removeprefix("python\n").rstrip()
            cell |= {"cell_type": "code", "execution_count": (number + 1) // 2, "outputs": _outputs(code, names)}
            cell["source"] = code.splitlines(keepends=True)
        else:
            cell |= {"cell_type": "markdown", "source": part.strip().splitlines(keepends=True)}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8")


def parse(source: str) -> Iterator[Block]:
    """The blocks of a source in order; inline markup is dropped."""
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.type == "heading_open":
            yield Block("heading", _plain(tokens[position + 1]), int(token.tag[1]))
        elif token.type == "paragraph_open":
            yield Block("paragraph", _plain(tokens[position + 1]))
        elif token.type == "fence":
            yield Block("code", token.content.rstrip())
        elif token.type in ("bullet_list_open", "ordered_list_open", "table_open"):
            end = next(i for i in range(position, len(tokens)) if tokens[i].type == token.type[:-4] + "close")
            inside, position = tokens[position:end], end
            yield Block("table", rows=_rows(inside)) if token.tag == "table" else Block("list", rows=_items(inside))
        position += 1


def _rows(tokens: list[Token]) -> tuple[tuple[str, ...], ...]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_plain(token))
    return tuple(tuple(row) for row in rows)


def _items(tokens: list[Token]) -> tuple[tuple[str, ...], ...]:
    return tuple((_plain(token),) for token in tokens if token.type == "inline")


def _plain(token: Token) -> str:
    return "".join(" " if part.type == "softbreak" else part.content for part in token.children or ())


def _flowables(block: Block) -> Iterator[Flowable]:
    styles = getSampleStyleSheet()
    if block.kind == "heading":
        yield Paragraph(escape(block.text), styles[f"Heading{block.level}"])
    elif block.kind == "code":
        yield Preformatted(block.text, styles["Code"])
    elif block.kind == "list":
        for (item,) in block.rows:
            yield Paragraph(escape(item), styles["BodyText"], bulletText="-")
    elif block.kind == "table":
        cells = [[Paragraph(escape(cell), styles["BodyText"]) for cell in row] for row in block.rows]
        yield Table(cells, style=[("GRID", (0, 0), (-1, -1), 0.5, colors.grey)], repeatRows=1)
        yield Spacer(0, 3 * mm)
    else:
        yield Paragraph(escape(block.text), styles["BodyText"])


def _number(cell: str) -> str | float | None:
    """A cell as a spreadsheet keeps it: a number where it is one, nothing where it is empty."""
    if re.fullmatch(r"\d+", cell):
        return int(cell)
    return float(cell) if re.fullmatch(r"\d+\.\d+", cell) else cell or None


def _outputs(code: str, names: dict[str, object]) -> list[dict[str, object]]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "notebook", "exec"), names)
    text = printed.getvalue().splitlines(keepends=True)
    return [{"name": "stdout", "output_type": "stream", "text": text}] if text else []


def _saved(office: docx.document.Document | pptx.presentation.Presentation, title: str) -> bytes:
    properties = office.core_properties
    properties.title, properties.author, properties.comments = title, "semsearch", ""
    properties.created = properties.modified = DATE
    file = io.BytesIO()
    office.save(file)
    return _steady(file.getvalue())


def _steady(archive: bytes) -> bytes:
    """The same office document without the time of day, which would change it with every build."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                day = DATE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + day, content)
            info = zipfile.ZipInfo(name, DATE.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return file.getvalue()


if __name__ == "__main__":
    main()
