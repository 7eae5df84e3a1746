"""True answers and the same with one thing changed, built from questions with known answers; deterministic.

A long answer (a sentence of a reference answer) is true as it stands; a short one (a few words) gives the sentence of
its document that holds it. Changed are: a number, a date (month or year), a name (for one of another document),
a negation (put in or taken out); and, harder, a number or a name for another one of the same passages.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from search import literals

CHANGES = ("number", "date", "name", "negation", "number within", "name within")
ASKED = CHANGES[:4]
"""Those that are all the same wrong wherever they stand; the others swap two things that the passages do say."""

_MONTHS = [month.capitalize() for month in literals.MONTHS if month not in ("march", "may")]
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|can|will|must|should|may|could|would|has|have|had)\b(?! (?:not|no|never)\b)"
)
_NEGATION = re.compile(r" (?:not|never)\b")
_NAME = re.compile(r"(?<=[a-z,] )([A-Z][a-z]{2,})(?![a-z])")
_DATE = re.compile(rf"\b(?:{'|'.join(_MONTHS)}|1[0-9]\d\d|20[0-2]\d)\b")


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence and the texts it is held against; `change` is "" where it is true."""

    text: str
    passages: tuple[str, ...]
    change: str = ""


def changed(sentence: str, passages: Sequence[str], names: Sequence[str], rng: random.Random) -> Iterator[Case]:
    """The sentence as it is, and each change that it allows; `names` are some that stand elsewhere."""
    yield Case(sentence, tuple(passages))
    whole = " ".join(passages)
    makers: dict[str, Callable[[], str | None]] = {
        "number": lambda: _number(sentence, rng, ()),
        "date": lambda: _date(sentence, rng),
        "name": lambda: _name(sentence, rng, [name for name in names if name.lower() not in whole.lower()]),
        "negation": lambda: _negation(sentence),
        "number within": lambda: _number(sentence, rng, re.findall(r"\d+", whole)),
        "name within": lambda: _name(sentence, rng, _NAME.findall(whole)),
    }
    for change in CHANGES:
        text = makers[change]()
        if text is not None and text != sentence:
            yield Case(text, tuple(passages), change)


def names_of(texts: Sequence[str]) -> list[str]:
    """The names that stand in texts, for `changed`."""
    return sorted({name for text in texts for name in _NAME.findall(text)} - set(_MONTHS))


def _number(sentence: str, rng: random.Random, others: Sequence[str]) -> str | None:
    found = list(re.finditer(r"\d+", sentence))
    if not found:
        return None
    match = rng.choice(found)
    steps = [str(int(match[0]) + step) for step in (-3, -2, -1, 1, 2, 3, 7, 10) if int(match[0]) + step >= 0]
    wrong = [other for other in others or steps if other not in sentence]
    return _put(sentence, match, rng.choice(wrong)) if wrong else None


def _date(sentence: str, rng: random.Random) -> str | None:
    found = list(_DATE.finditer(sentence))
    if not found:
        return None
    match = rng.choice(found)
    if match[0].isalpha():
        return _put(sentence, match, rng.choice([month for month in _MONTHS if month not in sentence]))
    return _put(sentence, match, str(int(match[0]) + rng.choice((-10, -2, -1, 1, 2, 11))))


def _name(sentence: str, rng: random.Random, others: Sequence[str]) -> str | None:
    found = [match for match in _NAME.finditer(sentence) if match[0] not in _MONTHS]
    wrong = sorted({other for other in others if other not in sentence})
    return _put(sentence, rng.choice(found), rng.choice(wrong)) if found and wrong else None


def _negation(sentence: str) -> str | None:
    if negation := _NEGATION.search(sentence):
        return sentence[: negation.start()] + sentence[negation.end() :]
    verb = _AUXILIARY.search(sentence)
    return f"{sentence[: verb.end()]} not{sentence[verb.end() :]}" if verb else None


def _put(sentence: str, match: re.Match[str], text: str) -> str:
    return sentence[: match.start()] + text + sentence[match.end() :]
