"""The vectors of one space in memory, for ranking. A copy that grows; the database is the truth."""

from __future__ import annotations

import numpy as np

from search.store import EMPTY, Ranking
from search.vectors import Floats, Integers, cosines, top_k

SAMPLE = 500


class Matrix:
    """Unit vectors with their chunk ids, added at the end, removed by id, searched exactly."""

    def __init__(self, dimensions: int) -> None:
        self._ids = np.empty(0, np.int64)
        self._rows = np.empty((0, dimensions), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, ids: Integers, rows: Floats) -> None:
        """Adds vectors (n, d) of chunks (n,)."""
        end = self._count + len(ids)
        if end > len(self._ids):
            room = max(end, len(self._ids) * 3 // 2, 1024)
            self._ids = np.resize(self._ids, room)
            grown = np.empty((room, self._rows.shape[1]), np.float32)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._ids[self._count : end] = ids
        self._rows[self._count : end] = rows
        self._count = end

    def remove(self, ids: Integers) -> None:
        """Forgets the vectors of chunks."""
        keep = ~np.isin(self._ids[: self._count], ids)
        kept = int(keep.sum())
        if kept < self._count:
            self._rows[:kept] = self._rows[: self._count][keep]
            self._ids[:kept] = self._ids[: self._count][keep]
            self._count = kept

    def nearest(self, vector: Floats, count: int, allowed: Integers | None) -> Ranking:
        """The `count` chunks (of `allowed`, where given) with the highest cosine.

        Mean and deviation are taken over a sample of the whole collection, evenly spaced and so the same
        for every query between two changes.
        """
        if not self._count:
            return EMPTY
        ids, rows = self._ids[: self._count], self._rows[: self._count]
        sample = cosines(rows[:: max(1, self._count // SAMPLE)], vector)
        if allowed is not None:
            within = np.flatnonzero(np.isin(ids, allowed))
            ids, rows = ids[within], rows[within]
        scores = cosines(rows, vector)
        best = top_k(scores, count)
        return Ranking(ids[best], scores[best], float(sample.mean()), float(sample.std()))
