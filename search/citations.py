"""Citations in an answer: found, checked against the passages that were sent, and given their exact spans.

No second model: a sentence is held against the words and numbers of the passages it cites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from search import sentences
from search.keywords import terms
from search.records import Citation, Sentence, Source, Support

SUPPORTED = 0.6
PARTLY = 0.35

_MARKER = re.compile(r"\s*(?:\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]|【(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)】)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True, slots=True)
class Cited:
    """A text whose citation markers have been read: `text` keeps only those of passages that were sent."""

    text: str
    sources: tuple[int, ...]
    dropped: tuple[int, ...]


def read(text: str, sent: int) -> Cited:
    """Reads markers such as [1], [1, 2] and 【1】; numbers that are not 1 to `sent` are taken out of the text."""
    kept: list[int] = []
    dropped: list[int] = []

    def replace(marker: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", marker[0])]
        good = [number for number in numbers if 1 <= number <= sent]
        kept.extend(good)
        dropped.extend(number for number in numbers if number not in good)
        space = marker[0][: len(marker[0]) - len(marker[0].lstrip())]
        return space + "".join(f"[{number}]" for number in good) if good else ""

    cleaned = _MARKER.sub(replace, text)
    return Cited(cleaned, tuple(dict.fromkeys(kept)), tuple(dict.fromkeys(dropped)))


def check(text: str, sources: Sequence[Source]) -> tuple[Sentence, tuple[int, ...]]:
    """A sentence with its support in the passages it cites (in all of them where it cites none), and the
    numbers that it cited and that were not sent.
    """
    cited = read(text, len(sources))
    words = set(terms(_MARKER.sub("", cited.text)))
    numbers = set(_NUMBER.findall(_MARKER.sub("", cited.text)))
    matches = [
        match
        for source in sources
        if source.n in cited.sources or not cited.sources
        for match in [_best(words, numbers, source)]
        if match is not None
    ]
    best = max((match.score for match in matches), default=0.0)
    support: Support = "supported" if best >= SUPPORTED else "partly" if best >= PARTLY else "not found"
    good = sorted((match for match in matches if match.score >= PARTLY), key=lambda match: -match.score)
    if not cited.sources:
        good = good[:1]
    return Sentence(cited.text.strip(), support, tuple(match.citation for match in good)), cited.dropped


@dataclass(frozen=True, slots=True)
class _Match:
    score: float
    citation: Citation


def _best(words: set[str], numbers: set[str], source: Source) -> _Match | None:
    """The sentence, or two neighbouring ones, of a passage that share most with a sentence of the answer.

    The score is the share of the answer's words that stand there; a number that stands nowhere in the
    passage keeps it under SUPPORTED.
    """
    if not words:
        return None
    best: tuple[float, int, int] = (0.0, 0, 0)
    for start, end in _windows(source.chunk.text):
        there = set(terms(source.chunk.text[start:end]))
        score = sum(_stands(word, there) for word in words) / len(words)
        if score > best[0]:
            best = (score, start, end)
    score, start, end = best
    if not end:
        return None
    if numbers - set(_NUMBER.findall(source.chunk.text)):
        score = min(score, SUPPORTED - 0.01)
    return _Match(score, Citation(source.n, source.chunk.start + start, source.chunk.start + end))


def _windows(text: str) -> Iterator[tuple[int, int]]:
    spans = list(sentences.spans(text))
    yield from spans
    for first, second in pairwise(spans):
        yield first[0], second[1]


def _stands(word: str, there: set[str]) -> bool:
    """Whether a word, or another form of it (the same first letters), is there."""
    stem = word[: max(4, len(word) - 3)]
    return word in there or (len(word) > 4 and any(other.startswith(stem) for other in there))
