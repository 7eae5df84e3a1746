"""Path -> Documents: text, title, pages, headings. One module per subject; this one is the door.

formats    which reader the bytes go to
text       bytes -> characters: encodings, clean text
markdown markup web programs tables notebook mail feeds drawings    formats that are text
office     PDF, office documents, e-books, through kreuzberg
content    what readers make and build it with
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from ingest.documents import formats
from ingest.documents.content import Attachment, Content, Unreadable
from search.errors import DocumentError
from search.records import Document

LONG = formats.LONG
MAX_ATTACHMENTS = 10_000
MAX_NESTING = 5


def read(path: Path, root: str, name: str) -> list[Document]:
    """The document in a file, and those attached to it, named `mail.eml/attachment.pdf`.

    `root` is the ingested folder, `name` the POSIX path inside it, by which the user knows the file.
    Raises DocumentError with a reason for a file that has no text or cannot be read. An attachment
    that cannot be read is a warning of the document that carries it.
    """
    try:
        data = path.read_bytes()
        status = path.stat()
    except OSError as error:
        raise DocumentError(name, f"it cannot be opened ({error.strerror or error})") from error
    origin = _Origin(root, digest(data), len(data), status.st_mtime)
    try:
        content = formats.read(data, name)
    except Unreadable as error:
        raise DocumentError(name, error.reason) from error
    return list(_documents(content, name, origin, 0))


def is_plain(name: str) -> bool:
    """Whether a file of this name is text that is read without an extractor, unless the name lies."""
    return formats.is_plain(name)


def readable_at_once(name: str, head: bytes) -> int:
    """How many bytes a file of this name that begins like this may have to be read in a moment; 0 for an extractor."""
    return formats.readable_at_once(name, head)


def digest(data: bytes) -> str:
    """The hash of a file's bytes as it stands in Document.hash: BLAKE2b-128, 32 hex digits."""
    return blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Origin:
    """What all documents of one file have in common."""

    root: str
    hash: str
    size: int
    modified: float


def _documents(content: Content, name: str, origin: _Origin, depth: int) -> Iterator[Document]:
    inner: list[Document] = []
    names: set[str] = set()
    attachments = content.attachments
    if len(attachments) > MAX_ATTACHMENTS or (attachments and depth >= MAX_NESTING):
        content.warnings.append(f"{len(attachments)} attachments are too many or nested too deep: not read")
        attachments = []
    for attachment in attachments:
        own = _own_name(attachment.name, names)
        try:
            inner.extend(_documents(_content(attachment), f"{name}/{own}", origin, depth + 1))
        except Unreadable as error:
            content.warnings.append(f"the attachment {own}: {error.reason}")
    yield _document(content, name, origin)
    yield from inner


def _own_name(name: str, taken: set[str]) -> str:
    """The attachment's name as one step of a path, and like no other's of the same document."""
    plain = name.replace("/", "_").replace("\\", "_").strip(". ") or "attachment"
    own, number = plain, 1
    while own in taken:
        number += 1
        own = f"{number}-{plain}"
    taken.add(own)
    return own


def _content(attachment: Attachment) -> Content:
    if isinstance(attachment.content, Unreadable):
        raise attachment.content
    return attachment.content or formats.read(attachment.data, attachment.name)


def _document(content: Content, name: str, origin: _Origin) -> Document:
    return Document(
        root=origin.root,
        path=name,
        title=content.title,
        type=content.type,
        text=content.text,
        blocks=tuple(content.blocks),
        hash=origin.hash,
        size=origin.size,
        modified=origin.modified,
        encoding=content.encoding,
        metadata=content.metadata,
        warnings=tuple(content.warnings),
    )
