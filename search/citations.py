"""Citations in an answer: markers found in every form, checked against the passages that were sent, and each
sentence given its exact spans.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from search import support
from search.replies import Sentence, Source
from search.support import Cosines

_NUMBERS = r"\d{1,3}(?::L?\d+(?:[-–]L?\d+)?)?(?:\s*(?:[,;&]|and|[-–])\s*\d{1,3}(?::L?\d+(?:[-–]L?\d+)?)?)*"
_NAMED = rf"(?:\^|#|(?:[Pp]assages?|[Ss]ources?|[Dd]oc(?:ument)?s?)\s*)?{_NUMBERS}"
_MARKER = re.compile(
    rf"\s*(?:\[(?P<square>{_NAMED})\](?!\()|【(?P<wide>{_NAMED})(?:†[^】]*)?】"
    # (1) is a citation only where a clause ends, so that "(2) second" and "in (1) we" stay what they are
    r"|(?<=[\w\"'”’%)\]])\s\((?P<round>(?:[Pp]assages?\s*|[Ss]ources?\s*)?\d{1,2}(?:\s*,\s*\d{1,2})*)\)(?=\s*(?:[.,;:!?]|$|\[|\(\d)))"
)
_RANGE = re.compile(r"(\d{1,3})(?::L?\d+(?:[-–]L?\d+)?)?(?:\s*[-–]\s*(\d{1,3}))?")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")


@dataclass(frozen=True, slots=True)
class Cited:
    """A text whose citation markers have been read: `text` keeps only those of passages that were sent."""

    text: str
    sources: tuple[int, ...]
    dropped: tuple[int, ...]


def read(text: str, sent: Collection[int]) -> Cited:
    """Reads markers such as [1], [1, 2], [1-3], [1][2], 【1】 and (1) into the form [1]; code is left alone.

    Numbers that are not in `sent` are taken out of the text; a (7) that is none of them is no marker.
    """
    kept: list[int] = []
    dropped: list[int] = []

    def replace(marker: re.Match[str]) -> str:
        numbers = list(_listed(marker["square"] or marker["wide"] or marker["round"]))
        good = [number for number in numbers if number in sent]
        if marker["round"] and len(good) < len(numbers):
            return marker[0]
        kept.extend(good)
        dropped.extend(number for number in numbers if number not in good)
        space = marker[0][: len(marker[0]) - len(marker[0].lstrip())]
        return space + "".join(f"[{number}]" for number in good) if good else ""

    pieces, end = [], 0
    for start, stop in _code(text):
        pieces += [_MARKER.sub(replace, text[end:start]), text[start:stop]]
        end = stop
    pieces.append(_MARKER.sub(replace, text[end:]))
    return Cited("".join(pieces), tuple(dict.fromkeys(kept)), tuple(dict.fromkeys(dropped)))


def without_code(text: str) -> str:
    """The text with blanks in place of its code blocks, an unfinished one too: same length, no sentences there."""
    return _FENCE.sub(lambda block: re.sub(r"\S", " ", block[0]), text)


def check(text: str, sources: Sequence[Source], cosines: Cosines | None = None) -> tuple[Sentence, tuple[int, ...]]:
    """A sentence with its support in the passages it cites (in all of them where it cites none), and the
    numbers that it cited and that were not sent.
    """
    cited = read(text, [source.n for source in sources])
    units = [
        unit for source in sources if source.n in cited.sources or not cited.sources for unit in support.units(source)
    ]
    found = support.judge(_MARKER.sub("", cited.text), units, cosines)
    return Sentence(cited.text.strip(), found.support, found.citations, found.missing), cited.dropped


def _listed(numbers: str) -> list[int]:
    """The passages that a marker names, those of a range too."""
    found = []
    for first, last in _RANGE.findall(numbers):
        end = int(last) if last and int(first) <= int(last) <= int(first) + 20 else int(first)
        found += [*range(int(first), end + 1)]
        if last and end != int(last):
            found.append(int(last))
    return list(dict.fromkeys(found))


def _code(text: str) -> list[tuple[int, int]]:
    """Where code stands: fenced blocks and what is in backticks."""
    blocks = [match.span() for match in _FENCE.finditer(text)]
    inline = [match.span() for match in _CODE.finditer(without_code(text))]
    return sorted(blocks + inline)
