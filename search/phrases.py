"""Words of a query that stand side by side, and whether they do so in a passage too. Pure; knows no index."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from search import keywords, stems


@dataclass(frozen=True, slots=True)
class Phrases:
    """Pairs of neighbouring words of a query, none of them a stop word, as stems in the query's language."""

    language: str
    pairs: frozenset[tuple[str, str]]

    def share(self, text: str) -> float:
        """The share of the pairs that stand side by side in a text too, in the same order; 0 where there is no pair."""
        if not self.pairs:
            return 0.0
        there = itertools.pairwise(map(stems.stem, keywords.words(text), itertools.repeat(self.language)))
        return len(self.pairs.intersection(there)) / len(self.pairs)


def of(query: str) -> Phrases:
    """The pairs of a query."""
    words, telling = keywords.words(query), frozenset(keywords.terms(query))
    language = stems.language_of_query(Counter(words))
    pairs = (pair for pair in itertools.pairwise(words) if pair[0] != pair[1] and telling.issuperset(pair))
    return Phrases(language, frozenset((stems.stem(a, language), stems.stem(b, language)) for a, b in pairs))
