"""Which documents may be found: conditions that are applied before anything is ranked. Pure; knows no store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from search.errors import QueryError


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on documents, all of which have to hold; None, and an empty `where`, for any.

    `path` is a GLOB over paths, `type` a document type, `language` as `search.languages.of` names it; upper and lower
    case are the same in the last two.
    `after` and `before` are dates as `seconds` reads them: modified at the first or later, and earlier than
    the second. `where` holds keys of the metadata with the values they have to have, as text or as GLOB;
    upper and lower case are the same in both. Raises QueryError for what is no condition.
    """

    path: str | None = None
    type: str | None = None
    after: str | None = None
    before: str | None = None
    language: str | None = None
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise QueryError(f"after {self.after} and before {self.before}: no time is both; exchange them")
        for name, value in (("path", self.path), ("type", self.type), ("language", self.language)):
            check_plain(name, value or "")
        for key, value in self.where:
            check_plain("where", key + value)
            if not key.strip():
                raise QueryError("a condition of `where` has no key: name one, as in author=Ada")

    def __bool__(self) -> bool:
        return self != Filter()

    @property
    def since(self) -> float | None:
        """`after` in seconds since the epoch."""
        return None if self.after is None else seconds(self.after)

    @property
    def until(self) -> float | None:
        """`before` in seconds since the epoch."""
        return None if self.before is None else seconds(self.before)

    def __str__(self) -> str:
        """The conditions in words."""
        named = {"path": self.path, "type": self.type, "language": self.language}
        parts = [f"{name} {value!r}" for name, value in named.items() if value is not None]
        parts += [f"{key} {value!r}" for key, value in self.where]
        parts += [f"after {self.after}"] if self.after is not None else []
        parts += [f"before {self.before}"] if self.before is not None else []
        return " and ".join(parts)


def check_plain(name: str, text: str) -> None:
    """Raises QueryError for what is no text: a lone surrogate is half a character, and nothing can store it."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError(f"the {name} is not valid text (it has lone surrogates): send it as UTF-8")


def conditions(texts: Iterable[str]) -> dict[str, str]:
    """Texts of the form KEY=VALUE as `where`. Raises QueryError for another form, and for a key that comes twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not sign or not key:
            raise QueryError(f"where {text!r}: write it as KEY=VALUE, as in author=Ada")
        if key in found:
            raise QueryError(f"where {key}= is there twice: give each key once, with stars for a part of its value")
        found[key] = value
    return found


def seconds(date: str) -> float:
    """A date or a date with a time in ISO 8601 as seconds since the epoch; local time where it names no zone.

    A year or a month stands for its first moment. Raises QueryError.
    """
    text = date.strip()
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        text += "-01-01" if len(text) == 4 else "-01"
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise QueryError(
            f"{date!r} is not a date: write it as 2026, 2026-03, 2026-03-31 or 2026-03-31T18:00Z"
        ) from error
