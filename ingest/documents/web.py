"""HTML -> the text that a reader of the page sees, with headings, lists, tables and code as blocks. Pure.

By the standard library's parser, which takes any tag soup. Scripts, styles, navigation and forms' controls
are dropped; links keep their words, images their descriptions.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ingest.documents.content import Content, Outline, Writer, heading_text, without_title

_NO_TEXT = frozenset("script style template head".split())
_DROPPED = _NO_TEXT | frozenset("noscript svg nav iframe object canvas button select".split())
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form "
    "header hr html legend main ol p section summary ul caption".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"[ \t\n\r\f\v]+")
MAX_DEPTH = 1000


def read(markup: str) -> Content:
    """An HTML page (or a piece of one) as Content; the title is the page's, or its only first-level heading."""
    page = _Page(_DROPPED)
    if page.read(markup) or not page.writer.blocks:
        # An element that is dropped and never closed would take the rest of the page with it; a table of contents
        # may be all that a page has.
        page = _Page(_NO_TEXT)
        page.read(markup)
    title = _title(heading_text(page.title), page.firsts)
    writer = page.writer
    return Content("html", writer.text, title, without_title(writer.blocks, title), metadata=page.metadata)


def _title(title: str, firsts: list[str]) -> str:
    """The page's title, without the site's name where its only first-level heading says what is title."""
    only = firsts[0] if len(firsts) == 1 else ""
    return only if not title or (only and title.startswith(only)) else title


class _Page(HTMLParser):
    """Collects words until a block ends, then writes the block."""

    def __init__(self, dropping: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._dropping = dropping
        self.writer = Writer()
        self.title = ""
        self.firsts: list[str] = []
        self.metadata: dict[str, str] = {}
        self._outline = Outline()
        self._words: list[str] = []
        self._dropped: list[str] = []
        self._in_title = False
        self._pre = 0
        self._lists: list[int] = []
        self._kind = "paragraph"
        self._rows: list[list[str]] = []
        self._header = 0
        self._tables = 0

    def read(self, markup: str) -> bool:
        """Takes the whole page; whether an element that is dropped was left open at its end."""
        self.feed(markup)
        self.close()
        while self._tables:
            self._end_table()
        self._flush()
        return bool(self._dropped)

    # -------------------------------------------------------------- events

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "meta":
            self._meta(values)
        elif tag == "title" and not self.title:
            self._in_title = True
        elif tag == "body":
            self._dropped.clear()
        elif tag in self._dropping or (self._dropped and tag not in _VOID):
            if len(self._dropped) < MAX_DEPTH:
                self._dropped.append(tag)
        elif not self._dropped:
            self._open(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif self._dropped:
            if tag in self._dropped:
                while self._dropped.pop() != tag:
                    pass
        else:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._dropped:
            self._words.append(data)

    # -------------------------------------------------------------- tags

    def _open(self, tag: str, values: dict[str, str]) -> None:
        if tag == "br":
            self._words.append("\n" if self._pre else "\v")
        elif tag == "img":
            self._words.append(f" {values['alt']} " if values.get("alt", "").strip() else "")
        elif tag == "table":
            self._start_table()
        elif self._tables and tag in ("tr", "td", "th"):
            self._cell(tag)
        elif tag in ("pre", "textarea", "listing"):
            self._flush()
            self._pre, self._kind = self._pre + 1, "code"
        elif tag in _HEADINGS:
            self._flush("heading" if self._kind == "heading" else self._kind)
            self._kind = "heading"
        elif tag == "li":
            self._flush()
            self._item()
        elif tag in _BLOCKS:
            self._block(tag)

    def _close(self, tag: str) -> None:
        if tag == "table" and self._tables:
            self._end_table()
        elif tag in ("pre", "textarea", "listing") and self._pre:
            self._flush()
            self._pre -= 1
        elif tag in _HEADINGS:
            self._heading(_HEADINGS[tag])
        elif tag in ("ol", "ul") and self._lists:
            self._flush()
            self._lists.pop()
        elif tag == "li" or tag in _BLOCKS:
            self._block(tag)

    def _block(self, tag: str) -> None:
        if self._tables:
            self._words.append("\v")
            return
        self._flush()
        if tag in ("ol", "ul") and len(self._lists) < MAX_DEPTH:
            self._lists.append(0)

    def _item(self) -> None:
        depth = max(len(self._lists), 1)
        self._words.append("  " * (min(depth, 8) - 1) + "- ")
        self._kind = "list"

    def _heading(self, level: int) -> None:
        text = heading_text(self._taken())
        self._kind = "paragraph"
        if not text:
            return
        if self._tables:
            self._words.append(f"{text}\v")
            return
        if level == 1:
            self.firsts.append(text)
        self.writer.add(text, "heading", self._outline.open(level, text))

    def _meta(self, values: dict[str, str]) -> None:
        name = values.get("name", "").lower()
        if name in ("description", "author", "keywords", "date") and values.get("content", "").strip():
            self.metadata[name] = heading_text(values["content"])

    # -------------------------------------------------------------- tables

    def _start_table(self) -> None:
        if not self._tables:
            self._flush()
            self._rows, self._header = [], 0
        self._tables += 1

    def _cell(self, tag: str) -> None:
        self._end_cell()
        if tag == "tr" or not self._rows:
            self._rows.append([])
        if tag == "th" and len(self._rows) == 1:
            self._header = 1
        if tag != "tr":
            self._rows[-1].append("")

    def _end_cell(self) -> None:
        text = heading_like(self._taken())
        if not text:
            return
        if not self._rows:
            self._rows.append([])
        row = self._rows[-1]
        if row:
            row[-1] = f"{row[-1]} {text}".strip()
        else:
            row.append(text)

    def _end_table(self) -> None:
        self._end_cell()
        self._tables -= 1
        if self._tables:
            return
        rows = [" | ".join(row) for row in self._rows if any(row)]
        path = self._outline.path
        header = rows[0] if self._header and len(rows) > 1 else ""
        if header:
            self.writer.add(header, "header", path)
            self.writer.add("\n".join(rows[1:]), "rows", path, context=header, gap="\n")
        else:
            self.writer.add("\n".join(rows), "rows", path)
        self._kind = "paragraph"

    # -------------------------------------------------------------- text

    def _flush(self, kind: str = "") -> None:
        if self._tables:
            self._words.append("\v")
            return
        text = self._taken()
        kind = kind or self._kind
        gap = "\n" if kind == "list" and self._after_list() else "\n\n"
        self.writer.add(text, kind, self._outline.path, gap=gap)
        self._kind = "code" if self._pre else "paragraph"

    def _after_list(self) -> bool:
        return bool(self.writer.blocks) and self.writer.blocks[-1].kind == "list"

    def _taken(self) -> str:
        """The words held, which are held no more."""
        raw = "".join(self._words)
        self._words.clear()
        if self._pre:
            return raw.strip("\n")
        lines = (_SPACES.sub(" ", line.replace("\xa0", " ")) for line in raw.split("\v"))
        if self._kind == "list":
            return "\n".join(line.rstrip() for line in lines if line.strip(" -"))
        return "\n".join(line.strip() for line in lines if line.strip())


def heading_like(text: str) -> str:
    """A cell's text on one line."""
    return " ".join(text.split())
