"""The page of results: near copies become one, and one document does not fill it. Pure; knows no store.

Nothing is dropped unseen: a near copy is listed with the passage that it repeats.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from search import keywords
from search.store import Occurrence

CROWDING = 0.1
"""What each earlier hit of the same document costs a passage, in standard deviations as scores are counted in."""

SHINGLE = 4
SAME = 0.8
"""Passages whose runs of four words agree to this share (Jaccard) are near copies: about five words of 200 differ.
In a short passage one other word is enough to be something else: an amount, a name."""

Shingles = set[tuple[str, ...]]


@dataclass(slots=True)
class Choice:
    """A place on the page: its score, what crowding took off it, and the near copies that it stands for."""

    score: float
    crowding: float
    position: int
    place: Occurrence
    copies: list[Occurrence] = field(default_factory=list)


def choose(ranked: Iterable[tuple[float, int, Occurrence]], count: int, crowding: float) -> list[Choice]:
    """The first `count` of ranked places (score, position, place), best first, no near copies among them.

    The order is that of the scores, each less `crowding` for every earlier choice from the same document.
    """
    chosen: list[Choice] = []
    seen, taken = _Seen(), Counter[tuple[str, str]]()
    for score, cost, position, place in _in_turn(ranked, taken, crowding):
        shingles = _shingles(place.chunk.text)
        copied = seen.find(shingles)
        if copied is not None:
            chosen[copied].copies.append(place)
        elif len(chosen) == count:
            break
        else:
            seen.add(shingles)
            taken[_document(place)] += 1
            chosen.append(Choice(score, cost, position, place))
    return chosen


def _in_turn(
    ranked: Iterable[tuple[float, int, Occurrence]], taken: Counter[tuple[str, str]], crowding: float
) -> Iterator[tuple[float, float, int, Occurrence]]:
    """Places by score less what crowding costs by then; a place is taken from `ranked` when its turn may have come."""
    rest = iter(ranked)
    upcoming = next(rest, None)
    # What cost something waits here: (less its score now, a number for ties, its cost, what it was).
    waiting: list[tuple[float, int, float, tuple[float, int, Occurrence]]] = []
    for number in itertools.count():
        if upcoming and (not waiting or upcoming[0] >= -waiting[0][0]):
            current, cost, upcoming = upcoming, 0.0, next(rest, None)
        elif waiting:
            _, _, cost, current = heapq.heappop(waiting)
        else:
            return
        score, position, place = current
        due = crowding * taken[_document(place)]
        if due > cost:
            heapq.heappush(waiting, (due - score, number, due, current))
        else:
            yield score - cost, cost, position, place


def _document(place: Occurrence) -> tuple[str, str]:
    return place.document.root, place.document.path


class _Seen:
    """Passages by their shingles, numbered in the order in which they were added."""

    def __init__(self) -> None:
        self._every: Shingles = set()
        self._each: list[Shingles] = []

    def add(self, shingles: Shingles) -> None:
        self._every |= shingles
        self._each.append(shingles)

    def find(self, shingles: Shingles) -> int | None:
        """The first passage that one with these shingles is a near copy of."""
        if len(shingles & self._every) < SAME * len(shingles):
            return None  # most passages: what they have in common with all others is too little
        return next((n for n, other in enumerate(self._each) if _is_copy(shingles, other)), None)


def _is_copy(one: Shingles, other: Shingles) -> bool:
    both = len(one & other)
    return both >= SAME * (len(one) + len(other) - both)


def _shingles(text: str) -> Shingles:
    """Runs of SHINGLE words; the whole text where it has no more."""
    words = keywords.words(text)
    if len(words) <= SHINGLE:
        return {tuple(words)}
    return set(zip(*(words[at:] for at in range(SHINGLE)), strict=False))
