"""Vectors as numpy arrays: pack, unit length, top k. Pure; knows no store and no model.

On disk a vector is its float32 numbers, little-endian, in order, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def pack(vector: Floats) -> bytes:
    """A vector as bytes: float32, little-endian."""
    return vector.astype("<f4", copy=False).tobytes()


def unpack(blobs: Iterable[bytes], dimensions: int) -> Floats:
    """Packed vectors as a matrix (n, dimensions). Raises ValueError where a blob has another size."""
    matrix = np.frombuffer(b"".join(blobs), dtype="<f4").astype(np.float32, copy=False)
    return matrix.reshape(-1, dimensions)


def unit(matrix: Floats) -> Floats:
    """The rows (n, d) scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(matrix, axis=-1, keepdims=True)
    return (matrix / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)


def distinct(numbers: Integers) -> Integers:
    """Each of the numbers (n,) once, ascending.

    np.unique does the same, and imports numpy.ma for it, which takes longer than a search.
    """
    ordered = np.sort(numbers)
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_new]


def cosines(matrix: Floats, query: Floats) -> Floats:
    """Cosine of each unit row (n, d) with a unit query (d,).

    `np.vecdot` reads memory at its full speed, where `matrix @ query` (OpenBLAS sgemv) reads at half of it.
    """
    return np.asarray(np.vecdot(matrix, query), dtype=np.float32)


def top_k(scores: Floats, k: int) -> Integers:
    """Positions of the k highest scores, best first; equal scores in order of position."""
    if k >= len(scores):
        chosen = np.arange(len(scores))
    else:
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > threshold)
        ties = np.flatnonzero(scores == threshold)[: k - len(above)]
        chosen = np.sort(np.concatenate([above, ties]))
    return chosen[np.argsort(-scores[chosen], kind="stable")].astype(np.int64, copy=False)
