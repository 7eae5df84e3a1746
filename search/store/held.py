"""What is in memory of a space's vectors, and how it follows the database. For `search.store.index`.

Readers take no lock while the database is unchanged: what they see of arrays only grows behind their backs, and what
is put in another order is put into other arrays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from search.records import Space
from search.store import Filter, codes, segments, statements
from search.store.codes import Bytes, Codes, Coding, Runs, Scales, Words
from search.store.rows import Rows
from search.vectors import Floats, Integers, distinct

_Number = TypeVar("_Number", bound=np.generic)

GROWTH = 65_536

SAMPLE = 512
"""How many vectors the mean and the deviation of a ranking are taken from."""

LOOSE = 8
"""Vectors that came last are in no cell: when they are an eighth of all, all are arranged again."""


@dataclass(frozen=True, slots=True)
class Within:
    """The vectors that may be found: `mask` (n,) and `count`, and, where they are few, their `places` (count,).

    Vectors are counted as a scan comes past them.
    """

    mask: NDArray[np.bool_]
    count: int
    places: Integers | None


@dataclass(frozen=True, slots=True)
class Coded:
    """Codes in memory. Signs stand cell after cell, then those of vectors in no cell yet; all else as it came.

    `order` says which vector's signs stand at a place, `bounds` where each cell begins, and where the last one ends.
    """

    signs: Words
    order: NDArray[np.int32]
    bounds: Integers
    cells: Bytes
    scales: Scales
    levels: Bytes


@dataclass(slots=True)
class Held:
    """A space at one generation. Arrays are valid up to `count`; more may be filled in later.

    There are `rows`, the vectors themselves, or there is what is `coded`.
    """

    space: int
    coding: Coding
    generation: int = -1
    count: int = 0
    buried: int = 0
    sealed: tuple[int, ...] = ()
    last: int = 0
    width: int = segments.USUAL_WIDTH
    dead: int = 0
    vectors: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    chunks: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    rows: Floats | None = None
    coded: Coded | None = None
    sample: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    sampled_at: int = 0
    share: float = 1
    within: dict[Filter, Within] = field(default_factory=dict)

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""
        return len(self.coding.centre)


def followed(connection: sqlite3.Connection, held: Held | None, space: Space, generation: int, exact_rows: int) -> Held:
    """What is held, brought up to the connection's state: what is new is read, what is gone is marked."""
    ids, sealed, last = segments.known(connection, space.id)
    coding = segments.coding(connection, space.id, space.dimensions)
    gone, buried, is_known = segments.gone(connection, space.id, held.buried if held else 0)
    if held is None or not (is_known and _is_same(held, space, coding) and set(held.sealed) <= set(ids)):
        held = Held(space.id, coding)
        gone, buried, _ = segments.gone(connection, space.id, 0)
    held = replace(held, generation=generation, sealed=tuple(ids), within={})
    if held.coded is None and held.count + (0 if held.count else sealed) > exact_rows:
        _code(held)
    if held.coded is not None and not held.count:
        _reserve(held, sealed + segments.SEGMENT)
        for id_ in ids:
            made = segments.load(connection, id_, coding)
            _append(held, made.vectors, made.chunks, made.codes)
        held.last = last
        _arrange(held, in_place=True)
    for vectors, chunks, read in segments.rows(connection, space.id, held.last, space.dimensions):
        if held.coded is None and held.count + len(vectors) > exact_rows:
            _code(held)
        _append(held, vectors, chunks, read if held.coded is None else codes.encode(read, coding))
        held.last = int(vectors[-1])
    if held.coded is not None and (held.count - held.coded.bounds[-1]) * LOOSE > held.count:
        _arrange(held)
    _bury(held, gone)
    held.buried = buried
    _sample(held, connection)
    row = connection.execute("SELECT width FROM scans WHERE space = ?", [space.id]).fetchone()
    held.width = row[0] if row else segments.USUAL_WIDTH
    return held


def within(held: Held, connection: sqlite3.Connection, only: Filter, generation: int, remembered: int) -> Within:
    """The vectors that are alive and pass the filter; remembered, with others, until something changes."""
    if (known := held.within.get(only)) is not None:
        return known
    mask = held.alive[: held.count].copy()
    if only:
        mask &= np.isin(held.chunks[: held.count], statements.allowed(connection, only))
    if held.coded is not None:
        mask = mask[held.coded.order[: held.count]]
    count = int(np.count_nonzero(mask))
    # Few are picked out before a scan, many are sorted out after it.
    made = Within(mask, count, np.flatnonzero(mask) if count * 4 < held.count else None)
    if len(held.within) >= remembered:
        held.within.clear()
    if held.generation == generation:
        held.within[only] = made
    return made


def everything(connection: sqlite3.Connection, held: Held) -> Iterator[Floats]:
    """All vectors of the space from the database, some thousands (n, d) at a time."""
    return (part for _, _, part in segments.rows(connection, held.space, 0, held.dimensions))


