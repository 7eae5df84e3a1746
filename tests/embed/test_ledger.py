"""The ledger's arithmetic, with a server that is a function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.embed import ledger, spreading
from search.embed.ledger import Ledger
from search.ollama.client import Client


def words(text: str, limit: int = 10**9) -> int:
    """A tokenizer of words, which cuts after `limit` of them and adds two marks."""
    return min(len(text.split()) + 2, limit)


@given(st.text(min_size=2))
def test_halves_are_the_whole_text(text: str) -> None:
    """Nothing is lost where a text is parted, and both parts hold something."""
    one, other = ledger.halves(text)
    assert one + other == text
    assert one
    assert other


def test_a_text_is_parted_at_the_best_place() -> None:
    """An empty line before a line, a line before a sentence, a sentence before a word."""
    assert ledger.halves("a b. c\nd e\n\nf g h. i")[1] == "f g h. i"
    assert ledger.halves("one two. three four")[0] == "one two. "
    assert ledger.halves("xxxxxxxx") == ("xxxx", "xxxx")
    with pytest.raises(ValueError, match="one character"):
        ledger.halves("x")


@pytest.mark.parametrize("text", ["The cat sat on the mat, again.", "日本語の文章です", "def add(a, b): return a + b"])
def test_an_estimate_is_near_what_tokenizers_count(text: str) -> None:
    """Within a factor of two for words, signs and scripts without spaces."""
    assert len(text) / 8 < ledger.estimate(text) <= len(text)


def test_expectations_follow_what_was_counted() -> None:
    """A tokenizer that makes twice as many tokens is expected to go on so."""
    accounts = Ledger()
    assert accounts.expected(4) == 4
    accounts.learn(4, 8)
    assert accounts.expected(2) == 4
    accounts.learn(4, 0)
    assert accounts.expected(2) == 4


def test_a_batch_that_falls_short_is_suspected() -> None:
    """By a fifth, and by more than the marks; a server that counts nothing can't be."""
    accounts = Ledger()
    assert accounts.short(70, 100)
    assert not accounts.short(85, 100)
    assert not accounts.short(4, 10)
    assert not accounts.short(0, 100)


@given(st.integers(40, 400), st.integers(12, 500))
def test_a_cut_is_proved_without_a_tokenizer(length: int, cut: int) -> None:
    """Two halves count as much as the whole if, and only if, nothing was cut (but for a few marks)."""
    text = "word " * length
    found = ledger.limit(["short", text], lambda part: words(part, cut))
    if cut >= length + 2:
        assert found == 0
    elif cut <= length - ledger.MARKS:
        assert found == cut


def test_a_word_that_counts_as_one_token_is_no_cut() -> None:
    """WordPiece takes a word of more than 100 characters as unknown, one token, and counts the pieces of its half."""

    def wordpiece(text: str) -> int:
        return 2 + sum(1 if len(word) > 100 else -(-len(word) // 4) for word in text.split())

    assert ledger.limit(["x" * 180, "The rent is due."], wordpiece) == 0
    assert ledger.limit(["x" * 1_800 + " word" * 40], lambda text: min(wordpiece(text), 64)) == 64


def test_the_embedded_model_is_not_suspected_for_words_without_end() -> None:
    """One file of rubbish in a batch cost the others their vectors."""
    with Client(EMBEDDED_HOST) as client:
        model = embed.describe(client, EMBEDDED_MODEL)
        batch = (np.arange(3), ["x" * 180, "The rent is due.", "y" * 180])
        ((_, made),) = spreading.spread(model, iter([batch]))
    assert made.places == [0, 1, 2]
    assert not made.row.note
