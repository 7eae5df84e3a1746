"""Plain text and the lighter markup languages: paragraphs, and headings by each language's signs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ingest.documents.content import Content, Outline, heading_text, paragraphs, without_title
from search.records import Block

# Per language: headings with their level as the length of the group `sign`, and the document's title.
_SIGNS = {
    "org": (r"^(?P<sign>\*+)[ \t]+(?P<name>.+?)(?:[ \t]+:[\w:@]+:)?[ \t]*$", r"^#\+TITLE:[ \t]*(?P<name>.+)$"),
    "asciidoc": (r"^(?P<sign>={1,6})[ \t]+(?P<name>\S.*?)[ \t]*$", r"\A\s*=[ \t]+(?P<name>.+)$"),
    "typst": (r"^(?P<sign>={1,6})[ \t]+(?P<name>\S.*?)[ \t]*$", r"\btitle:[ \t]*[\"\[](?P<name>[^\"\]\n]+)"),
    "wiki": (r"^(?P<sign>={1,6})[ \t]*(?P<name>[^=\n]+?)[ \t]*=+[ \t]*$", r"(?!)"),
}
_LATEX = re.compile(
    r"\\(?P<level>part|chapter|section|subsection|subsubsection|paragraph)\*?(?:\[[^\]]*\])?\{(?P<name>[^{}\n]+)\}"
)
_LATEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_LATEX_TITLE = re.compile(r"\\title(?:\[[^\]]*\])?\{(?P<name>[^{}\n]+)\}")
_UNDERLINED = re.compile(
    r"^(?P<over>(?P<sign>[=\-`:.'\"~^_*+#<>])(?P=sign){2,}[ \t]*\n)?(?P<name>[^\s].{0,198})\n"
    r"(?P<under>(?P<line>[=\-`:.'\"~^_*+#<>])(?P=line){2,})[ \t]*$",
    re.MULTILINE,
)

LANGUAGES = {
    "org": "org", "adoc": "asciidoc", "asciidoc": "asciidoc", "asc": "asciidoc", "typ": "typst", "typst": "typst",
    "mediawiki": "wiki", "wiki": "wiki", "dokuwiki": "wiki", "creole": "wiki", "tex": "latex", "latex": "latex",
    "ltx": "latex", "rst": "rst", "rest": "rst",
}  # fmt: skip

Heading = tuple[int, int, int, str]  # start, end, level, name


def read(text: str, language: str = "text") -> Content:
    """Text of one of LANGUAGES' values, or plain `text`, which has no headings and no title."""
    finder = _FINDERS.get(language)
    headings = list(finder(text)) if finder else []
    title = _title(text, language, headings)
    blocks = list(_blocks(text, headings))
    return Content(language, text, title, without_title(blocks, title))


def _blocks(text: str, headings: list[Heading]) -> Iterator[Block]:
    outline = Outline()
    position = 0
    for start, end, level, name in headings:
        if start < position:
            continue
        yield from _paragraphs(text, position, start, outline)
        yield Block(start, end, "heading", outline.open(level, name))
        position = end
    yield from _paragraphs(text, position, len(text), outline)


def _paragraphs(text: str, start: int, end: int, outline: Outline) -> Iterator[Block]:
    for first, last in paragraphs(text, start, end):
        yield Block(first, last, "paragraph", outline.path)


def _title(text: str, language: str, headings: list[Heading]) -> str:
    pattern = _LATEX_TITLE if language == "latex" else re.compile(_SIGNS.get(language, ("", "(?!)"))[1], re.M | re.I)
    found = pattern.search(text)
    if found:
        return heading_text(found["name"])
    if language == "rst" and headings and not text[: headings[0][0]].strip():
        return headings[0][3]
    return ""


def _signed(language: str) -> Callable[[str], Iterator[Heading]]:
    pattern = re.compile(_SIGNS[language][0], re.MULTILINE)

    def find(text: str) -> Iterator[Heading]:
        for found in pattern.finditer(text):
            yield found.start(), found.end(), len(found["sign"]), heading_text(found["name"])

    return find


def _latex(text: str) -> Iterator[Heading]:
    for found in _LATEX.finditer(text):
        yield found.start(), found.end(), _LATEX_LEVELS.index(found["level"]), heading_text(found["name"])


def _rst(text: str) -> Iterator[Heading]:
    """Underlined titles; a level is a style of line, in the order in which the styles appear."""
    styles: list[str] = []
    for found in _UNDERLINED.finditer(text):
        if len(found["under"]) < len(found["name"].rstrip()):
            continue
        style = ("over " if found["over"] else "") + found["line"]
        if style not in styles:
            styles.append(style)
        yield found.start(), found.end(), styles.index(style), heading_text(found["name"])


_FINDERS = {**{language: _signed(language) for language in _SIGNS}, "latex": _latex, "rst": _rst}
