"""Two rankings into one, by calibrated scores. Pure numpy; knows no store and no model.

A cosine and a BM25 score are made comparable by asking how unusual each is: z = (score - mean) / deviation.
For the cosine both are taken over a sample of the collection, for BM25 over the first 200 places of its list,
with zeros where fewer are listed. So neither depends on how large the collection is: taken over all of it, the
BM25 scores of the listed few grow with the root of its size, and outweigh every cosine in a large index.
A chunk in which words of the query stand side by side as they do there gets a little more.
All constants come from measurements over eight collections; see data/corpus/background/ranking.md and
benchmarks/fusion.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from search.store import Ranking
from search.vectors import Floats, Integers, distinct, top_k, unit

KEYWORD_WEIGHT = 0.3
"""What z(BM25) counts at most; the cosine's z counts the rest."""

PHRASE_WEIGHT = 0.5
"""What it adds at most that all pairs of the query's words stand side by side."""

FOREIGN_WEIGHT = 0.1
"""What the cosine's z counts where the model does not know the query's language."""

CROSSING_TRUST = 0.2
"""What is left of the keyword ranking's say where the query is in another language than the documents: only names and
numbers are the same words in both, and the rest of what it finds misleads."""

WINDOW = 200
"""How many places of the keyword ranking its mean and deviation are taken over."""

UNKNOWN = 3
"""The power of the share of known words that the keyword ranking counts with."""

HIGHEST = float(np.sqrt(WINDOW - 1))
"""The highest z that a BM25 score can have: that of a chunk which alone has a word."""

FLOOR = -2.0
"""The lowest z of a BM25 score: what a chunk has that isn't listed, where many are."""

FEEDBACK = 2
FEEDBACK_WEIGHT = 0.3
"""So many first chunks move the query's vector towards theirs, and how far (Rocchio's pseudo-relevance feedback)."""

