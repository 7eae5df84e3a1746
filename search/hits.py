"""Fused chunks to the hits of a page: where they stand, why they are there, and the text around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from search import diversity, rank
from search.diversity import Choice
from search.explanations import Explanation, Part
from search.filters import Filter
from search.records import Around, Copy, Hit, Query, Ranks, Scores
from search.store import Occurrence, Store


def collect(
    store: Store, fused: rank.Fused, query: Query, only: Filter, known: Mapping[int, list[Occurrence]] = {}
) -> tuple[Hit, ...]:
    """The first k places where the fused chunks stand, each with what the query asks to be told of it.

    Without `diversify` a chunk that stands in two documents is two hits. Of some chunks it is `known` where they stand.
    """
    chosen = _chosen(_ranked(store, fused, query.k, only, known), fused, query)
    hits = [_hit(number, fused, choice, query) for number, choice in enumerate(chosen, 1)]
    if query.neighbours:
        texts: dict[tuple[str, str], str] = {}
        hits = [replace(hit, around=_around(store, hit, query.neighbours, texts)) for hit in hits]
    return tuple(hits)


def _chosen(ranked: Iterator[tuple[float, int, Occurrence]], fused: rank.Fused, query: Query) -> list[Choice]:
    if not query.diversify:
        return [Choice(score, 0.0, position, place) for (score, position, place), _ in zip(ranked, range(query.k))]  # noqa: B905
    return diversity.choose(ranked, query.k, diversity.CROWDING if fused.keyword_scale else 0.0)


def _ranked(
    store: Store, fused: rank.Fused, page: int, only: Filter, known: Mapping[int, list[Occurrence]]
) -> Iterator[tuple[float, int, Occurrence]]:
    """Score, position and place of the fused chunks, best first, fetched a page at a time where they aren't known."""
    for start in range(0, len(fused.ids), page):
        ids = fused.ids[start : start + page]
        unknown = ids[[id_ not in known for id_ in ids.tolist()]]
        places = store.occurrences(unknown, only) if len(unknown) else {}
        for position, id_ in enumerate(ids.tolist(), start):
            for place in known.get(id_) or places.get(id_, []):
                yield float(fused.scores[position]), position, place


def _hit(number: int, fused: rank.Fused, choice: Choice, query: Query) -> Hit:
    at = choice.position
    ranks = Ranks(int(fused.keyword_ranks[at]) or None, int(fused.vector_ranks[at]) or None)
    scores = Scores(_number(fused.keyword[at]), _number(fused.vector[at]))
    return Hit(
        number,
        round(choice.score, 6),
        choice.place.document,
        choice.place.chunk,
        ranks,
        scores,
        _why(ranks, scores),
        tuple(Copy(copy.document, copy.chunk.id, copy.chunk.start, copy.chunk.end) for copy in choice.copies),
        explain=_explain(fused, choice, ranks, scores) if query.explain else None,
    )


def _why(ranks: Ranks, scores: Scores) -> str:
    parts = []
    if ranks.keyword is not None:
        parts.append(f"its words: number {ranks.keyword} by keyword (BM25 {scores.keyword:.2f})")
    if ranks.vector is not None:
        parts.append(f"its meaning: number {ranks.vector} by vector (cosine {scores.vector:.2f})")
    elif scores.vector is not None:
        parts.append(f"cosine {scores.vector:.2f}")
    return "; ".join(parts)


def _explain(fused: rank.Fused, choice: Choice, ranks: Ranks, scores: Scores) -> Explanation:
    if fused.keyword_scale is None or fused.vector_scale is None or fused.nearness is None:
        return Explanation(None, None, 0.0, 0.0, f"the raw score, {choice.score:.4f}: one ranking alone")
    keyword_z = fused.keyword_scale.z(np.array([scores.keyword or 0.0], np.float32))[0]
    keyword = _part(ranks.keyword, scores.keyword, fused.keyword_scale, keyword_z, fused.weights.keyword)
    near = scores.vector if fused.refined is None else _number(fused.refined[choice.position])
    vector = _part(ranks.vector, near, fused.vector_scale, fused.nearness[choice.position], fused.weights.vector)
    share = 0.0 if fused.phrases is None else float(fused.phrases[choice.position])
    phrases = round(fused.weights.phrases * share, 6)
    terms = " + ".join(f"{part.weight:.2f} x {part.z:.3f}" for part in (vector, keyword))
    terms += f" + {phrases:.2f} (words side by side)" if phrases else ""
    terms += f" - {choice.crowding:.1f} (earlier hits of this document)" if choice.crowding else ""
    return Explanation(keyword, vector, phrases, choice.crowding, f"{terms} = {choice.score:.3f}")


def _part(place: int | None, score: float | None, scale: rank.Scale, unusual: np.float32, weight: float) -> Part:
    z = float(unusual)
    mean, deviation = round(scale.mean, 6), round(scale.deviation, 6)
    return Part(place, score, mean, deviation, round(z, 6), round(weight, 6), round(weight * z, 6))


def _around(store: Store, hit: Hit, count: int, texts: dict[tuple[str, str], str]) -> Around:
    """The text from `count` chunks before the hit to as many after it."""
    key = hit.document.root, hit.document.path
    if key not in texts:
        texts[key] = store.text(*key)
    start, end = store.around(*key, hit.chunk.start, hit.chunk.end, count)
    return Around(texts[key][start:end], start, end)


def _number(score: np.float32) -> float | None:
    return None if np.isnan(score) else round(float(score), 6)
