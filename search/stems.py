"""The language of a text, and the stems of its words: Snowball's, through PyStemmer. Pure; knows no index.

Words in Greek, Cyrillic, Arabic and a few more scripts are stemmed by script. Latin script serves many languages:
a text's is the one that most of its small words belong to, and its stems carry that language's name, so that a
query can ask for a word in every language without mixing them up.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock

import Stemmer

ENGLISH = "english"

FUNCTION_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "english": "the of and to in is was for that it with as on by at from be are this which not have has or "
        "an were his they",
        "german": "der die und das von den mit dem des ist ein eine im zu auf für nicht sich als auch es werden "
        "wird aus bei einer sind wie wurde nach wer welche welcher wann",
        "french": "le la les de des du et un une est en que qui dans pour par sur au aux il ne pas se ce sont "
        "avec plus cette été ses quel quelle",
        "spanish": "el la de que los las del en un una por con para se su como es al lo más pero fue sus este "
        "entre ha era qué cuál cuándo quién",
        "portuguese": "de que do da dos das em um uma no na por com para se os as ao não mais como foi pelo pela "
        "seu sua qual são quem quando",
        "italian": "il lo la gli le di del della dei che un una in per con non da al alla nel nella sono come si "
        "più anche dal quale chi",
        "dutch": "de het een van en in is dat op te zijn met voor niet aan door er als ook bij naar worden "
        "werd om uit deze wordt wie welke",
        "swedish": "och att det som en på är av för med den till inte ett om har var från vid men han kan efter "
        "eller vad",
        "danish": "og at det som en på er af for med den til ikke et om har var fra ved men han kan efter eller "
        "blev hvad",
        "norwegian": "og at det som en på er av for med den til ikke et om har var fra ved men han kan etter eller "
        "ble hva",
        "finnish": "ja on ei se että oli hän ovat joka mutta kun niin myös kuin sen tai jos hänen ole olivat "
        "mukaan mikä",
        "polish": "na się do nie jest to że od przez dla po jak są jego był oraz które za ale jaki kto",
        "czech": "se na je že do to by jako pro po za ale byl jsou který od také nebo jeho při co kdo",
        "hungarian": "az és hogy nem egy is volt ez meg mint csak de ha már vagy még el azt kell mi ki",
        "romanian": "de și în la cu pe din că nu un care mai pentru fi au al sau sunt prin este ce",
        "turkish": "ve bir bu da de için ile olarak daha çok olan en gibi sonra kadar ise ama veya var ne kim",
        "russian": "и в на с что не как по для от это из к за он она они его её был была было были а но или при "
        "до у о же который когда где кто какой какая какие чем",
        "arabic": "في من على إلى عن أن إن هو هي كان كانت التي الذي هذا هذه ذلك ما لا مع أو ثم قد بين بعد كل متى "
        "أين كيف لم",
    }.items()
}
"""The most frequent small words of each language: they tell what language a text is in, and say little in a query."""

LATIN = tuple(language for language in FUNCTION_WORDS if language not in {"russian", "arabic"})

_SHARE = 0.05
"""A text is in a language when at least two of its words, and this share of them, are that language's small words."""

_SCRIPTS = (
    ("\u0370", "\u03ff", "greek"),
    ("\u0400", "\u052f", "russian"),
    ("\u0530", "\u058f", "armenian"),
    ("\u0600", "\u077f", "arabic"),
    ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
    ("\u1f00", "\u1fff", "greek"),
)
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, words in FUNCTION_WORDS.items() if word in words)
    for word in frozenset().union(*FUNCTION_WORDS.values())
}
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})
# Accents that may be left out when writing: of Latin and Greek, the points of Hebrew, the vowel signs of Arabic.
_ACCENTS = (
    ("\u0300", "\u036f"),
    ("\u0591", "\u05bd"),
    ("\u0610", "\u061a"),
    ("\u064b", "\u065f"),
    ("\u0670", "\u0670"),
)

_stemmers: dict[str, Stemmer.Stemmer] = {}
_stemming = Lock()

VERSION = f"snowball {Stemmer.version()}"


def language(words: Mapping[str, int]) -> str:
    """The language that most lower-case words, with how often they occur, belong to by its small words.

    English where they don't tell.
    """
    counts: Counter[str] = Counter()
    for word in words.keys() & _LANGUAGES_OF.keys():
        for language in _LANGUAGES_OF[word]:
            counts[language] += words[word]
    if not counts:
        return ENGLISH
    found, most = max(counts.items(), key=lambda pair: (pair[1], pair[0] == ENGLISH, pair[0]))
    return found if most >= 2 and most >= _SHARE * sum(words.values()) else ENGLISH


@lru_cache(1 << 16)
def stem(word: str, language: str) -> str:
    """The stem of a lower-case word of a text in this language, without accents.

    The stem of a word in Latin script begins with the language's name, unless that is English.
    """
    script = _script(word)
    if script is None:
        return unaccented(word)
    if script != "latin":
        return _stem(unaccented(word), script)
    stemmed = unaccented(_stem(word, language))
    return stemmed if language == ENGLISH else f"{language}:{stemmed}"


def unaccented(word: str) -> str:
    """The word without its accents: "café" as "cafe", "Straße" as "Strasse", "ё" as "е"; "й" stays, a letter."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word.translate(_PLAIN).replace("й", "\0"))
    bare = "".join(c for c in decomposed if not any(first <= c <= last for first, last in _ACCENTS))
    return unicodedata.normalize("NFC", bare).replace("\0", "й")


def _stem(word: str, language: str) -> str:
    # A Stemmer may serve one thread at a time.
    with _stemming:
        if language not in _stemmers:
            _stemmers[language] = Stemmer.Stemmer(language, maxCacheSize=0)
        return str(_stemmers[language].stemWord(word))


def _script(word: str) -> str | None:
    """`latin`, the language that stands for another script, or None for what has no stem: numbers, codes, the rest."""
    if not word.isalpha() and any(c.isdigit() or c in "._:" for c in word):
        return None
    if word[0] < "\u0370" or "\u1e00" <= word[0] <= "\u1eff":
        return "latin"
    return next((language for first, last, language in _SCRIPTS if first <= word[0] <= last), None)
