"""A space's vectors in memory, for ranking: a copy that follows the database, which is the truth.

Up to EXACT_ROWS vectors are held as they are and compared one by one. Of more, only codes are held
(`search.store.codes`): all signs are compared; of the vectors nearest by these, both bits; the nearest by these are
read from the database and ranked by their exact cosine. How many go from stage to stage is `first` and `second`,
times a width that the index finds by checking itself (`check`).

Readers take no lock while the database is unchanged: what they see (`_Held`) only grows behind their backs.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from search.records import Space
from search.store import EMPTY, Filter, Ranking, codes, segments, statements
from search.store.codes import Words
from search.vectors import Floats, Integers, cosines, top_k, unit, unpack

EXACT_ROWS = 50_000
GROWTH = 65_536

SAMPLE = 512
"""How many vectors the mean and the deviation of a ranking are taken from."""

HISTOGRAM = 65_536
GATHERED = 4
"""A filter that leaves less than a quarter of the vectors is applied before the scan, a wider one after it."""

CHECKED_QUERIES, CHECKED_RANKS = 48, 10
WANTED_RECALL = 0.995
WIDEST = 16
CHECKED_AGAIN = 1.5
"""The self-check is made again when the index has grown by half."""

ROUNDING = 1e-5
"""By how much the same cosine may differ when it is summed in another order."""

REMEMBERED_FILTERS = 8


REFINED = 3
"""All signs leave a third of the vectors left by the heavy words."""


def first(count: int, rows: int, width: int) -> int:
    """How many vectors are left by the signs in the heavy words.

    With real queries and a million vectors resampled from real ones, the three stages leave 99.3 % of the ten nearest
    and 98.4 % of the 200 nearest. The width is for the nearest: what is asked beyond these comes on top.
    """
    return width * 20 * math.isqrt(rows) + 25 * count


def second(count: int, width: int) -> int:
    """How many vectors are left by both bits, to be ranked by their exact cosine."""
    return width * 180 + 7 * count // 2


@dataclass(frozen=True, slots=True)
class _Within:
    """The vectors that may be found: `mask` (n,), how many, and where they are; if `is_wide` a sample of that."""

    mask: NDArray[np.bool_]
    count: int
    positions: Integers
    is_wide: bool


@dataclass(slots=True)
class _Held:
    """What is in memory of one space at one generation. Arrays are valid up to `count`; more may be filled in later."""

    space: int
    dimensions: int
    generation: int = -1
    count: int = 0
    buried: int = 0
    segments: tuple[int, ...] = ()
    last: int = 0
    width: int = 1
    dead: int = 0
    vectors: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    chunks: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    centre: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    rows: Floats | None = None
    planes: Words | None = None
    sample: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    sampled_at: int = 0
    within: dict[Filter, _Within] = field(default_factory=dict)


class VectorIndex:
    """Ranks by cosine over the space that was searched last. `exact_rows`: from how many vectors codes are used."""

    def __init__(self, exact_rows: int = EXACT_ROWS) -> None:
        self._exact_rows = exact_rows
        self._held = _Held(0, 0)
        self._loading = threading.Lock()

    def nearest(
        self, connection: sqlite3.Connection, space: Space, vector: Floats, count: int, only: Filter
    ) -> Ranking:
        """The `count` chunks that pass the filter with the highest cosine.

        Mean and deviation are taken over a sample of the whole collection, evenly spaced.
        """
        generation = statements.number(connection, "SELECT number FROM generation")
        held = self._current(connection, space, generation)
        if held.count == held.dead:
            return EMPTY
        within = _within(held, connection, only, generation) if only or held.dead else None
        if held.rows is not None:
            chunks, scores = _exactly(held, held.rows, vector, count, within)
        else:
            chunks, scores = _by_codes(held, connection, vector, count, within=within, width=held.width)
        sample = cosines(held.sample, vector)
        return Ranking(chunks, scores, float(sample.mean()), float(sample.std()))

    def check(self, connection: sqlite3.Connection, space: Space) -> tuple[int, int] | None:
        """Finds the width with which searches have the recall wanted: (vectors checked with, width).

        The queries are between two vectors of the sample, so that they have no very near ones. The truth comes from
        reading all vectors once. None where searches are exact anyway.
        """
        generation = statements.number(connection, "SELECT number FROM generation")
        held = self._current(connection, space, generation)
        if held.planes is None:
            return None
        pairs = np.random.default_rng(0).integers(len(held.sample), size=(CHECKED_QUERIES, 2))
        queries = unit(held.sample[pairs[:, 0]] + held.sample[pairs[:, 1]])
        within = _within(held, connection, Filter(), generation) if held.dead else None
        ranks = min(CHECKED_RANKS, held.count - held.dead)
        worst, width = _truth(held, connection, queries, ranks), 1
        while width < WIDEST:
            found = [
                _by_codes(held, connection, query, ranks, within=within, width=width)[1] >= least
                for query, least in zip(queries, worst, strict=True)
            ]
            if np.concatenate(found).mean() >= WANTED_RECALL:
                break
            width *= 2
        return held.count, width

    def _current(self, connection: sqlite3.Connection, space: Space, generation: int) -> _Held:
        """What is held of the space, at least as new as the connection sees it."""
        held = self._held
        if held.space == space.id and held.generation >= generation:
            return held
        with self._loading:
            held = self._held
            if held.space != space.id or held.generation < generation:
                self._held = held = _followed(connection, held, space, generation, self._exact_rows)
            return held


def _followed(connection: sqlite3.Connection, held: _Held, space: Space, generation: int, exact_rows: int) -> _Held:
    """What is held, brought up to the connection's state: what is new is read, what is gone is marked."""
    ids, sealed, last = segments.known(connection, space.id)
    gone, buried, is_known = segments.gone(connection, space.id, held.buried)
    centre = segments.centre(connection, space.id, space.dimensions)
    is_same = held.space == space.id and np.array_equal(centre, held.centre) and set(held.segments) <= set(ids)
    if not is_same or not is_known:
        held = _Held(space.id, space.dimensions, centre=centre)
        gone, buried, _ = segments.gone(connection, space.id, 0)
    held = replace(held, generation=generation, segments=tuple(ids), within={})
    if held.planes is None and held.count + (sealed if not held.count else 0) > exact_rows:
        held = _coded(held)
    if held.planes is not None and not held.count:
        _reserve(held, sealed + segments.SEGMENT)
        for id_ in ids:
            made = segments.load(connection, id_, space.dimensions)
            _append(held, made.vectors, made.chunks, made.planes)
        held.last = last
    for vectors, chunks, read in segments.rows(connection, space.id, held.last, space.dimensions):
        if held.planes is None and held.count + len(vectors) > exact_rows:
            held = _coded(held)
        _append(held, vectors, chunks, read if held.planes is None else codes.encode(read, held.centre))
        held.last = int(vectors[-1])
    _bury(held, gone)
    held.buried = buried
    _sample(held, connection)
    row = connection.execute("SELECT width FROM scans WHERE space = ?", [space.id]).fetchone()
    held.width = row[0] if row else 1
    return held


