"""PDF and Word, made here byte by byte."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font
from pptx import Presentation

from ingest import documents
from ingest.documents import parts
from tests.ingest.documents.made import WORD, docx, paragraph, pdf, read, reason, shown


def test_pdf_pages(tmp_path: Path) -> None:
    """Each block knows its page; a page without text, in a document without images, is just empty."""
    document = read(tmp_path, "a.pdf", pdf("First page", "", "Third page"))
    assert document.type == "pdf"
    assert [(block.page, document.text[block.start : block.end]) for block in document.blocks] == [
        (1, "First page"),
        (3, "Third page"),
    ]
    assert document.warnings == ()


@pytest.mark.parametrize(
    ("named", "title"), [("Annual report", "Annual report"), (r"\(anonymous\)", ""), ("Book1", ""), ("untitled", "")]
)
def test_what_programs_write_in_place_of_a_title_is_none(tmp_path: Path, named: str, title: str) -> None:
    """It would stand above each passage."""
    assert read(tmp_path, "a.pdf", pdf("First page", title=named)).title == title


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


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
def test_a_file_without_its_end_says_so(tmp_path: Path, name: str) -> None:
    """As after a download that was broken off: what to do about that is another thing than about damage."""
    whole = pdf("Words " * 100) if name == "a.pdf" else docx(paragraph("Words"))
    assert read(tmp_path, name, whole).text.strip()
    assert "its end is missing" in reason(tmp_path, name, whole[: len(whole) // 2])
    assert "its end is missing" not in reason(tmp_path, name, whole[:8] + b"x" * 50 + whole[-60:])


def test_text_under_the_name_of_a_pdf_is_text(tmp_path: Path) -> None:
    """What a file is, its bytes say."""
    assert read(tmp_path, "a.pdf", "This is plain text.").type == "text"
    assert read(tmp_path, "a.md", "# Signs\n\nA PDF begins with %PDF-1.7.\n").type == "markdown"
    assert "damaged" in reason(tmp_path, "b.pdf", "1 0 obj\n<< /Type /Catalog >>\nendobj\n")


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


def test_headings_of_an_authors_own_styles(tmp_path: Path) -> None:
    """By outline level, the style they are based on, their name, or their own outline level; not a page header."""
    defined = (
        '<w:style w:type="paragraph" w:styleId="Top"><w:name w:val="Top"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr>'
        '</w:style><w:style w:type="paragraph" w:styleId="Red"><w:name w:val="Red"/><w:basedOn w:val="Top"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="HB"><w:name w:val="HeadB"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="CT"><w:name w:val="Chapter Title"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="PH"><w:name w:val="header"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Loop"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Flat"><w:name w:val="y"/><w:basedOn w:val="Top"/><w:pPr>'
        '<w:outlineLvl w:val="9"/></w:pPr></w:style>'
    )
    styles = f'<?xml version="1.0"?><w:styles xmlns:w="{WORD}">{defined}</w:styles>'
    named = (
        ("Title", "CT"),
        ("One", "Red"),
        ("Inner", "HB"),
        ("p", "PH"),
        ("q", "Loop"),
        ("Two", "Top"),
        ("r", "Flat"),
    )
    body = "".join(paragraph(text, style) for text, style in named)
    body += '<w:p><w:pPr><w:jc w:val="left"/><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Own</w:t></w:r></w:p>'
    document = read(tmp_path, "a.docx", docx(body + paragraph("End."), styles=styles))
    assert document.title == "Title"
    assert [(heading, text) for _, heading, text in shown(document)] == [
        ((), "Title"),
        (("One",), "One"),
        (("One", "Inner"), "Inner"),
        (("One", "Inner"), "p"),
        (("One", "Inner"), "q"),
        (("Two",), "Two"),
        (("Two",), "r"),
        (("Two", "Own"), "Own"),
        (("Two", "Own"), "End."),
    ]


def test_notes_of_a_slide_stand_on_its_page(tmp_path: Path) -> None:
    """In the order in which the slides are shown, which need not be that of their files."""
    deck = Presentation()
    for number in (1, 2, 3):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Slide {number}"
        if number == 3:
            slide.notes_slide.notes_text_frame.text = "Say this slowly."
    order = deck.slides._sldIdLst
    order.insert(0, order[2])
    deck.save(tmp_path / "a.pptx")
    document = documents.read(tmp_path / "a.pptx", str(tmp_path), "a.pptx")[0]
    pages = {document.text[block.start : block.end]: block.page for block in document.blocks}
    assert (pages["Slide 3"], pages["Slide 1"], pages["Slide 2"]) == (1, 2, 3)
    assert next(page for text, page in pages.items() if "Say this slowly." in text) == 1


def test_parts_that_are_too_many_or_too_large_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out of a document makes it a partial one."""
    monkeypatch.setattr(parts, "MAX_PARTS", 1)
    deck = Presentation()
    for words in ("First", "Second", "Third"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = "Slide"
        slide.notes_slide.notes_text_frame.text = words
    deck.save(str(tmp_path / "made.pptx"))
    document = read(tmp_path, "a.pptx", (tmp_path / "made.pptx").read_bytes())
    assert document.warnings == ("2 parts of the kind 'Notes' are too many or too large: not read",)


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


@pytest.mark.parametrize("extension", ["odt", "ods", "odp"])
def test_an_opendocument_file_with_a_password_says_so(tmp_path: Path, extension: str) -> None:
    """What is in it is noise, and the manifest says why."""
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        archive.writestr("content.xml", bytes(range(256)) * 4)
        entry = '<m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry>'
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="urn:m">{entry}</m:manifest>')
    assert "password" in reason(tmp_path, f"a.{extension}", (tmp_path / "made").read_bytes())


@pytest.mark.parametrize("extension", ["docx", "xlsx", "pptx", "odt", "ods", "odp", "epub"])
def test_an_encrypted_archive_is_a_reason_and_no_defect(tmp_path: Path, extension: str) -> None:
    """By the zip format's own means, which no office program uses."""
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        archive.writestr("content.xml", "<a/>")
    data = bytearray((tmp_path / "made").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert reason(tmp_path, f"a.{extension}", bytes(data))


def test_rows_of_a_workbook_are_those_that_its_program_shows(tmp_path: Path) -> None:
    """Empty rows above a table and in it count, and each sheet has its own."""
    book = Workbook()
    first = book.active
    assert first is not None
    first.title = "R & D"
    first["A1"].font = Font(bold=True)
    for place, value in (("B3", "name"), ("C3", "size"), ("B4", "bolt"), ("C4", 5), ("B8", "nut"), ("C8", 6)):
        first[place] = value
    second = book.create_sheet("Second")
    second.append(["who", "what"])
    second.append(["Ada", "<notes>"])
    book.save(tmp_path / "a.xlsx")
    document = documents.read(tmp_path / "a.xlsx", str(tmp_path), "a.xlsx")[0]
    assert [(block.heading, block.row, document.text[block.start : block.end]) for block in document.blocks] == [
        (("R & D",), None, "R & D"),
        (("R & D",), 3, "name | size"),
        (("R & D",), 4, "bolt | 5"),
        (("R & D",), 8, "nut | 6"),
        (("Second",), None, "Second"),
        (("Second",), 1, "who | what"),
        (("Second",), 2, "Ada | <notes>"),
    ]
    assert document.blocks[3].context == "name | size"


def test_a_header_below_captions_is_the_context_of_its_rows(tmp_path: Path) -> None:
    """Most tables that people make have a title above the names of the columns."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Costs 2024"], ["all in euros"], ["name", "sum"], ["rent", 100], ["power", 20]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    document = documents.read(tmp_path / "a.xlsx", str(tmp_path), "a.xlsx")[0]
    assert [
        (block.kind, block.row, document.text[block.start : block.end], block.context) for block in document.blocks
    ] == [
        ("heading", None, "Sheet", ""),
        ("rows", 1, "Costs 2024 |", ""),
        ("rows", 2, "all in euros |", ""),
        ("header", 3, "name | sum", ""),
        ("rows", 4, "rent | 100\npower | 20", "name | sum"),
    ]


def test_rows_of_an_opendocument_sheet(tmp_path: Path) -> None:
    """Rows that stand for several count as so many."""
    spaces = "urn:oasis:names:tc:opendocument:xmlns"
    names = "".join(f' xmlns:{name}="{spaces}:{name}:1.0"' for name in ("office", "table", "text"))

    def row(*cells: str, times: int = 1) -> str:
        inner = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            if cell
            else "<table:table-cell/>"
            for cell in cells
        )
        return f'<table:table-row table:number-rows-repeated="{times}">{inner}</table:table-row>'

    rows = row("", times=4) + row("name", "size") + row("bolt", "5") + row("", times=2) + row("nut", "6")
    sheets = f'<table:table table:name="A &amp; B">{rows}</table:table>'
    sheets += f'<table:table table:name="Two">{row("", "") + row("x", "y")}</table:table>'
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names} office:version="1.2"><office:body>'
        f"<office:spreadsheet>{sheets}</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="{spaces}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        for name, part in (("mimetype", kind), ("content.xml", content), ("META-INF/manifest.xml", manifest)):
            archive.writestr(name, part)
    document = documents.read(tmp_path / "a.ods", str(tmp_path), "a.ods")[0]
    found = [(block.row, document.text[block.start : block.end]) for block in document.blocks if block.row]
    assert found == [(5, "name | size"), (6, "bolt | 5"), (9, "nut | 6"), (2, "x | y")]
