"""The measures agree with trec_eval's, as ir-measures computes them."""

from __future__ import annotations

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG

from search.measures import Measures, mean, measure

DOCUMENTS = [f"d{number}" for number in range(12)]


@given(
    st.lists(st.sampled_from(DOCUMENTS), unique=True),
    st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(1, 3), min_size=1),
    st.integers(1, 12),
)
def test_they_are_those_of_trec_eval(ranked: list[str], relevant: dict[str, int], k: int) -> None:
    """Any ranking, any grades, any depth."""
    wanted = [R @ k, nDCG @ k, RR @ k]
    run = {"q": {document: float(-place) for place, document in enumerate(ranked)}}
    theirs = ir_measures.calc_aggregate(wanted, {"q": relevant}, run) if ranked else dict.fromkeys(wanted, 0.0)
    ours = measure(ranked, relevant, k)
    assert [ours.recall, ours.ndcg, ours.mrr] == pytest.approx([theirs[one] for one in wanted])


def test_nothing_relevant_is_zero() -> None:
    """And so is the mean of nothing: no division by zero."""
    assert measure(["a"], {}, 10) == mean([]) == Measures(0, 0, 0)
    assert mean([Measures(1, 1, 1), Measures(0, 0.5, 0)]) == Measures(0.5, 0.75, 0.5)
