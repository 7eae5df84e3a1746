"""Conditions on documents: dates, words for them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from search.errors import QueryError
from search.filters import Filter, conditions, seconds
from search.queries import Question, Turn
from search.records import Query


@pytest.mark.parametrize(
    ("short", "long"),
    [("2026", "2026-01-01T00:00"), ("2026-03", "2026-03-01T00:00"), (" 2026-03-31 ", "2026-03-31T00:00:00")],
)
def test_a_date_stands_for_its_first_moment(short: str, long: str) -> None:
    """A year, a month and a day begin when they begin, in local time."""
    assert seconds(short) == seconds(long) == datetime.fromisoformat(long).timestamp()


def test_a_zone_counts() -> None:
    """A time that names its zone is that moment everywhere."""
    assert seconds("2026-03-31T18:00Z") == datetime(2026, 3, 31, 18, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("date", ["", "yesterday", "2026-13", "31.03.2026", "2026-02-30", "99999"])
def test_what_is_no_date_is_refused_with_an_example(date: str) -> None:
    """Not ignored, and not at search time only: the query cannot be made."""
    with pytest.raises(QueryError, match="is not a date: write it as 2026"):
        Query("x", after=date)


def test_times_that_exclude_each_other_are_refused() -> None:
    """No document could pass."""
    with pytest.raises(QueryError, match="exchange them"):
        Query("x", after="2026-02", before="2026-01")


def test_conditions_are_key_and_value() -> None:
    """The first = divides; blanks around both don't count."""
    assert conditions(["author = Ada", "formula=a=b"]) == {"author": "Ada", "formula": "a=b"}


@pytest.mark.parametrize("text", ["author", "=Ada", " = "])
def test_other_forms_are_refused(text: str) -> None:
    """A condition that is misspelt must not be ignored in silence."""
    with pytest.raises(QueryError, match="KEY=VALUE"):
        conditions([text])
    with pytest.raises(QueryError, match="no key"):
        Query("x", where={" ": "Ada"})


def test_a_key_cannot_come_twice() -> None:
    """The first would be lost."""
    with pytest.raises(QueryError, match="twice"):
        conditions(["tag=a", "tag=b"])


def test_a_filter_says_itself_in_words() -> None:
    """Every condition of it, and none makes it false."""
    every = Filter("a/*", "pdf", "2025", "2026-02", "en", (("author", "Ada"),))
    assert (
        str(every) == "path 'a/*' and type 'pdf' and language 'en' and author 'Ada' and after 2025 and before 2026-02"
    )
    assert every
    assert not Filter()


@pytest.mark.parametrize("field", ["path", "type", "language"])
def test_what_is_no_text_is_refused(field: str) -> None:
    """Half a character can neither be stored nor sent to a model; in the middle of an answer it would be a 500."""
    for kind in (Query, Question):
        with pytest.raises(QueryError, match=f"the {field} is not valid text"):
            kind("x", **{field: "\ud800"})
        with pytest.raises(QueryError, match="the where is not valid text"):
            kind("x", where={"author": "\udfff"})
    with pytest.raises(QueryError, match="answer is not valid text"):
        Question("x", conversation=(Turn("y", "\ud800"),))
