"""How far passages support a sentence of an answer. No second model: words, numbers, dates, names, negations,
and where there is one the embedding model that searched.

A sentence of the answer is laid over the sentences of the passages: the few that share most of its words (or its
meaning, by cosine) are where it stands. There its numbers, dates and names have to stand too, among the same
words, and nothing may be denied here and asserted there: so a number or name that was swapped for another one of
the same passage is seen as well. Measured by benchmarks/answers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from search import literals, sentences
from search.literals import Word
from search.replies import Citation, Source, Support
from search.vectors import Floats

SUPPORTED = 0.5
PARTLY = 0.3
"""Shares of a sentence's words, rare ones weighing more, that have to stand in the passages."""
SAME_MEANING = 0.7
"""A closeness to one sentence of a passage that is worth as much as SUPPORTED shared words."""
PIECES = 3
"""How many sentences of the passages one sentence of an answer may be put together from."""
WORTH = 0.1
"""The share of words that one more such sentence has to bring."""
SAME_SUBJECT = 0.6
"""A sentence of the passages is about the same from this share of the best one's words on."""
NEARLY_ALL = 0.9
"""From this share on, a sentence of the passages says the whole of it."""
NEAR, AROUND = 3, 7
"""How many words on each side stand around one in the answer, and in a passage."""
SHARED, ALMOST = 0.34, 0.6
"""The share of words around it that two occurrences of a literal have in common, and that a rival has to have."""

Cosines = Callable[[str, list[str]], Floats | None]
"""How close one text is to others, 0 (unrelated) to 1 (the same); None where no model answers."""


_Around = tuple[list[str], list[str]]
"""The words before a place, the nearest first, and after it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of a passage, read: its span in the document and its words; `forms` of them without negations."""

    source: Source
    start: int
    end: int
    text: str
    words: tuple[Word, ...]
    forms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`missing`: the words of the sentence that the passages don't have in this place."""

    support: Support
    citations: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def units(source: Source) -> tuple[Unit, ...]:
    """The sentences of a passage."""
    text, shift = source.chunk.text, source.chunk.start
    found = []
    for start, end in sentences.spans(text, rows=source.document.type in sentences.ROWS):
        words = literals.read(text[start:end])
        found.append(Unit(source, shift + start, shift + end, text[start:end], words, _forms(words)))
    return tuple(found)


def judge(claim: str, passages: Sequence[Unit], cosines: Cosines | None = None) -> Judgement:
    """How far the passages' sentences support a sentence."""
    said = literals.read(claim, names=literals.capitals_tell(unit.text for unit in passages))
    if not passages or not _forms(said):
        return Judgement("not found")
    weights = _weights(_forms(said), passages)
    chosen, covered = _cover(passages, weights)
    near = cosines(claim, [unit.text for unit in passages]) if cosines and covered < SUPPORTED + 0.15 else None
    if near is not None:
        closest = int(near.argmax())
        covered = max(covered, min(1.0, float(near[closest]) / SAME_MEANING) * SUPPORTED)
        if passages[closest] not in chosen:
            chosen = [*chosen, passages[closest]]
    missing = _missing(said, chosen, passages, weights)
    if covered < PARTLY:
        return Judgement("not found", (), missing)
    return Judgement(
        "supported" if covered >= SUPPORTED and not missing else "partly",
        tuple(Citation(unit.source.n, unit.start, unit.end) for unit in chosen),
        missing,
    )


def _forms(words: Sequence[Word]) -> frozenset[str]:
    return frozenset(word.form for word in words if word.kind != "negation")


def _weights(forms: frozenset[str], passages: Sequence[Unit]) -> dict[str, float]:
    """Each word's share of the sentence: rare ones weigh more."""
    count = len(passages)
    raw = {form: log(1 + (count + 1) / (1 + sum(form in unit.forms for unit in passages))) for form in forms}
    total = sum(raw.values())
    return {form: weight / total for form, weight in raw.items()}


def _cover(passages: Sequence[Unit], weights: dict[str, float]) -> tuple[list[Unit], float]:
    """The few sentences that together hold most of the words, best first, and how much they hold."""
    left = dict(weights)
    chosen: list[Unit] = []
    covered = 0.0
    while left and len(chosen) < PIECES:
        gains = [sum(left[form] for form in left.keys() & unit.forms) for unit in passages]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] < WORTH:
            break
        chosen.append(passages[best])
        covered += gains[best]
        for form in left.keys() & passages[best].forms:
            del left[form]
    return chosen, covered


