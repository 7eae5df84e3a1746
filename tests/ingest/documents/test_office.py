"""PDF and Word, made here byte by byte."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.ingest.documents.made import WORD, docx, paragraph, pdf, read, shown


def test_pdf_pages(tmp_path: Path) -> None:
    """Each block knows its page; a page without text, in a document without images, is just empty."""
    document = read(tmp_path, "a.pdf", pdf("First page", "", "Third page"))
    assert document.type == "pdf"
    assert [(block.page, document.text[block.start : block.end]) for block in document.blocks] == [
        (1, "First page"),
        (3, "Third page"),
    ]
    assert document.warnings == ()


def test_words_cut_at_line_ends_are_whole(tmp_path: Path) -> None:
    """A hyphen that only a line's end has brought goes; one between two words of the document stays."""
    lines = ") Tj 0 -14 Td (".join(
        ["This is an exam-", "ple that is well-", "known here, as known as the well", "and as co-authors of books."]
    )
    text = read(tmp_path, "a.pdf", pdf(lines)).text
    assert "an example that" in text
    assert "well-known" in text
    assert "co-authors" in text


def test_pdf_under_another_name(tmp_path: Path) -> None:
    """Bytes say what a file is, not its name."""
    assert read(tmp_path, "a.txt", pdf("Words")).type == "pdf"


def test_docx(tmp_path: Path) -> None:
    """Headings, tables with their header, the signs that XML escapes, and comments."""
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>"
        for row in (("name", "size"), ("bolt", "5"))
    )
    body = paragraph("Plan", "Heading1") + paragraph("R&amp;D for Vec&lt;T&gt; &amp; caf&#233; *x*")
    body += paragraph("Part", "Heading2") + f"<w:tbl>{rows}</w:tbl>" + paragraph("End.")
    comment = f'<w:comment w:id="0">{paragraph("Not sure")}</w:comment>'
    comments = f'<?xml version="1.0"?><w:comments xmlns:w="{WORD}">{comment}</w:comments>'
    document = read(tmp_path, "a.docx", docx(body, comments=comments))
    assert (document.type, document.title) == ("docx", "Plan")
    assert shown(document) == [
        ("heading", (), "Plan"),
        ("paragraph", (), "R&D for Vec<T> & café *x*"),
        ("heading", ("Part",), "Part"),
        ("header", ("Part",), "name | size"),
        ("rows", ("Part",), "bolt | 5"),
        ("paragraph", ("Part",), "End."),
        ("note", ("Comments",), "Not sure"),
    ]
    assert document.blocks[4].context == "name | size"


def test_opendocument_slides(tmp_path: Path) -> None:
    """Each slide of an ODP is a page."""
    spaces = "urn:oasis:names:tc:opendocument:xmlns"
    slides = "".join(
        f"<draw:page><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:page>" for text in ("R&amp;D", "End")
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.presentation")
        archive.writestr(
            "content.xml", f'<a xmlns:draw="{spaces}:drawing:1.0" xmlns:text="{spaces}:text:1.0">{slides}</a>'
        )
    document = read(tmp_path, "a.odp", target.getvalue())
    assert document.type == "odp"
    assert [(block.page, document.text[block.start : block.end]) for block in document.blocks] == [
        (1, "R&D"),
        (2, "End"),
    ]