def _coded(held: _Held) -> _Held:
    """The same with codes in place of the numbers."""
    planes = np.empty((codes.planes_of(held.dimensions), len(held.chunks)), np.uint64)
    if held.rows is not None and held.count:
        planes[:, : held.count] = codes.encode(held.rows[: held.count], held.centre)
    return replace(held, rows=None, planes=planes)


def _reserve(held: _Held, room: int) -> None:
    """Makes the arrays long enough, by new ones: a reader may be using the old ones."""
    if room <= len(held.chunks):
        return
    step = GROWTH if held.planes is not None else segments.READ_AT_ONCE
    room = max(-(-room // step) * step, len(held.chunks) * 9 // 8)
    for name in ("vectors", "chunks", "alive"):
        old = getattr(held, name)
        new = np.empty(room, old.dtype)
        new[: held.count] = old[: held.count]
        setattr(held, name, new)
    if held.planes is not None:
        planes = np.empty((len(held.planes), room), np.uint64)
        planes[:, : held.count] = held.planes[:, : held.count]
        held.planes = planes
    else:
        rows = np.empty((room, held.dimensions), np.float32)
        if held.rows is not None:
            rows[: held.count] = held.rows[: held.count]
        held.rows = rows


def _append(held: _Held, vectors: Integers, chunks: Integers, values: Floats | Words) -> None:
    """Adds vectors at the end: `values` are their planes where planes are held, otherwise their numbers."""
    end = held.count + len(vectors)
    _reserve(held, end)
    held.vectors[held.count : end] = vectors
    held.chunks[held.count : end] = chunks
    held.alive[held.count : end] = True
    if held.planes is not None:
        held.planes[:, held.count : end] = values
    elif held.rows is not None:
        held.rows[held.count : end] = values
    held.count = end


def _bury(held: _Held, gone: Integers) -> None:
    """Marks vectors that were deleted; those that were never held are no matter."""
    at = np.searchsorted(held.vectors[: held.count], gone)
    gone, at = gone[at < held.count], at[at < held.count]
    found = np.unique(at[held.vectors[at] == gone])
    held.dead += int(held.alive[found].sum())
    held.alive[found] = False


def _sample(held: _Held, connection: sqlite3.Connection) -> None:
    """Takes the sample anew where the index has changed by an eighth; a small one is its own sample."""
    now = held.count - held.dead
    if held.rows is None and abs(now - held.sampled_at) * 8 <= now and len(held.sample):
        return
    alive = np.flatnonzero(held.alive[: held.count])
    chosen = alive[:: max(1, len(alive) // SAMPLE)]
    held.sampled_at = now
    if held.rows is not None:
        held.sample = held.rows[chosen]
    else:
        _, held.sample = _read(connection, held.vectors[chosen], held.dimensions)


def _within(held: _Held, connection: sqlite3.Connection, only: Filter, generation: int) -> _Within:
    """The vectors that are alive and pass the filter; remembered until something changes."""
    if (known := held.within.get(only)) is not None:
        return known
    mask = held.alive[: held.count].copy()
    if only:
        mask &= np.isin(held.chunks[: held.count], statements.allowed(connection, only))
    positions = np.flatnonzero(mask)
    is_wide = len(positions) * GATHERED >= held.count
    kept = positions[:: max(1, len(positions) // HISTOGRAM)] if is_wide else positions
    made = _Within(mask, len(positions), kept, is_wide)
    if len(held.within) >= REMEMBERED_FILTERS:
        held.within.clear()
    if held.generation == generation:
        held.within[only] = made
    return made


def _exactly(held: _Held, rows: Floats, vector: Floats, count: int, within: _Within | None) -> tuple[Integers, Floats]:
    chunks, rows = held.chunks[: held.count], rows[: held.count]
    if within is None:
        scores = cosines(rows, vector)
    elif within.is_wide:
        chunks, scores = chunks[within.mask], cosines(rows, vector)[within.mask]
    else:
        chunks, scores = chunks[within.positions], cosines(rows[within.positions], vector)
    best = top_k(scores, count)
    return chunks[best], scores[best]


def _by_codes(
    held: _Held, connection: sqlite3.Connection, vector: Floats, count: int, *, within: _Within | None, width: int
) -> tuple[Integers, Floats]:
    """Signs of all, both bits of some, the numbers of few."""
    assert held.planes is not None
    asked = codes.ask(vector, held.centre)
    allowed = held.count if within is None else within.count
    wanted, few = first(count, allowed, width), second(count, width)
    if within is not None and allowed <= few:
        positions = np.flatnonzero(within.mask)
    else:
        positions = _near(held.planes, held.count, asked, within, wanted / allowed)
        signs = codes.gather(held.planes, positions, asked.words)
        differing = codes.distances(signs, len(positions), asked, asked.words)
        positions = positions[differing <= codes.threshold(differing, max(wanted // REFINED, few) / len(positions))]
        near = codes.estimates(codes.gather(held.planes, positions), asked)
        positions = np.sort(positions[top_k(near, few)])
    vectors, rows = _read(connection, held.vectors[positions], held.dimensions)
    # A vector that another process has just deleted is not there to be read.
    chunks = held.chunks[np.searchsorted(held.vectors[: held.count], vectors)]
    scores = cosines(rows, vector)
    best = top_k(scores, count)
    return chunks[best], scores[best]


def _near(planes: Words, count: int, asked: codes.Asked, within: _Within | None, share: float) -> Integers:
    """Positions of that share of the vectors allowed, or a few more, whose signs agree best with the query's."""
    if within is not None and not within.is_wide:
        gathered = codes.gather(planes, within.positions, asked.heavy)
        differing = codes.distances(gathered, within.count, asked, asked.heavy)
        return within.positions[differing <= codes.threshold(differing, share)]
    differing = codes.distances(planes, count, asked, asked.heavy)
    if within is None:
        return np.flatnonzero(differing <= codes.threshold(differing[:: max(1, count // HISTOGRAM)], share))
    chosen = np.flatnonzero(differing <= codes.threshold(differing[within.positions], share))
    return chosen[within.mask[chosen]]


def _read(connection: sqlite3.Connection, vectors: Integers, dimensions: int) -> tuple[Integers, Floats]:
    """Row ids, ascending, and numbers of those of the vectors that are in the database."""
    found = []
    for start in range(0, len(vectors), segments.READ_AT_ONCE):
        some = vectors[start : start + segments.READ_AT_ONCE]
        found += connection.execute(
            f"SELECT id, vector FROM vectors WHERE id IN ({statements.marks(some)}) ORDER BY id", some.tolist()
        ).fetchall()
    return np.array([row[0] for row in found], np.int64), unpack((row[1] for row in found), dimensions)


def _truth(held: _Held, connection: sqlite3.Connection, queries: Floats, ranks: int) -> Floats:
    """The score of the last of the `ranks` nearest to each query (n,), from all the vectors in the database."""
    best = np.full((len(queries), ranks), -2, np.float32)
    for _, _, read in segments.rows(connection, held.space, 0, held.dimensions):
        scores = np.concatenate([best, queries @ read.T], axis=1)
        best = np.partition(scores, -ranks, axis=1)[:, -ranks:]
    worst: Floats = best.min(axis=1) - np.float32(ROUNDING)
    return worst
