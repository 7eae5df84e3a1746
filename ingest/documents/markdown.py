"""Markdown: headings, front matter, fences, lists, quotes and tables as blocks. Pure.

A scanner of lines, not a renderer: what it doesn't know stays a paragraph, and no character is lost.
Follows the CommonMark 0.31 rules for headings and fences and the GitHub ones for tables.
"""

from __future__ import annotations

import re

from ingest.documents.content import MAX_HEADING, Content, Outline, heading_text, lines, without_title
from search.records import Block

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(={2,}|-{2,})[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:[-*+>]|\d{1,9}[.)])?[ \t]*(`{3,}|~{3,})(.*)$")
_LIST = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_RULER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_FRONT = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)?(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w -]{0,40})[ \t]*[:=][ \t]*(.*?)[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]*)\](?:\([^()\n]*\)|\[[^\]\n]*\])")
_ATTRIBUTES = re.compile(r"[ \t]*\{[^{}\n]*\}[ \t]*$")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>")
_UNSEEN = re.compile(r"(?>\s*(?:<a(?:\s[^<>]*)?>\s*</a>|<!--.*?-->))+", re.DOTALL)

# How far into a document its title may stand, behind badges and the like.
HEAD = 2_000


def read(text: str) -> Content:
    """Markdown text as Content; the title is the front matter's or the first heading's of level one."""
    front = _FRONT.match(text)
    metadata = _fields(front.group(2) or "") if front else {}
    body = front.end() if front else 0
    blocks = [Block(0, len(text[:body].rstrip()), "metadata")] if front and text[:body].strip() else []
    scanned = scan(text, body)
    title = metadata.get("title", "") or _first_heading(scanned)
    return Content("markdown", text, title, blocks + without_title(scanned, title), metadata=metadata)


def scan(text: str, start: int = 0) -> list[Block]:
    """The blocks of Markdown text from `start` on; a heading is a block whose path ends in itself."""
    scanner = _Scanner(text)
    for offset, line in lines(text[start:]):
        scanner.take(offset + start, line)
    scanner.finish()
    return scanner.blocks


def plain(raw: str) -> str:
    """Inline Markdown as the words a reader sees."""
    raw = _LINK.sub(r"\1", _ATTRIBUTES.sub("", raw))
    raw = _TAG.sub("", raw).replace("`", "").replace("**", "").replace("__", "")
    return heading_text(re.sub(r"\\([\\`*_{}\[\]()#+.!|<>~-])", r"\1", raw))


class _Scanner:
    """Takes lines in order; holds the lines of the block that is open."""

    def __init__(self, text: str) -> None:
        self.blocks: list[Block] = []
        self._text = text
        self._outline = Outline()
        self._held: list[tuple[int, str]] = []
        self._kind = "paragraph"
        self._fence = ""
        self._header = ""

    def take(self, offset: int, line: str) -> None:
        if self._fence:
            self._hold(offset, line)
            if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
                self._flush()
        elif not line.strip():
            self._flush()
        elif found := _FENCE.match(line):
            if self._kind != "list":
                self._flush()
            self._kind, self._fence = "code" if not self._held else self._kind, found.group(1)
            self._hold(offset, line)
        elif found := _ATX.match(line):
            self._flush()
            self._heading(offset, len(line), len(found.group(1)), found.group(2) or "")
        elif self._may_be_heading() and (found := _SETEXT.match(line)):
            self._setext(offset, line, 1 if found.group(1)[0] == "=" else 2)
        elif self._held and "|" in self._held[-1][1] and "|" in line and _RULER.match(line):
            self._table(offset, line)
        else:
            self._plain_line(offset, line)

    def finish(self) -> None:
        self._flush()

    def _plain_line(self, offset: int, line: str) -> None:
        if self._header and "|" not in line:
            self._flush()
        elif not self._held and _LIST.match(line):
            self._kind = "list"
        elif self._kind == "paragraph" and self._held and _LIST.match(line):
            self._flush()
            self._kind = "list"
        self._hold(offset, line)

    def _hold(self, offset: int, line: str) -> None:
        self._held.append((offset, line))

    def _heading(self, offset: int, length: int, level: int, raw: str) -> None:
        path, end = self._outline.open(level, plain(raw)), offset + length
        self.blocks.append(Block(self._begins(offset), end, "heading", path))

    def _begins(self, start: int) -> int:
        """Where a block begins: what stands before it and is seen by nobody, as an anchor is, leads to it.

        Alone that would be a passage without words.
        """
        while self.blocks and _UNSEEN.fullmatch(self._text, self.blocks[-1].start, self.blocks[-1].end):
            start = self.blocks.pop().start
        return start

    def _may_be_heading(self) -> bool:
        """Whether the lines held could be a heading if a line followed that underlines them."""
        if self._kind != "paragraph" or not self._held:
            return False
        last, line = self._held[-1]
        return last + len(line) - self._held[0][0] <= MAX_HEADING

    def _setext(self, offset: int, line: str, level: int) -> None:
        """The lines held so far are a heading, underlined by this one."""
        start = self._held[0][0]
        raw = " ".join(held for _, held in self._held)
        self._held.clear()
        self._heading(start, offset + len(line) - start, level, raw)

    def _table(self, offset: int, line: str) -> None:
        """The last line held is a table's header, and this one its ruler."""
        header = self._held.pop()
        self._flush()
        self.blocks.append(Block(header[0], offset + len(line), "header", self._outline.path))
        self._kind, self._header = "rows", header[1].strip()

    def _flush(self) -> None:
        if self._held:
            start, (last, line) = self._held[0][0], self._held[-1]
            end = last + len(line.rstrip())
            if self._kind != "rows" and not _UNSEEN.fullmatch(self._text, start, end):
                start = self._begins(start)
            self.blocks.append(Block(start, end, self._kind, self._outline.path, None, self._header))
        self._held.clear()
        self._kind, self._fence, self._header = "paragraph", "", ""


def _first_heading(blocks: list[Block]) -> str:
    """The first heading's text where it is the document's: alone on its level, and at its head."""
    headings = [block for block in blocks if block.kind == "heading" and block.heading]
    if not headings or len(headings[0].heading) > 1:
        return ""
    first = headings[0]
    alone = all(len(block.heading) > 1 for block in headings[1:])
    near = blocks[0] is first or (alone and first.start <= HEAD)
    return first.heading[0] if near else ""


def _fields(front: str) -> dict[str, str]:
    """The `key: value` lines of front matter; nested values are left in the text only."""
    found = ((key.strip().lower(), value.strip().strip("\"'")) for key, value in _FIELD.findall(front))
    return {key: value for key, value in found if value and value not in "|>[{"}
