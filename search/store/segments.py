"""The codes of vectors as the database keeps them: derived, in segments of 16,384 vectors each.

The vectors' own rows are the truth. A segment is written in the transaction that adds its last vector; one that is
damaged is made again from the rows, and vectors that are in no segment yet are read as rows.
Deleted vectors are noted in `gone` by a trigger, so that a segment need not change.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.store import codes
from search.store.codes import Codes, Coding
from search.store.statements import marks, number
from search.vectors import Floats, Integers, pack, unpack

SEGMENT = 16_384
READ_AT_ONCE = 4_096

PIECE = 1 << 17
"""So many bytes of a segment are read at once: they stay in the second-level cache until they are where they belong."""

USUAL_WIDTH = 30
"""In tenths of standard deviations: how surely a search finds the nearest (`search.store.candidates`)."""

TRAINED_WITH = 65_536
TRAINED_AGAIN = (4, 16)
"""When there are so many segments, all are made anew: what came first may be of one kind, as a folder's files are."""

_FORGOTTEN = 0
"""Stands in `gone` in place of vectors that were taken out of it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Vectors (n,) by row id, ascending, with their chunks (n,) and codes."""

    vectors: Integers
    chunks: Integers
    codes: Codes


def seal(connection: sqlite3.Connection, space: int, size: int) -> int:
    """Writes the segments that are full; returns how many."""
    before = _count(connection, space)
    last = number(connection, "SELECT coalesce(max(last), 0) FROM segments WHERE space = ?", [space])
    while (end := _end(connection, space, last, size)) is not None:
        _write(connection, space, last, end)
        last = end
    after = _count(connection, space)
    if any(0 < before < grown <= after for grown in TRAINED_AGAIN):
        _train_again(connection, space)
    return after - before


def renew(connection: sqlite3.Connection) -> None:
    """Writes those segments again, of all spaces, a quarter of which is gone."""
    worn = connection.execute(
        "SELECT id, space, first, last FROM segments WHERE count < 4 *"
        " (SELECT count(*) FROM gone WHERE gone.space = segments.space AND vector BETWEEN first AND last)"
    ).fetchall()
    for id_, space, first, last in worn:
        connection.execute("DELETE FROM segments WHERE id = ?", [id_])
        _write(connection, space, first - 1, last)


def coding(connection: sqlite3.Connection, space: int, dimensions: int) -> Coding:
    """What the codes of a space are made with; one cell before it has a segment."""
    row = connection.execute("SELECT coding FROM scans WHERE space = ?", [space]).fetchone()
    if not row:
        return codes.untrained(dimensions)
    numbers = unpack([row[0]], dimensions)
    return Coding(numbers[0], numbers[1:])


def untrained(connection: sqlite3.Connection, size: int) -> list[int]:
    """Spaces that have enough vectors for a segment, and no coding: another version of the program filled them."""
    rows = connection.execute(
        "SELECT spaces.id FROM spaces JOIN counters ON counters.space = spaces.id"
        " WHERE number >= ? AND spaces.id NOT IN (SELECT space FROM scans)",
        [size],
    )
    return [row[0] for row in rows]


def unchecked(connection: sqlite3.Connection, exact_rows: int) -> dict[int, int]:
    """Spaces of more vectors than are compared one by one that have never been checked, and how many vectors."""
    rows = connection.execute(
        "SELECT scans.space, number FROM scans JOIN counters ON counters.space = scans.space"
        " WHERE number > ? AND rows = 0",
        [exact_rows],
    )
    return dict(rows.fetchall())


def gone(connection: sqlite3.Connection, space: int, after: int) -> tuple[Integers, int, bool]:
    """Vectors deleted since: their row ids (n,), the number to ask after next, and whether all are among them."""
    rows = connection.execute("SELECT id, vector FROM gone WHERE space = ? AND id > ?", [space, after]).fetchall()
    vectors = np.array([row[1] for row in rows], np.int64)
    return vectors[vectors != _FORGOTTEN], max((row[0] for row in rows), default=after), _FORGOTTEN not in vectors


def known(connection: sqlite3.Connection, space: int) -> tuple[list[int], int, int]:
    """The ids of the segments in order, how many vectors they hold, and the last one of these."""
    rows = connection.execute("SELECT id, count, last FROM segments WHERE space = ? ORDER BY last", [space]).fetchall()
    return [row[0] for row in rows], sum(row[1] for row in rows), rows[-1][2] if rows else 0


def load(
    connection: sqlite3.Connection, id_: int, used: Coding, room: Callable[[int], Codes]
) -> tuple[Integers, Integers]:
    """The vectors (n,) of a segment and their chunks (n,); their codes are put into the `room` for so many.

    Where its checksum says that it is damaged, it is made again from the vectors' rows.
    """
    space, first, last, count, checksum, vectors, chunks, size = connection.execute(
        "SELECT space, first, last, count, checksum, vectors, chunks, length(codes) FROM segments WHERE id = ?", [id_]
    ).fetchone()
    if len(vectors) == len(chunks) == 8 * count and size == count * codes.size_of(len(used.centre)):
        found = _checksum(used, vectors, chunks)
        with connection.blobopen("segments", "codes", id_, readonly=True) as blob:
            for part in _parts(room(count)):
                found = _read(blob, part, found)
        if found == checksum:
            return np.frombuffer(vectors, "<i8"), np.frombuffer(chunks, "<i8")
    made = _made(connection, space, first - 1, last, used)
    codes.put(made.codes, room(len(made.vectors)))
    return made.vectors, made.chunks


