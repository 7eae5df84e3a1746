"""PDF, office documents, e-books and other binary formats, through kreuzberg (MIT, Rust, in-process).

Nothing is cached, recognised from images or downloaded. What comes back as Markdown is taken apart again:
the text of a Document is what a reader sees, without escapes, link targets and table rulers.
The only module that knows kreuzberg.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Any

import kreuzberg

from ingest.documents import hyphens, markdown, parts, references, sheets
from ingest.documents.content import (
    IMAGE,
    PROTECTED,
    Attachment,
    Content,
    Unreadable,
    Writer,
    heading_text,
    paragraphs,
    without_title,
)
from ingest.documents.text import clean
from search.records import Block

# Formats by extension: (type, media type). Text formats that are read directly are not here.
FORMATS = {
    "pdf": ("pdf", "application/pdf"),
    "docx": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "docm": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "dotx": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "doc": ("doc", "application/msword"),
    "pptx": ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "pptm": ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "ppsx": ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "ppt": ("ppt", "application/vnd.ms-powerpoint"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "xlsm": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "xlsb": ("xlsx", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    "xls": ("xls", "application/vnd.ms-excel"),
    "ods": ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    "odt": ("odt", "application/vnd.oasis.opendocument.text"),
    "rtf": ("rtf", "application/rtf"),
    "epub": ("epub", "application/epub+zip"),
    "fb2": ("fb2", "application/x-fictionbook+xml"),
    "docbook": ("docbook", "application/docbook+xml"),
    "docbook4": ("docbook", "application/docbook+xml"),
    "docbook5": ("docbook", "application/docbook+xml"),
    "jats": ("jats", "application/x-jats+xml"),
    "opml": ("opml", "application/xml+opml"),
    "msg": ("email", "application/vnd.ms-outlook"),
}
_SPREADSHEETS = frozenset({"xlsx", "xls", "ods"})
# What a file begins with, what stands near its end, and how near: PDF, and all that is a zip archive.
_ENDS = ((b"%PDF-", b"%%EOF", 2_048), (b"PK\3\4", b"PK\5\6", 66_000))
_MARK = "\ue000{page_num}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")
_CHART_DATA = re.compile(r"(?i)Microsoft_(Office_)?Excel_(Work)?sheet\d*\.xlsx$")
_PDF_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_IMAGE = re.compile(r"\\?!\[((?:[^\[\]\\\n]|\\.)*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_LINK = re.compile(r"\[((?:[^\[\]\\\n]|\\.)*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_STRONG = re.compile(r"(?<![\\*])(\*{1,3})(?=\S)([^*\n]+?)(?<=[^\s\\])\1(?!\*)")
_STRAY = re.compile(r"(?<![\\*])\*\*(?!\*)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_RULER = re.compile(r"\s*-{3,}\s*$")
_JUNK_TITLE = re.compile(
    r"(?i)^(untitled|\(?(anonymous|unspecified)\)?|title|document\d*|book\d+|presentation\d*|slide 1|"
    r"powerpoint[- ]pr[eé]sentation|"
    r"microsoft (word|powerpoint|excel) - .*|.*\.(docx?|pptx?|xlsx?|indd|qxd|dvi|tex|pdf|rtf|odt|ps|fm))$"
)


def read(data: bytes, type: str, media_type: str) -> Content:
    """The document as Content; raises Unreadable where it is damaged, protected or without text."""
    result = _extract(references.hide(data, type), media_type)
    content = (
        _pdf(result, data)
        if type == "pdf"
        else _markdown(
            result,
            type,
            parts.missing(data, references.show(result.content)),
            sheets.first_rows(data) if type in sheets.TYPES else {},
            parts.slide_order(data) if type == "pptx" else {},
        )
    )
    content.metadata.update(_metadata(result.metadata))
    content.warnings.extend(warning.message for warning in result.processing_warnings)
    content.warnings.extend(parts.unread(data))
    charts = any(block.heading == (parts.CHARTS,) for block in content.blocks)
    content.attachments.extend(_attachments(result.children or [], charts))
    return _with_references(content) if type in references.ZIPPED | references.XML else content


def _with_references(content: Content) -> Content:
    """The content with the signs that were hidden from the extractor; no offset moves."""
    content.text, content.title = references.show(content.text), references.show(content.title)
    content.blocks = [
        replace(
            block,
            heading=tuple(references.show(name) for name in block.heading),
            context=references.show(block.context),
        )
        for block in content.blocks
    ]
    return content


@cache
def _config() -> Any:
    options: dict[str, Any] = {
        "use_cache": False,
        "disable_ocr": True,
        "enable_quality_processing": False,
        "output_format": "markdown",
        "pages": kreuzberg.PageConfig(extract_pages=True, insert_page_markers=True, marker_format=f"\n\n{_MARK}\n\n"),
        "content_filter": kreuzberg.ContentFilterConfig(
            include_headers=True, include_footers=True, include_watermarks=True, strip_repeating_text=False
        ),
        "concurrency": kreuzberg.ConcurrencyConfig(max_threads=1),
    }
    config = kreuzberg.ExtractionConfig(**options)
    config.max_archive_depth = 1
    return config


def _extract(data: bytes, media_type: str) -> Any:
    try:
        return kreuzberg.extract_bytes_sync(data, media_type, _config())
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(_cut_off(data) or _reason(str(error))) from error
    except BaseException as error:  # a panic of the Rust core, in words that only its authors understand
        words = "it is damaged or not what its name says: the reader gave up on it"
        raise Unreadable(_cut_off(data) or words) from error


def _cut_off(data: bytes) -> str:
    """What to say of a file whose end is not there; empty where it is, or where its format doesn't tell."""
    for begin, end, within in _ENDS:
        if data.startswith(begin) and end not in data[-within:]:
            return "it is cut off: its end is missing, as after a download or a copy that was broken off"
    return ""


