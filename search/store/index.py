"""Ranking by cosine over a space's vectors, of which a copy in memory (`search.store.held`) follows the database.

Up to EXACT_ROWS vectors are held as they are and compared one by one. Of more, only codes are held
(`search.store.codes`): in the cells near the query the signs are compared; of the vectors nearest by these, the
levels; the nearest by these are read from the database and ranked by their exact cosine. How many go from stage to
stage is `looked_at`, `first` and `second`, times a width that the index finds by checking itself (`check`).
"""

from __future__ import annotations

import math
import sqlite3
import threading

import numpy as np

from search.records import Space
from search.store import EMPTY, Filter, Ranking, codes, held, segments, statements
from search.store.held import Coded, Held, Within
from search.store.rows import Rows
from search.vectors import Floats, Integers, cosines, top_k, unit

EXACT_ROWS = 50_000

HISTOGRAM = 16_384

GAP = 1_024
"""So many vectors between two cells are scanned too: that takes less than to begin anew."""

CHECKED_QUERIES, CHECKED_RANKS = 96, 10
WANTED_RECALL = 0.99
"""Of the queries of the self-check, which are near the collection's vectors.

Of questions to which nothing is near it is lower: data/corpus/storage-format.md has figures.
"""
WIDTHS = (4, 5, 6, 8, 12, 16, 24, 32, 64)
"""In quarters of the usual numbers, USUAL_WIDTH of them."""
CHECKED_AGAIN = 1.5
"""The self-check is made again when the index has grown by half."""

ROUNDING = 1e-5
"""By how much the same cosine may differ when it is summed in another order."""

REMEMBERED_FILTERS = 8


