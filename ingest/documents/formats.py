"""Which reader a file's bytes go to: by what they begin with, then by the name's end, then as text.

A name can lie and bytes rarely do, so a PDF called `.txt` is read as a PDF.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from ingest.documents import (
    drawings,
    feeds,
    mail,
    markdown,
    markup,
    notebook,
    office,
    parts,
    programs,
    slides,
    tables,
    web,
)
from ingest.documents.content import IMAGE, PROTECTED, Content, Unreadable
from ingest.documents.text import clean, decode, in_lines

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LONG, SHORT = 1_000_000, 65_536
"""Bytes; see `readable_at_once`. The worst of a million take four seconds as Markdown, of 320,000 as HTML a minute."""

_MARKDOWN = frozenset({"md", "markdown", "mdown", "mkd", "mkdn", "mdx", "qmd", "rmd"})
_HTML = frozenset({"html", "htm", "xhtml", "html4", "html5", "shtml"})
_TABLES = frozenset({"csv", "tsv", "tab", "psv"})
_JSON = frozenset({"json", "jsonl", "ndjson", "geojson", "json5", "jsonc"})
_XML = frozenset({"xml", "rss", "atom", "xsd", "xsl", "xslt", "plist", "kml", "gpx"})
_SETTINGS = {"yaml": "yaml", "yml": "yaml", "toml": "toml", "ini": "ini", "cfg": "ini", "conf": "ini"}
_DATA = frozenset(
    "onnx pt pth ckpt safetensors gguf ggml tflite pb npy npz pkl pickle h5 hdf5 parquet arrow feather".split()
)
_OPENDOCUMENT = frozenset({"odt", "ods", "odp"})
_XML_DOCUMENTS = frozenset({"fb2", "docbook", "docbook4", "docbook5", "jats", "opml"})

_PAGE = re.compile(r"(?i)\s*(<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*<(!doctype html|html[\s>])", re.DOTALL)

# What files begin with that hold no text to read: (offset, bytes, what it is).
_NO_TEXT = (
    (0, b"\x89PNG\r\n\x1a\n", "image"), (0, b"\xff\xd8\xff", "image"), (0, b"GIF87a", "image"),
    (0, b"GIF89a", "image"), (0, b"II*\0", "image"), (0, b"MM\0*", "image"), (0, b"\0\0\1\0", "image"),
    (0, b"8BPS", "image"), (8, b"WEBP", "image"), (4, b"ftypheic", "image"), (4, b"ftypavif", "image"),
    (0, b"ID3", "sound"), (0, b"OggS", "sound"), (0, b"fLaC", "sound"), (8, b"WAVE", "sound"),
    (0, b"\xff\xfb", "sound"), (4, b"ftyp", "film"), (0, b"\x1aE\xdf\xa3", "film"), (8, b"AVI ", "film"),
    (0, b"\x1f\x8b", "archive"), (0, b"BZh", "archive"), (0, b"\xfd7zXZ\0", "archive"),
    (0, b"7z\xbc\xaf'\x1c", "archive"), (0, b"Rar!\x1a", "archive"), (0, b"(\xb5/\xfd", "archive"),
    (257, b"ustar", "archive"), (0, b"\x7fELF", "program"), (0, b"MZ", "program"),
    (0, b"\xcf\xfa\xed\xfe", "program"), (0, b"\xca\xfe\xba\xbe", "program"), (0, b"\0asm", "program"),
    (0, b"SQLite format 3\0", "database"), (0, b"wOFF", "font"), (0, b"wOF2", "font"), (0, b"OTTO", "font"),
    (0, b"\0\1\0\0\0", "font"),
)  # fmt: skip
_WHY = {
    "image": IMAGE,
    "sound": "it is a sound recording, which is not read",
    "film": "it is a film, which is not read",
    "archive": "it is an archive: unpack it to have the files in it read",
    "program": "it is a program, not a document",
    "database": "it is a database, not a document",
    "font": "it is a font, not a document",
    "data": "it is data for programs, not a document",
}


def read(data: bytes, name: str) -> Content:
    """The Content of a file of this name; raises Unreadable with the reason."""
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("the file is empty" if not data else "the file has nothing but blanks in it")
    extension = _extension(name)
    binary = _binary(data, extension)
    if binary is not None:
        return slides.read(data) if binary == "odp" else office.read(data, *office.FORMATS[binary])
    if extension == "eml" or (extension in ("", "mail", "txt") and _looks_like_mail(data)):
        return mail.read(data)
    if extension in ("mbox", "mbx") or (data.startswith(b"From ") and mail.is_mail(data.partition(b"\n")[2][:8192])):
        return mail.read_box(data)
    raw, encoding, warnings = decode(data)
    text = clean(in_lines(raw))
    if not text.strip():
        raise Unreadable("the file has nothing but blanks in it")
    content = _text(text, extension)
    if not content.text.strip():
        raise Unreadable("there is no text in it")
    content.encoding = encoding
    content.warnings.extend(warnings)
    return content


def is_plain(name: str) -> bool:
    """Whether a file of this name goes to a reader of text, all of which are in this package."""
    return _extension(name) in _PLAIN


def readable_at_once(name: str, head: bytes) -> int:
    """How many bytes a file may have to be read in a moment, by its name and, as names lie, its beginning.

    Many of Markdown and of text, whose readers look at each line once; fewer of what takes a parser; none, that is 0,
    of what takes an extractor.
    """
    if not is_plain(name) or any(sign in head for sign in _EXTRACTED) or head.startswith(b"From "):
        return 0
    return 0 if _looks_like_mail(head) else LONG if _extension(name) in _LINES else SHORT


def _text(text: str, extension: str) -> Content:
    """The reader for text: by the name's end, else by what the text begins with."""
    reader = _READERS.get(extension) or _by_look(text)
    return reader(text)