def cells_of(held: Held, coded: Coded, limits: Within | None) -> tuple[Integers, Integers]:
    """Where the vectors of each cell that may be found begin and end; last those in no cell yet.

    Of few these are positions in their `places`; otherwise these are places, of all vectors.
    """
    bounds = np.append(coded.bounds, held.count)
    if limits is not None and limits.places is not None:
        bounds = np.searchsorted(limits.places, bounds)
    return bounds[:-1], bounds[1:]


def joined(starts: Integers, ends: Integers, chosen: Integers, gap: int) -> Runs:
    """The chosen stretches in order, as one where no more than `gap` vectors are between them."""
    runs: list[tuple[int, int]] = []
    for start, end in zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True):
        if start < end and runs and start - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], end)
        elif start < end:
            runs.append((start, end))
    return runs


def _is_same(held: Held, space: Space, coding: Coding) -> bool:
    return held.space == space.id and all(
        np.array_equal(one, other)
        for one, other in ((held.coding.centre, coding.centre), (held.coding.points, coding.points))
    )


def _code(held: Held) -> None:
    """Puts codes in place of the numbers."""
    room, dimensions = len(held.chunks), held.dimensions
    held.coded = Coded(
        np.empty((codes.words_of(dimensions), room), np.uint64),
        np.arange(room, dtype=np.int32),
        np.zeros(len(held.coding.points) + 1, np.int64),
        np.empty(room, np.uint8),
        np.empty((room, 2), np.float16),
        np.empty((room, codes.bytes_of(dimensions)), np.uint8),
    )
    if held.rows is not None and held.count:
        _put(held.coded, 0, codes.encode(held.rows[: held.count], held.coding))
    held.rows = None


def _put(coded: Coded, start: int, made: Codes) -> None:
    end = start + len(made.cells)
    coded.signs[:, start:end] = made.signs
    coded.cells[start:end] = made.cells
    coded.scales[start:end] = made.scales
    coded.levels[start:end] = made.levels


def _arrange(held: Held, *, in_place: bool = False) -> None:
    """Puts the signs cell after cell: into other arrays, unless nobody reads these yet."""
    assert held.coded is not None
    coded, count = held.coded, held.count
    order = coded.order.copy()
    order[:count] = np.argsort(coded.cells[:count], kind="stable")
    placed = np.empty(count, np.int32)
    placed[coded.order[:count]] = np.arange(count, dtype=np.int32)
    moved = placed[order[:count]]
    signs = coded.signs if in_place else np.empty_like(coded.signs)
    for old, new in zip(coded.signs, signs, strict=True):
        new[:count] = old[moved]
    ends = np.cumsum(np.bincount(coded.cells[:count], minlength=len(held.coding.points)))
    held.coded = replace(coded, signs=signs, order=order, bounds=np.concatenate([[0], ends]))


def _reserve(held: Held, room: int) -> None:
    """Makes the arrays long enough, by new ones: a reader may be using the old ones."""
    if room <= len(held.chunks):
        return
    step = GROWTH if held.coded is not None else segments.READ_AT_ONCE
    room = max(-(-room // step) * step, len(held.chunks) * 9 // 8)
    held.vectors = _longer(held.vectors, held.count, room)
    held.chunks = _longer(held.chunks, held.count, room)
    held.alive = _longer(held.alive, held.count, room)
    if (coded := held.coded) is not None:
        order = np.arange(room, dtype=np.int32)
        order[: held.count] = coded.order[: held.count]
        signs = np.empty((len(coded.signs), room), np.uint64)
        signs[:, : held.count] = coded.signs[:, : held.count]
        held.coded = Coded(
            signs,
            order,
            coded.bounds,
            _longer(coded.cells, held.count, room),
            _longer(coded.scales, held.count, room),
            _longer(coded.levels, held.count, room),
        )
    elif held.rows is None:
        held.rows = np.empty((room, held.dimensions), np.float32)
    else:
        held.rows = _longer(held.rows, held.count, room)


def _longer(old: NDArray[_Number], count: int, room: int) -> NDArray[_Number]:
    new = np.empty((room, *old.shape[1:]), old.dtype)
    new[:count] = old[:count]
    return new


def _append(held: Held, vectors: Integers, chunks: Integers, values: Floats | Codes) -> None:
    """Adds vectors at the end: `values` are their codes where codes are held, otherwise their numbers."""
    end = held.count + len(vectors)
    _reserve(held, end)
    held.vectors[held.count : end] = vectors
    held.chunks[held.count : end] = chunks
    held.alive[held.count : end] = True
    if isinstance(values, Codes):
        assert held.coded is not None
        _put(held.coded, held.count, values)
    elif held.rows is not None:
        held.rows[held.count : end] = values
    held.count = end


def _bury(held: Held, gone: Integers) -> None:
    """Marks vectors that were deleted; those that were never held are no matter."""
    at = np.searchsorted(held.vectors[: held.count], gone)
    gone, at = gone[at < held.count], at[at < held.count]
    found = distinct(at[held.vectors[at] == gone])
    held.dead += int(held.alive[found].sum())
    held.alive[found] = False


def _sample(held: Held, connection: sqlite3.Connection) -> None:
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
        _, held.sample = Rows().read(connection, held.vectors[chosen], held.dimensions)
        held.share = codes.share_of_centre(held.sample, held.coding)
