"""The parts of Office documents that the extractor passes over: comments, notes, headers, charts, diagrams. Pure.

New Office formats are zip archives of XML; what stands in these parts and not in the text yet is added to it.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape

from ingest.documents.text import clean

MAX_PART_BYTES = 20_000_000
MAX_PARTS = 2_000
"""Of each kind. So many notes of 60 words took 1.2 s to be compared with the text."""

CHARTS = "Charts"

_PARTS = (
    ("Comments", re.compile(r"(word/comments\d*|ppt/comments/.*|xl/(comments\d*|threadedComments/.*))\.xml$")),
    ("Notes", re.compile(r"(word/(footnotes|endnotes)|ppt/notesSlides/notesSlide\d+)\.xml$")),
    ("Headers and footers", re.compile(r"word/(header|footer)\d*\.xml$")),
    (CHARTS, re.compile(r"(word|ppt|xl)/charts/chart\d+\.xml$")),
    ("Diagrams", re.compile(r"(word|ppt|xl)/diagrams/data\d+\.xml$")),
    ("Text boxes", re.compile(r"xl/drawings/drawing\d+\.xml$")),
)
FAILURES = (
    zipfile.BadZipFile, zlib.error, KeyError, OSError, ValueError, NotImplementedError, RuntimeError, EOFError
)  # fmt: skip
"""What zipfile raises for an archive that is damaged, encrypted, or without a part."""
_MANIFEST = "META-INF/manifest.xml"
_PRESENTATION = "ppt/presentation.xml"
_SLIDE = re.compile(r'<(?:\w+:)?sldId\b[^>]*\br:id="([^"]*)"')
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b(Id|Target)="([^"]*)"')
_PARAGRAPH = re.compile(r"</(?:\w+:)?(?:p|comment|ser|cat|tx)>")
_TEXT = re.compile(r"<(?:\w+:)?(?:t|v|text)(?:\s[^>]*)?>([^<]*)</")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph of another part: the name of its kind, and the number of the slide that it belongs to."""

    name: str
    text: str
    page: int | None


def missing(data: bytes, text: str) -> Iterator[Part]:
    """Paragraphs of other parts that are not in `text`."""
    known = _squeezed(text)
    for part in _parts(data):
        for paragraph in _paragraphs(part.text):
            squeezed = _squeezed(paragraph)
            if squeezed and squeezed not in known:
                known += "\n" + squeezed
                yield replace(part, text=paragraph)


def unread(data: bytes) -> list[str]:
    """What `missing` leaves out for its number or its size, in words for people."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            counts = [
                (name, len(found) - sum(map(_is_small, found[:MAX_PARTS]))) for name, found in _of_each_kind(archive)
            ]
    except FAILURES:
        return []
    return [
        f"{count:,} parts of the kind {name!r} are too many or too large: not read" for name, count in counts if count
    ]


def slide_order(data: bytes) -> dict[int, int]:
    """The place of each slide in the presentation by the place of its file, by which the extractor counts."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            shown = [path for path in _shown(archive) if path in archive.namelist()]
    except FAILURES:
        return {}
    by_file = sorted(shown, key=lambda path: [int(digits) for digits in re.findall(r"\d+", path)])
    return {by_file.index(path) + 1: number for number, path in enumerate(shown, 1)}


def is_protected(data: bytes) -> bool:
    """Whether an OpenDocument file is encrypted with a password (`manifest:encryption-data`)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_MANIFEST) as manifest:
            return b"encryption-data" in manifest.read(MAX_PART_BYTES)
    except FAILURES:
        return False


def relations(archive: zipfile.ZipFile, path: str) -> dict[str, str]:
    """The parts that one part refers to, by the id that it has for each; raises as zipfile does."""
    folder, name = posixpath.split(path)
    try:
        found = archive.read(f"{folder}/_rels/{name}.rels").decode("utf-8", "replace")
    except KeyError:
        return {}
    attributes = (dict(_ATTRIBUTE.findall(relation)) for relation in _RELATION.findall(found))
    return {
        one["Id"]: posixpath.normpath(posixpath.join("/", folder, one["Target"])).lstrip("/")
        for one in attributes
        if one.keys() >= {"Id", "Target"}
    }


def _parts(data: bytes) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            slides = _slides(archive)
            for name, found in _of_each_kind(archive):
                for member in filter(_is_small, found[:MAX_PARTS]):
                    text = archive.read(member).decode("utf-8", "replace")
                    yield Part(name, text, slides.get(member.filename))
    except FAILURES:
        return


def _of_each_kind(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[zipfile.ZipInfo]]]:
    for name, pattern in _PARTS:
        yield name, [member for member in archive.infolist() if pattern.match(member.filename)]


def _is_small(member: zipfile.ZipInfo) -> bool:
    return member.file_size <= MAX_PART_BYTES


def _slides(archive: zipfile.ZipFile) -> dict[str, int]:
    """The number of the slide that refers to a part, as a presentation shows its slides."""
    slides = enumerate(_shown(archive), 1)
    return {part: number for number, slide in slides for part in relations(archive, slide).values()}


def _shown(archive: zipfile.ZipFile) -> list[str]:
    """The parts of a presentation's slides in the order in which they are shown; none for another document."""
    if _PRESENTATION not in archive.namelist():
        return []
    paths = relations(archive, _PRESENTATION)
    order = _SLIDE.findall(archive.read(_PRESENTATION).decode("utf-8", "replace"))
    return [paths[id_] for id_ in order if id_ in paths]


def _paragraphs(part: str) -> Iterator[str]:
    for piece in _PARAGRAPH.split(part):
        words = [unescape(word) for word in _TEXT.findall(piece)]
        joiner = " " if "<c:v>" in piece else ""
        text = clean(joiner.join(words)).strip()
        if text:
            yield text


def _squeezed(text: str) -> str:
    return "".join(text.split())
