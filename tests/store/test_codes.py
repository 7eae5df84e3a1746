"""Four bits a dimension: what they keep of a vector, and that scanning them is counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.store import codes
from search.vectors import Floats, unit


def vectors(count: int, dimensions: int, seed: int = 0) -> Floats:
    return unit(np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32))


def all_estimates(made: codes.Codes, asked: codes.Asked) -> Floats:
    return codes.estimates(made.levels, made.scales, np.arange(len(made.cells)), asked)


@settings(max_examples=30, deadline=None)
@given(dimensions=st.integers(1, 1100), count=st.integers(1, 300), seed=st.integers(0, 99))
def test_distances_count_the_signs_that_differ(dimensions: int, count: int, seed: int) -> None:
    """Where the query's numbers are largest, whatever the dimensions, opposite vectors included."""
    rows, query = vectors(count, dimensions, seed), vectors(1, dimensions, seed + 100)[0]
    rows[0] = -query
    coding = codes.untrained(dimensions)
    found = codes.distances(codes.encode(rows, coding).signs, [(0, count)], codes.ask(query, coding))
    largest = np.argsort(-np.abs(query))[: min(math.ceil(codes.COUNTED * dimensions), codes.MOST_COUNTED)]
    assert found.tolist() == ((rows > 0) != (query > 0))[:, largest].sum(axis=1).tolist()


def test_so_many_signs_differ_as_is_said() -> None:
    """Of vectors with a product, in the mean without a deviation, and of hardly any more than two deviations more."""
    query, coding = vectors(1, 384)[0], codes.untrained(384)
    beside = vectors(20_000, 384, 1)
    beside = unit(beside - np.outer(beside @ query, query))
    for cosine in (0.0, 0.2, 0.5, 0.8):
        rows = cosine * query + np.float32(np.sqrt(1 - cosine**2)) * beside
        asked = codes.ask(query, coding)
        found = codes.distances(codes.encode(rows, coding).signs, [(0, len(rows))], asked)
        assert codes.within(asked, cosine, 0) == pytest.approx(np.median(found), abs=3)
        assert 0.9 < (found <= codes.within(asked, cosine, 2)).mean() < 0.995


@pytest.mark.parametrize(("along", "least", "most"), [(0.0, 0.9, 1.0), (5.0, 0.4, 0.6), (50.0, 0.0, 0.2)])
def test_the_less_vectors_spread_along_the_centre_the_more_of_it_is_taken_off(
    along: float, least: float, most: float
) -> None:
    """All of it where they do not, half where their variance is five times the usual one."""
    random = np.random.default_rng(0)
    centre = np.zeros(96, np.float32)
    centre[0] = 0.5
    seen = 0.05 * random.standard_normal((4_000, 96)).astype(np.float32)
    seen[:, 0] *= np.sqrt(along)
    coding = codes.Coding(centre, np.zeros((1, 96), np.float32))
    seen *= np.float32(coding.radius / (0.05 * np.sqrt(96)))
    assert least <= codes.share_of_centre(centre + seen, coding) <= most


def test_stretches_are_counted_one_after_the_other() -> None:
    """Long ones block by block, and nothing of what is between them."""
    count = 9 * codes.BLOCK + 3
    signs = np.random.default_rng(0).integers(0, 2**63, (2, count), dtype=np.uint64)
    asked = codes.ask(vectors(1, 128)[0], codes.untrained(128))
    expected = np.bitwise_count((signs ^ asked.signs[:, None]) & asked.counted[:, None]).sum(axis=0)
    runs = [(3, 3 * codes.BLOCK), (3 * codes.BLOCK + 7, 3 * codes.BLOCK + 8), (4 * codes.BLOCK, count)]
    for some in (runs, runs[:2], [(0, count)]):
        wanted = np.concatenate([expected[start:end] for start, end in some])
        assert (codes.distances(signs, some, asked) == wanted).all()
    assert codes.distances(signs, [], asked).tolist() == []


@pytest.mark.parametrize("dimensions", [1, 95, 384, 1024])
def test_estimates_are_cosines_but_for_a_constant(dimensions: int) -> None:
    """Off by a percent or two of the vectors' lengths; the constant is the query's product with the centre."""
    rows, query = vectors(2_000, dimensions), vectors(1, dimensions, 1)[0]
    rows = unit(rows + vectors(1, dimensions, 2))
    coding = codes.train(rows)
    found = all_estimates(codes.encode(rows, coding), codes.ask(query, coding))
    error = found + float(coding.centre @ query) - rows @ query
    assert np.abs(error).max() < 0.04
    assert abs(error.mean()) < 0.002


def test_lengths_are_made_up_for() -> None:
    """Of two vectors in the same direction from the centre the one that lies further on is estimated to."""
    rows = vectors(1_000, 64)
    coding = codes.Coding(rows.mean(axis=0), np.zeros((1, 64), np.float32))
    direction = vectors(1, 64, 5)[0]
    pair = coding.centre + np.array([[0.4], [0.8]], np.float32) * direction
    near, far = all_estimates(codes.encode(pair, coding), codes.ask(direction, coding))
    assert far - near == pytest.approx(0.4, abs=0.02)


def test_a_narrow_cone_is_seen_from_its_middle() -> None:
    """All signs are the same until the centre is taken off."""
    cone = unit(vectors(2_000, 384) + 20 * vectors(1, 384, 1))
    query = unit(vectors(1, 384, 2)[0] + 20 * vectors(1, 384, 1)[0])
    plain, centred = (
        codes.distances(codes.encode(cone, coding).signs, [(0, 2_000)], codes.ask(query, coding))
        for coding in (codes.untrained(384), codes.train(cone))
    )
    assert len(set(plain.tolist())) == 1
    assert np.corrcoef(cone @ query, centred)[0, 1] < -0.6


def test_training_gives_the_same_each_time_and_cells_of_near_vectors() -> None:
    """Forty groups are told apart; vectors of one group share a cell."""
    groups = vectors(40, 96, 3)
    rows = unit(np.repeat(groups, 100, axis=0) + 0.3 * vectors(4_000, 96))
    coding = codes.train(rows)
    assert np.array_equal(coding.points, codes.train(rows.copy()).points)
    cells = codes.encode(rows, coding).cells.reshape(40, 100)
    assert len(coding.points) == 4_000 // codes.PER_CELL
    assert np.mean([np.bincount(group).max() for group in cells]) > 40
    asked = codes.ask(groups[7], coding)
    assert np.argmax(asked.products) in cells[7]


def test_equal_vectors_have_codes() -> None:
    """No division by nothing where nothing differs, and a query of zeros is a query."""
    rows = np.repeat(vectors(1, 10), 500, axis=0)
    coding = codes.train(rows)
    made = codes.encode(rows, coding)
    assert np.isfinite(all_estimates(made, codes.ask(np.zeros(10, np.float32), coding))).all()
    assert len(set(made.cells.tolist())) == 1


def test_thresholds_let_through_the_share_wanted() -> None:
    """At least that, and all where all are wanted."""
    sample = np.array([5, 1, 3, 3, 9, 200], np.uint8)
    assert codes.thresholds(sample, (0, 0.2, 0.5, 0.6, 1, 9)) == [1, 3, 3, 5, 200, 200]


def test_a_vector_asked_for_itself_has_the_same_signs() -> None:
    """Hardly one is expected to differ, and no power overflows: warnings are errors here."""
    query = vectors(1, 384)[0]
    asked = codes.ask(query, codes.untrained(384))
    assert codes.within(asked, asked.length, 0) < len(asked.largest) / 20
