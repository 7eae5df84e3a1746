"""Two bits a dimension: what is scanned instead of the vectors. Pure numpy; knows no database.

What is coded is a vector's direction from the collection's centre: models put all texts into one cone, some into so
narrow a one that the signs of plain vectors are all alike. A dimension's first bit is its sign, its second says
whether it is large. Bits are kept in plane order: `planes` is uint64[2 * words][n], where
`planes[w]` holds the signs of dimensions 64w..64w+63 of every vector, one uint64 a vector, and
`planes[words + w]` whether they are large. So a scan reads memory in a straight line.

`distances` counts differing signs, over all vectors and in two thirds of the words, those in which the query has the
most of its length: what the others would tell costs a third of the time. `estimates` weighs both bits with the
query's own numbers in 4 bits (sign and 0..7), as RaBitQ does (Gao and Long 2024, SIGMOD), over few vectors.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from search.vectors import Floats, Integers, unit

Words = NDArray[np.uint64]
Distances = NDArray[np.uint8] | NDArray[np.uint16]

LARGE = 0.98
SMALL_VALUE, LARGE_VALUE = 3, 10
"""The best quantiser of a normal variable in four steps (Max 1960): border 0.98, values 0.45 and 1.51, as 3 to 10."""

QUERY_BITS = 3
CLIPPED = 2.5
"""A query's numbers are quantised up to 2.5 times their root mean square."""

BLOCK = 32_768
"""Vectors that are scanned at once: a block's words (256 kB) stay in the second-level cache."""

SHARED_FROM = 131_072
"""From how many vectors a scan is worth a second thread."""