def _reason(message: str) -> str:
    lowered = message.lower()
    if "password" in lowered or "encrypted" in lowered:
        return PROTECTED
    if any(sign in lowered for sign in ("formaterror", "eocd", "zip", "invalid", "corrupt", "truncated")):
        return f"it is damaged or not what its name says ({_first_line(message)})"
    return f"it cannot be read ({_first_line(message)})"


def _first_line(message: str) -> str:
    """The extractor's own words, without the names of its error classes."""
    words = message.splitlines()[0].split(": ") if message.strip() else []
    said = dict.fromkeys(word for word in words if word and not re.fullmatch(r"\w*Error", word))
    return ": ".join(said)[:200] or "no reason given"


# ------------------------------------------------------------------ PDF


def _pdf(result: Any, data: bytes) -> Content:
    """Page by page, as the text layer has it; hyphens at line ends are taken out."""
    numbers = [page["page_number"] for page in result.pages or []]
    texts = hyphens.join([page["content"] for page in result.pages or []], result.content)
    pages = [(number, clean(text).strip("\n")) for number, text in zip(numbers, texts, strict=True)]
    writer = Writer()
    for number, text in pages:
        writer.extend(text, [Block(start, end) for start, end in paragraphs(text)], (), number)
    images = len(_PDF_IMAGE.findall(data))
    if not writer.blocks:
        return _pageless_pdf(result, images)
    content = Content("pdf", writer.text, _title(result.metadata), writer.blocks)
    blank = [number for number, text in pages if not text.strip()]
    if blank and images:
        content.warnings.append(f"no text layer on page{'s' if len(blank) > 1 else ''} {_ranges(blank)}")
    return content


def _pageless_pdf(result: Any, images: int) -> Content:
    """A PDF whose pages have no text layer: rarely there is text all the same, only not by page."""
    try:
        return _markdown(result, "pdf", ())
    except Unreadable as error:
        raise Unreadable(
            "it has no text layer, its pages are images (a scan): run text recognition (OCR) on it first"
            if images
            else "there is no text in it, its pages are empty or drawings"
        ) from error