def _missing(
    said: Sequence[Word], chosen: Sequence[Unit], passages: Sequence[Unit], weights: dict[str, float]
) -> tuple[str, ...]:
    """The literals that don't stand where the rest of the sentence does."""

    def about(unit: Unit) -> float:
        return sum(weights[form] for form in weights.keys() & unit.forms)

    best = max((about(unit) for unit in chosen), default=0.0)
    here = [unit for unit in passages if unit in chosen or about(unit) >= SAME_SUBJECT * best]
    anywhere = frozenset[str]().union(*(unit.forms for unit in passages))
    headings = _headings(passages)
    missing = []
    for place, word in enumerate(said):
        if word.kind in ("word", "negation") or not word.sure or (word.kind == "name" and word.form in headings):
            continue
        if word.kind == "name" and _initials(word.text, here):
            continue
        if (
            word.form not in anywhere
            or _replaced(word, said, chosen, weights)
            or _displaced(said, place, passages, here)
        ):
            missing.append(word.text)
    return tuple(missing) or _denied(said, max(chosen, key=about, default=None), here, about)


def _replaced(word: Word, said: Sequence[Word], chosen: Sequence[Unit], weights: dict[str, float]) -> bool:
    """Whether one sentence of the passages says all the rest, and has another number, date or name instead."""
    forms = _forms(said)
    return any(
        word.form not in unit.forms
        and sum(weights[form] for form in weights.keys() & unit.forms) + weights[word.form] > NEARLY_ALL
        and any(other.kind == word.kind and other.form not in forms for other in unit.words)
        for unit in chosen[:1]
    )


def _displaced(said: Sequence[Word], place: int, passages: Sequence[Unit], here: Sequence[Unit]) -> bool:
    """Whether a word stands elsewhere only, and where it should stand is another one that was not said."""
    known = frozenset[str]().union(*(unit.forms for unit in here))
    word, mine, forms = said[place], _around(said, place, NEAR), _forms(said)
    rivals = False
    for unit in passages:
        for there, other in enumerate(unit.words):
            same = other.form == word.form
            rival = other.kind == word.kind and other.form not in forms
            if same and _alike(mine, _around(unit.words, there, AROUND), known, SHARED):
                return False
            if rival and not rivals and unit in here and _alike(mine, _around(unit.words, there, NEAR), known, ALMOST):
                rivals = True
    return rivals


def _headings(here: Sequence[Unit]) -> frozenset[str]:
    """What the titles and headings of passages say: names need not be repeated under them."""
    lines = {
        " ".join((unit.source.document.title, unit.source.document.path, *unit.source.chunk.heading)) for unit in here
    }
    return frozenset(word.form for line in lines for word in literals.read(f"{line} {line.replace('_', ' ')}"))


def _initials(name: str, here: Sequence[Unit]) -> bool:
    """Whether a name is made of the first letters of neighbouring words, as CEO is."""
    return name.isupper() and any(name in "".join(word.text[:1] for word in unit.words).upper() for unit in here)


def _around(words: Sequence[Word], place: int, reach: int) -> _Around:
    """The words before a place, nearest first, and after it."""
    before = [word.form for word in reversed(words[:place]) if word.kind != "negation"][:reach]
    return before, [word.form for word in words[place + 1 :] if word.kind != "negation"][:reach]


def _alike(mine: _Around, theirs: _Around, known: frozenset[str], share: float) -> bool:
    """Whether two occurrences of a word stand among the same words, of those that are known here at all."""
    around = [form for side in mine for form in side if form in known]
    there = {form for side in theirs for form in side}
    return sum(form in there for form in around) >= share * len(around)


def _denied(
    said: Sequence[Word], best: Unit | None, here: Sequence[Unit], about: Callable[[Unit], float]
) -> tuple[str, ...]:
    """Whether something is denied that the passages assert, or the other way round."""
    if best is None:
        return ()
    mine, own = _negations(said), _negations(best.words)
    theirs = [around for unit in here for around in _negations(unit.words)]
    applying = [around for around in own if _applies(around[1], _forms(said))]
    added = any(not any(_meet(one, other) for other in theirs) for one in mine)
    left_out = any(not any(_meet(one, other) for other in mine) for one in applying)
    counted = about(best) > NEARLY_ALL and not len(applying) <= len(mine) <= len(own)
    return ("not",) if added or counted or left_out else ()


def _applies(denied: Sequence[str], forms: frozenset[str]) -> bool:
    """Whether what a passage denies is what was said: the first word after the negation, and most of the few."""
    return bool(denied) and denied[0] in forms and 2 * sum(form in forms for form in denied) > len(denied)


def _negations(words: Sequence[Word]) -> list[_Around]:
    """The few words before and after each negation."""
    return [_around(words, place, NEAR) for place, word in enumerate(words) if word.kind == "negation"]


def _meet(one: _Around, other: _Around) -> bool:
    """Whether two negations deny the same: a word that follows the one follows the other too."""
    return not one[1] or not other[1] or bool({*one[1]} & {*other[1]})