SUMMED_AT_ONCE = 3
WORDS_IN_A_BYTE = 8
_LARGEST = 255


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's bits: `signs` (words,), and `weights` (QUERY_BITS, words), the bits of its quantised sizes.

    `heavy` are the words in which the query has the most of its length, two thirds of all.
    """

    signs: Words
    weights: Words
    heavy: tuple[int, ...]

    @property
    def words(self) -> tuple[int, ...]:
        """All words."""
        return tuple(range(len(self.signs)))


def encode(rows: Floats, centre: Floats) -> Words:
    """The planes (2 * words, n) of vectors (n, d), seen from the centre (d,)."""
    rows = unit(rows - centre)
    border = np.float32(LARGE / np.sqrt(rows.shape[1]))
    return np.concatenate([_packed(rows > 0), _packed(np.abs(rows) > border)])


def planes_of(dimensions: int) -> int:
    """How many planes vectors of so many dimensions have."""
    return 2 * -(-dimensions // 64)


def ask(vector: Floats, centre: Floats) -> Asked:
    """The bits of a query (d,), seen from the centre (d,)."""
    vector = vector - centre
    levels = (1 << QUERY_BITS) - 1
    size = max(float(np.sqrt(np.mean(np.square(vector)))), 1e-30)
    sizes = np.minimum(np.rint(np.abs(vector) * (levels / (CLIPPED * size))), levels).astype(np.uint8)
    bits = (sizes[None, :] >> np.arange(QUERY_BITS, dtype=np.uint8)[:, None]) & 1
    lengths = np.add.reduceat(np.square(vector), np.arange(0, len(vector), 64))
    heavy = np.argsort(-lengths, kind="stable")[: -(-2 * len(lengths) // 3)]
    return Asked(_packed(vector[None, :] > 0)[:, 0], _packed(bits.astype(bool)).T.copy(), tuple(heavy.tolist()))


def distances(planes: Words, count: int, asked: Asked, words: tuple[int, ...]) -> Distances:
    """How many signs of each of the first `count` vectors differ from the query's, in some words.

    Of up to eight words 255 stands for more: half of the signs differ by chance, so these are none of the nearest.
    On two threads where there are many vectors, a second core, and nobody else scans.
    """
    in_bytes = len(words) <= WORDS_IN_A_BYTE
    found: Distances = np.empty(count, np.uint8) if in_bytes else np.empty(count, np.uint16)
    scan = partial(_scan, planes, asked, words, found)
    if count >= SHARED_FROM and _SECOND is not None and _IDLE.acquire(blocking=False):
        try:
            half = count // 2 // BLOCK * BLOCK
            other = _SECOND.submit(scan, range(half, count, BLOCK))
            scan(range(0, half, BLOCK))
            other.result()
        finally:
            _IDLE.release()
    else:
        scan(range(0, count, BLOCK))
    return found


def gather(planes: Words, positions: Integers, words: tuple[int, ...] | None = None) -> Words:
    """The planes of some vectors: all of them, or the signs in some words, at the words' own places."""
    found = np.empty((len(planes) if words is None else len(planes) // 2, len(positions)), np.uint64)
    for plane in range(len(planes)) if words is None else words:
        np.take(planes[plane], positions, out=found[plane], mode="clip")
    return found


def estimates(planes: Words, asked: Asked) -> Floats:
    """What orders vectors nearly as their cosine with the query does: higher is nearer. No unit."""
    words, n = len(asked.signs), planes.shape[1]
    agreeing, agreeing_large, large = (np.zeros((QUERY_BITS, n), np.uint16) for _ in range(3))
    for word in range(words):
        agree = ~(planes[word] ^ asked.signs[word])
        is_large = planes[words + word]
        both = agree & is_large
        for bit in range(QUERY_BITS):
            weight = asked.weights[bit, word]
            agreeing[bit] += np.bitwise_count(agree & weight)
            agreeing_large[bit] += np.bitwise_count(both & weight)
            large[bit] += np.bitwise_count(is_large & weight)
    worth = 2.0 ** np.arange(QUERY_BITS)
    step = LARGE_VALUE - SMALL_VALUE
    scores: Floats = (worth @ agreeing * (2 * SMALL_VALUE) + worth @ (2.0 * agreeing_large - large) * step).astype(
        np.float32
    )
    return scores


def threshold(sample: Distances, share: float) -> int:
    """The distance up to which at least `share` (0 to 1) of a sample lies."""
    below = np.cumsum(np.bincount(sample))
    return int(np.searchsorted(below, min(max(share * len(sample), 1), len(sample))))


def _packed(bits: NDArray[np.bool_]) -> Words:
    """Bits (n, d) as words (ceil(d / 64), n); what is missing of the last word is 0."""
    n, d = bits.shape
    whole = np.zeros((n, -(-d // 64) * 8), np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    whole[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(whole.view("<u8").astype(np.uint64, copy=False).T)


def _scan(planes: Words, asked: Asked, words: tuple[int, ...], found: Distances, block: range) -> None:
    differing, counted = np.empty(BLOCK, np.uint64), np.empty((2, BLOCK), np.uint8)
    for low in block:
        high = min(low + BLOCK, block.stop)
        bits, (group, one) = differing[: high - low], counted[:, : high - low]
        for first in range(0, len(words), SUMMED_AT_ONCE):
            for place, word in enumerate(words[first : first + SUMMED_AT_ONCE]):
                np.bitwise_xor(planes[word, low:high], asked.signs[word], out=bits)
                np.bitwise_count(bits, out=one if place else group)
                if place:
                    np.add(group, one, out=group)
            _sum(found[low:high], group, one, is_first=first == 0)


def _sum(total: Distances, group: NDArray[np.uint8], spare: NDArray[np.uint8], *, is_first: bool) -> None:
    """total += group, stopping at 255 where total is of bytes."""
    if is_first:
        total[:] = group
    elif total.dtype == np.uint8:
        np.subtract(np.uint8(_LARGEST), total, out=spare)
        np.minimum(group, spare, out=group)
        np.add(total, group, out=total)
    else:
        np.add(total, group, out=total)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_SECOND = ThreadPoolExecutor(1, "scan") if _cores() > 1 else None
_IDLE = threading.Lock()
