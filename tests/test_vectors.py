"""Vectors: packed and unpacked whole, scaled to length 1, and the top k exactly as a full sort gives it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search import vectors

finite = st.floats(-1, 1, width=32)


@given(arrays(np.float32, (3, 5), elements=finite))
def test_packing_loses_nothing(matrix: vectors.Floats) -> None:
    """What is stored is read back bit for bit."""
    assert np.array_equal(vectors.unpack([vectors.pack(row) for row in matrix], 5), matrix)


def test_bytes_are_little_endian_float32() -> None:
    """The format on disk is the same on every machine."""
    assert vectors.pack(np.array([1.0, -2.0], np.float32)) == bytes.fromhex("0000803f000000c0")


def test_a_blob_of_another_size_is_refused() -> None:
    """A vector of other dimensions cannot slip into a matrix."""
    with pytest.raises(ValueError, match="reshape"):
        vectors.unpack([b"\0" * 12], 4)


def test_rows_become_unit_length_and_zeros_stay() -> None:
    """A row of zeros has no direction and gets none."""
    made = vectors.unit(np.array([[3, 4], [0, 0]], np.float32))
    assert np.allclose(made, [[0.6, 0.8], [0, 0]])


@given(st.lists(st.integers(-3, 3), max_size=30))
def test_distinct_numbers_are_those_of_a_set(numbers: list[int]) -> None:
    """Each once, ascending."""
    assert vectors.distinct(np.array(numbers, np.int64)).tolist() == sorted(set(numbers))


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(1, 40))
def test_top_k_is_what_a_stable_sort_gives(numbers: list[int], k: int) -> None:
    """Ties go to the earlier row, however many there are."""
    scores = np.array(numbers, np.float32)
    expected = sorted(range(len(numbers)), key=lambda i: (-numbers[i], i))[:k]
    assert vectors.top_k(scores, k).tolist() == expected
