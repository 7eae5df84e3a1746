"""Words read from a text: numbers and dates in one form, names, units, and what is denied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import literals


def forms(text: str, kind: str) -> list[str]:
    return [word.form for word in literals.read(text) if word.kind == kind]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,500,000", "1.5 million"),
        ("twenty-five", "25"),
        ("twenty-first", "21st"),
        ("0.50", "0.5"),
        ("three thousand", "3,000"),
    ],
)
def test_a_number_has_one_form(one: str, other: str) -> None:
    """However it is written."""
    assert forms(f"about {one} of them", "number") == forms(f"about {other} of them", "number") != []


@pytest.mark.parametrize(
    "date", ["2024-10-25", "10/25/2024", "25/10/2024", "25.10.2024", "25 Oct 2024", "25. Oktober 2024"]
)
def test_a_date_has_one_form(date: str) -> None:
    """The order of day and month is read from dates that leave no doubt."""
    words = literals.read(f"on {date}")
    assert {word.form for word in words} == {"25", "october", "2024"}


def test_units_are_told_apart() -> None:
    """In words and as signs."""
    assert forms("5 % of 3 km for $7", "unit") == ["%", "km", "$"]
    assert forms("5 percent of 3 kilometres for 7 dollars", "unit") == ["%", "km", "$"]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("It is not covered.", ["covered"]),
        ("It is not medically necessary.", ["medically", "necessary"]),
        ("It isn't open, but warm.", ["open"]),
        ("It is not only open.", []),
        ("Nor does the plan cover it.", []),
        ("They know what is covered, but this is not.", []),
        ("non-contracted doctors", ["contracted"]),
    ],
)
def test_a_negation_denies_what_follows(text: str, denied: list[str]) -> None:
    """The next word, an adverb and the word after it, nothing across a comma; behind "nor" nobody can tell."""
    assert [word.text for word in literals.read(text) if word.sign < 0] == denied


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Each word has a form, and reading is the same every time."""
    words = literals.read(text)
    assert all(word.form and word.key for word in words)
    assert words == literals.read(text)
