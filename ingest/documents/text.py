"""Bytes -> characters: the encoding of a text file, and clean text. Pure; knows no format.

What is sure comes first: a byte order mark, then strict UTF-8, then what the file declares of itself.
Only then is it guessed (`encodings`).
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator

from ingest.documents.content import Unreadable
from ingest.documents.encodings import DAMAGE, guess, lenient

# What a label means in practice (as browsers read it): https://encoding.spec.whatwg.org/#names-and-labels
SUPERSETS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "latin-1": "cp1252", "iso8859-9": "cp1254",
    "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "euc_kr": "cp949",
    "tis-620": "cp874", "iso8859-11": "cp874",
}  # fmt: skip

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The standards whose characters differ from their superset's (wave dash, minus): theirs, where they suffice.
STANDARDS = {"cp932": "shift_jis", "cp950": "big5"}

NO_TEXT = "binary data of an unknown format, no text"
WORDLESS_CHARACTERS = 40
"""So long a text has a blank or a stop in it, in every script: sounds, pictures and numbers hardly do."""

_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)"""
    rb"""|^[ \t\f]*[#%/;].{0,40}?coding[:=][ \t]*([\w.-]+)|@charset\s+["']([\w.-]+)""",
    re.IGNORECASE | re.MULTILINE,
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\0"))
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\xad\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_PAGE_BEGINS = re.compile(r"^\f+", re.MULTILINE)
_SEPARATORS = re.compile("[\f\v\x85\u2028\u2029]")
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$(D")


def decode(data: bytes) -> tuple[str, str, list[str]]:
    """The text, the encoding it was read in (a Python codec's name) and warnings about what was lost.

    Raises Unreadable for what is no text.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _replacing(data, encoding)
    if b"\0" in data:
        return _decode_with_zeros(data)
    _check_is_text(data)
    for encoding in _sure(data):
        text = _strictly(data, encoding)
        if text is not None:
            return text, encoding, []
    if known := "utf-8" if _is_damaged_utf8(data) else declared(data):
        return _replacing(data, known)
    guessed = _replacing(data, guess(data))
    if not _has_words(guessed[0]):
        raise Unreadable(NO_TEXT)
    return guessed


def clean(text: str) -> str:
    """What was taken out of a document, or is `in_lines`: with `\\n` line ends and without what no index can hold.

    NUL, other control characters and soft hyphens are dropped, lone surrogates and noncharacters become U+FFFD,
    a form feed becomes an empty line.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\f", "\n\n").replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return _UNWANTED.sub(lambda found: "" if found[0] < "\xae" else "\ufffd", text)


def in_lines(text: str) -> str:
    """The text of a file with `\\n` line ends where editors and `sed` count lines, and nowhere else.

    `\\r` alone ends lines where most ends are such; form feeds and the separators of Unicode end none, but part words.
    """
    text = text.replace("\r\n", "\n")
    text = text.replace("\r", "\n" if text.count("\r") > text.count("\n") else " ")
    return _SEPARATORS.sub(" ", _PAGE_BEGINS.sub("", text))


def declared(data: bytes) -> str | None:
    """The encoding that the file names in its head (XML, HTML, CSS, a coding cookie), if it is true."""
    found = _DECLARED.search(data[:2048])
    if not found:
        return None
    label = next(group for group in found.groups() if group).decode("ascii", "replace")
    try:
        encoding = codecs.lookup(label).name
    except LookupError:
        return None
    encoding = SUPERSETS.get(encoding.replace("_", "-"), SUPERSETS.get(encoding, encoding))
    text = _strictly(data, encoding)
    if text is None and encoding not in ("utf-8", "cp1252"):
        # One broken byte in a long page is no reason to read the page as another language.
        return encoding if lenient(data, encoding) is not None else None
    return encoding if text is not None else None


# ------------------------------------------------------------------ inside


def _decode_with_zeros(data: bytes) -> tuple[str, str, list[str]]:
    """UTF-16 and UTF-32 without a mark; otherwise a text with stray NULs, or no text."""
    for encoding, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        whole = data[: len(data) - len(data) % width]
        text = _strictly(whole, encoding) if whole else None
        if text is not None and _is_plausible(text) and _has_words(text):
            lost = len(data) - len(whole)
            return text, encoding, [f"{lost} bytes at the end are no character"] if lost else []
    zeros = data.count(0)
    if zeros > DAMAGE * len(data):
        raise Unreadable(NO_TEXT)
    text, encoding, warnings = decode(data.replace(b"\0", b""))
    return text, encoding, [*warnings, f"{zeros} NUL bytes were dropped"]


def _is_plausible(text: str) -> bool:
    """Whether a text of wide characters is one: no NULs, hardly a control or an unassigned character."""
    sample = text[:4096]
    bad = sum(unicodedata.category(character) in ("Cc", "Co", "Cn", "Cs") for character in sample)
    bad -= sum(sample.count(character) for character in "\t\n\r\f")
    plain = sum(character.isascii() or character.isalpha() for character in sample)
    if "\0" in sample or bad > DAMAGE * len(sample):
        return False
    scripts = sum(1 for character in sample if character.isascii() or "\u3000" <= character <= "\u30ff")
    return plain >= 0.7 * len(sample) and scripts >= 0.02 * len(sample)


def _has_words(text: str) -> bool:
    """Whether blanks, or the stops of scripts without blanks, part it as they do any text: at least 1 in 100 signs."""
    sample = text[:16_384]
    parting = sum(character.isspace() or character in "。、，．" for character in sample)
    return len(sample) < WORDLESS_CHARACTERS or parting >= 0.01 * len(sample)


def _check_is_text(data: bytes) -> None:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls > 4 and controls > 0.02 * len(data):
        raise Unreadable(NO_TEXT)


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether it is UTF-8 but for a few bytes: then no other encoding is nearer to what was meant."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return beyond - broken >= 4 * broken


def _sure(data: bytes) -> Iterator[str]:
    """Encodings that leave no doubt where they fit."""
    if any(escape in data for escape in _ESCAPES):
        yield "iso2022_jp_ext"
    yield "utf-8"


def _replacing(data: bytes, encoding: str) -> tuple[str, str, list[str]]:
    """The text in this encoding or the standard that it extends; what doesn't fit is U+FFFD and a warning."""
    for exact in (STANDARDS.get(encoding, encoding), encoding):
        text = _strictly(data, exact)
        if text is not None:
            return text, exact, []
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd")
    return text, encoding, [f"{broken:,} places could not be read in the encoding {encoding}"]


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
