"""OpenDocument presentations (ODP), which the extractor does not know: the text of each slide, by page. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from ingest.documents import parts
from ingest.documents.content import Content, Unreadable, Writer, heading_text
from ingest.documents.text import clean

MAX_BYTES = 100_000_000

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"


def read(data: bytes) -> Content:
    """A presentation as Content; raises Unreadable where it is damaged or without text."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo("content.xml").file_size > MAX_BYTES:
                raise Unreadable("its text is too large to be read")
            content = ElementTree.fromstring(archive.read("content.xml"))
            meta = archive.read("meta.xml") if "meta.xml" in archive.namelist() else b"<meta/>"
        title = ElementTree.fromstring(meta).findtext(f".//{_DUBLIN}title") or ""
    except (*parts.FAILURES, ElementTree.ParseError) as error:
        raise Unreadable("it is damaged or not what its name says") from error
    writer = Writer()
    for number, slide in enumerate(content.iter(f"{_DRAW}page"), 1):
        for paragraph in _paragraphs(slide):
            writer.add(paragraph, page=number)
    if not writer.blocks:
        raise Unreadable("there is no text in it")
    return Content("odp", writer.text, heading_text(clean(title)), writer.blocks)


def _paragraphs(slide: ElementTree.Element) -> Iterator[str]:
    for element in slide.iter():
        if element.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            yield clean("".join(element.itertext())).strip()
