"""The keyword index in SQLite: which chunk holds which term how often. Derived from the chunks, in their transaction.

A new chunk's terms wait in one row of `keyword_pending`, by chunk. When enough wait they are folded, by term, into the
segment that their ids belong to, as two BLOBs: slots in the segment and counts. A chunk that goes leaves its length at
0, and a segment of mostly gone chunks is cleared of them. In words: data/corpus/storage-format.md.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from search import keywords
from search.vectors import Integers

SLOTS = 65_536
"""Chunk ids in a segment: a slot fits 16 bits."""

PENDING = 4_096
"""So many ids wait at most; then they are folded."""

REBUILD_BATCH = 1_000
MOST = 65_535

TERM = np.dtype("<i8")
SLOT = np.dtype("<u2")
COUNT = np.dtype("u1")
LENGTH = np.dtype("<u2")


@lru_cache(1 << 16)
def key(term: str) -> int:
    """What the index knows a term by: the first 8 bytes of its BLAKE2b hash, as a signed integer.

    With ten million terms, the chance that any two of them share a key is 3 in a million.
    """
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little", signed=True)


def insert(connection: sqlite3.Connection, id_: int, heading: Sequence[str], context: str, text: str) -> None:
    """Adds a chunk, whose id is higher than all before."""
    analysis = keywords.analyse("\n".join((*heading, context, text)))
    terms = np.array([key(term) for term in analysis.counts], TERM)
    counts = np.minimum(np.array(list(analysis.counts.values()), np.int64), 255).astype(COUNT)
    connection.execute(
        "INSERT INTO keyword_pending (chunk, length, language, terms, counts) VALUES (?, ?, ?, ?, ?)",
        [id_, min(max(analysis.length, 1), MOST), analysis.language, terms.tobytes(), counts.tobytes()],
    )


def remove(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Takes chunks out."""
    touched = set()
    for id_ in ids:
        if connection.execute("DELETE FROM keyword_pending WHERE chunk = ?", [id_]).rowcount:
            continue
        segment, slot = divmod(id_, SLOTS)
        with connection.blobopen("keyword_segments", "lengths", segment) as lengths:
            lengths.seek(slot * LENGTH.itemsize)
            lengths.write(bytes(LENGTH.itemsize))
        touched.add(segment)
    for segment in touched:
        _clear(connection, segment)


def settle(connection: sqlite3.Connection) -> None:
    """Folds what waits, where it is enough."""
    first, last = connection.execute(
        "SELECT (SELECT min(chunk) FROM keyword_pending), (SELECT max(chunk) FROM keyword_pending)"
    ).fetchone()
    if first is not None and last - first >= PENDING:
        _fold(connection)


def stale(connection: sqlite3.Connection) -> bool:
    """Whether the index was made by another analysis, or never."""
    (made_by,) = connection.execute("SELECT analysis FROM keyword_analysis").fetchone()
    return bool(made_by != keywords.ANALYSIS)


def rebuild(connection: sqlite3.Connection) -> None:
    """Makes the index anew from the chunks."""
    for table in ("keyword_pending", "keyword_segments", "keyword_postings"):
        connection.execute(f"DELETE FROM {table}")
    last = 0
    while rows := connection.execute(
        "SELECT id, heading, context, text FROM chunks WHERE id > ? ORDER BY id LIMIT ?", [last, REBUILD_BATCH]
    ).fetchall():
        for id_, heading, context, text in rows:
            insert(connection, id_, json.loads(heading), context, text)
        settle(connection)
        last = rows[-1][0]
    connection.execute("UPDATE keyword_analysis SET analysis = ?", [keywords.ANALYSIS])


def _fold(connection: sqlite3.Connection) -> None:
    """Moves all that waits into its segments."""
    rows = connection.execute(
        "SELECT chunk, length, language, terms, counts FROM keyword_pending ORDER BY chunk"
    ).fetchall()
    segments = np.array([row[0] // SLOTS for row in rows])
    for segment in np.unique(segments).tolist():
        own = [row for row in rows if row[0] // SLOTS == segment]
        slots = np.array([row[0] % SLOTS for row in own], np.int64)
        _note_lengths(connection, segment, slots, [row[1] for row in own], {row[2] for row in own})
        counts = [np.frombuffer(row[4], COUNT) for row in own]
        _append(
            connection,
            segment,
            np.frombuffer(b"".join(row[3] for row in own), TERM),
            np.repeat(slots, [len(some) for some in counts]).astype(SLOT),
            np.concatenate(counts),
        )
    connection.execute("DELETE FROM keyword_pending")


def _note_lengths(
    connection: sqlite3.Connection, segment: int, slots: Integers, values: list[int], languages: set[str]
) -> None:
    row = connection.execute(
        "SELECT folded, languages, lengths FROM keyword_segments WHERE id = ?", [segment]
    ).fetchone() or (0, "", bytes(SLOTS * LENGTH.itemsize))
    lengths = np.frombuffer(row[2], LENGTH).copy()
    lengths[slots] = values
    connection.execute(
        "INSERT OR REPLACE INTO keyword_segments (id, folded, languages, lengths) VALUES (?, ?, ?, ?)",
        [segment, row[0] + len(slots), " ".join(sorted({*row[1].split(), *languages})), lengths.tobytes()],
    )


def _append(
    connection: sqlite3.Connection,
    segment: int,
    terms: Integers,
    slots: NDArray[np.uint16],
    counts: NDArray[np.uint8],
) -> None:
    """Appends postings, whose slots are higher than all before, to each term's."""
    order = np.argsort(terms, kind="stable")
    terms, slots, counts = terms[order], slots[order], counts[order]
    starts = np.flatnonzero(np.diff(terms, prepend=terms[:1] - 1))
    ends = np.append(starts[1:], len(terms))
    connection.executemany(
        # || keeps the bytes of BLOBs but calls them text.
        "INSERT INTO keyword_postings (segment, term, slots, counts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (segment, term) DO UPDATE SET slots = CAST(slots || excluded.slots AS BLOB),"
        " counts = CAST(counts || excluded.counts AS BLOB)",
        (
            (segment, term, slots[start:end].tobytes(), counts[start:end].tobytes())
            for term, start, end in zip(terms[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)
        ),
    )


def _clear(connection: sqlite3.Connection, segment: int) -> None:
    """Rewrites a segment without the chunks that are gone, where these are more than those that are left."""
    folded, blob = connection.execute("SELECT folded, lengths FROM keyword_segments WHERE id = ?", [segment]).fetchone()
    there = np.frombuffer(blob, LENGTH) > 0
    left = int(there.sum())
    if folded <= 2 * left:
        return
    rows = connection.execute(
        "SELECT term, slots, counts FROM keyword_postings WHERE segment = ?", [segment]
    ).fetchall()
    connection.execute("DELETE FROM keyword_postings WHERE segment = ?", [segment])
    connection.executemany(
        "INSERT INTO keyword_postings (segment, term, slots, counts) VALUES (?, ?, ?, ?)",
        ((segment, term, *kept) for term, *both in rows if any(kept := _only(there, *both))),
    )
    if left:
        connection.execute("UPDATE keyword_segments SET folded = ? WHERE id = ?", [left, segment])
    else:
        connection.execute("DELETE FROM keyword_segments WHERE id = ?", [segment])


def _only(there: NDArray[np.bool_], slots: bytes, counts: bytes) -> tuple[bytes, bytes]:
    """The postings of chunks that are there."""
    kept = there[np.frombuffer(slots, SLOT)]
    return np.frombuffer(slots, SLOT)[kept].tobytes(), np.frombuffer(counts, COUNT)[kept].tobytes()
