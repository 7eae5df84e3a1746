"""Headings of Word documents whose styles are their author's own: said in the styles that every reader knows. Pure.

A style is a heading's where its outline level says so, its own or that of the style it is based on (ECMA-376 part 1,
17.3.1.20 and 17.7.4.3), or where it is named like one: "heading 2", "HeadB", "Chapter Title".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

TITLE, BODY = 0, 10
"""The levels of a document's title and of its body; headings have 1 to 9."""

_OWN = b"PlainHeading"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NAMED = re.compile(r"(?i)h(?:ead(?:ing)?)?[ _-]?([1-9a-e])")
_NAMED_TITLE = re.compile(r"(?i)(?:(?:book|chapter|document|doc|main)[ _-]?)?title")
_PROPERTIES = re.compile(
    rb'<w:pPr>(\s*<w:pStyle w:val="([^"]*)"\s*/>)?((?:(?!</w:pPr>|<w:pPrChange|<w:outlineLvl).)*'
    rb'(?:<w:outlineLvl w:val="(\d)"\s*/>)?)',
    re.DOTALL,
)


def levels(styles: bytes) -> dict[str, int]:
    """The level of each style that has one, by the style's id (`word/styles.xml`)."""
    try:
        root = ElementTree.fromstring(styles)
    except (ElementTree.ParseError, ValueError):
        return {}
    known = {style.get(f"{_W}styleId", ""): style for style in root.iter(f"{_W}style")}
    return {id_: level for id_ in known if (level := _level(id_, known)) is not None}


def said_plainly(document: bytes, levels: Mapping[str, int]) -> bytes:
    """The document (`word/document.xml`) with its headings in styles of `with_plain_ones`."""

    def plain(found: re.Match[bytes]) -> bytes:
        _, id_, rest, outline = found.groups()
        level = levels.get((id_ or b"").decode("utf-8", "replace")) if outline is None else int(outline) + 1
        if level is None:
            return found[0]
        return b'<w:pPr><w:pStyle w:val="%s%d"/>%s' % (_OWN, level, rest)

    return _PROPERTIES.sub(plain, document)


def with_plain_ones(styles: bytes) -> bytes:
    """The styles (`word/styles.xml`) with those that `said_plainly` uses."""
    return styles.replace(b"</w:styles>", b"".join(map(_plain_style, range(BODY + 1))) + b"</w:styles>")


def _plain_style(level: int) -> bytes:
    name = {TITLE: b"Title", BODY: b"Plain"}.get(level, b"heading %d" % level)
    outline = b'<w:pPr><w:outlineLvl w:val="%d"/></w:pPr>' % (level - 1) if TITLE < level < BODY else b""
    return b'<w:style w:type="paragraph" w:styleId="%s%d"><w:name w:val="%s"/>%s</w:style>' % (
        _OWN, level, name, outline,
    )  # fmt: skip


def _level(id_: str, known: Mapping[str, ElementTree.Element]) -> int | None:
    """The level of a style, from itself or the nearest one that it is based on; None where none says."""
    passed: set[str] = set()
    while id_ in known and id_ not in passed:
        passed.add(id_)
        style = known[id_]
        outline = _value(style.find(f"{_W}pPr/{_W}outlineLvl"))
        if outline.isdecimal():
            return int(outline) + 1
        name = _value(style.find(f"{_W}name"))
        if _NAMED_TITLE.fullmatch(name):
            return TITLE
        if named := _NAMED.fullmatch(name):
            return int(named[1], 36) if named[1].isdecimal() else int(named[1], 36) - 9
        id_ = _value(style.find(f"{_W}basedOn"))
    return None


def _value(element: ElementTree.Element | None) -> str:
    return "" if element is None else element.get(f"{_W}val", "")
