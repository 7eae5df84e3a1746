"""Four bits a dimension: what is searched instead of the vectors. Pure numpy; knows no database.

What is coded is how a vector stands to the collection's centre: models put all texts into one cone, some into so
narrow a one that plain vectors are all alike. Every vector lies in a cell, the one of CELLS points that is nearest;
the points are found by k-means, with the same result each time, from the vectors that the space began with.

A search looks into the cells near the query. `distances` counts there the signs that differ from the query's, where
the query's numbers are largest: its small ones say little of a product and disturb the count as much. Signs are kept
in plane order: `signs` is uint64[words][n], where `signs[w]` holds the signs of dimensions 64w..64w+63, one word a
vector, so that a scan reads memory in a straight line. `estimates` multiplies the query with the dimensions' levels,
sixteen for each vector's own spread, and corrects the product by two numbers kept beside each vector, as RaBitQ does
(Gao and Long 2024, SIGMOD): what is estimated is the cosine itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.vectors import Floats, Integers

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Distances = NDArray[np.uint8]
Scales = NDArray[np.float16]
Runs = Sequence[tuple[int, int]]
"""Stretches [start, end) of vectors, in order."""

CELLS = 256
PER_CELL = 64
"""At least so many vectors a cell, where the points are found: of fewer vectors there are fewer cells."""
ROUNDS = 12

COUNTED = 0.6
"""The share of a query's numbers, the largest ones, whose signs are counted."""
MOST_COUNTED = 255
"""So that a count fits in a byte."""

LEVELS = 16
LEVEL_ERROR = 0.1
"""What the levels leave out of a vector, as a share of its length: measured .09 to .11 on several collections."""
CLIPPED = 2.7
"""Levels are evenly spaced up to 2.7 times the root mean square of a vector's numbers."""

BLOCK = 8_192
"""Vectors that are scanned at once: their words stay in the second-level cache."""

ESTIMATED_AT_ONCE = 512

SPREAD = 5
"""So many times the variance of the mean direction along the centre: then half of it is taken off queries."""

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Coding:
    """What the codes of a space are made with: its centre (d,) and the cells' points (cells, d), seen from there.

    Vectors have length 1, so the squares of their distances from the mean of some are 1 - |mean|^2 in the mean: this
    gives the cells' `radii` (cells,) and the `radius` of all.
    """

    centre: Floats
    points: Floats
    radii: Floats = field(init=False)
    radius: float = field(init=False)

    def __post_init__(self) -> None:
        means = np.vstack([self.centre, self.centre + self.points])
        radii = np.sqrt(np.maximum(1 - np.vecdot(means, means), TINY)).astype(np.float32)
        object.__setattr__(self, "radius", float(radii[0]))
        object.__setattr__(self, "radii", radii[1:])


