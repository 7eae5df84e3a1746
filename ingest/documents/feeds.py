"""Feeds (RSS of all versions, Atom): each entry under its title, with its date, author, subject and address. Pure.

By the standard library's parser, which gets nothing that could declare entities. What is HTML in an entry, escaped as
it mostly is or not, is read as a page is; what isn't well-formed is kept as it stands.
"""

from __future__ import annotations

import re
from html import escape, unescape
from xml.etree import ElementTree

from ingest.documents import web
from ingest.documents.content import Content, Writer, heading_text, without_title
from ingest.documents.text import clean

HEAD = 8_192

# A document type without declarations inside: with them it is no feed, as entities that grow without end may be there.
_DOCTYPE = r"""<!DOCTYPE(?:[^<>\["']|"[^<>"]*"|'[^<>']*')*>"""
_FEED = re.compile(rf"\s*(?>(?:<\?.*?\?>|<!--.*?-->|{_DOCTYPE})\s*)*<(?:rss|feed|(?:\w+:)?RDF)(?=[\s>])", re.DOTALL)
# A reference that XML does not know, or a sign that is none: what feeds break at most often.
_AMPERSAND = re.compile(r"&(?:(?!(?:amp|lt|gt|quot|apos);)\w+;|(?!#?\w+;))")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&#?\w+;")
_FACTS = {
    "pubDate": "Date", "published": "Date", "issued": "Date", "date": "Date", "updated": "Updated",
    "lastBuildDate": "Updated", "modified": "Updated", "author": "Author", "creator": "Author",
    "category": "Subject", "subject": "Subject", "link": "Address",
}  # fmt: skip
_BODIES = frozenset({"description", "tagline", "subtitle", "summary", "content", "encoded"})


def is_feed(text: str) -> bool:
    """Whether XML text begins as a feed does."""
    return bool(_FEED.match(text[:HEAD]))


def read(text: str) -> Content:
    """A feed's text as Content; XML as it stands, with a warning, where it cannot be parsed."""
    try:
        root = ElementTree.fromstring(_AMPERSAND.sub(lambda sign: escape(unescape(sign[0]), quote=False), text))
    except (ElementTree.ParseError, ValueError) as error:
        return Content("xml", text, warnings=[f"a feed that is kept with all its tags: it is no XML ({error})"])
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    writer = Writer()
    channel = root.find("channel")
    head = root if channel is None else channel
    title = _title(head)
    _write(writer, head, ())
    for entry in root.iter():
        if entry.tag in ("item", "entry"):
            own = _title(entry)
            heading = (own,) if own else ()
            writer.add(own, "heading", heading)
            _write(writer, entry, heading)
    return Content("feed", writer.text, title, without_title(writer.blocks, title))


def _title(parent: ElementTree.Element) -> str:
    found = parent.find("title")
    raw = "" if found is None else _raw(found)
    return heading_text(web.read(raw).text if _MARKUP.search(raw) else raw)


def _write(writer: Writer, parent: ElementTree.Element, heading: tuple[str, ...]) -> None:
    """What is known of a feed or an entry, a line for each kind, and its words; none twice."""
    facts: dict[str, list[str]] = {}
    bodies: list[str] = []
    for child in (*parent, *parent.findall("group/*")):
        if child.tag in _FACTS and (fact := _fact(child)):
            facts.setdefault(_FACTS[child.tag], []).append(fact)
        elif child.tag in _BODIES:
            bodies.append(_raw(child))
    lines = (f"{name}: {', '.join(dict.fromkeys(values))}" for name, values in facts.items())
    writer.add("\n".join(lines), "metadata", heading)
    for body in dict.fromkeys(bodies):
        page = web.read(body) if _MARKUP.search(body) else None
        if page is None:
            writer.add(body.strip(), heading=heading)
        else:
            writer.extend(page.text, page.blocks, heading, None)


def _fact(element: ElementTree.Element) -> str:
    """What a date, an author, a subject or an address says, in an attribute where that is its way."""
    if element.tag == "link" and element.get("rel", "alternate") != "alternate":
        return ""
    said = element.get("href") or element.get("label") or element.get("term") or " ".join(element.itertext())
    return heading_text(clean(said))


def _raw(element: ElementTree.Element) -> str:
    """The text in an element, as HTML where it has elements of its own."""
    if len(element):
        return clean(ElementTree.tostring(element, encoding="unicode", method="html"))
    text = clean(element.text or "")
    return text.replace("&", "&amp;").replace("<", "&lt;") if element.get("type") in ("text", "text/plain") else text
