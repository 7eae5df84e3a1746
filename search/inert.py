"""Text that does nothing: no image is loaded, no link is followed, no markup and no control sign acts.

A model may copy what a document planted in it: an image whose address carries the prompt away, a link that says
one thing and leads to another, a tag, a terminal's escape sequence. What is shown of an answer goes through here:
an image becomes its words, a link its words and its address as code, a tag loses its edge. Nothing is hidden.
"""

from __future__ import annotations

import re

_IMAGE = re.compile(r"!\[([^\]]*)\](?:\(([^()\s]*(?:\([^()]*\)[^()\s]*)*)[^()]*\)|\[[^\]]*\])")
_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(<?([^()<>\s]*(?:\([^()]*\)[^()<>\s]*)*)>?[^()]*\)")
_DEFINITION = re.compile(r"^( {0,3})\[([^\]\n]+)\]:[ \t]*(\S+)[^\n]*$", re.MULTILINE)
_TAG = re.compile(r"<(?=[A-Za-z/!?|])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# An edge in front of what is held is held too: "<" alone does nothing, "<!" begins markup.
_OPEN = re.compile(r"<?!?\[(?:[^\]\n]|\n(?!\n)){0,2000}(?:\](?:\([^)\n]{0,2000})?)?$|<?!$|<$")
# An image that is not whole and is held no longer must not become one with what follows.
_UNFINISHED = re.compile(r"!\[(?=[^\]]*(?:\]\([^)]*)?$)")


def inert(text: str) -> str:
    """The text with images, links, tags and control signs made harmless; other text stays as it is."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    text = _IMAGE.sub(lambda image: f"(image: {image[1]} {_code(image[2])})".replace(" )", ")"), text)
    text = _LINK.sub(lambda link: f"{link[1]} ({_code(link[2])})" if link[2] else link[1], text)
    text = _DEFINITION.sub(lambda line: f"{line[1]}{line[2]}: {_code(line[3])}", text)
    return _TAG.sub("<\u200b", text)


class Inert:
    """The same for text that comes in pieces: what may be the beginning of a link is held until it is known."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        text = self._held + _CONTROL.sub("", piece)
        held = _OPEN.search(text)
        self._held = text[held.start() :] if held else ""
        return _UNFINISHED.sub("!\u200b[", inert(text[: held.start()] if held else text))

    def rest(self) -> str:
        """What was held, at the end."""
        text, self._held = self._held, ""
        return inert(text)


def _code(address: str | None) -> str:
    return f"`{address.replace('`', '')}`" if address else ""
