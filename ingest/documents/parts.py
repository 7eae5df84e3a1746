"""The parts of Office documents that the extractor passes over: comments, notes, headers, charts, diagrams. Pure.

New Office formats are zip archives of XML; what stands in these parts and not in the text yet is added to it.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from html import unescape

from ingest.documents.text import clean

MAX_PART_BYTES = 20_000_000
MAX_PARTS = 500

CHARTS = "Charts"

_PARTS = (
    ("Comments", re.compile(r"(word/comments\d*|ppt/comments/.*|xl/(comments\d*|threadedComments/.*))\.xml$")),
    ("Notes", re.compile(r"(word/(footnotes|endnotes)|ppt/notesSlides/notesSlide\d+)\.xml$")),
    ("Headers and footers", re.compile(r"word/(header|footer)\d*\.xml$")),
    (CHARTS, re.compile(r"(word|ppt|xl)/charts/chart\d+\.xml$")),
    ("Diagrams", re.compile(r"(word|ppt|xl)/diagrams/data\d+\.xml$")),
    ("Text boxes", re.compile(r"xl/drawings/drawing\d+\.xml$")),
)
_PARAGRAPH = re.compile(r"</(?:\w+:)?(?:p|comment|ser|cat|tx)>")
_TEXT = re.compile(r"<(?:\w+:)?(?:t|v|text)(?:\s[^>]*)?>([^<]*)</")


def missing(data: bytes, text: str) -> Iterator[tuple[str, str]]:
    """Paragraphs of other parts that are not in `text`, each with the name of the kind of part."""
    known = _squeezed(text)
    for name, part in _parts(data):
        for paragraph in _paragraphs(part):
            squeezed = _squeezed(paragraph)
            if squeezed and squeezed not in known:
                known += "\n" + squeezed
                yield name, paragraph


def _parts(data: bytes) -> Iterator[tuple[str, str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if member.file_size <= MAX_PART_BYTES]
            for name, pattern in _PARTS:
                for member in [one for one in members if pattern.match(one.filename)][:MAX_PARTS]:
                    yield name, archive.read(member).decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return


def _paragraphs(part: str) -> Iterator[str]:
    for piece in _PARAGRAPH.split(part):
        words = [unescape(word) for word in _TEXT.findall(piece)]
        joiner = " " if "<c:v>" in piece else ""
        text = clean(joiner.join(words)).strip()
        if text:
            yield text


def _squeezed(text: str) -> str:
    return "".join(text.split())
