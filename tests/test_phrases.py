"""Pairs of a query's words, and the share of them that a text has side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import phrases


@pytest.mark.parametrize(
    ("query", "text", "share"),
    [
        ("exact phrase search", "A search for an exact phrase.", 0.5),
        ("exact phrase search", "Exact phrases are searched; searching exact phrase searches.", 1.0),
        ("phrase exact", "an exact phrase", 0.0),
        ("how do I set the page size", "the page size is set here", 1.0),
        ("retention of invoices", "the retention of invoices", 0.0),
        ("one", "one", 0.0),
        ("wie lautet die Adresse der neuen Filiale", "bei den neuen Filialen ist es so", 1.0),
        ("日本の首都", "首都は日本の東にある", 1 / 3),
        ("", "", 0.0),
    ],
)
def test_pairs_of_telling_words_are_found_in_any_form_and_in_order(query: str, text: str, share: float) -> None:
    """Stop words make no pair, a pair divided by one is none, and stems are compared."""
    assert phrases.of(query).share(text) == share


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_share_is_between_none_and_all(query: str, text: str) -> None:
    """Of any texts; a query itself has all its pairs."""
    sought = phrases.of(query)
    assert 0 <= sought.share(text) <= 1
    assert sought.share(query) == (1.0 if sought.pairs else 0.0)
