"""SVG -> the words in a drawing: its titles, descriptions and labels, a line each. Pure.

By the standard library's parser of HTML, which knows no entities but HTML's own and takes what is broken.
"""

from __future__ import annotations

from html.parser import HTMLParser

from ingest.documents.content import Content, Unreadable, Writer, heading_text
from ingest.documents.text import clean

_DROPPED = frozenset({"style", "script", "metadata"})
_HEAD = frozenset({"svg", "title", "desc", "metadata"})
_LINES = frozenset({"svg", "title", "desc", "text", "textpath", "foreignobject", "div", "p", "li", "br", "td"})


def read(markup: str) -> Content:
    """A drawing as Content, with its own title; raises Unreadable where it has none."""
    drawing = _Drawing()
    drawing.feed(markup[max(markup.find("<svg"), 0) :])  # declarations before it are no words
    drawing.close()
    drawing.end_line()
    if not drawing.writer.blocks:
        raise Unreadable("there is no text in it: it is a drawing without words")
    return Content("svg", drawing.writer.text, drawing.title, drawing.writer.blocks)


class _Drawing(HTMLParser):
    """Collects words until a label ends; not what is dropped, and no line twice in a row: labels have a fallback."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.writer = Writer()
        self.title = ""
        self._drawn = False
        self._last = ""
        self._words: list[str] = []
        self._dropped = 0

    def end_line(self) -> str:
        line = clean(" ".join("".join(self._words).split()))
        self._words.clear()
        if line != self._last:
            self.writer.add(line, gap="\n")
        self._last = line or self._last
        return line

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._dropped += tag in _DROPPED
        self._drawn |= tag not in _HEAD
        if tag in _LINES:
            self.end_line()
        elif tag == "tspan" and any(name == "x" for name, _ in attributes):
            self._words.append(" ")  # a label of several lines

    def handle_endtag(self, tag: str) -> None:
        self._dropped -= tag in _DROPPED and self._dropped > 0
        if tag in _LINES:
            line = self.end_line()
            if tag == "title" and not self._drawn:
                self.title = heading_text(line)

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self._words.append(data)
