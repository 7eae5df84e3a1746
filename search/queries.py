"""What is asked of an index: Query and Question, and what makes one impossible. Records; part of the HTTP schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from numbers import Integral
from typing import Any, Literal, TypedDict

from search.errors import QueryError
from search.filters import Filter, check_plain

Mode = Literal["hybrid", "keyword", "vector"]
MODES: tuple[Mode, ...] = ("hybrid", "keyword", "vector")

Effort = Literal["low", "medium", "high", "max"]
EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "max")

MAX_QUERY_CHARACTERS = 20_000
MAX_K = 1_000
MAX_NEIGHBOURS = 20


class Filters(TypedDict, total=False):
    """The fields of a Query and of a Question that say which documents may be found; see `search.filters.Filter`."""

    path: str | None
    type: str | None
    after: str | None
    before: str | None
    language: str | None
    where: dict[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """A search. From `path` to `where` the fields are conditions on documents, as in `search.filters.Filter`.

    `explain` asks how each hit came about, `neighbours` for the text of so many passages around each hit;
    without `diversify`, near copies of a passage are hits of their own and one document may fill the page.
    `rerank` has the chat model read the first hits and put them in a better order, which takes as long as it takes.
    Raises QueryError for what cannot be searched for.
    """

    # Unknown fields of a request are refused: a filter that is misspelt must not be ignored in silence.
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    query: str
    k: int = 10
    mode: Mode = "hybrid"
    path: str | None = None
    type: str | None = None
    after: str | None = None
    before: str | None = None
    language: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    explain: bool = False
    diversify: bool = True
    neighbours: int = 0
    rerank: bool = False

    @property
    def filter(self) -> Filter:
        return filter_of(_fields(self))

    def __post_init__(self) -> None:
        _check_types(self)
        check_text("query", self.query)
        if not 0 <= self.neighbours <= MAX_NEIGHBOURS:
            raise QueryError(f"neighbours is {self.neighbours}: ask for 0 to {MAX_NEIGHBOURS} passages around a hit")
        check_k(self.k)
        filter_of(_fields(self))
        if self.mode not in MODES:
            raise QueryError(f"mode {self.mode!r} is unknown: use one of {', '.join(MODES)}")


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked before, and what was answered."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to answer from the documents; fields as in Query. `conversation` is what came before, in order.

    With `save` the answer is kept in the index. With `think` a chat model that can may think before it answers, True or
    with so much effort.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    question: str
    k: int = 8
    stream: bool = False
    path: str | None = None
    type: str | None = None
    after: str | None = None
    before: str | None = None
    language: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    conversation: tuple[Turn, ...] = ()
    save: bool = False
    think: bool | Effort = False

    @property
    def filter(self) -> Filter:
        return filter_of(_fields(self))

    def __post_init__(self) -> None:
        _check_types(self)
        check_text("question", self.question)
        for turn in self.conversation:
            check_text("conversation's question", turn.question)
            check_plain("conversation's answer", turn.answer)
        check_k(self.k)
        filter_of(_fields(self))
        if not isinstance(self.think, bool) and self.think not in EFFORTS:
            raise QueryError(f"think {self.think!r} is unknown: use true, false or one of {', '.join(EFFORTS)}")


def _fields(asked: Query | Question) -> Filters:
    return {
        "path": asked.path,
        "type": asked.type,
        "after": asked.after,
        "before": asked.before,
        "language": asked.language,
        "where": asked.where,
    }


def filter_of(given: Filters) -> Filter:
    """The conditions on documents in these fields. Raises QueryError for what is no condition."""
    return Filter(
        given.get("path"),
        given.get("type"),
        given.get("after"),
        given.get("before"),
        given.get("language"),
        tuple(given.get("where", {}).items()),
    )


def _check_types(asked: Query | Question) -> None:
    """Raises QueryError for a value of another type than its field; over HTTP it never comes so far."""
    for one in fields(asked):
        fits, words = _KINDS.get(str(one.type), (_anything, ""))
        if not fits(value := getattr(asked, one.name)):
            raise QueryError(f"{one.name} is {value!r}: give {words}")


def _anything(_: Any) -> bool:
    return True


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)


def _is_turns(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(turn, Turn) for turn in value)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "str": (lambda value: isinstance(value, str), "a text"),
    "str | None": (lambda value: value is None or isinstance(value, str), "a text, or None"),
    "int": (lambda value: isinstance(value, Integral) and not isinstance(value, bool), "a whole number"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "dict[str, str]": (_is_texts, "a dictionary of texts, such as {'author': 'Ada'}"),
    "tuple[Turn, ...]": (_is_turns, "the turns, each a Turn"),
}
"""By what a field is declared as: whether a value is one, and what one is in words."""


def check_text(name: str, text: str) -> None:
    """Raises QueryError for an empty or over-long text, and for one that is no text."""
    if not text.strip():
        raise QueryError(f"the {name} is empty: say what to look for")
    if len(text) > MAX_QUERY_CHARACTERS:
        raise QueryError(
            f"the {name} has {len(text):,} characters; at most {MAX_QUERY_CHARACTERS:,} are taken: shorten it"
        )
    check_plain(name, text)


def check_k(k: int) -> None:
    """Raises QueryError for a number of results out of range."""
    if not 1 <= k <= MAX_K:
        raise QueryError(f"k is {k}: ask for 1 to {MAX_K:,} results")
