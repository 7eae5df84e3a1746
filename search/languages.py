"""The language of a document, found from its text. Deterministic; knows no store.

py3langid has a model of 97 languages in its wheel: half a second to load, 1 ms for a page. On paragraphs of about
1,200 characters in English, German, Spanish, Portuguese, Russian, Arabic and Chinese it was right for 96 to 100 %
(xquad, faquad). Plain English needs no model to be told: its small words do, and no other language has so many of
them (of 3,539 texts in other languages none passed).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from search import stems

CHARACTERS = 4_000
"""How much of a text is looked at."""

LETTERS = 40
"""Fewer letters than these are not enough to tell, in scripts whose letters are not words."""

SURE = 0.5
"""A text is in the language that is found with at least this probability. Of 1,406 texts with more, 8 were in another
one; of 41 with less, tables and code for the most part, 13."""

_NO_LANGUAGE = "zxx"
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")

_ENGLISH = frozenset(
    "the of and to is that with this are be it you can by from have will which has was were an in for or not if as "
    "at".split()
)
_FOREIGN = frozenset().union(*stems.FUNCTION_WORDS.values()) - stems.FUNCTION_WORDS[stems.ENGLISH] - _ENGLISH
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
    if len(_LETTER.findall(sample)) >= LETTERS:
        found, probability = _identifier().classify(sample)
        if probability >= SURE and found != _NO_LANGUAGE:
            return str(found)
    return re.split(r"[-_]", stated)[0]


@cache
def _identifier() -> Any:
    """py3langid's model; loading it takes half a second, which only who needs it pays."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _is_english(text: str) -> bool:
    """Whether the text is surely English: several of its small words, a good share of them, and hardly any others'."""
    words = Counter(_WORD.findall(text.lower()))
    total, small = words.total(), words.keys() & _ENGLISH
    if len(small) < _FEWEST or sum(words[word] for word in small) < _SHARE * total:
        return False
    return sum(words[word] for word in words.keys() & _FOREIGN) <= _MOST_FOREIGN * total
