"""Where in passages a word of a sentence stands as it does in the sentence: among the same words. Pure.

A place in a passage is as good as the share of the sentence's words around the word that stand around the place too;
those next to it count more than those further off, rare ones more than frequent ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from search.literals import Word

REACH = 8
"""How many words on each side of a word say where it stands."""
HALF = 3.0
"""At this distance a neighbour counts half of one that is close by."""
CLOSE, APART = 4, 12
"""Up to how far off in a passage a neighbour counts whole, and at all (for FAR)."""
FAR = 0.5


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence of a passage: its words, where each form and each key stands among them, and where it denies."""

    words: Sequence[Word]
    places: Mapping[str, Sequence[int]]
    keys: Mapping[str, Sequence[int]]
    denials: Sequence[int]


def text(words: Sequence[Word]) -> Text:
    """A sentence, ready to be looked up."""
    places: dict[str, list[int]] = defaultdict(list)
    keys: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(words):
        if word.kind != "negation":
            places[word.form].append(at)
            keys[word.key].append(at)
    denials = [at for at, word in enumerate(words) if word.denies]
    return Text(words, dict(places), dict(keys), denials)


@dataclass(slots=True)
class Surroundings:
    """What stands around one word of a sentence: the forms there, and what each of them counts (1 in all)."""

    shares: dict[str, float] = field(default_factory=dict)

    def fit(self, there: Text, at: int) -> float:
        """How far a place of a passage has the same around it, 0 to 1."""
        total = 0.0
        for form, share in self.shares.items():
            apart = min((abs(place - at) for place in there.places.get(form, ()) if place != at), default=APART + 1)
            if apart <= APART:
                total += share * (1.0 if apart <= CLOSE else FAR)
        return total

    def best(self, places: Iterable[tuple[Text, int]]) -> float:
        """How far the best of some places fits; 0 where there is none."""
        return max((self.fit(there, at) for there, at in places), default=0.0)


def surroundings(said: Sequence[Word], place: int, weight: Callable[[str], float]) -> Surroundings:
    """What stands around a word; `weight` is what a form counts, 0 for those that no passage has."""
    shares: dict[str, float] = {}
    for at in range(max(0, place - REACH), min(len(said), place + REACH + 1)):
        word = said[at]
        if at != place and word.kind != "negation" and word.form != said[place].form:
            share = weight(word.form) / (1 + (abs(at - place) - 1) / HALF)
            shares[word.form] = max(shares.get(word.form, 0.0), share)
    total = sum(shares.values())
    return Surroundings({form: share / total for form, share in shares.items() if share} if total else {})
