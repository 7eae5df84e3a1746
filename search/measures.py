"""How good a ranking is: recall, nDCG and reciprocal rank, as trec_eval computes them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMES = ("recall", "ndcg", "mrr")


@dataclass(frozen=True, slots=True)
class Measures:
    """Of the first k places, each 0 to 1.

    `recall`: the share of the relevant documents that is there. `ndcg`: their gains, discounted by the logarithm
    of the place, over those of the best order there could be. `mrr`: one over the place of the first relevant one.
    """

    recall: float
    ndcg: float
    mrr: float


def measure(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> Measures:
    """Measures of ranked documents, best first, against the relevant ones with their grades (1 or more)."""
    gains = [relevant.get(document, 0) for document in ranked[:k]]
    best = _discounted(sorted(relevant.values(), reverse=True)[:k])
    first = next((place for place, gain in enumerate(gains, 1) if gain > 0), 0)
    return Measures(
        sum(gain > 0 for gain in gains) / len(relevant) if relevant else 0.0,
        _discounted(gains) / best if best else 0.0,
        1 / first if first else 0.0,
    )


def mean(of: Sequence[Measures]) -> Measures:
    """The mean of each measure; zeros of nothing."""
    count = max(len(of), 1)
    return Measures(*(sum(getattr(one, name) for one in of) / count for name in NAMES))


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))