def _by_look(text: str) -> Callable[[str], Content]:
    """The reader for text whose name says nothing."""
    head = text[:1024].lstrip()
    if _PAGE.match(head):
        return web.read
    if head.startswith("<?xml"):
        return _xml
    if found := re.match(r"#!.*?\b(python|bash|sh|node|perl|ruby)", head):
        return partial(programs.read, language=_SHELLS.get(found[1], found[1]))
    return markup.read


def _xml(text: str) -> Content:
    """XML of no known kind is kept as it stands, unless it is a page or a feed."""
    if _PAGE.match(text[:1024]):
        return web.read(text)
    return feeds.read(text) if feeds.is_feed(text) else Content("xml", text)


def _settings(kind: str, text: str) -> Content:
    content = markup.read(text)
    content.type = kind
    return content


def _xml_document(extension: str, text: str) -> Content:
    kind, media_type = office.FORMATS[extension]
    return office.read(_as_utf8(text), kind, media_type)


_SHELLS = {"bash": "shell", "sh": "shell", "node": "javascript"}
_READERS: dict[str, Callable[[str], Content]] = {
    **{extension: partial(programs.read, language=language) for extension, language in programs.LANGUAGES.items()},
    **{extension: partial(markup.read, language=language) for extension, language in markup.LANGUAGES.items()},
    **{extension: partial(_settings, kind) for extension, kind in _SETTINGS.items()},
    **{extension: partial(_xml_document, extension) for extension in _XML_DOCUMENTS},
    **dict.fromkeys(_MARKDOWN, markdown.read),
    **dict.fromkeys(_HTML, web.read),
    **dict.fromkeys(_TABLES, tables.read),
    **dict.fromkeys(_JSON, tables.read_json),
    **dict.fromkeys(_XML, _xml),
    "ipynb": notebook.read,
    "svg": drawings.read,
    "txt": markup.read,
    "text": markup.read,
    "log": markup.read,
}
_PLAIN = _READERS.keys() - _XML_DOCUMENTS
_LINES = _MARKDOWN | {"txt", "text", "log"}
_EXTRACTED = (b"%PDF-", b"{\\rtf", b"PK\x03\x04", b"PK\x05\x06", _OLE)
"""What files hold near their beginning that need an extractor, whatever their names say."""


def _binary(data: bytes, extension: str) -> str | None:
    """A key of office.FORMATS, or `odp`; None for what may be text. Raises Unreadable for what no reader is for."""
    if b"%PDF-" in data[:1024] and (data.lstrip().startswith(b"%PDF-") or extension == "pdf" or not _is_texty(data)):
        return "pdf"  # a text that mentions the sign is none
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if extension in _DATA and not _is_texty(data):
        raise Unreadable(_WHY["data"])
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        return _zipped(data, extension)
    if data.startswith(_OLE):
        return _compound(data, extension)
    for offset, sign, what in _NO_TEXT:
        if data.startswith(sign, offset) and not _is_texty(data):
            raise Unreadable(_WHY[what])
    if extension in office.FORMATS and extension not in _XML_DOCUMENTS:
        # Text under an office name is read as the text that it is; a PDF may be text for the most part.
        return extension if not _is_texty(data) or (extension == "pdf" and b" obj" in data) else None
    return None


def _zipped(data: bytes, extension: str) -> str:
    """Office documents and e-books are zip archives: the parts in them tell which."""
    if extension in office.FORMATS or extension == "odp":
        if extension in _OPENDOCUMENT and parts.is_protected(data):
            raise Unreadable(PROTECTED)
        return extension
    if extension in ("pages", "numbers", "key"):
        raise Unreadable("it is a document of Apple's iWork, which is not read: export it as a PDF")
    signs = (
        (b"word/document.xml", "docx"), (b"xl/workbook.xml", "xlsx"), (b"ppt/presentation.xml", "pptx"),
        (b"application/epub+zip", "epub"), (b"opendocument.text", "odt"),
        (b"opendocument.spreadsheet", "ods"), (b"opendocument.presentation", "odp"),
    )  # fmt: skip
    for sign, found in signs:
        if sign in data:
            return found
    raise Unreadable(_WHY["archive"])


def _compound(data: bytes, extension: str) -> str:
    """The container of old Office formats, of Outlook mails, and of encrypted new ones."""
    if _wide("EncryptedPackage") in data:
        raise Unreadable(PROTECTED)
    if extension in office.FORMATS and extension in ("doc", "xls", "ppt", "msg"):
        return extension
    signs = (("WordDocument", "doc"), ("Workbook", "xls"), ("PowerPoint Document", "ppt"), ("__properties", "msg"))
    for sign, found in signs:
        if _wide(sign) in data:
            return found
    raise Unreadable("it is in an old binary format that is not read")


def _is_texty(data: bytes) -> bool:
    try:
        decode(data[:4096])
    except Unreadable:
        return False
    return b"\0" not in data[:4096]


def _looks_like_mail(data: bytes) -> bool:
    return mail.is_mail(data) and (b"\nMIME-Version:" in data[:8192] or b"\nMessage-ID:" in data[:8192])


def _as_utf8(text: str) -> bytes:
    return re.sub(r"^\s*<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8"?>', text, count=1).encode()


def _extension(name: str) -> str:
    """The name's last part in small letters; whole names such as `Makefile` count as their own."""
    last = name.rsplit("/", 1)[-1].lower().lstrip(".")
    if "." in last:
        return last.rsplit(".", 1)[-1]
    return last if last in programs.LANGUAGES else ""


def _wide(sign: str) -> bytes:
    return sign.encode("utf-16-le")
