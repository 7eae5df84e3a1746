"""Text read as words in order, with those marked that an answer may not get wrong: numbers, dates, names, units,
and what is denied.

Plain rules, no model. Words are cut to a stem; numbers are brought into one form ("1,000" and "1000", "twelve" and
"12", "1.5 million" and "1,500,000"), dates too (2024-05-10, 10/25/2024 and "25 Oct 2024"); a name is a capitalised
word, an acronym, or a word with digits or underscores in it. German capitalises every noun: there names are not told
from nouns, and none is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from search.keywords import STOP_WORDS, indexed
from search.opposites import CLAUSE_ENDS, DENIALS, INVERTING, NEGATIONS, POLES, SUBJECTS, plainly

Kind = Literal["word", "number", "date", "name", "unit", "negation"]

MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_SHORT_MONTHS = {
    short: MONTHS[at]
    for at, names in enumerate("Jan Feb Mar Apr Mai Jun Jul Aug Sep,Sept Oct,Okt Nov Dec,Dez".split())
    for short in names.split(",")
} | {
    name: MONTHS[at]
    for at, name in enumerate(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
    )
}
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
_MULTIPLES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_VAGUE = frozenset({"one", "first", "second", "once", "zero", "third", "may", "march"})
"""Numbers or months in one sentence and none in another: they support, but are not asked for."""

_MEASURES = {
    word: words.split()[0]
    for words in """% percent per-cent|$ dollar dollars usd|€ euro euros eur|£ pound pounds gbp|¥ yen
        |km kilometre kilometres kilometer kilometers|mi mile miles|m metre metres meter meters|ft foot feet
        |cm centimetre centimetres centimeter centimeters|mm|kg kilogram kilograms|lb lbs|ton tons tonne tonnes
        |second seconds sec|ms millisecond milliseconds|minute minutes min|hour hours|day days|week weeks|month months
        |year years|decade decades|century centuries|kb kilobyte kilobytes|mb megabyte megabytes|gb gigabyte gigabytes
        |tb terabyte terabytes|celsius|fahrenheit|°c|°f|token tokens|character characters|word words""".split("|")
    for word in words.split()
}
_GERMAN = frozenset("der die das und ist nicht den von mit ein eine dem des wird werden auf für sich".split())
GERMAN_SHARE = 0.15

_ISO = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(\d{2})\b")
_DAY_FIRST = re.compile(
    r"\b(1[3-9]|2\d|3[01])[/.](0?[1-9]|1[0-2])[/.](\d{4})\b|\b(0?[1-9]|1[0-2])\.(0?[1-9]|1[0-2])\.(\d{4})\b"
)
_MONTH_FIRST = re.compile(r"\b(0?[1-9]|1[0-2])/(1[3-9]|2\d|3[01])/(\d{4})\b")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?![^\W_])|[^\W_]+(?:_[^\W_]+)*(?:['’][^\W\d_]+)?|[%$€£¥]|°[CF]\b")
_GENITIVE = re.compile(r"['’]s?$")
_PAUSE = re.compile(r"[,;:.!?()—–]|\n\s*\n|\s-\s")
REACH = 3
"""How many of the words behind a negation it may deny."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with a meaning: `form` is its stem, or the number in one form; `sure`: it certainly is of its kind.

    `key` is the same for a word and its opposites, and `sign` tells these apart and turns where the word is denied;
    0 is a word that may be denied or not.
    """

    form: str
    kind: Kind
    sure: bool = True
    text: str = ""
    key: str = ""
    sign: int = 1
    denies: bool = False


def read(text: str, *, names: bool = True) -> tuple[Word, ...]:
    """The words of a text in order, without stop words. `names`: whether capitals tell names (`capitals_tell`)."""
    text = plainly(_with_written_dates(indexed(text)))
    found: list[Word] = []
    denied = begun = end = 0
    first = True
    for match in _TOKEN.finditer(text):
        low = match[0].lower()
        if low == "non":
            denied = 1
            continue
        if low in CLAUSE_ENDS or _PAUSE.search(text, end, match.start()):
            _deny_last(found, begun)
            denied, begun = 0, len(found)
        end = match.end()
        word = _word(match[0], first=first, names=names)
        first = False
        if word is None or _merged(found, word, low):
            continue
        if word.kind == "negation":
            denied = -REACH if low in INVERTING else REACH
        elif denied:
            word, denied = _denied(word, denied, low)
        found.append(word)
    _deny_last(found, begun)
    return tuple(found)


def capitals_tell(texts: Iterable[str]) -> bool:
    """Whether a capital tells a name in these texts: in German it doesn't."""
    words = [word for text in texts for word in re.findall(r"[^\W\d_]+", text.lower())]
    return sum(word in _GERMAN for word in words) <= GERMAN_SHARE * len(words)


