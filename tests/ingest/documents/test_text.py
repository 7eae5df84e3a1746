"""Bytes to characters: encodings found, text cleaned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.documents.made import read, shown

GERMAN = "Über die Größe der Äpfel läßt sich trefflich streiten, sagte er für sich.\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему.\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"
CHINESE = "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n"
POLISH = "Zażółć gęślą jaźń, powiedział właściciel żółtego domu, który śpi.\n"
GREEK = "Η γλώσσα είναι το σπίτι του ανθρώπου και ο άνθρωπος ζει μέσα της.\n"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"), (GERMAN, "utf-8-sig"), (GERMAN, "cp1252"), (GERMAN, "cp850"),
        (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (RUSSIAN, "cp866"), (RUSSIAN, "iso8859_5"),
        (RUSSIAN, "utf-16"), (RUSSIAN, "utf-16-le"), (RUSSIAN, "utf-32-be"),
        (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (JAPANESE, "iso2022_jp"), (JAPANESE, "utf-16-be"),
        (CHINESE, "gb18030"), (CHINESE, "utf-16-le"), (POLISH, "cp1250"), (GREEK, "cp1253"), (KOREAN, "cp949"),
    ],
)  # fmt: skip
def test_encodings_are_found(tmp_path: Path, text: str, encoding: str) -> None:
    """The characters are the ones that were written, and the encoding is recorded."""
    document = read(tmp_path, "a.txt", (text * 3).encode(encoding))
    assert document.text == text * 3
    assert document.encoding
    assert document.warnings == ()


def test_declared_encoding_is_believed_where_it_is_true(tmp_path: Path) -> None:
    """A page's own word on its encoding counts, if the bytes agree."""
    page = '<html><head><meta charset="{}"></head><body><p>{}</p></body></html>'
    assert read(tmp_path, "a.html", page.format("iso-8859-2", "źle").encode("iso8859-2")).text == "źle"
    assert read(tmp_path, "b.html", page.format("ascii", "Größe").encode()).text == "Größe"


def test_broken_utf8_is_utf8_with_a_warning(tmp_path: Path) -> None:
    """A few broken bytes don't turn a text into another language."""
    document = read(tmp_path, "a.txt", GERMAN.encode() + b"\xff und mehr")
    assert document.text == GERMAN + "\ufffd und mehr"
    assert document.warnings == ("1 places could not be read in the encoding utf-8",)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.py", "a.json", "a.xml", "a.yaml", "a.toml", "a.ini", "a.rst"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_are_those_that_an_editor_counts(tmp_path: Path, name: str, end: str) -> None:
    """A form feed, a separator of another kind and a stray carriage return begin no line; no words are joined."""
    stray = "" if "\r" in end else "six\rsix "
    lines = [
        "one",
        "\fone",
        "\f",
        "two\ftwo",
        "three\vthree",
        "four\x85four",
        "five\u2028five\u2029five",
        f"{stray}end",
    ]
    document = read(tmp_path, name, end.join(lines))
    assert [line.split() for line in document.text.split("\n")] == [
        ["one"], ["one"], [], ["two"] * 2, ["three"] * 2, ["four"] * 2, ["five"] * 3, [*stray.split(), "end"],
    ]  # fmt: skip


def test_a_page_in_a_text_is_a_paragraph_of_its_own(tmp_path: Path) -> None:
    """An RFC has a form feed between pages, on a line of its own or before the next page's first words."""
    text = "Last words.\n\n[Page 1]\n\f\nRFC 9999\n\nFirst words.\n\n[Page 2]\n\n\fRFC 9999\n"
    document = read(tmp_path, "a.txt", text)
    assert document.text.count("\n") == text.count("\n")
    assert [part for _, _, part in shown(document)] == [
        "Last words.", "[Page 1]", "RFC 9999", "First words.", "[Page 2]", "RFC 9999",
    ]  # fmt: skip
