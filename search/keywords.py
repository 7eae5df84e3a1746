"""Words of texts and of queries, for keyword search. Pure; knows no index.

A text is cut at spaces and punctuation. Identifiers count whole and in parts: `store.read_all` is also `store`, `read`
and `all`, `readAll` also `read` and `all`. So does what a hyphen divides: `e-mail` is also `email`. Scripts that are
written without spaces, and Korean, give overlapping pairs of characters (bigrams). Then each word is reduced to its
stem in the language of its text.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from search import stems

ANALYSIS = f"3, {stems.VERSION}"
"""Names all that decides which terms a text has. An index that was made by another analysis has to be made anew."""

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being between both but by can could
    did do does doing done down during each few for from further get had has have having he her here hers him
    his how i if in into is it its itself just me more most my no nor not now of off on once only or other our
    out over own same she should so some such than that the their them then there these they this those through
    to too under until up us very was we were what when where which while who whom why will with would you
    your yours""".split()
)

# Han, Hiragana, Katakana, Thai, Lao, Burmese, Khmer: written without spaces. Hangul: particles stick to its words.
_UNSPACED = (
    "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e4f\u0e80-\u0ecf\u1000-\u109f\u1780-\u17df"
    "\uac00-\ud7af\U00020000-\U0003ffff"
)
# Accents, vowel signs and points, which belong to the letter before them; \w leaves them out.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_LETTERS = f"(?:(?![{_UNSPACED}])[^\\W_][{_MARKS}]*)+"
_TOKEN = f"([{_UNSPACED}]+)|({_LETTERS}(?:(?:\\.|::|_+|[-\u2010]){_LETTERS})*)"
_ASCII_TOKEN = re.compile(r"[^\W_]+(?:(?:\.|::|_+|-)[^\W_]+)*", re.ASCII)
_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SPECIAL = re.compile(f"[{_UNSPACED}{_MARKS}]")
_UNSPACED_WORD = re.compile(f"[{_UNSPACED}]+")
_HYPHEN = re.compile("[-\u2010]")
_JOINTS = re.compile("[._:\u2010-]+")
_HUMPS = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{3})(?=[A-Z][a-z])")
# Soft hyphen, zero-width characters, and the stroke that lengthens Arabic words: invisible or meaningless.
_DROPPED = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff\u0640]")
# What typographers put into texts that are ASCII otherwise, arrows, boxes and emoji: borders of words, like the space.
_PUNCTUATION = re.compile("[\u00a0«»–—‘’“”•…\u2190-\u21ff\u2500-\u2775\u2794-\u27bf\ufe0f\U0001f300-\U0001faff]+")

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SMALL_HAN = frozenset("的了着著之所吗嗎呢吧什甚么麼哪谁誰何几幾怎")
"""Characters that say little by themselves: what marks the parts of a Chinese sentence, and what asks."""

_SMALL_BY_SCRIPT = stems.SMALL_WORDS["russian"] | stems.SMALL_WORDS["arabic"]
"""Small words that their letters tell from words of other languages, so that one is enough."""

