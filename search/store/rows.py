"""Vectors as the database has them, and those in memory that were read last: a hybrid search wants some twice."""

from __future__ import annotations

import sqlite3

import numpy as np

from search.store import segments, statements
from search.vectors import Floats, Integers, unpack

REMEMBERED = 4_096


class Rows:
    """Reads vectors by row id. A row never changes, and its id is never used again."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def read(self, connection: sqlite3.Connection, vectors: Integers, dimensions: int) -> tuple[Integers, Floats]:
        """Row ids, in the order given, and numbers (n, dimensions) of those that are in the database."""
        ids = vectors.tolist()
        found = {id_: row for id_ in ids if (row := self._known.get(id_)) is not None}
        missing = [id_ for id_ in ids if id_ not in found]
        for start in range(0, len(missing), segments.READ_AT_ONCE):
            some = missing[start : start + segments.READ_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found.update(connection.execute(f"SELECT id, vector FROM vectors WHERE id IN ({marks})", some))
        self._remember({id_: found[id_] for id_ in missing if id_ in found})
        there = [id_ for id_ in ids if id_ in found]
        return np.array(there, np.int64), unpack((found[id_] for id_ in there), dimensions)

    def of_chunks(self, connection: sqlite3.Connection, space: int, chunks: Integers, dimensions: int) -> Floats:
        """The numbers of chunks (n,) in a space (n, dimensions); of NaN where one has no vector."""
        numbers = np.full((len(chunks), dimensions), np.nan, np.float32)
        sql = f"SELECT chunk, id FROM vectors WHERE space = ? AND chunk IN ({statements.marks(chunks)})"
        have = dict(connection.execute(sql, [space, *chunks.tolist()]).fetchall())
        places = [place for place, chunk in enumerate(chunks.tolist()) if chunk in have]
        ids = np.array([have[int(chunks[place])] for place in places], np.int64)
        numbers[places] = self.read(connection, ids, dimensions)[1]
        return numbers

    def _remember(self, new: dict[int, bytes]) -> None:
        if len(self._known) + len(new) > REMEMBERED:
            # Searches in other threads may be looking things up: theirs is the old one.
            self._known = {}
        if len(new) <= REMEMBERED:
            self._known.update(new)
