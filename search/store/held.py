"""What is in memory of a space's vectors, and how it follows the database. For `search.store.index`.

Readers take no lock while the database is unchanged: what they see of arrays only grows behind their backs, and what
is put in another order is put into other arrays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.records import Space
from search.store import Filter, codes, segments, statements
from search.store.codes import Bytes, Codes, Coding, Runs, Scales, Words
from search.store.rows import Rows
from search.vectors import Floats, Integers, distinct

_Number = TypeVar("_Number", bound=np.generic)

Ids = NDArray[np.signedinteger[Any]]

AT_ONCE = 16_384
"""So many vectors are put in order at once, so that little memory is taken for it."""

ROOM = 16
"""A sixteenth more room than is needed: hardly any memory until it is filled, where a copy takes all of it twice."""

PAGE, TOUCHING = 4_096, 2
"""Bytes of memory that the system gives at once, at least; and threads that have it given."""

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

    def part(self, start: int, end: int) -> Codes:
        """Room for the codes of some vectors."""
        return Codes(self.cells[start:end], self.scales[start:end], self.signs[:, start:end], self.levels[start:end])


@dataclass(slots=True)
class Held:
    """A space at one generation. Arrays are valid up to `count`; more may be filled in later.

    There are `rows`, the vectors themselves, or there is what is `coded`. Row ids of `vectors` and ids of `chunks` have
    32 bits as long as all fit.
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
    vectors: Ids = field(default_factory=lambda: np.empty(0, np.int32))
    chunks: Ids = field(default_factory=lambda: np.empty(0, np.int32))
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
        _load(held, connection, ids, sealed)
        held.last = last
        _arrange_first(held)
    for vectors, chunks, read in segments.rows(connection, space.id, held.last, space.dimensions):
        if held.coded is None and held.count + len(vectors) > exact_rows:
            _code(held)
        _put(held, read)
        _append(held, vectors, chunks)
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
        codes.put(codes.encode(held.rows[: held.count], held.coding), held.coded.part(0, held.count))
    held.rows = None


def _load(held: Held, connection: sqlite3.Connection, ids: list[int], sealed: int) -> None:
    """Reads the segments, which have so many vectors, while other threads touch the memory that these are put into.

    To give a process memory takes the system longer than it takes to read into it: on a virtual machine, whose host
    has to give it first, .9 seconds of 1.5 for a million vectors.
    """
    _reserve(held, sealed + max(segments.SEGMENT, sealed // ROOM))
    assert held.coded is not None
    signs, levels, done = held.coded.signs, held.coded.levels, 0
    parts = [*signs[:, :sealed], *(levels[start : start + AT_ONCE] for start in range(0, sealed, AT_ONCE))]

    def room(count: int) -> Codes:
        nonlocal done
        while done < len(signs) - (held.count + count) // -AT_ONCE:
            next(touched, None)
            done += 1
        return _room(held, count)

    with ThreadPoolExecutor(TOUCHING) as others:
        touched = others.map(_touch, parts)
        for id_ in ids:
            _append(held, *segments.load(connection, id_, held.coding, room))


def _touch(part: NDArray[np.generic]) -> None:
    part.reshape(-1).view(np.uint8)[::PAGE] = 0


def _arrange_first(held: Held) -> None:
    """Puts the signs, which stand as they came, cell after cell: in their place, since nobody reads them yet."""
    assert held.coded is not None
    coded, count = held.coded, held.count
    bounds = _sort(coded.order[:count], coded.cells[:count], len(held.coding.points))
    apart = np.empty(count, np.uint64)
    for signs in coded.signs:
        apart[:] = signs[:count]
        for start in range(0, count, AT_ONCE):
            order = coded.order[start : min(start + AT_ONCE, count)]
            signs[start : start + len(order)] = apart[order]
    held.coded = replace(coded, bounds=bounds)


def _arrange(held: Held) -> None:
    """Puts the signs cell after cell, into other arrays: a reader may be using these."""
    assert held.coded is not None
    coded, count = held.coded, held.count
    placed = np.empty(count, np.int32)
    placed[coded.order[:count]] = np.arange(count, dtype=np.int32)
    order, signs = coded.order.copy(), np.empty_like(coded.signs)
    bounds = _sort(order[:count], coded.cells[:count], len(held.coding.points))
    moved = placed[order[:count]]
    for old, new in zip(coded.signs, signs, strict=True):
        new[:count] = old[moved]
    held.coded = replace(coded, signs=signs, order=order, bounds=bounds)


def _sort(order: NDArray[np.int32], cells: Bytes, number: int) -> Integers:
    """Fills in the order of vectors (n,) by their cells, as they came within each; returns the cells' bounds.

    Part after part, in little memory: numpy's own sort takes 16 bytes a vector.
    """
    parts = [cells[start : start + AT_ONCE] for start in range(0, len(cells), AT_ONCE)]
    bounds = np.zeros(number + 1, np.int64)
    for part in parts:
        bounds[1:] += np.bincount(part, minlength=number)
    np.cumsum(bounds, out=bounds)
    free, came = bounds[:-1].copy(), 0
    for part in parts:
        sizes = np.bincount(part, minlength=number)
        places = np.repeat(free - np.cumsum(sizes) + sizes, sizes) + np.arange(len(part))
        order[places] = came + np.argsort(part, kind="stable")
        free += sizes
        came += len(part)
    return bounds


def _reserve(held: Held, room: int) -> None:
    """Makes the arrays long enough, by new ones: a reader may be using the old ones."""
    if room <= len(held.chunks):
        return
    step = segments.SEGMENT if held.coded is not None else segments.READ_AT_ONCE
    room = max(-(-room // step) * step, len(held.chunks) + len(held.chunks) // ROOM)
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


def _room(held: Held, count: int) -> Codes:
    """Room for the codes of so many vectors at the end."""
    _reserve(held, held.count + count)
    assert held.coded is not None
    return held.coded.part(held.count, held.count + count)


def _put(held: Held, read: Floats) -> None:
    """Puts numbers at the end, or their codes where codes are held."""
    if held.coded is not None:
        codes.put(codes.encode(read, held.coding), _room(held, len(read)))
        return
    _reserve(held, held.count + len(read))
    if held.rows is not None:
        held.rows[held.count : held.count + len(read)] = read


def _append(held: Held, vectors: Integers, chunks: Integers) -> None:
    """Adds vectors, whose numbers or codes have been put at the end."""
    end = held.count + len(vectors)
    held.vectors, held.chunks = _wide_enough(held.vectors, vectors), _wide_enough(held.chunks, chunks)
    held.vectors[held.count : end] = vectors
    held.chunks[held.count : end] = chunks
    held.alive[held.count : end] = True
    held.count = end


def _wide_enough(ids: Ids, more: Integers) -> Ids:
    """The ids, in an array that can hold others too."""
    return ids if more.max(initial=0) <= np.iinfo(ids.dtype).max else ids.astype(np.int64)


def _bury(held: Held, gone: Integers) -> None:
    """Marks vectors that were deleted; those that were never held are no matter."""
    known = held.vectors[: held.count]
    # In their own type: otherwise numpy makes a longer copy of all that are known.
    gone = gone[gone <= known[-1:].max(initial=0)].astype(known.dtype)
    at = np.searchsorted(known, gone)
    found = distinct(at[known[at] == gone])
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
        _, held.sample = Rows().read(connection, held.vectors[chosen].astype(np.int64), held.dimensions)
        held.share = codes.share_of_centre(held.sample, held.coding)
