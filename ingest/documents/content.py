"""What a reader makes of a file's bytes before it is a Document, and what readers build it with.

Knows no path, no file and no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from search.records import Block

MAX_HEADING = 200
IMAGE = "it is an image: the words in it can only be read by text recognition (OCR), which is not set up"
PROTECTED = "it is protected by a password: remove the protection to have it read"


class Unreadable(Exception):
    """The bytes cannot be read as text; the message says why, in words a person understands."""

    @property
    def reason(self) -> str:
        return str(self)


@dataclass(slots=True)
class Content:
    """Text with its structure; fields as in Document."""

    type: str
    text: str
    title: str = ""
    blocks: list[Block] = field(default_factory=list)
    encoding: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(slots=True)
class Attachment:
    """A document inside another one, a mail's attachment: its bytes, or what was read of it already."""

    name: str
    data: bytes
    content: Content | Unreadable | None = None


class Outline:
    """The path of headings in force while a document is read from top to bottom."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str]] = []

    def open(self, level: int, title: str) -> tuple[str, ...]:
        """Begins a section: it ends those of its own level and below. Returns the path, itself last."""
        self.close(level)
        if title:
            self._stack.append((level, title))
        return self.path

    def close(self, level: int) -> None:
        """Ends all sections of this level and below."""
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._stack)


class Writer:
    """Puts a text together from pieces, each a block, with an empty line between them."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(
        self,
        text: str,
        kind: str = "paragraph",
        heading: tuple[str, ...] = (),
        *,
        page: int | None = None,
        context: str = "",
        row: int | None = None,
        gap: str = "\n\n",
    ) -> None:
        """Appends one block; a blank text is none. `gap` stands before it where something precedes."""
        if not text.strip():
            return
        start = self._room(gap)
        self._append(text)
        self.blocks.append(Block(start, start + len(text), kind, heading, page, context, row))

    def extend(self, text: str, blocks: list[Block], heading: tuple[str, ...], page: int | None) -> None:
        """Appends a text that has blocks of its own; `heading` goes in front of theirs."""
        if not text.strip():
            return
        offset = self._room("\n\n")
        self._append(text)
        for block in blocks:
            self.blocks.append(moved(block, offset, heading, page))

    def _room(self, gap: str) -> int:
        if self._parts:
            self._append(gap)
        return self._length

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def moved(block: Block, offset: int, heading: tuple[str, ...] = (), page: int | None = None) -> Block:
    """The block, `offset` characters further on, under `heading`, on `page` unless it has one."""
    return replace(
        block,
        start=block.start + offset,
        end=block.end + offset,
        heading=heading + block.heading,
        page=block.page if block.page is not None else page,
    )


def without_title(blocks: list[Block], title: str) -> list[Block]:
    """The blocks with the document's title taken out of the front of their heading paths."""
    if not title:
        return blocks
    return [replace(block, heading=block.heading[1:]) if block.heading[:1] == (title,) else block for block in blocks]


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with the offset at which it starts, without its line end."""
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def paragraphs(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """The spans between empty lines, from the first to the last character that is not blank in each."""
    for found in _PARAGRAPH.finditer(text, start, len(text) if end is None else end):
        yield found.start(), found.end()


def heading_text(raw: str) -> str:
    """A heading as one line of bounded length."""
    return " ".join(raw.split())[:MAX_HEADING].rstrip()


_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
