"""Two bits a dimension: what they keep of a vector, and that scanning them is counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.store import codes
from search.vectors import Floats, unit

ORIGIN = np.zeros(1_100, np.float32)


def vectors(count: int, dimensions: int, seed: int = 0) -> Floats:
    return unit(np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32))


@settings(max_examples=30, deadline=None)
@given(dimensions=st.integers(1, 1100), count=st.integers(1, 300), seed=st.integers(0, 99))
def test_distances_count_the_signs_that_differ(dimensions: int, count: int, seed: int) -> None:
    """Whatever the dimensions; up to 512 of them, counts stop at 255."""
    rows, query = vectors(count, dimensions, seed), vectors(1, dimensions, seed + 100)[0]
    asked = codes.ask(query, ORIGIN[:dimensions])
    found = codes.distances(codes.encode(rows, ORIGIN[:dimensions]), count, asked, asked.words)
    expected = ((rows > 0) != (query > 0)).sum(axis=1)
    assert found.tolist() == (np.minimum(expected, 255) if dimensions <= 512 else expected).tolist()


def test_opposite_vectors_do_not_wrap_around_to_near_ones() -> None:
    """384 signs differ: more than a byte holds."""
    query = vectors(1, 384)[0]
    asked = codes.ask(query, ORIGIN[:384])
    found = codes.distances(codes.encode(np.stack([query, -query]), ORIGIN[:384]), 2, asked, asked.words)
    assert found.tolist() == [0, 255]


def test_two_threads_count_as_one_does() -> None:
    """Over the size from which a scan is shared."""
    count = codes.SHARED_FROM + 12_345
    planes = np.random.default_rng(0).integers(0, 2**63, (2, count), dtype=np.uint64)
    asked = codes.ask(vectors(1, 64)[0], ORIGIN[:64])
    expected = np.bitwise_count(planes[0] ^ asked.signs[0])
    assert (codes.distances(planes, count, asked, asked.words) == expected).all()


def test_the_heavy_words_are_where_the_query_is_long() -> None:
    """Two thirds of them; gathering keeps each at its place."""
    query = vectors(1, 300)[0] * np.repeat([1, 5, 2, 9, 3], [64, 64, 64, 64, 44])
    asked = codes.ask(query, ORIGIN[:300])
    assert asked.heavy[:2] == (3, 1)
    assert len(asked.heavy) == 4
    planes = codes.encode(vectors(50, 300), ORIGIN[:300])
    some = codes.gather(planes, np.array([4, 7]), asked.heavy)
    assert (
        codes.distances(some, 2, asked, asked.heavy) == codes.distances(planes, 50, asked, asked.heavy)[[4, 7]]
    ).all()


def test_estimates_are_the_products_with_the_quantised_numbers() -> None:
    """The sums of bit counts are what multiplying out would give, up to a constant."""
    rows, query = vectors(200, 100), vectors(1, 100, 1)[0]
    border = codes.LARGE / np.sqrt(100)
    quantised = np.sign(rows) * np.where(np.abs(rows) > border, codes.LARGE_VALUE, codes.SMALL_VALUE)
    sizes = np.minimum(np.rint(np.abs(query) * 7 / (codes.CLIPPED * np.sqrt(np.mean(query**2)))), 7)
    exact = quantised @ (np.sign(query) * sizes)
    found = codes.estimates(codes.encode(rows, ORIGIN[: rows.shape[1]]), codes.ask(query, ORIGIN[: len(query)]))
    assert np.ptp(found - exact) < 1e-3


@pytest.mark.parametrize("dimensions", [384, 768, 1024])
def test_estimates_order_as_cosines_do(dimensions: int) -> None:
    """Both bits tell more than the signs alone."""
    rows, query = vectors(2_000, dimensions), vectors(1, dimensions, 1)[0]
    exact, planes, asked = (
        rows @ query,
        codes.encode(rows, ORIGIN[: rows.shape[1]]),
        codes.ask(query, ORIGIN[: len(query)]),
    )
    by_signs = np.corrcoef(exact, -codes.distances(planes, 2_000, asked, asked.words).astype(float))[0, 1]
    by_both = np.corrcoef(exact, codes.estimates(planes, asked))[0, 1]
    assert by_both > 0.9 > by_signs > 0.5


def test_a_narrow_cone_is_seen_from_its_middle() -> None:
    """All signs are the same until the centre is taken off."""
    cone = unit(vectors(2_000, 384) + 20 * vectors(1, 384, 1))
    query, centre = unit(vectors(1, 384, 2)[0] + 20 * vectors(1, 384, 1)[0]), cone.mean(axis=0)
    plain, centred = (
        np.corrcoef(cone @ query, codes.estimates(codes.encode(cone, origin), codes.ask(query, origin)))[0, 1]
        for origin in (ORIGIN[:384], centre)
    )
    assert centred > 0.8 > 2 * plain


def test_a_threshold_lets_through_the_share_wanted() -> None:
    """At least that, and all where all are wanted."""
    sample = np.array([5, 1, 3, 3, 9, 200], np.uint8)
    assert [codes.threshold(sample, share) for share in (0, 0.2, 0.5, 0.6, 1, 9)] == [1, 3, 3, 5, 200, 200]


def test_a_query_of_zeros_has_a_code() -> None:
    """No division by nothing."""
    assert not codes.ask(np.zeros(10, np.float32), ORIGIN[:10]).weights.any()