def stem(word: str) -> str:
    """What the forms of a word have in common, roughly: its first letters."""
    return word[: max(4, len(word) - 3)] if len(word) > 4 else word.rstrip("s") or word


def _with_written_dates(text: str) -> str:
    """Dates in digits, where they leave no doubt, with the month as a word."""

    def written(year: str, month: str, day: str) -> str:
        return f"{int(day)} {MONTHS[int(month) - 1].capitalize()} {year}"

    text = _ISO.sub(lambda date: written(date[1], date[2], date[3]), text)
    text = _DAY_FIRST.sub(
        lambda date: written(date[3] or date[6], date[2] or date[5], date[1] or date[4]),
        text,
    )
    return _MONTH_FIRST.sub(lambda date: written(date[3], date[1], date[2]), text)


def _denied(word: Word, denied: int, low: str) -> tuple[Word, int]:
    """A word behind a negation, and how far that still reaches: the first is denied (an adverb and what follows
    it), the others perhaps. A word that has an opposite keeps its own sense among these: "cannot enter before noon".
    """
    if denied < 0:
        return word if word.key in SUBJECTS else replace(word, sign=0), denied + 1
    turned = replace(word, sign=-word.sign)
    return turned, denied if low.endswith("ly") else 1 - denied


def _deny_last(found: list[Word], begun: int) -> None:
    """Where a negation is the end of a clause ("they do not"), what stands before it is denied; `begun` is the
    number of words before the clause.
    """
    if len(found) - begun > 1 and found[-1].kind == "negation" and found[-2].kind != "negation":
        found[-2] = replace(found[-2], sign=-found[-2].sign)


def _merged(found: list[Word], word: Word, low: str) -> bool:
    """Takes the second part of a number such as "3 million" or "twenty-five" into the first one."""
    last = found[-1] if found else None
    if last is None or last.kind != "number":
        return False
    if low in _MULTIPLES and last.form.replace(".", "", 1).isdigit():
        form = _plain(f"{float(last.form) * _MULTIPLES[low]:.6f}")
    elif last.text.lower() in _TENS and word.kind == "number" and len(word.form) == 1:
        form = str(int(last.form) + int(word.form))
    else:
        return False
    found[-1] = replace(last, form=form, key=form, text=f"{last.text} {word.text}", sure=True)
    return True


def _word(token: str, *, first: bool, names: bool) -> Word | None:
    """A word, None where it says nothing by itself."""
    low = _GENITIVE.sub("", token.lower())
    if literal := _literal(token, low, first=first):
        return literal
    coded = "_" in token or (any(c.isdigit() for c in token) and any(c.isalpha() for c in token))
    capital = names and len(token) > 1 and any(c.isupper() for c in token) and not (first and token[1:].islower())
    named = coded or capital
    form = low if coded else stem(low)
    kind: Kind = "name" if named else "word"
    if low in POLES:
        key, sign = POLES[low]
        return Word(form, kind, named, token, key, sign, low in DENIALS)
    if low in STOP_WORDS or not low:
        return None
    if low in _MEASURES and not named:
        return Word(_MEASURES[low], "unit", False, token, _MEASURES[low])
    return Word(form, kind, named, token, form)


def _literal(token: str, low: str, *, first: bool) -> Word | None:
    """A negation, a number or a date."""
    if low in NEGATIONS or low.endswith(("n't", "n’t")):
        return Word("not", "negation", True, token, "not", denies=True)
    if number := _number(low):
        return Word(number, "number", low not in _VAGUE, token, number)
    month = _SHORT_MONTHS.get(token)
    if month or ((low in MONTHS or low in DAYS) and (low not in _VAGUE or (token[0].isupper() and not first))):
        return Word(month or low, "date", True, token, month or low)
    return None


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
