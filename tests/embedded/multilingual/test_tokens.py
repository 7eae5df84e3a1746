"""Word pieces of the multilingual model: the most probable ones, all of them, and no text makes it fail."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedded.multilingual import tokens
from search.embedded.multilingual.tokens import SPACE, Tokenizer
from search.embedded.multilingual.weights import Packed

LANGUAGES = [
    "Die Berechnung",
    "¿Dónde está?",
    "мы ищем слова",
    "نبحث عن الكلمات",
    "我们在这里测试",
    "วันนี้อากาศดี",
    "검색합니다",
]


def tiny(**scores: float) -> Tokenizer:
    """A tokenizer of these pieces; `_` stands for the sign of a space."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *(piece.replace("_", SPACE) for piece in scores), "<mask>"]
    numbers = np.array([0, 0, 0, 0, *scores.values(), 0], np.float32)
    return Tokenizer(Packed(pieces, numbers, {0xFB01: "fi", 0xA0: " ", 0x200B: ""}, {}))


def test_the_most_probable_parts_are_taken() -> None:
    """Not the longest first: two likely pieces beat a long one and its unlikely rest."""
    tokenizer = tiny(_ab=-2.0, c=-9.0, _a=-3.0, bc=-3.0, _=-8.0)
    assert tokenizer.ids("abc") == [6, 7]
    assert tokenizer.ids("ab c") == [4, 8, 5]


def test_characters_are_normalised_and_spaces_are_one() -> None:
    tokenizer = tiny(_fi=-1.0, _n=-1.0)
    assert tokenizer.ids("\ufb01\u200b\u00a0 n\n") == [4, 5]


def test_a_run_of_unknown_characters_is_one_piece() -> None:
    tokenizer = tiny(_a=-1.0, b=-1.0)
    assert tokenizer.ids("a??b??") == [4, tokens.UNKNOWN, 5, tokens.UNKNOWN]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b"])
def test_a_text_of_nothing_has_no_pieces(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.ids(text) == []


def test_words_of_many_languages_are_known(packed: Packed, tokenizer: Tokenizer) -> None:
    """Each text is its pieces one after the other, and none is unknown."""
    for text in LANGUAGES:
        ids = tokenizer.ids(text)
        assert tokens.UNKNOWN not in ids
        assert "".join(packed.pieces[id_] for id_ in ids) == SPACE + text.replace(" ", SPACE)
        assert len(ids) < len(text)


def test_special_tokens_in_a_text_are_text(packed: Packed, tokenizer: Tokenizer) -> None:
    ids = tokenizer.ids("<s> a </s> <pad> <mask>")
    assert not {tokens.BEGIN, tokens.END, 1, len(packed.pieces) - 1} & set(ids)
    assert packed.pieces[tokens.BEGIN] == "<s>"
    assert packed.pieces[tokens.END] == "</s>"


def test_accents_count_the_same_however_they_are_written(tokenizer: Tokenizer) -> None:
    """macOS writes file names with the accent as a character of its own."""
    text = "Größenänderung déjà vu"
    assert tokenizer.ids(unicodedata.normalize("NFD", text)) == tokenizer.ids(text)


def test_reading_may_stop_behind_the_limit(tokenizer: Tokenizer) -> None:
    for text in ("word " * 50_000, "检索" * 50_000):
        found = tokenizer.ids(text, 10)
        assert 10 < len(found) < 50_000
        assert found == tokenizer.ids(text)[: len(found)]


@given(st.text(st.characters(), max_size=200))
@settings(deadline=None)
def test_nothing_of_a_text_is_lost(packed: Packed, tokenizer: Tokenizer, text: str) -> None:
    """The known pieces are the normalised text in order; an unknown one stands for what is between them."""
    normalised = unicodedata.normalize("NFC", text).translate(packed.normalised)
    rest = "".join(SPACE + word for word in normalised.split())
    unknown = False
    for id_ in tokenizer.ids(text):
        if id_ != tokens.UNKNOWN:
            between, found, rest = rest.partition(packed.pieces[id_])
            assert found
            assert bool(between) == unknown
        unknown = id_ == tokens.UNKNOWN
    assert bool(rest) == unknown


@given(st.text(st.sampled_from("aé日한 б\nx?"), max_size=60), st.text(st.sampled_from("aé日한 б\nx?"), max_size=60))
@settings(deadline=None)
def test_words_are_parted_one_by_one(tokenizer: Tokenizer, first: str, second: str) -> None:
    """So a text has as many pieces as its words have: a count is exact however a text is cut at spaces."""
    assert tokenizer.ids(f"{first} {second}") == tokenizer.ids(first) + tokenizer.ids(second)
