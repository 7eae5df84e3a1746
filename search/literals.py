"""Text read as words in order, with those marked that an answer may not get wrong: numbers, dates, names, negations.

Plain rules, no model. Words are cut to a stem; numbers are brought into one form ("1,000" and "1000", "twelve" and
"12", ISO dates and written ones); a name is a capitalised word, an acronym, or a word with digits or underscores in
it. German capitalises every noun: there names are not told from nouns, and none is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from search.keywords import STOP_WORDS, indexed

Kind = Literal["word", "number", "date", "name", "negation"]

MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_WRITTEN = (
    {word: str(value) for value, word in enumerate(_UNITS)}
    | {word: str(value * 10) for value, word in enumerate(_TENS, 2)}
    | {word: str(value) for value, word in enumerate(_ORDINALS)}
    | {"once": "1", "twice": "2", "dozen": "12"}
)
_VAGUE = frozenset({"one", "first", "second", "once", "zero", "third", "may", "march"})
"""Numbers or months in one sentence and none in another: they support, but are not asked for."""

_NEGATIONS = frozenset(
    """not no never none nobody nothing nowhere neither nor without cannot cant except unless hardly
    nicht kein keine keinen keiner keinem nie niemals ohne pas jamais sans nunca sin""".split()
)
_GERMAN = frozenset("der die das und ist nicht den von mit ein eine dem des wird werden auf für sich".split())
GERMAN_SHARE = 0.15

_ISO = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(\d{2})\b")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?![^\W\d_])|[^\W_]+(?:_[^\W_]+)*(?:['’][^\W\d_]+)?")
_GENITIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class Word:
    """A word with a meaning: `form` is its stem, or the number in one form; `sure`: it certainly is of its kind."""

    form: str
    kind: Kind
    sure: bool = True
    text: str = ""


def read(text: str, *, names: bool = True) -> tuple[Word, ...]:
    """The words of a text in order, without stop words. `names`: whether capitals tell names (`capitals_tell`)."""
    text = _ISO.sub(lambda date: f"{date[1]} {MONTHS[int(date[2]) - 1]} {int(date[3])}", indexed(text))
    found = []
    sentence_begins = True
    for match in _TOKEN.finditer(text):
        word = _word(match[0], first=sentence_begins, names=names)
        sentence_begins = False
        if word is not None:
            found.append(word)
    return tuple(found)


def capitals_tell(texts: Iterable[str]) -> bool:
    """Whether a capital tells a name in these texts: in German it doesn't."""
    words = [word for text in texts for word in re.findall(r"[^\W\d_]+", text.lower())]
    return sum(word in _GERMAN for word in words) <= GERMAN_SHARE * len(words)


def stem(word: str) -> str:
    """What the forms of a word have in common, roughly: its first letters."""
    return word[: max(4, len(word) - 3)] if len(word) > 4 else word.rstrip("s")


def _word(token: str, *, first: bool, names: bool) -> Word | None:
    low = _GENITIVE.sub("", token.lower())
    if low in _NEGATIONS or low.endswith(("n't", "n’t")):
        return Word("not", "negation", True, token)
    if number := _number(low):
        return Word(number, "number", low not in _VAGUE, token)
    if (low in MONTHS or low in DAYS) and (low not in _VAGUE or (token[0].isupper() and not first)):
        return Word(low, "date", True, token)
    if low in STOP_WORDS or not low:
        return None
    named = _named(token, names=names) and not (first and token[1:].islower())
    return Word(stem(low), "name" if named else "word", named, token)


def _named(token: str, *, names: bool) -> bool:
    coded = "_" in token or (any(c.isdigit() for c in token) and any(c.isalpha() for c in token))
    return coded or (names and len(token) > 1 and any(c.isupper() for c in token))


def _number(low: str) -> str | None:
    """A number in one form, written in digits (10, 10th, 1,000) or as a word."""
    if re.fullmatch(r"[\d.,:]+", low):
        return _plain(low)
    if ordinal := re.fullmatch(r"(\d+)(?:st|nd|rd|th|s)", low):
        return _plain(ordinal[1])
    return _WRITTEN.get(low)


def _plain(number: str) -> str:
    """One form for one number: no thousands commas, no zeros in front or behind a point."""
    number = re.sub(r",(?=\d{3}(?:\D|$))", "", number)
    if re.fullmatch(r"\d+\.\d+", number):
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"