def _ranges(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    return shown if len(numbers) <= 10 else f"{shown} and {len(numbers) - 10} more"


# ------------------------------------------------------------------ Markdown


def _markdown(
    result: Any,
    type: str,
    others: Iterable[parts.Part],
    rows: Mapping[str, int] = MappingProxyType({}),
    slides: Mapping[int, int] = MappingProxyType({}),
) -> Content:
    """The blocks of the Markdown, each as a reader sees it, then what stands in other parts.

    `rows` has the number of each sheet's first row, `slides` where a slide is shown, by the extractor's number of it.
    """
    writer = Writer()
    pages = [(slides.get(page, page) if page else page, text) for page, text in _pages(clean(result.content))]
    for page, text in sorted(pages, key=lambda one: one[0] or 0):
        for block in markdown.scan(text):
            _write(writer, text[block.start : block.end], block, page, rows)
    title = _title(result.metadata) or _heading_title(writer.blocks, type)
    for part in others:
        writer.add(part.text, "note", (part.name,), page=part.page)
    if not writer.blocks:
        raise Unreadable("there is no text in it")
    blocks = writer.blocks if type in _SPREADSHEETS else without_title(writer.blocks, title)
    return Content(type, writer.text, title, blocks)


def _pages(text: str) -> list[tuple[int | None, str]]:
    parts = _MARKED.split(text)
    pages: list[tuple[int | None, str]] = [(None, parts[0])]
    pages.extend((int(number), part) for number, part in zip(parts[1::2], parts[2::2], strict=True))
    return pages


def _write(writer: Writer, raw: str, block: Block, page: int | None, first_rows: Mapping[str, int]) -> None:
    if block.kind == "header":
        cells = _row(raw.split("\n", 1)[0])
        row = first_rows.get(block.heading[-1] if block.heading else "")
        writer.add(cells, "header" if _is_header(cells) else "rows", block.heading, page=page, row=row)
    elif block.kind == "rows":
        before = first_rows.get(block.heading[-1] if block.heading else "")
        for kind, number, text, context in _rows(raw, _row(block.context)):
            row = before + number if before else None
            writer.add(text, kind, block.heading, page=page, context=context, row=row, gap="\n")
    elif block.kind == "heading":
        text = block.heading[-1] if block.heading else ""
        writer.add(text, "heading", block.heading, page=page)
    elif not (block.kind == "paragraph" and _RULER.match(raw)):
        text = raw if block.kind == "code" else plain(raw)
        gap = "\n" if block.kind == "list" and writer.blocks and writer.blocks[-1].kind == "list" else "\n\n"
        writer.add(text, block.kind, block.heading, page=page, gap=gap)


def _rows(raw: str, first: str) -> Iterator[tuple[str, int, str, str]]:
    """The rows of a table below its first: kind, number of the first row, text, and the header that is their context.

    Where the first row and those after it are captions, of one cell, the header may be the row after these.
    """
    context = first if _is_header(first) else ""
    captions = _filled(first) <= 1
    for number, rows in _row_groups(raw):
        done = 0
        for at, row in enumerate(rows if captions else ()):
            if captions := _filled(row) <= 1:
                continue
            if _is_header(row):
                if at:
                    yield "rows", number, "\n".join(rows[:at]), ""
                yield "header", number + at, row, ""
                context, done = row, at + 1
            break
        if rows[done:]:
            yield "rows", number + done, "\n".join(rows[done:]), context


def _row_groups(raw: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table's lines without empty ones: those that follow each other, and the number of the first."""
    rows = ((number, row) for number, line in enumerate(raw.split("\n"), 1) if (row := _row(line)).strip(" |"))
    for _, group in groupby(enumerate(rows), key=lambda one: one[1][0] - one[0]):
        found = [row for _, row in group]
        yield found[0][0], [text for _, text in found]


def _filled(cells: str) -> int:
    """How many cells of a row have something in them."""
    return sum(bool(cell.strip()) for cell in cells.split("|"))


def plain(raw: str) -> str:
    """Markdown of the extractor as the characters a reader sees: no link targets, signs or escapes."""
    raw = _LINK.sub(r"\1", _IMAGE.sub(r"\1", raw))
    return _ESCAPE.sub(r"\1", _STRAY.sub("", _STRONG.sub(r"\2", raw)))


def _row(line: str) -> str:
    """A table's line as its cells with a bar between them."""
    cells = re.split(r"(?<!\\)\|", line.strip())
    if cells and not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return " | ".join(plain(cell).strip() for cell in cells).strip()


def _is_header(cells: str) -> bool:
    """A row that names columns: at least two names, none a number."""
    names = [cell.strip() for cell in cells.split("|") if cell.strip()]
    return len(names) > 1 and not any(re.fullmatch(r"[-+\d.,%$€£ ]+", name) for name in names)


def _heading_title(blocks: list[Block], type: str) -> str:
    """The first heading, where it stands at the head of a text document."""
    first = blocks[0] if blocks else Block(0, 0)
    if type in _SPREADSHEETS or first.kind != "heading" or len(first.heading) != 1:
        return ""
    return first.heading[0]


# ------------------------------------------------------------------ metadata


def _title(metadata: dict[str, Any]) -> str:
    raw = metadata.get("subject") if metadata.get("format_type") == "email" else metadata.get("title")
    title = heading_text(clean(raw)) if isinstance(raw, str) else ""
    return "" if _JUNK_TITLE.match(title) else title


def _metadata(metadata: dict[str, Any]) -> dict[str, str]:
    """The few fields that mean the same in every format."""
    found: dict[str, str] = {}
    authors = metadata.get("authors")
    if isinstance(authors, list) and authors:
        found["author"] = ", ".join(clean(str(author)) for author in authors)
    for ours, theirs in (("created", "created_at"), ("language", "language"), ("subject", "subject")):
        value = metadata.get(theirs)
        if isinstance(value, str) and value.strip():
            found[ours] = heading_text(clean(value))
    return found


def _attachments(children: list[dict[str, Any]], charts: bool) -> Iterator[Attachment]:
    """What is inside a document: attachments of Outlook's mails and of PDFs, embedded files, all read already."""
    for child in children:
        name = str(child.get("path") or "attachment")
        extension = name.rsplit(".", 1)[-1].lower() if "." in name else "text"
        if charts and _CHART_DATA.match(name):
            continue
        try:
            content: Content | Unreadable = _markdown(child["result"], extension, ())
        except Unreadable as error:
            image = str(child.get("mime_type", "")).startswith("image/")
            content = Unreadable(IMAGE) if image else error
        yield Attachment(name, b"", content)
