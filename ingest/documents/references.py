"""XML references (`&amp;`, `&#233;`) kept through an extractor that drops them. Pure.

kreuzberg up to 4.10 loses them in DOCX, DocBook and JATS, and puts blanks around them in FictionBook: "R&D" came
back as "RD". So they are replaced by private characters before it reads, and these by what they stand for after.
Since a DOCX is written anew for that, its headings are put into styles that the extractor knows at the same time.
"""

from __future__ import annotations

import io
import re
import zipfile

from ingest.documents import parts, styles

ZIPPED = frozenset({"docx"})
XML = frozenset({"fb2", "docbook", "jats", "opml"})
MAX_MEMBER_BYTES = 100_000_000
BODY, STYLES = "word/document.xml", "word/styles.xml"

_NAMED = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"', b"apos": "'"}
# One private character for each sign that XML gives a meaning, so that the XML stays what it was.
_HIDDEN = {sign: chr(0xE100 + number) for number, sign in enumerate(_NAMED.values())}
_SHOWN = str.maketrans({private: sign for sign, private in _HIDDEN.items()})
_REFERENCE = re.compile(rb"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));")


def hide(data: bytes, type: str) -> bytes:
    """The file with its references as characters; unchanged where the type needs nothing or it is damaged."""
    if type in XML:
        return _REFERENCE.sub(_character, data)
    return _rewritten(data) if type in ZIPPED else data


def show(text: str) -> str:
    """The text with the signs that were hidden; as long as before."""
    return text.translate(_SHOWN)


def _rewritten(data: bytes) -> bytes:
    target = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as copy:
            names = set(source.namelist())
            known = styles.levels(source.read(STYLES)) if STYLES in names else {}
            for member in source.infolist():
                if member.file_size > MAX_MEMBER_BYTES:
                    return data
                part = source.read(member)
                is_xml = member.filename.endswith(".xml") and "<?xml" in part[:200].decode("latin-1")
                if member.filename == BODY:
                    part = styles.said_plainly(part, known)
                elif member.filename == STYLES:
                    part = styles.with_plain_ones(part)
                copy.writestr(member.filename, _REFERENCE.sub(_character, part) if is_xml else part)
    except parts.FAILURES:
        return data
    return target.getvalue()


def _character(found: re.Match[bytes]) -> bytes:
    named, decimal, hexadecimal = found.groups()
    number = ord(_NAMED[named]) if named else int(decimal) if decimal else int(hexadecimal, 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF or (number < 32 and number not in (9, 10, 13)):
        return found[0]
    return _HIDDEN.get(chr(number), chr(number)).encode()
