"""Four bits a dimension: what is searched instead of the vectors. Pure numpy; knows no database.

What is coded is how a vector stands to the collection's centre: models put all texts into one cone, some into so
narrow a one that plain vectors are all alike. Every vector lies in a cell, the one of CELLS points that is nearest;
the points are found by k-means, with the same result each time, from the vectors that the space began with.

A search looks into the cells near the query. `distances` counts there the signs that differ from the query's. They
are kept in plane order: `signs` is uint64[words][n], where `signs[w]` holds the signs of dimensions 64w..64w+63, one
word a vector, so that a scan reads memory in a straight line. `estimates` multiplies the query with the dimensions'
levels, sixteen for each vector's own spread, and corrects the product by two numbers kept beside each vector, as
RaBitQ does (Gao and Long 2024, SIGMOD): what is estimated is the cosine itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from search.vectors import Floats, Integers

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Distances = NDArray[np.uint16]
Scales = NDArray[np.float16]
Runs = Sequence[tuple[int, int]]
"""Stretches [start, end) of vectors, in order."""

CELLS = 256
PER_CELL = 64
"""At least so many vectors a cell, where the points are found: of fewer vectors there are fewer cells."""
ROUNDS = 12

BURDEN = 0.35
"""How near a cell is: the product of its point with the query, less so much of the square of the point's length.

Half would be the order of distances, nothing that of products; in between the nearest are found in the fewest cells.
"""

LEVELS = 16
CLIPPED = 2.7
"""Levels are evenly spaced up to 2.7 times the root mean square of a vector's numbers."""

BLOCK = 8_192
"""Vectors that are scanned at once: their words stay in the second-level cache."""

ESTIMATED_AT_ONCE = 512

SHARED_FROM = 65_536
"""From how many vectors a scan is worth a second thread."""


@dataclass(frozen=True, slots=True)
class Coding:
    """What the codes of a space are made with: its centre (d,) and the cells' points (cells, d), seen from there."""

    centre: Floats
    points: Floats


