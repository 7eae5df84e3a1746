"""Word pieces: where they begin, how many there are, and that no text makes it fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedded import tokens

ANYTHING = st.text(st.characters(), max_size=300)
# Spaces and line feeds at every distance from the end of a short segment.
WORDS = st.lists(st.text(st.sampled_from("ab日한é\u0301😀\ufffd\0\n ,-"), max_size=12), max_size=60).map(" ".join)
# Signs that end a word, that don't, that vanish, and that the tokenizer takes apart.
MIXED = st.sampled_from("aB1é\u0301ñ\u0303.,-_~§“—日한ﬁİß\0\x01\x1c\x85\xa0\xad\u200b\u2028\u3000\ufffd\ud800 \n\t\r")


def pieces(text: str) -> list[str]:
    vocabulary = tokens.VOCABULARY.read_text("utf-8").splitlines()
    return [vocabulary[number] for number in tokens.ids(text)]


def test_words_are_split_into_the_longest_known_pieces() -> None:
    assert pieces("Embeddings, unaffable!") == ["em", "##bed", "##ding", "##s", ",", "una", "##ffa", "##ble", "!"]


def test_starts_are_the_beginning_of_each_piece() -> None:
    assert tokens.starts("Embeddings, ok") == [0, 2, 5, 9, 10, 12]


def test_starts_count_code_points() -> None:
    """An emoji is one character of the text, not two UTF-16 units or four bytes."""
    text = "😀 é e\u0301 word"
    assert [text[start] for start in tokens.starts(text)] == ["😀", "é", "e", "w"]


def test_a_character_of_several_pieces_repeats() -> None:
    """A Hangul syllable is three pieces that begin at the same place."""
    assert tokens.starts("x 한") == [0, 2, 2, 2]


def test_special_tokens_in_a_text_are_text() -> None:
    assert tokens.CLS not in tokens.ids("[CLS] a [SEP]")
    assert tokens.SEP not in tokens.ids("[CLS] a [SEP]")


def test_special_tokens_stand_where_the_vocabulary_has_them() -> None:
    vocabulary = tokens.VOCABULARY.read_text("utf-8").splitlines()
    assert (vocabulary[tokens.CLS], vocabulary[tokens.SEP], len(vocabulary)) == ("[CLS]", "[SEP]", 30_522)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\0", "\ud800", "\udfff\ud800", "\u0301"])
def test_a_text_of_nothing_has_no_pieces(text: str) -> None:
    assert tokens.starts(text) == [] == tokens.ids(text)


def test_a_lone_surrogate_hides_nothing_around_it() -> None:
    assert tokens.starts("ab \ud800 cd") == [0, 5]


def test_a_word_of_more_than_100_characters_is_one_piece() -> None:
    assert pieces("a" * 101) == ["[UNK]"]
    assert tokens.count("a" * 100) > 1


def test_ids_may_stop_behind_the_limit() -> None:
    text = "word " * 50_000
    found = tokens.ids(text, limit=10)
    assert 10 < len(found) < 50_000
    assert found == tokens.ids(text)[: len(found)]


def test_a_long_text_is_counted_whole() -> None:
    """Longer than a segment, with no space or line feed for several segments, and with many."""
    for word, repeats in (("ab,", 30_000), ("ab ", 30_000), ("ab\n", 30_000), ("日", 40_000), ("a", 40_000)):
        text = word * repeats
        starts = tokens.starts(text)
        assert len(starts) == (1 if word == "a" else repeats * (2 if "," in word else 1))
        assert all(text[start] not in " \n" for start in starts)


@given(ANYTHING)
@settings(max_examples=300, deadline=None)
def test_starts_are_ascending_places_in_the_text(text: str) -> None:
    starts = tokens.starts(text)
    assert starts == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)
    assert len(starts) == tokens.count(text) == len(tokens.ids(text))


@given(ANYTHING | WORDS | st.text(MIXED, max_size=80))
@settings(max_examples=500, deadline=None)
def test_remembered_words_are_cut_as_the_tokenizer_cuts_them(text: str) -> None:
    """Whatever stands beside them, and again when all were forgotten."""
    whole = [start + offset for start, encoding in tokens._encodings(text) for offset, _ in encoding.offsets]
    assert tokens.starts(text) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_RUNS_KEPT", 2)
        assert tokens.starts(text) == whole == tokens.starts(text)


@given(WORDS, st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_segments_change_nothing(text: str, size: int) -> None:
    """Reading a text in segments of any size finds the pieces of the whole text."""
    whole = tokens.ids(text), tokens.starts(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_SEGMENT_CHARACTERS", size)
        assert (tokens.ids(text), tokens.starts(text)) == whole