def looked_at(count: int, rows: int, width: int) -> int:
    """In the nearest cells that hold so many vectors the signs are compared."""
    return width * (rows // 5 + 40 * math.isqrt(rows)) // segments.USUAL_WIDTH + 100 * count


def first(count: int, rows: int, width: int) -> int:
    """How many vectors are left by the signs. The width is for the nearest: what is asked beyond these comes on top."""
    return width * 5 * math.isqrt(rows) // segments.USUAL_WIDTH + 25 * count


def second(count: int, width: int) -> int:
    """How many vectors are left by the levels, to be ranked by their exact cosine."""
    return width * 16 // segments.USUAL_WIDTH + 5 * count // 4


class VectorIndex:
    """Ranks by cosine over the space that was searched last.

    `exact_rows`: from how many vectors codes are used; `rows` reads the others.
    """

    def __init__(self, rows: Rows, exact_rows: int = EXACT_ROWS) -> None:
        self._rows = rows
        self._exact_rows = exact_rows
        self._held: Held | None = None
        self._loading = threading.Lock()

    def nearest(
        self, connection: sqlite3.Connection, space: Space, vector: Floats, count: int, only: Filter
    ) -> Ranking:
        """The `count` chunks that pass the filter with the highest cosine.

        Mean and deviation are taken over a sample of the whole collection, evenly spaced.
        """
        generation = statements.number(connection, "SELECT number FROM generation")
        known = self._current(connection, space, generation)
        if known.count == known.dead:
            return EMPTY
        limits = _limits(known, connection, only, generation)
        if not count:
            chunks, scores = EMPTY.ids, EMPTY.scores
        elif known.rows is not None:
            chunks, scores = _exactly(known, known.rows, vector, count, limits)
        else:
            chunks, scores = self._by_codes(known, connection, vector, count, limits, width=known.width)
        sample = cosines(known.sample, vector)
        return Ranking(chunks, scores, float(sample.mean()), float(sample.std()))

    def check(self, connection: sqlite3.Connection, space: Space) -> tuple[int, int] | None:
        """Finds the width with which searches have the recall wanted: (vectors checked with, width).

        The queries are between two vectors of the sample, so that they have no very near ones. The truth comes from
        reading all vectors once. None where searches are exact anyway.
        """
        generation = statements.number(connection, "SELECT number FROM generation")
        known = self._current(connection, space, generation)
        if known.coded is None or known.count == known.dead:
            return None
        pairs = np.random.default_rng(0).integers(len(known.sample), size=(CHECKED_QUERIES, 2))
        queries = unit(known.sample[pairs[:, 0]] + known.sample[pairs[:, 1]])
        limits = _limits(known, connection, Filter(), generation)
        ranks = min(CHECKED_RANKS, known.count - known.dead)
        worst = _truth(known, connection, queries, ranks)
        for width in WIDTHS:
            found = [
                self._by_codes(known, connection, query, ranks, limits, width=width)[1] >= least
                for query, least in zip(queries, worst, strict=True)
            ]
            if np.concatenate(found).mean() >= WANTED_RECALL:
                break
        return known.count, width

    def _by_codes(
        self,
        known: Held,
        connection: sqlite3.Connection,
        vector: Floats,
        count: int,
        limits: Within | None,
        *,
        width: int,
    ) -> tuple[Integers, Floats]:
        """Signs of many, levels of some, the numbers of few."""
        assert known.coded is not None
        coded, asked = known.coded, codes.ask(vector, known.coding)
        rows, few = known.count if limits is None else limits.count, second(count, width)
        if limits is not None and rows <= few:
            positions = np.flatnonzero(limits.mask)
        else:
            positions = _near(known, coded, asked, limits, (looked_at(count, rows, width), first(count, rows, width)))
        positions = coded.order[positions].astype(np.int64)
        if len(positions) > few:
            near = codes.estimates(coded.levels, coded.scales, positions, asked)
            positions = positions[top_k(near, few)]
        positions = np.sort(positions)
        vectors, numbers = self._rows.read(connection, known.vectors[positions], known.dimensions)
        # A vector that another process has just deleted is not there to be read.
        chunks = known.chunks[np.searchsorted(known.vectors[: known.count], vectors)]
        scores = cosines(numbers, vector)
        best = top_k(scores, count)
        return chunks[best], scores[best]

    def _current(self, connection: sqlite3.Connection, space: Space, generation: int) -> Held:
        """What is held of the space, at least as new as the connection sees it."""
        known = self._held
        if known is not None and known.space == space.id and known.generation >= generation:
            return known
        with self._loading:
            known = self._held
            if known is None or known.space != space.id or known.generation < generation:
                self._held = known = held.followed(connection, known, space, generation, self._exact_rows)
            return known


def _limits(known: Held, connection: sqlite3.Connection, only: Filter, generation: int) -> Within | None:
    if not only and not known.dead:
        return None
    return held.within(known, connection, only, generation, REMEMBERED_FILTERS)


def _exactly(known: Held, rows: Floats, vector: Floats, count: int, limits: Within | None) -> tuple[Integers, Floats]:
    chunks, rows = known.chunks[: known.count], rows[: known.count]
    if limits is None:
        scores = cosines(rows, vector)
    elif limits.places is None:
        chunks, scores = chunks[limits.mask], cosines(rows, vector)[limits.mask]
    else:
        chunks, scores = chunks[limits.places], cosines(rows[limits.places], vector)
    best = top_k(scores, count)
    return chunks[best], scores[best]


def _near(known: Held, coded: Coded, asked: codes.Asked, limits: Within | None, wanted: tuple[int, int]) -> Integers:
    """Places of about `wanted[1]` vectors whose signs agree best with the query's, of the `wanted[0]` looked at."""
    starts, ends = held.cells_of(known, coded, limits)
    nearest = np.append(len(starts) - 1, np.argsort(-asked.nearness))
    sizes = np.cumsum((ends - starts)[nearest])
    is_few = limits is not None and limits.places is not None
    chosen = np.sort(nearest[: 1 + np.searchsorted(sizes, wanted[0])])
    runs = held.joined(starts, ends, chosen, 0 if is_few else GAP)
    if limits is not None and limits.places is not None:
        places = np.concatenate([limits.places[start:end] for start, end in runs])
        differing = codes.distances(coded.signs[:, places], [(0, len(places))], asked)
        return places[_least(differing, None, wanted[1])]
    differing = codes.distances(coded.signs, runs, asked)
    mask = None if limits is None else np.concatenate([limits.mask[start:end] for start, end in runs])
    return _places(runs, _least(differing, mask, wanted[1]))


def _least(differing: codes.Distances, mask: np.ndarray | None, count: int) -> Integers:
    """Positions of that many of the least distances, or of a few more; only where the mask says so."""
    kept = differing if mask is None else differing[mask]
    limit = codes.threshold(kept[:: max(1, len(kept) // HISTOGRAM)], count / max(len(kept), 1))
    is_near = differing <= limit
    return np.flatnonzero(is_near if mask is None else is_near & mask)


def _places(runs: codes.Runs, positions: Integers) -> Integers:
    """The places in some stretches that are at positions in these one after the other."""
    starts = np.array([start for start, _ in runs])
    ends = np.cumsum([end - start for start, end in runs])
    run = np.searchsorted(ends, positions, side="right")
    places: Integers = positions + (starts - np.append(0, ends[:-1]))[run]
    return places


def _truth(known: Held, connection: sqlite3.Connection, queries: Floats, ranks: int) -> Floats:
    """The score of the last of the `ranks` nearest to each query (n,), from all the vectors in the database."""
    best = np.full((len(queries), ranks), -2, np.float32)
    for read in held.everything(connection, known):
        scores = np.concatenate([best, queries @ read.T], axis=1)
        best = np.partition(scores, -ranks, axis=1)[:, -ranks:]
    worst: Floats = best.min(axis=1) - np.float32(ROUNDING)
    return worst