@dataclass(frozen=True, slots=True)
class Codes:
    """Of n vectors: cells (n,), scales (n, 2), signs (words, n), levels (n, bytes)."""

    cells: Bytes
    scales: Scales
    signs: Words
    levels: Bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: its signs (words,), its numbers for the two levels in a byte (2, bytes), and how near each cell is."""

    signs: Words
    weights: Floats
    middle: float
    nearness: Floats


def train(rows: Floats) -> Coding:
    """The coding for vectors like these (n, d)."""
    centre = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    seen = rows - centre
    count = max(1, min(CELLS, len(rows) // PER_CELL))
    points = seen[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    for _ in range(ROUNDS):
        cells = _nearest(seen, points)
        order = np.argsort(cells, kind="stable")
        filled, starts, sizes = np.unique(cells[order], return_index=True, return_counts=True)
        points[filled] = np.add.reduceat(seen[order], starts, axis=0) / sizes[:, None].astype(np.float32)
    return Coding(centre, points)


def untrained(dimensions: int) -> Coding:
    """The coding of a space that has too few vectors for one of its own: one cell."""
    return Coding(np.zeros(dimensions, np.float32), np.zeros((1, dimensions), np.float32))


def encode(rows: Floats, coding: Coding) -> Codes:
    """The codes of unit vectors (n, d)."""
    seen = rows - coding.centre
    lengths = np.linalg.norm(seen, axis=1)
    steps = np.maximum(lengths * np.float32(2 * CLIPPED / LEVELS / np.sqrt(rows.shape[1])), 1e-30)
    levels = np.clip(np.floor(seen / steps[:, None]) + LEVELS // 2, 0, LEVELS - 1).astype(np.float32)
    along = np.maximum(np.vecdot(levels - np.float32((LEVELS - 1) / 2), seen), 1e-30)
    scales = np.stack([np.square(lengths) / along, seen @ coding.centre], axis=1).astype(np.float16)
    half = bytes_of(rows.shape[1])
    packed = levels[:, :half].astype(np.uint8)
    packed[:, : rows.shape[1] - half] |= levels[:, half:].astype(np.uint8) << 4
    return Codes(_nearest(seen, coding.points), scales, _packed(seen > 0), packed)


def words_of(dimensions: int) -> int:
    """How many words the signs of a vector take."""
    return -(-dimensions // 64)


def bytes_of(dimensions: int) -> int:
    """How many bytes the levels of a vector take: the low four bits hold the first half of the dimensions."""
    return -(-dimensions // 2)


def ask(vector: Floats, coding: Coding) -> Asked:
    """What a query (d,) is compared with the codes by."""
    seen = vector - coding.centre
    half = bytes_of(len(seen))
    high = np.zeros(half, np.float32)
    high[: len(seen) - half] = seen[half:]
    # A byte is first + 16 * second level: with the weights f and s these come to byte * s/16 + first * (f - s/16).
    weights = np.stack([high / np.float32(16), seen[:half] - high / np.float32(16)])
    nearness: Floats = coding.points @ seen - np.float32(BURDEN) * np.vecdot(coding.points, coding.points)
    return Asked(_packed(seen[None, :] > 0)[:, 0], weights, float(seen.sum()) * (LEVELS - 1) / 2, nearness)


def distances(signs: Words, runs: Runs, asked: Asked) -> Distances:
    """How many signs of the vectors in some stretches, one after the other, differ from the query's.

    On two threads where there are many vectors, a second core, and nobody else scans.
    """
    count = sum(end - start for start, end in runs)
    found = np.empty(count, np.uint16)
    scan = partial(_scan, signs, asked, found)
    if count >= SHARED_FROM and _SECOND is not None and _IDLE.acquire(blocking=False):
        try:
            blocks = _blocks(runs)
            half = len(blocks) // 2
            other = _SECOND.submit(scan, blocks[half:])
            scan(blocks[:half])
            other.result()
        finally:
            _IDLE.release()
    else:
        scan(_blocks(runs))
    return found


def estimates(levels: Bytes, scales: Scales, positions: Integers, asked: Asked) -> Floats:
    """What the cosines of some vectors are, but for what is the same for all of them, and for the codes' error."""
    found = np.empty(len(positions), np.float32)
    numbers = np.empty((ESTIMATED_AT_ONCE, levels.shape[1]), np.float32)
    for start in range(0, len(positions), ESTIMATED_AT_ONCE):
        part = slice(start, start + ESTIMATED_AT_ONCE)
        both = levels.take(positions[part], axis=0, mode="clip")
        some = numbers[: len(both)]
        some[...] = both
        found[part] = some @ asked.weights[0]
        some[...] = both & (LEVELS - 1)
        found[part] += some @ asked.weights[1]
    scale, along_centre = scales.take(positions, axis=0, mode="clip").T.astype(np.float32)
    estimated: Floats = (found - np.float32(asked.middle)) * scale + along_centre
    return estimated


def threshold(sample: Distances, share: float) -> int:
    """The distance up to which at least `share` (0 to 1) of a sample lies."""
    below = np.cumsum(np.bincount(sample))
    return int(np.searchsorted(below, min(max(share * len(sample), 1), len(sample))))


def _nearest(seen: Floats, points: Floats) -> Bytes:
    """The nearest point of each vector."""
    nearest: Bytes = np.argmax(seen @ points.T - np.vecdot(points, points) / 2, axis=1).astype(np.uint8)
    return nearest


def _packed(bits: NDArray[np.bool_]) -> Words:
    """Bits (n, d) as words (ceil(d / 64), n); what is missing of the last word is 0."""
    n, d = bits.shape
    whole = np.zeros((n, words_of(d) * 8), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    whole[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(whole.view("<u8").astype(np.uint64, copy=False).T)


def _blocks(runs: Runs) -> list[tuple[int, int, int]]:
    """Stretches of at most BLOCK vectors: where each starts and ends, and where its distances go."""
    found, at = [], 0
    for first, last in runs:
        for start in range(first, last, BLOCK):
            end = min(start + BLOCK, last)
            found.append((start, end, at))
            at += end - start
    return found


def _scan(signs: Words, asked: Asked, found: Distances, blocks: Sequence[tuple[int, int, int]]) -> None:
    wanted = asked.signs[:, None]
    differing, counted = np.empty((len(signs), BLOCK), np.uint64), np.empty((len(signs), BLOCK), np.uint8)
    for start, end, at in blocks:
        bits, counts = differing[:, : end - start], counted[:, : end - start]
        np.bitwise_xor(signs[:, start:end], wanted, out=bits)
        np.bitwise_count(bits, out=counts)
        np.add.reduce(counts, axis=0, dtype=np.uint16, out=found[at : at + end - start])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_SECOND = ThreadPoolExecutor(1, "scan") if _cores() > 1 else None
_IDLE = threading.Lock()
