"""Ranking by cosine over a space's vectors, of which a copy in memory (`search.store.held`) follows the database.

Up to EXACT_ROWS vectors are held as they are and compared one by one. Of more, only codes are held
(`search.store.codes`): in the cells near the query the signs are compared; of the vectors nearest by these, the
levels; the nearest by these are read from the database and ranked by their exact cosine. What goes from stage to stage
(`search.store.candidates`) is wide enough by a width that the index finds by checking itself (`check`).
"""

from __future__ import annotations

import sqlite3
import threading

import numpy as np

from search.records import Space
from search.store import EMPTY, Filter, Ranking, candidates, held, statements
from search.store.held import Held, Within
from search.store.rows import Rows
from search.vectors import Floats, Integers, cosines, top_k, unit

EXACT_ROWS = 50_000

CHECKED_QUERIES, CHECKED_RANKS = 48, 10
WANTED_RECALL = 0.99
"""Of the near and of the far queries of the self-check."""
WIDTHS = (30, 31, 32, 34, 36, 39, 42, 48, 60, 75, 105)
MIXED, NOISE = 8, (0.5, 1.5)
"""A far query is a mixture of so many vectors, and of between half and one and a half times as much noise."""
CHECKED_AGAIN = 1.5
"""The self-check is made again when the index has grown by half."""

ROUNDING = 1e-5
"""By how much the same cosine may differ when it is summed in another order."""

REMEMBERED_FILTERS = 8


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

        The truth comes from reading all vectors once. None where searches are exact anyway.
        """
        generation = statements.number(connection, "SELECT number FROM generation")
        known = self._current(connection, space, generation)
        if known.coded is None or known.count == known.dead:
            return None
        queries = np.concatenate(_near_and_far(known))
        limits = _limits(known, connection, Filter(), generation)
        ranks = min(CHECKED_RANKS, known.count - known.dead)
        worst = _truth(known, connection, queries, ranks)
        for width in WIDTHS:
            found = [
                self._by_codes(known, connection, query, ranks, limits, width=width)[1] >= least
                for query, least in zip(queries, worst, strict=True)
            ]
            if np.stack(found).reshape(2, -1).mean(axis=1).min() >= WANTED_RECALL:
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
        look = candidates.look(known, vector, limits)
        positions = np.sort(look.by_levels(look.by_signs(count, width), count, width))
        wanted = known.vectors[positions].astype(np.int64)
        vectors, numbers = self._rows.read(connection, wanted, known.dimensions)
        scores = cosines(numbers, vector)
        best = top_k(scores, count)
        # A vector that another process has just deleted is not there to be read.
        found = positions[np.searchsorted(wanted, vectors[best])]
        return known.chunks[found].astype(np.int64), scores[best]

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
    return chunks[best].astype(np.int64), scores[best]


def _near_and_far(known: Held) -> tuple[Floats, Floats]:
    """Queries for the self-check: some between two vectors of the sample, and some of several and noise.

    The first are about what the collection is about, but have no very near vectors. The others are like questions about
    something else.
    """
    random, sample = np.random.default_rng(0), known.sample
    one, other = sample[random.integers(len(sample), size=(2, CHECKED_QUERIES))]
    seen = sample[random.integers(len(sample), size=(CHECKED_QUERIES, MIXED))] - known.coding.centre
    signs = random.choice(np.array([-1, 1], np.float32), size=(CHECKED_QUERIES, MIXED, 1))
    noise = random.standard_normal((CHECKED_QUERIES, known.dimensions), np.float32)
    much = random.uniform(*NOISE, size=(CHECKED_QUERIES, 1)).astype(np.float32)
    return unit(one + other), unit(unit((seen * signs).sum(axis=1)) + much * unit(noise))


def _truth(known: Held, connection: sqlite3.Connection, queries: Floats, ranks: int) -> Floats:
    """The score of the last of the `ranks` nearest to each query (n,), from all the vectors in the database."""
    best = np.full((len(queries), ranks), -2, np.float32)
    for read in held.everything(connection, known):
        scores = np.concatenate([best, queries @ read.T], axis=1)
        best = np.partition(scores, -ranks, axis=1)[:, -ranks:]
    worst: Floats = best.min(axis=1) - np.float32(ROUNDING)
    return worst
