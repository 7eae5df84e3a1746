"""The language of a text, and the stems of its words: Snowball's, through PyStemmer. Pure; knows no index.

Words in Greek, Cyrillic, Arabic and a few more scripts are stemmed by script. Latin script serves many languages:
a text's is the one that most of its small words belong to, and its stems carry that language's name, so that a
query can ask for a word in every language without mixing them up.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

QUESTION_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        ENGLISH: "what who whom which when where why how do does did can could should would",
        "german": "wer wem wessen welche welcher welches welchem welchen wann wo woher wohin warum wieso weshalb "
        "wieviel wieviele wozu wodurch womit woran worauf woraus wofür wonach worin",
        "french": "quoi quel quelle quels quelles lequel laquelle lesquels lesquelles où quand pourquoi combien",
        "spanish": "qué cuál cuáles cuándo cuánto cuántos cuánta cuántas quién quiénes cómo dónde adónde",
        "portuguese": "quem qual quais quando quantos quantas onde aonde",
        "italian": "quando quanti quante perché cosa",
        "dutch": "welk welke wanneer waar waarom waarheen waardoor waarmee hoeveel",
        "swedish": "vem vilka vilken vilket varför",
        "danish": "hvem hvad hvilke hvilken hvilket hvornår hvorfor hvordan hvor",
        "norwegian": "hvem hva hvilke hvilken hvilket hvorfor hvordan hvor",
        "finnish": "mitä mikä ketkä milloin missä miksi miten kuinka",
        "polish": "kto kogo komu kim czego czemu czym jaki jaka jakie jakiego jakiej który która które którego której "
        "gdzie kiedy dlaczego ilu",
        "czech": "kdo koho komu čeho čemu čím jaký jaká jaké jakého který která které kterého kde kdy proč kolik",
        "hungarian": "kinek minek milyen melyik hová honnan mikor miért hogyan hány mennyi",
        "romanian": "când unde câți câte cât câtă",
        "turkish": "kimi kimin neden niçin nasıl nerede nereye nereden hangi kaç",
        "russian": "кого кому кем ком чего чему чём какого какой какому какую каким какою каком каких какими которая "
        "которой которого которому которую которым котором которые которых которыми куда откуда почему зачем сколько "
        "скольких чей чья чьё чьи насколько",
        "arabic": "ماذا متى أين كيف كم أي أية أيّ لماذا هل بماذا بم عم علام إلام بأي لأي",
    }.items()
}
"""Words that a question is asked with. English ones are in no other list: one long foreign one tells the language."""

OTHERS = 3
"""So many small words of a language go with one of others for a query to be surely in that language."""

_LONG = 4
"""From so many letters on; shorter ones are abbreviations of something too often."""

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
SMALL_WORDS = {
    language: words | QUESTION_WORDS.get(language, frozenset()) for language, words in FUNCTION_WORDS.items()
}
"""What says little in a query, by language."""

_ARABIC_PREFIXES = "بكلفو"
"""To, in, like, so, and. Snowball takes some of them off before the article alone."""

_ROOT = 3

_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})
# Accents that may be left out when writing: of Latin and Greek, the points of Hebrew, the vowel signs of Arabic.
_ACCENTS = (
    ("\u0300", "\u036f"),
    ("\u0591", "\u05bd"),
    ("\u0610", "\u061a"),
    ("\u064b", "\u065f"),
    ("\u0670", "\u0670"),
)


def _by_word(words_of: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """Each word's languages."""
    every = frozenset().union(*words_of.values())
    return {word: tuple(language for language, words in words_of.items() if word in words) for word in every}


_LANGUAGES_OF, _LANGUAGES_OF_QUERIES = _by_word(FUNCTION_WORDS), _by_word(SMALL_WORDS)
_SHARED = _by_word(
    {
        "english": frozenset("a no die so on me am man".split()),
        "german": frozenset("was in an am so hat man viele".split()),
        "dutch": frozenset("die was wat".split()),
        "french": frozenset("on a".split()),
        "spanish": frozenset("a esta no me".split()),
        "portuguese": frozenset("era este esta a".split()),
        "italian": frozenset("era a".split()),
        "danish": frozenset("i man".split()),
        "norwegian": frozenset("i man".split()),
        "swedish": frozenset("i man".split()),
    }
)
"""Small words that the lists leave out since another language has them too: without them a short query in the one looks
like one in the other. The lists themselves decide the stems of what is indexed."""
_SMALL = _LANGUAGES_OF_QUERIES.keys() | _SHARED.keys()

_stemmers: dict[str, Stemmer.Stemmer] = {}
_stemming = Lock()

VERSION = f"snowball {Stemmer.version()}"


def language(words: Mapping[str, int]) -> str:
    """The language that most lower-case words, with how often they occur, belong to by its small words.

    English where they don't tell.
    """
    found, most = _most(words, _LANGUAGES_OF)
    return found if most >= 2 and most >= _SHARE * sum(words.values()) else ENGLISH


def language_of_query(words: Mapping[str, int]) -> str:
    """The same for a query, which is short: one question word tells it too, where there is no small word of English."""
    found, most = _most(words, _LANGUAGES_OF_QUERIES)
    is_asked = any(len(word) >= _LONG and word in QUESTION_WORDS.get(found, ()) for word in words)
    return found if most >= 2 or is_asked else ENGLISH


def surely_language_of_query(words: Iterable[str]) -> str | None:
    """The language that a query has at least two small words of, and more than of any other; None where it has many
    others beside them, such as those of a title that it quotes."""
    languages = [
        {*_LANGUAGES_OF_QUERIES.get(word, ()), *_SHARED.get(word, ())} for word in set(words) if word in _SMALL
    ]
    counts = Counter(language for of_one in languages for language in of_one).most_common(2)
    if not counts or [number for _, number in counts] == [counts[0][1]] * 2:
        return None
    found, most = counts[0]
    return found if most >= 2 and most >= OTHERS * sum(found not in of_one for of_one in languages) else None


def _most(words: Mapping[str, int], languages: Mapping[str, Sequence[str]]) -> tuple[str, int]:
    """The language that most of the words are small words of, English of equal ones, and how many."""
    counts: Counter[str] = Counter()
    for word in words.keys() & languages.keys():
        for language in languages[word]:
            counts[language] += words[word]
    return max(counts.items(), key=lambda pair: (pair[1], pair[0] == ENGLISH, pair[0]), default=(ENGLISH, 0))


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


def unprefixed(word: str) -> str | None:
    """An Arabic word without the letter before it that is a word of its own: "ببرلين" ("in Berlin") as "برلين".

    None where it begins with none of them, or where less than a root of three letters would be left. Many words begin
    with such a letter that is part of them, so a word has to be looked for in both ways.
    """
    if _script(word) != "arabic":
        return None
    bare = unaccented(word)
    return bare[1:] if bare[0] in _ARABIC_PREFIXES and len(bare) > _ROOT else None


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