@dataclass(frozen=True, slots=True)
class Codes:
    """Of n vectors: cells (n,), scales (n, 2), signs (words, n), levels (n, bytes)."""

    cells: Bytes
    scales: Scales
    signs: Words
    levels: Bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: its signs and which of them count (words,), and its numbers for the two levels in a byte (2, bytes).

    `largest` are its numbers that count, without sign, in units of the root mean square of all; `length` is the
    product of the lengths, its own and that of vectors in the mean; `error` is the deviation of `estimates`;
    `products` are those with the cells' points (cells,).
    """

    signs: Words
    counted: Words
    largest: Floats
    length: float
    weights: Floats
    middle: float
    error: float
    products: Floats


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


def size_of(dimensions: int) -> int:
    """How many bytes the codes of a vector take."""
    return 8 * words_of(dimensions) + bytes_of(dimensions) + 5


def put(made: Codes, room: Codes) -> None:
    """Copies codes to where they belong."""
    room.cells[:], room.scales[:], room.signs[:], room.levels[:] = made.cells, made.scales, made.signs, made.levels


def share_of_centre(sample: Floats, coding: Coding) -> float:
    """How much of the centre is taken off a query before its signs are compared: all where vectors stand in a cone.

    They say what the product with the rest of the query is. What is left out is the part along the centre, which
    matters the more the vectors spread along it, compared with the mean direction.
    """
    along = float((sample @ coding.centre).var()) * len(coding.centre) if len(sample) else 0
    return 1 / (1 + along / max(SPREAD * coding.radius**2 * float(coding.centre @ coding.centre), TINY))


def ask(vector: Floats, coding: Coding, share: float = 1) -> Asked:
    """What a query (d,) is compared with the codes by; `share` is that of the centre, for the signs."""
    seen, signed = vector - coding.centre, vector - np.float32(share) * coding.centre
    half = bytes_of(len(seen))
    high = np.zeros(half, np.float32)
    high[: len(seen) - half] = seen[half:]
    # A byte is first + 16 * second level: with the weights f and s these come to byte * s/16 + first * (f - s/16).
    weights = np.stack([high / np.float32(16), seen[:half] - high / np.float32(16)])
    length, sizes = max(float(np.linalg.norm(signed)), TINY), np.abs(signed)
    most = np.argsort(-sizes)[: min(math.ceil(COUNTED * len(seen)), MOST_COUNTED)]
    counts = np.zeros(len(seen), np.bool_)
    counts[most] = True
    signs, counted = _packed(np.stack([signed > 0, counts])).T
    largest = sizes[most] * np.float32(math.sqrt(len(seen)) / length)
    middle, error = float(seen.sum()) * (LEVELS - 1) / 2, float(np.linalg.norm(seen))
    error *= LEVEL_ERROR * coding.radius / math.sqrt(len(seen))
    return Asked(signs, counted, largest, length * coding.radius, weights, middle, error, coding.points @ vector)


def distances(signs: Words, runs: Runs, asked: Asked) -> Distances:
    """How many of the signs that count differ from the query's, of the vectors in some stretches one after the other.

    On one thread: the steps are too short for a second one, which waits for Python's lock as long as it computes.
    """
    found = np.empty(sum(end - start for start, end in runs), np.uint8)
    wanted, counted = asked.signs[:, None], asked.counted[:, None]
    differing, numbers = np.empty((len(signs), BLOCK), np.uint64), np.empty((len(signs), BLOCK), np.uint8)
    for start, end, at in _blocks(runs):
        bits, counts = differing[:, : end - start], numbers[:, : end - start]
        np.bitwise_xor(signs[:, start:end], wanted, out=bits)
        np.bitwise_and(bits, counted, out=bits)
        np.bitwise_count(bits, out=counts)
        np.add.reduce(counts, axis=0, dtype=np.uint8, out=found[at : at + end - start])
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


def within(asked: Asked, product: float, deviations: float) -> int:
    """Up to how many signs differ of a vector with that product with the query, but for so many deviations.

    The vector's numbers are taken for normally distributed beside its part along the query.
    """
    cosine = min(max(product / asked.length, 0.0), 0.999)
    # 1.702 times as steep, the logistic function is the normal distribution's within .01.
    steepness = 1.702 * cosine / math.sqrt(1 - cosine * cosine)
    # Beyond this the chance is 0 all the same, and 32 bits hold no larger power.
    chances = 1 / (1 + np.exp(np.minimum(np.float32(steepness) * asked.largest, 80)))
    variances = chances * (1 - chances)
    # Since the product is known, what it says of the signs varies no more.
    known = (1.702 * float(variances @ asked.largest)) ** 2 / len(asked.weights[0]) / 2
    return int(chances.sum() + deviations * math.sqrt(max(float(variances.sum()) - known, 0)))


def thresholds(sample: Distances, shares: Sequence[float]) -> list[int]:
    """The distances up to which at least so much (0 to 1) of a sample lies."""
    below = np.cumsum(np.bincount(sample))
    return [int(np.searchsorted(below, min(max(share * len(sample), 1), len(sample)))) for share in shares]


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
