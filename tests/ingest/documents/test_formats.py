"""Which reader takes a file, what every document has, and why some files cannot be read."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import documents
from ingest.documents import formats
from ingest.documents.content import Content, Unreadable
from search.errors import DocumentError
from tests.ingest.documents.made import check, docx, paragraph, pdf, read, reason


def test_a_document_knows_its_file(tmp_path: Path) -> None:
    """Root, path, hash of the bytes, size, time and encoding stand in the document."""
    document = read(tmp_path, "a.txt", "words")
    assert (document.root, document.path, document.type) == (str(tmp_path), "a.txt", "text")
    assert (document.size, document.encoding) == (5, "utf-8")
    assert document.hash == documents.digest(b"words")
    assert document.modified == (tmp_path / "a.txt").stat().st_mtime


def test_line_ends_and_what_no_index_holds(tmp_path: Path) -> None:
    """CRLF becomes LF; control characters, a mark and noncharacters don't reach the text."""
    document = read(tmp_path, "a.txt", "\ufeffone\r\ntwo three\x01\x1b[1m \ufffe".encode())
    assert document.text == "one\ntwo three[1m \ufffd"


def test_stray_nuls_are_dropped_with_a_warning(tmp_path: Path) -> None:
    """A text with a NUL in it is a text still."""
    document = read(tmp_path, "a.txt", b"words " * 100 + b"\0")
    assert "\0" not in document.text
    assert document.warnings == ("1 NUL bytes were dropped",)


def test_title_never_comes_from_the_name(tmp_path: Path) -> None:
    """A rename changes nothing that is embedded."""
    assert read(tmp_path, "annual report.txt", "words").title == ""
    assert read(tmp_path, "annual report.pdf", pdf("words")).title == ""


@settings(max_examples=200, deadline=None)
@given(data=st.binary(min_size=1, max_size=400), name=st.sampled_from(["a", "a.md", "a.html", "a.csv", "a.py"]))
def test_any_bytes_are_text_or_a_reason(data: bytes, name: str) -> None:
    """No bytes make a text reader fail in another way, and what is read is clean and its blocks are in order."""
    try:
        content = formats.read(data, name)
    except Unreadable as error:
        content = Content("", error.reason)
    assert content.text.strip()
    check(content.text, content.blocks)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(
        st.sampled_from("ab #=-*`|>\n\t.<p/>h1[]()&;:\\'\"{}1é中\u0301"), max_size=300
    ),
    name=st.sampled_from(["a.md", "a.html", "a.csv", "a.py", "a.rs", "a.rst", "a.org", "a.tex", "a.json", "a.txt"]),
)  # fmt: skip
def test_blocks_are_in_order_for_any_text(text: str, name: str) -> None:
    """Blocks ascend, don't overlap and stay in the text, whatever it looks like."""
    try:
        content = formats.read(text.encode("utf-8"), name)
    except Unreadable:
        return
    check(content.text, content.blocks)
    if name not in ("a.html", "a.json"):
        assert content.text == text.lstrip("\ufeff")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.pdf", b"", "the file is empty"),
        ("a.md", b" \n\n", "nothing but blanks"),
        ("a.bin", bytes(range(256)) * 4, "binary data"),
        ("sound.raw", bytes(128 + round(60 * math.sin(at / 9)) for at in range(2_000)), "binary data"),
        ("nibbles.dat", bytes(0x66 + (at * at) % 0x43 for at in range(2_000)), "binary data"),
        ("ones.dat", b"\x08\x02\x08\x03\x08\x04\x10\x01J" + struct.pack("<50f", *[1.0] * 50), "binary data"),
        ("one.pb", b"\x08\2\x10\1J\x08" + struct.pack("<2f", 1.0, 1.0), "data for programs"),
        ("model.onnx", b"\x08\3\x12\7pytorch:\xff\1*" + b"\n\2\x08\1" * 9, "data for programs"),
        ("model.pt", b"PK\x03\x04" + bytes(100), "data for programs"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "an image"),
        ("a.zip", b"PK\x03\x04" + bytes(100), "an archive"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(100), "its end is missing"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(100) + b"%%EOF", "damaged"),
        ("a.docx", b"PK\x03\x04" + bytes(100), "its end is missing"),
        ("a.docx", b"PK\x03\x04" + bytes(100) + b"PK\5\6" + bytes(18), "cannot be read"),
        ("a.exe", b"MZ" + bytes(range(256)), "a program"),
        ("a.db", b"SQLite format 3\0" + bytes(100), "a database"),
        ("a.mp3", b"ID3" + bytes(100), "a sound recording"),
        ("a.pdf", pdf("", ""), "no text in it"),
        ("a.docx", docx(paragraph("")), "no text in it"),
        ("a.eml", b"no headers here", "no mail headers"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)  # fmt: skip
def test_reasons_a_person_understands(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    """Each unreadable file says why."""
    assert words in reason(tmp_path, name, data)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A file that went away between walk and read is an error with the system's words."""
    with pytest.raises(DocumentError, match="it cannot be opened"):
        documents.read(tmp_path / "gone.md", str(tmp_path), "gone.md")


def test_text_under_the_name_of_data(tmp_path: Path) -> None:
    """Names lie: a Portuguese text may end in .pt."""
    assert read(tmp_path, "licao.pt", "A lição é um texto em português.".encode("cp1252")).text.startswith("A lição é")


def test_text_under_an_office_name(tmp_path: Path) -> None:
    """Text that is called a Word document is read as the text that it is."""
    assert read(tmp_path, "a.docx", "Just words").text == "Just words"
