"""Words of queries: stop words go, scripts without spaces become bigrams, the same for texts and queries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search import keywords


def test_stop_words_are_dropped_and_repeats_too() -> None:
    """A natural question is searched for by what it is about."""
    assert keywords.terms("Where are the vectors of a space, the vectors?") == ["vectors", "space"]


def test_a_query_of_stop_words_keeps_them() -> None:
    """To be or not to be is a query too."""
    assert keywords.terms("to be or not to be") == ["to", "be", "or", "not"]


def test_chinese_becomes_bigrams_in_texts_and_queries_alike() -> None:
    """A word inside a sentence without spaces is found."""
    assert keywords.terms("首都") == ["首都"]
    assert "首都" in keywords.indexed("日本の首都です").split()


def test_identifiers_fall_apart_at_underscores() -> None:
    """The index's tokenizer splits there, so the query does too."""
    assert keywords.terms("prompt_eval_count") == ["prompt", "eval", "count"]


@given(st.text())
def test_every_text_has_terms_or_no_words(text: str) -> None:
    """No text makes it fail, and no term holds white space."""
    assert all(term.split() == [term] for term in keywords.terms(text))