_FOREIGN_LETTERS = 0.3
"""A text with more than this share of letters beyond Latin is not English: a formula has fewer."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """A text as the keyword index keeps it: how often each term occurs, how many words it has, its language."""

    counts: dict[str, int]
    length: int
    language: str


def terms(query: str) -> list[str]:
    """The plain words of a query, in order, without repeats and stop words; identifiers in parts only.

    A query of nothing but stop words keeps them: "to be or not to be" is a query too.
    """
    return _telling(words(query))


def indexed(text: str) -> str:
    """The text with spaces in its runs of unspaced script, which become bigrams."""
    return _UNSPACED_WORD.sub(lambda run: f" {' '.join(_bigrams(run[0]))} ", text)


def words(text: str) -> list[str]:
    """The plain words of a text, in order and with repeats, in lower case."""
    # Where no letter asks for more, words are what stands between other signs; that takes a quarter of the time.
    if (plain := _ascii(text)) is not None:
        return _ASCII_WORD.findall(plain.lower())
    if not _SPECIAL.search(plain := _normalized(text)):
        return [word.lower() for word in _WORD.findall(plain)]
    return [part.lower() for word in _tokens(text) for part in _parts(word)]


def sought(query: str) -> list[str]:
    """The words to search for, as `terms`; identifiers whole as well, and the single characters of Han script.

    Bigrams find a word exactly, but also where none is (the last of one word with the first of the next), and miss
    what is put in another way; many characters are words, or what two words for a thing share. Both together find more
    (Nie, Gao, Zhang, Zhou: On the use of words and n-grams for Chinese information retrieval, 2000).
    """
    forms = _telling(form for word in _tokens(query) for form in _forms(word))
    characters = _HAN.findall("".join(forms))
    return list(dict.fromkeys([*forms, *(character for character in characters if character not in _SMALL_HAN)]))


def analyse(text: str) -> Analysis:
    """The terms of a text."""
    forms = Counter(itertools.chain.from_iterable(map(_forms, _tokens(text))))
    language = stems.language(forms)
    counts: dict[str, int] = {}
    for term, number in zip(map(stems.stem, forms, itertools.repeat(language)), forms.values(), strict=True):
        counts[term] = counts.get(term, 0) + number
    for word in () if text.isascii() else forms:
        if not word.isascii():
            for other in _other_ways(word, language):
                counts[other] = counts.get(other, 0) + forms[word]
    return Analysis(counts, forms.total(), language)


def is_english(text: str) -> bool:
    """Whether a text is English, as far as its script and its small words tell: a few words may be in any language."""
    letters = [character for character in text if character.isalpha()]
    if sum(character > "\u024f" for character in letters) > _FOREIGN_LETTERS * len(letters):
        return False
    return stems.language_of_query(Counter(words(text))) == stems.ENGLISH


def keys(word: str, languages: Iterable[str]) -> frozenset[str]:
    """All terms that a word of a query may stand under in texts of these languages."""
    found = frozenset(stems.stem(word, language) for language in languages)
    bare = stems.unprefixed(word)
    return found if bare is None else found | {stems.stem(bare, stems.ENGLISH)}


def _tokens(text: str) -> Iterable[str]:
    """Words with their joints and capitals, and bigrams."""
    plain = _ascii(text)
    return _any_tokens(text) if plain is None else _ASCII_TOKEN.findall(plain)


def _ascii(text: str) -> str | None:
    """A text of ASCII and of what typographers put among it; None for another one."""
    if text.isascii() or (text := _PUNCTUATION.sub(" ", text)).isascii():
        return text
    return None


def _any_tokens(text: str) -> Iterator[str]:
    for match in _token().finditer(_normalized(text)):
        run = match[1]
        if run:
            yield from _bigrams(run)
        else:
            yield match[2]


@cache
def _token() -> re.Pattern[str]:
    """Compiled when it is first used: that takes as long as the keyword stage of a search, and few need it."""
    return re.compile(_TOKEN)


def _normalized(text: str) -> str:
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text))


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _parts(word: str) -> list[str]:
    return [word] if word.isalnum() else [part for part in _JOINTS.split(word) if part]


@lru_cache(1 << 16)
def _forms(word: str) -> tuple[str, ...]:
    """All that a word can be found by, in lower case: IL-6 as il, 6 and il6.

    Who hyphenates is a matter of taste, so what a hyphen divides is one word too; two numbers are not.
    """
    pieces = _HYPHEN.split(word)
    forms = [form for piece in pieces for form in _forms_of_identifier(piece)]
    pairs = [(a, b) for a, b in itertools.pairwise(pieces) if a.isalnum() and b.isalnum()]
    return (*forms, *((a + b).lower() for a, b in pairs if not (a + b).isdigit()))


def _forms_of_identifier(word: str) -> tuple[str, ...]:
    """A word without hyphens, its parts at joints and at humps, in lower case."""
    parts = _parts(word)
    forms = [word] if len(parts) > 1 else []
    for part in parts:
        humps = [] if part.islower() else _HUMPS.split(part)
        forms += humps if len(humps) > 1 else []
        forms.append(part)
    return tuple(form.lower() for form in forms)


def _other_ways(word: str, language: str) -> Iterator[str]:
    """Further terms under which a text's word can be found, and which don't count as words of it:
    as it is written without accents, without an Arabic prefix, and the single characters of a bigram.
    """
    if _UNSPACED_WORD.fullmatch(word):
        yield from word if len(word) > 1 else ()
        return
    plain, bare = stems.unaccented(word), stems.unprefixed(word)
    others = {stems.stem(plain, language)} | ({stems.stem(bare, language)} if bare else set())
    yield from others - {stems.stem(word, language)}


def _telling(words: Iterable[str]) -> list[str]:
    """Words that say something, in order, without repeats; all of them where none does."""
    unique = list(dict.fromkeys(words))
    small = STOP_WORDS | _SMALL_BY_SCRIPT | stems.SMALL_WORDS[stems.language_of_query(Counter(unique))]
    return [word for word in unique if word not in small] or unique