_N = TypeVar("_N", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Scale:
    """What makes a score comparable: z = (score - mean) / deviation, and not below the floor."""

    mean: float
    deviation: float
    floor: float = -np.inf

    def z(self, scores: Floats) -> Floats:
        """How unusual scores are; 0 where they don't differ."""
        if self.deviation <= 0:
            return np.zeros_like(scores)
        unusual: Floats = ((scores - self.mean) / self.deviation).astype(np.float32)
        return unusual.clip(min=self.floor)


@dataclass(frozen=True, slots=True)
class Weights:
    """What the parts of a score count for one query."""

    vector: float = 1 - KEYWORD_WEIGHT
    keyword: float = KEYWORD_WEIGHT
    phrases: float = PHRASE_WEIGHT
    why: str = ""
    """What they depend on besides the words, where they do."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Chunks, best first, with what each part said of them.

    All arrays (n,): `keyword` and `vector` are raw scores (NaN: none), `keyword_ranks` and `vector_ranks`
    count from 1 (0: not listed). `refined` are the cosines with the query that feedback moved, and `phrases` the
    shares of the query's pairs of words, where these had a say. `nearness` is the z of the cosine that was counted.
    Without scales there was nothing to fuse.
    """

    ids: Integers
    scores: Floats
    keyword: Floats
    vector: Floats
    keyword_ranks: Integers
    vector_ranks: Integers
    keyword_scale: Scale | None = None
    vector_scale: Scale | None = None
    refined: Floats | None = None
    phrases: Floats | None = None
    weights: Weights = Weights()
    nearness: Floats | None = None


def weigh(keyword: Ranking, *, is_foreign: bool = False, is_crossing: bool = False) -> Weights:
    """The weights for a query with this keyword ranking.

    Foreign is a query whose language the model does not know. Crossing is one whose language the documents are not in,
    of a model that knows both.

    Where the collection lacks words of the query, it says in other words what is sought, and the words that it has
    tell less: the keyword ranking counts with a power of the share that is known. Unless its first chunk stands out:
    then by how far it does, of how far one can.
    """
    if is_foreign:
        return Weights(vector=FOREIGN_WEIGHT, why="the model was made for English, and the query is not English")
    peak = float(keyword_scale_of(keyword.scores).z(keyword.scores[:1]).max(initial=0.0))
    trust = min(1.0, max(keyword.known**UNKNOWN, peak / HIGHEST))
    why = ""
    if is_crossing:
        trust *= CROSSING_TRUST
        why = f"the query is in another language than the documents, so its words count {CROSSING_TRUST:g} times"
    return Weights(1 - KEYWORD_WEIGHT * trust, KEYWORD_WEIGHT * trust, PHRASE_WEIGHT * trust, why)


def candidates(keyword: Ranking, vector: Ranking) -> Integers:
    """Ids in either ranking, ascending."""
    return distinct(np.concatenate([keyword.ids, vector.ids]))


def moved(vector: Floats, rows: Floats) -> Floats:
    """A query's unit vector (d,), moved towards the unit vectors (n, d) of the chunks that were found first."""
    return unit(vector + FEEDBACK_WEIGHT * unit(rows.mean(axis=0)))


def fuse(
    keyword: Ranking,
    vector: Ranking,
    ids: Integers,
    cosines: Floats,
    again: tuple[Ranking, Floats] | None = None,
    *,
    weights: Weights = Weights(),
    phrases: Floats | None = None,
) -> Fused:
    """Orders `ids` (n,) by weighted z(cosine) + weighted z(BM25) + weighted share of phrases (n,).

    `cosines` (n,) are exact for all of them; a chunk without a vector (NaN) counts as one that is as near as its words
    say, if not nearer than the nearest: as an average one it would stand below all that has a vector already.
    A chunk that the keyword ranking doesn't list counts as BM25 0. With `again`, the ranking by the query that
    feedback moved and its cosines (n,) with `ids`, these are what is ordered by.
    """
    listed = _spread(ids, keyword.ids, keyword.scores, np.float32(np.nan))
    ranking, near = again or (vector, cosines)
    keyword_scale, vector_scale = keyword_scale_of(keyword.scores), Scale(ranking.mean, ranking.deviation)
    keyword_z = keyword_scale.z(np.nan_to_num(listed, nan=0.0))
    nearness = _without_gaps(vector_scale.z(near), keyword_z)
    scores = (weights.vector * nearness + weights.keyword * keyword_z).astype(np.float32)
    if phrases is not None:
        scores += np.float32(weights.phrases) * phrases
    order = top_k(scores, len(scores))
    return Fused(
        ids[order],
        scores[order],
        listed[order],
        cosines[order],
        _ranks(ids, keyword)[order],
        _ranks(ids, vector)[order],
        keyword_scale,
        vector_scale,
        near[order] if again else None,
        None if phrases is None else phrases[order],
        weights,
        nearness[order],
    )


def keyword_scale_of(scores: Floats) -> Scale:
    """The scale of BM25 scores (n,), best first: over the first WINDOW, zeros where there are fewer."""
    first = scores[:WINDOW].astype(np.float64)
    mean = float(first.sum()) / WINDOW
    variance = float(np.square(first).sum()) / WINDOW - mean * mean
    return Scale(mean, float(np.sqrt(max(variance, 0.0))), FLOOR)


def alone(ranking: Ranking, *, is_keyword: bool) -> Fused:
    """One ranking by itself, in its own order and with its own scores."""
    none = np.full(len(ranking.ids), np.nan, np.float32)
    unranked = np.zeros(len(ranking.ids), np.int64)
    ranks = np.arange(1, len(ranking.ids) + 1)
    if is_keyword:
        return Fused(ranking.ids, ranking.scores, ranking.scores, none, ranks, unranked)
    return Fused(ranking.ids, ranking.scores, none, ranking.scores, unranked, ranks)


def _without_gaps(vector_z: Floats, keyword_z: Floats) -> Floats:
    """z of the cosines (n,), and for those that are missing (NaN) that of their BM25, up to the highest there is."""
    highest = np.max(vector_z, where=~np.isnan(vector_z), initial=0.0)
    return np.where(np.isnan(vector_z), keyword_z.clip(max=highest), vector_z)


def _ranks(ids: Integers, ranking: Ranking) -> Integers:
    return _spread(ids, ranking.ids, np.arange(1, len(ranking.ids) + 1), np.int64(0))


def _spread(ids: Integers, some: Integers, values: NDArray[_N], fill: _N) -> NDArray[_N]:
    """`values` of `some` ids laid out along `ids` (ascending), `fill` elsewhere."""
    laid = np.full(len(ids), fill, values.dtype)
    laid[np.searchsorted(ids, some)] = values
    return laid
