"""The language of a document, found from its text. Deterministic; knows no store.

py3langid has a model of 97 languages in its wheel: most of a second to load, 1 ms for a page. On paragraphs of about
1,200 characters in English, German, Spanish, Portuguese, Russian, Arabic and Chinese it was right for 96 to 100 %
(xquad, faquad). Plain English needs no model to be told: its small words do, and no other language has so many of
them (of 3,539 texts in other languages none passed).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from search import stems

if TYPE_CHECKING:
    from concurrent.futures import Future

CHARACTERS = 4_000
"""How much of a text is looked at."""

LETTERS = 40
"""Fewer letters than these are not enough to tell, in scripts whose letters are not words."""

SURE = 0.5
"""A text is in the language that is found with at least this probability. Of 1,406 texts with more, 8 were in another
one; of 41 with less, tables and code for the most part, 13."""

REMEMBERED = 64
"""Texts of which it is kept whether they are English: whoever asks `at_once` asks `of` then."""

_NO_LANGUAGE = "zxx"
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")

_ENGLISH = frozenset(
    "the of and to is that with this are be it you can by from have will which has was were an in for or not if as "
    "at".split()
)
_FOREIGN = frozenset().union(*stems.FUNCTION_WORDS.values()) - stems.FUNCTION_WORDS[stems.ENGLISH] - _ENGLISH
_OF_SMALL_WORDS = {
    language: frozenset(names.split())
    for language, names in {
        "english": "en",
        "german": "de lb",
        "french": "fr oc wa",
        "spanish": "es gl ca an",
        "portuguese": "pt gl",
        "italian": "it",
        "dutch": "nl af",
        "swedish": "sv",
        "danish": "da nb nn no",
        "norwegian": "da nb nn no",
        "finnish": "fi",
        "polish": "pl",
        "czech": "cs sk",
        "hungarian": "hu",
        "romanian": "ro",
        "turkish": "tr az",
    }.items()
}
"""What a query may be in that has the small words of a language: those that look like it are not told apart."""
_OF_SCRIPT = {
    script: frozenset(names.split())
    for script, names in {
        "CYRILLIC": "ru uk be bg mk sr kk ky mn",
        "ARABIC": "ar fa ur ps ug ku",
        "CJK": "zh wuu yue ja",
        "HIRAGANA": "ja",
        "KATAKANA": "ja",
        "HANGUL": "ko",
        "THAI": "th",
        "LAO": "lo",
        "KHMER": "km",
        "GREEK": "el",
        "HEBREW": "he",
        "ARMENIAN": "hy",
        "GEORGIAN": "ka",
        "ETHIOPIC": "am",
        "DEVANAGARI": "hi mr ne",
        "BENGALI": "bn as",
        "TAMIL": "ta",
        "TELUGU": "te",
    }.items()
}
"""What a query in a script other than Latin may be in, by the first word of its letters' names."""
_FEWEST = 6
_SHARE = 0.15
_MOST_FOREIGN = 0.03


def of(type: str, text: str, metadata: Mapping[str, str]) -> str:
    """The language that a document is written in: ISO 639-1 such as `en`; the programming language of code.

    What a document says of itself counts where its text does not tell; empty where nothing does.
    """
    stated = metadata.get("language", "").strip().lower()
    if type == "code":
        return stated
    sample = text[:CHARACTERS]
    if _is_english(sample):
        return "en"
    if _has_letters(sample):
        found, probability = _loading().result().classify(sample)
        if probability >= SURE and found != _NO_LANGUAGE:
            return str(found)
    return re.split(r"[-_]", stated)[0]


def at_once(type: str, text: str) -> bool:
    """Whether `of` answers without waiting for its model. Where it would wait, the model is being loaded by now."""
    sample = text[:CHARACTERS]
    return type == "code" or _is_english(sample) or not _has_letters(sample) or _loading().done()


def of_query(text: str) -> frozenset[str]:
    """The languages that a query may be in, ISO 639-1, where its script or its small words surely tell; else none.

    Cheap: a query is too short for a model, and loading one takes longer than a search.
    """
    letters = _LETTER.findall(text[:CHARACTERS])
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    script, number = max(scripts.items(), key=lambda pair: pair[1], default=("", 0))
    if 2 * number <= len(letters):
        return frozenset()
    if script in _OF_SCRIPT:
        return _OF_SCRIPT[script]
    found = stems.surely_language_of_query(_WORD.findall(text[:CHARACTERS].lower()))
    return _OF_SMALL_WORDS.get(found or "", frozenset())


@cache
def _loading() -> Future[Any]:
    """py3langid's model, in another thread: it takes most of a second, which only who needs it pays."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (no search needs it)

    thread = ThreadPoolExecutor(1, "language-model")
    loading = thread.submit(_identifier)
    thread.shutdown(wait=False)
    return loading


def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _has_letters(text: str) -> bool:
    return len(_LETTER.findall(text)) >= LETTERS


@lru_cache(REMEMBERED)
def _is_english(text: str) -> bool:
    """Whether the text is surely English: several of its small words, a good share of them, and hardly any others'."""
    words = Counter(_WORD.findall(text.lower()))
    total, small = words.total(), words.keys() & _ENGLISH
    if len(small) < _FEWEST or sum(words[word] for word in small) < _SHARE * total:
        return False
    return sum(words[word] for word in words.keys() & _FOREIGN) <= _MOST_FOREIGN * total