def rows(
    connection: sqlite3.Connection, space: int, after: int, dimensions: int, last: int | None = None
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Vectors after a row id, up to another: row ids (n,), chunks (n,), numbers (n, d), some thousands at a time."""
    with closing(
        connection.execute(
            # The index holds a space's row ids in order: another space's rows are not read.
            "SELECT id, chunk, vector FROM vectors INDEXED BY vectors_space WHERE space = ? AND id > ? AND id <= ?"
            " ORDER BY id",
            [space, after, (1 << 62) if last is None else last],
        )
    ) as cursor:
        while found := cursor.fetchmany(READ_AT_ONCE):
            ids, chunks = (np.array([row[column] for row in found], np.int64) for column in (0, 1))
            yield ids, chunks, unpack((row[2] for row in found), dimensions)


def _end(connection: sqlite3.Connection, space: int, last: int, size: int) -> int | None:
    """The row id that fills a segment which begins after `last`; None where there are too few."""
    row = connection.execute(
        "SELECT id FROM vectors INDEXED BY vectors_space WHERE space = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?",
        [space, last, size - 1],
    ).fetchone()
    return int(row[0]) if row else None


def _write(connection: sqlite3.Connection, space: int, after: int, last: int) -> None:
    dimensions = number(connection, "SELECT dimensions FROM spaces WHERE id = ?", [space])
    _train(connection, space, dimensions)
    used = coding(connection, space, dimensions)
    made = _made(connection, space, after, last, used)
    forgotten = connection.execute(
        "DELETE FROM gone WHERE space = ? AND vector > ? AND vector <= ?", [space, after, last]
    ).rowcount
    if forgotten:
        connection.execute("DELETE FROM gone WHERE space = ? AND vector = ?", [space, _FORGOTTEN])
        connection.execute("INSERT INTO gone (space, vector) VALUES (?, ?)", [space, _FORGOTTEN])
    if not len(made.vectors):
        return
    vectors, chunks = made.vectors.astype("<i8").tobytes(), made.chunks.astype("<i8").tobytes()
    packed = _packed(made.codes)
    connection.execute(
        "INSERT INTO segments (space, first, last, count, checksum, vectors, chunks, codes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            space,
            after + 1,
            last,
            len(made.vectors),
            _checksum(used, vectors, chunks, packed),
            vectors,
            chunks,
            packed,
        ],
    )


def _train(connection: sqlite3.Connection, space: int, dimensions: int) -> None:
    """Finds the space's coding where it has none: from its vectors, or so many of them, evenly spaced."""
    if connection.execute("SELECT 1 FROM scans WHERE space = ?", [space]).fetchone():
        return
    rows = connection.execute(
        "SELECT id FROM vectors INDEXED BY vectors_space WHERE space = ? ORDER BY id", [space]
    ).fetchall()
    ids = np.array([row[0] for row in rows], np.int64)[:: max(1, len(rows) // TRAINED_WITH)]
    read = []
    for start in range(0, len(ids), READ_AT_ONCE):
        some = ids[start : start + READ_AT_ONCE]
        read += connection.execute(
            f"SELECT vector FROM vectors WHERE id IN ({marks(some)}) ORDER BY id", some.tolist()
        ).fetchall()
    found = codes.train(unpack((row[0] for row in read), dimensions))
    connection.execute(
        "INSERT INTO scans (space, coding, width) VALUES (?, ?, ?)", [space, _numbers(found), USUAL_WIDTH]
    )


def _train_again(connection: sqlite3.Connection, space: int) -> None:
    """Finds the coding anew, and writes all segments with it."""
    known = connection.execute("SELECT id, first, last FROM segments WHERE space = ? ORDER BY last", [space]).fetchall()
    connection.execute("DELETE FROM scans WHERE space = ?", [space])
    for id_, start, last in known:
        connection.execute("DELETE FROM segments WHERE id = ?", [id_])
        _write(connection, space, start - 1, last)


def _count(connection: sqlite3.Connection, space: int) -> int:
    return number(connection, "SELECT count(*) FROM segments WHERE space = ?", [space])


def _made(connection: sqlite3.Connection, space: int, after: int, last: int, used: Coding) -> Segment:
    parts = [
        (ids, chunks, codes.encode(read, used))
        for ids, chunks, read in rows(connection, space, after, len(used.centre), last)
    ]
    if not parts:
        none = np.empty(0, np.int64)
        return Segment(none, none, codes.encode(np.empty((0, len(used.centre)), np.float32), used))
    ids, chunks, made = zip(*parts, strict=True)
    joined = Codes(
        np.concatenate([part.cells for part in made]),
        np.concatenate([part.scales for part in made]),
        np.concatenate([part.signs for part in made], axis=1),
        np.concatenate([part.levels for part in made]),
    )
    return Segment(np.concatenate(ids), np.concatenate(chunks), joined)


def _parts(made: Codes) -> Iterator[NDArray[np.generic]]:
    """The arrays in the order in which they stand in the database."""
    yield from made.signs
    yield from (made.scales, made.cells, made.levels)


def _packed(made: Codes) -> bytes:
    return b"".join(part.astype(part.dtype.newbyteorder("<"), copy=False).tobytes() for part in _parts(made))


def _read(blob: sqlite3.Blob, part: NDArray[np.generic], checksum: int) -> int:
    """Fills an array, which is in one piece, with what comes next; returns the checksum with it."""
    flat, stored = part.reshape(-1), part.dtype.newbyteorder("<")
    step = PIECE // stored.itemsize
    for start in range(0, len(flat), step):
        some = flat[start : start + step]
        piece = blob.read(some.nbytes)
        some[...] = np.frombuffer(piece, stored)
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _numbers(used: Coding) -> bytes:
    return pack(used.centre) + pack(used.points)


def _checksum(used: Coding, *parts: bytes) -> int:
    checksum = zlib.crc32(_numbers(used))
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return checksum
