"""Two rankings into one, by calibrated scores. Pure numpy; knows no store and no model.

A cosine and a BM25 score are made comparable by asking how unusual each is in the collection:
z = (score - mean) / standard deviation, mean and deviation taken over the collection (a sample for cosines).
The weights come from a measurement over eight collections, where this fusion had a mean nDCG@10 of 0.736
against 0.719 for reciprocal rank fusion; see data/corpus/background/ranking.md and benchmarks/search_quality.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from search.store import Ranking
from search.vectors import Floats, Integers, top_k

VECTOR_WEIGHT = 0.7

_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Fused:
    """Chunks, best first, with what each part said of them.

    All arrays (n,): `keyword` and `vector` are raw scores (NaN: none), `keyword_ranks` and `vector_ranks`
    count from 1 (0: not listed).
    """

    ids: Integers
    scores: Floats
    keyword: Floats
    vector: Floats
    keyword_ranks: Integers
    vector_ranks: Integers


def candidates(keyword: Ranking, vector: Ranking) -> Integers:
    """Ids in either ranking, ascending."""
    return np.union1d(keyword.ids, vector.ids)


def fuse(keyword: Ranking, vector: Ranking, ids: Integers, cosines: Floats) -> Fused:
    """Orders `ids` (n,) by 0.7 z(cosine) + 0.3 z(BM25).

    `cosines` (n,) are exact for all of them; a chunk without a vector (NaN) counts as an average one.
    A chunk that the keyword ranking doesn't list counts as BM25 0.
    """
    listed = _spread(ids, keyword.ids, keyword.scores, np.float32(np.nan))
    keyword_z = _z(np.nan_to_num(listed, nan=0.0), keyword)
    vector_z = np.nan_to_num(_z(cosines, vector), nan=0.0)
    scores = (VECTOR_WEIGHT * vector_z + (1 - VECTOR_WEIGHT) * keyword_z).astype(np.float32)
    order = top_k(scores, len(scores))
    return Fused(
        ids[order],
        scores[order],
        listed[order],
        cosines[order],
        _ranks(ids, keyword)[order],
        _ranks(ids, vector)[order],
    )


def alone(ranking: Ranking, *, is_keyword: bool) -> Fused:
    """One ranking by itself, in its own order and with its own scores."""
    none = np.full(len(ranking.ids), np.nan, np.float32)
    unranked = np.zeros(len(ranking.ids), np.int64)
    ranks = np.arange(1, len(ranking.ids) + 1)
    if is_keyword:
        return Fused(ranking.ids, ranking.scores, ranking.scores, none, ranks, unranked)
    return Fused(ranking.ids, ranking.scores, none, ranking.scores, unranked, ranks)


def _z(scores: Floats, ranking: Ranking) -> Floats:
    if ranking.deviation <= 0:
        return np.zeros_like(scores)
    return ((scores - ranking.mean) / ranking.deviation).astype(np.float32)


def _ranks(ids: Integers, ranking: Ranking) -> Integers:
    return _spread(ids, ranking.ids, np.arange(1, len(ranking.ids) + 1), np.int64(0))


def _spread(ids: Integers, some: Integers, values: NDArray[_N], fill: _N) -> NDArray[_N]:
    """`values` of `some` ids laid out along `ids` (ascending), `fill` elsewhere."""
    laid = np.full(len(ids), fill, values.dtype)
    laid[np.searchsorted(ids, some)] = values
    return laid
