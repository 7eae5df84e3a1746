"""Which of the vectors held as codes are worth their exact cosine with a query: by cells, then signs, then levels.

How many these are is not fixed. A first look, into the cells nearest to the query, shows what is reached there; from
then on each stage keeps what may reach that too, unless it were by more than so many standard deviations (`width`)
nearer than the stage sees it. So a query to which some vectors are near looks at few, and one that is far from all at
many. What is reached is measured as `codes.estimates` does: the product with the query, less that of the centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.store import codes, held
from search.store.codes import Asked, Coding, Distances, Runs
from search.store.held import Coded, Held, Within
from search.vectors import Floats, Integers, distinct, top_k

NEAREST = 10
"""The width is for so many of the nearest. For each that is asked beyond these, a stage keeps a fixed number."""

UNIT = 10
"""Widths are in tenths of standard deviations."""
TOWARDS = 0.15
"""The deviation of what a cell's vectors have of the query's direction, as a share of their distance to its point."""

BEGUN, TRIED = 8, 256
"""The first look is into the cells with an eighth of the vectors, and at the levels of 256 of these."""
LEVELS_ALONE = 2_048
"""Of so few, signs are not looked at, and so many more are kept by them."""
MOST_BY_SIGNS, MOST_BY_LEVELS = 1 / 48, 3
"""For each deviation: at most a 48th of all is kept by signs, and three times what is wanted by levels."""

HISTOGRAM = 8_192
GAP = 512
"""So many vectors between two cells are scanned too: that takes less than to begin anew."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """Vectors whose signs were compared: stretches of them, and how many signs differ, one after the other."""

    runs: Runs
    differing: Distances

    def places(self, limit: int) -> Integers:
        """Where those are of which no more differ."""
        positions = np.flatnonzero(self.differing <= limit)
        starts = np.array([start for start, _ in self.runs], np.int64)
        ends = np.cumsum([end - start for start, end in self.runs], dtype=np.int64)
        run = np.searchsorted(ends, positions, side="right")
        places: Integers = positions + (starts - np.append(0, ends[:-1]))[run]
        return places


@dataclass(frozen=True, slots=True)
class Look:
    """A query at the `rows` vectors that may be found; where each cell of these begins and ends."""

    coded: Coded
    coding: Coding
    asked: Asked
    limits: Within | None
    rows: int
    starts: Integers
    ends: Integers

    def by_signs(self, count: int, width: int) -> Integers:
        """The vectors, as they came, that may be among the `count` nearest by their cells and signs."""
        if self.limits is not None and self.rows <= LEVELS_ALONE:
            places = np.flatnonzero(self.limits.mask) if self.limits.places is None else self.limits.places
            return self.coded.order[places].astype(np.int64)
        deviations = width / UNIT
        best = self.asked.products + np.float32(TOWARDS * deviations) * self.coding.radii
        nearest = np.argsort(-best)
        sizes = np.cumsum((self.ends - self.starts)[nearest])
        begun = nearest[: 1 + np.searchsorted(sizes, max(self.rows // BEGUN, 100 * count))]
        scans = [self._scan(np.append(begun, len(nearest)))]
        reached = _nth(self._estimates(self._vectors(scans, _limits(scans, (TRIED,))[0])), min(count, NEAREST))
        may = best >= reached
        may[begun] = False
        scans.append(self._scan(np.flatnonzero(may)))
        most = int(MOST_BY_SIGNS * deviations * self.rows) + LEVELS_ALONE
        least, most = _limits(scans, (25 * count, most + 25 * count))
        return self._vectors(scans, min(max(codes.within(self.asked, reached, deviations), least), most))

    def by_levels(self, vectors: Integers, count: int, width: int) -> Integers:
        """Those of the vectors, as they came, that may be among the `count` nearest by their levels."""
        wanted = max(count, NEAREST)
        if len(vectors) <= wanted:
            return vectors
        near = self._estimates(vectors)
        reached = _nth(near, min(count, NEAREST)) - np.float32(width / UNIT * self.asked.error)
        least, most = 5 * count // 4, int(MOST_BY_LEVELS * width / UNIT * wanted)
        return vectors[top_k(near, min(max(int(np.count_nonzero(near >= reached)), least), most))]

    def _scan(self, cells: Integers) -> _Scan:
        """The vectors of some cells; of those that may not be found, more signs differ than any limit lets pass."""
        few = None if self.limits is None else self.limits.places
        runs = held.joined(self.starts, self.ends, np.sort(cells), GAP if few is None else 0)
        if few is not None:
            signs = self.coded.signs[:, np.concatenate([few[:0], *(few[start:end] for start, end in runs)])]
            return _Scan(runs, codes.distances(signs, [(0, signs.shape[1])], self.asked))
        differing = codes.distances(self.coded.signs, runs, self.asked)
        if self.limits is not None and runs:
            differing[~np.concatenate([self.limits.mask[start:end] for start, end in runs])] = codes.MOST_COUNTED
        return _Scan(runs, differing)

    def _vectors(self, scans: Sequence[_Scan], limit: int) -> Integers:
        """The vectors, as they came, of which no more signs differ."""
        places = distinct(np.concatenate([scan.places(min(limit, codes.MOST_COUNTED - 1)) for scan in scans]))
        if self.limits is not None and self.limits.places is not None:
            places = self.limits.places[places]
        return self.coded.order[places].astype(np.int64)

    def _estimates(self, vectors: Integers) -> Floats:
        return codes.estimates(self.coded.levels, self.coded.scales, vectors, self.asked)


def look(known: Held, vector: Floats, limits: Within | None) -> Look:
    """A query (d,) at what is held as codes."""
    assert known.coded is not None
    asked = codes.ask(vector, known.coding, known.share)
    rows = known.count if limits is None else limits.count
    return Look(known.coded, known.coding, asked, limits, rows, *held.cells_of(known, known.coded, limits))


def _limits(scans: Sequence[_Scan], numbers: Sequence[int]) -> list[int]:
    """The limits by which about so many are kept."""
    count = sum(len(scan.differing) for scan in scans)
    step = max(1, count // HISTOGRAM)
    sample = np.concatenate([scan.differing[::step] for scan in scans])
    return codes.thresholds(sample, [number / max(count, 1) for number in numbers])


def _nth(scores: Floats, n: int) -> float:
    """The n-th highest score; below all where there are fewer."""
    return -np.inf if len(scores) < n else float(np.partition(scores, len(scores) - n)[len(scores) - n])
