"""Sentences end where a reader says they end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.spans(text)]


def test_abbreviations_initials_and_list_numbers_end_nothing() -> None:
    """A full stop inside a sentence is not its end."""
    assert split("See e.g. Dr. J. Smith vs. Doe. 1. Open it. Done!") == [
        "See e.g. Dr. J. Smith vs. Doe.",
        "1. Open it.",
        "Done!",
    ]
    assert split("By T.S. Eliot and J.R.R. Tolkien. Done.") == ["By T.S. Eliot and J.R.R. Tolkien.", "Done."]


def test_lists_and_paragraphs_are_cut_at_line_breaks_and_wrapped_lines_are_not() -> None:
    """A list item without a full stop is a sentence of its own."""
    assert split("- one\n- two goes\n  on here\n\nA paragraph\nthat wraps.") == [
        "- one",
        "- two goes\n  on here",
        "A paragraph\nthat wraps.",
    ]


def test_the_lines_of_a_quotation_are_one_paragraph() -> None:
    """As Markdown and mail quote; an empty line or a list in it begins something new."""
    quoted = "He said:\n> It can hold values between 0 and\n> 255. More\n> of it.\n>\n> - one\n> - two\n\nDone."
    assert [sentences.unquoted(sentence) for sentence in split(quoted)] == [
        "He said:",
        "It can hold values between 0 and\n255.",
        "More\nof it.",
        "",
        "- one",
        "- two",
        "Done.",
    ]
    assert sentences.unquoted(">>> a > b\n>> nested\n  > c") == ">>> a > b\nnested\nc"


def test_a_number_that_a_wrapped_line_begins_with_is_no_item() -> None:
    """Unless it could be one."""
    assert split("1. one\n2. two\n10) ten") == ["1. one", "2. two", "10) ten"]
    assert split("It was built in\n1931. Then") == ["It was built in\n1931.", "Then"]


def test_two_signs_that_a_wrapped_line_begins_with_are_no_item() -> None:
    """An option of a command and bold words go on with the sentence; a rule and a fence don't."""
    assert split("Run `cargo build\n--release` now. Done.") == ["Run `cargo build\n--release` now.", "Done."]
    assert split("It is\n**not** so.\n-one\n---\n*two*") == ["It is\n**not** so.", "-one", "---", "*two*"]
    assert split("It is\nso:\n```\ncode\n```") == ["It is\nso:", "```\ncode", "```"]


def test_a_record_on_a_line_is_not_quoted_with_the_next() -> None:
    """JSON lines hold texts with full stops in them, and end with none."""
    assert split('{"text": "It is so. It was"}\n{"text": "Now"}') == [
        '{"text": "It is so.',
        'It was"}',
        '{"text": "Now"}',
    ]


def test_full_stops_of_other_scripts_need_no_space() -> None:
    """Chinese, Hindi and Arabic sentences end too."""
    assert split("日本語です。次の文。") == ["日本語です。", "次の文。"]
    assert split("यह है। वह है।") == ["यह है।", "वह है।"]


def test_a_citation_behind_the_full_stop_belongs_to_the_sentence() -> None:
    """Models cite before or after the full stop."""
    assert split("So it is. [1][2] And more. [3]") == ["So it is. [1][2]", "And more. [3]"]


def test_a_sentence_under_way_is_finished_when_the_next_begins() -> None:
    """A citation may still follow the full stop."""
    assert sentences.finished("So it is.") == 0
    assert sentences.finished("So it is. [1]") == 0
    assert sentences.finished("So it is. [1] And") == len("So it is. [1]")


@given(st.text("ab .!?\n[1]。e.g", max_size=80))
def test_nothing_but_white_space_stands_between_sentences(text: str) -> None:
    """Spans ascend, are not blank, and leave no word out."""
    end = 0
    for start, stop in sentences.spans(text):
        assert start >= end
        assert not text[end:start].strip()
        assert text[start:stop].strip() == text[start:stop] != ""
        end = stop
    assert not text[end:].strip()


@given(st.text("ab .!?\n[1]", max_size=60), st.integers(0, 60))
def test_what_is_finished_stays_finished(text: str, cut: int) -> None:
    """More text moves the end on, never back."""
    assert sentences.finished(text[:cut]) <= sentences.finished(text)
