"""How far passages support a sentence of an answer. No second model: words, numbers, dates, names, negations,
and where there is one the embedding model that searched.

A sentence of the answer is laid over the sentences of the passages: the few that share most of its words (or its
meaning, by cosine) are where it stands. There its numbers, dates and names have to stand too, among the same
words, and nothing may be denied here and asserted there: so a number or name that was swapped for another one of
the same passage is seen as well. Measured by benchmarks/answers.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Literal

from search import alignment, literals, sentences
from search.alignment import Surroundings
from search.literals import Word
from search.replies import Citation, Source, Support
from search.vectors import Floats

SUPPORTED = 0.45
PARTLY = 0.3
"""Shares of a sentence's words, rare ones weighing more, that have to stand in the passages."""
SAME_MEANING = 0.7
"""A closeness to one sentence of a passage that is worth as much as SUPPORTED shared words."""
PIECES, WORDS_A_PIECE = 3, 6
"""How many sentences of the passages one sentence of an answer may be put together from; more where it is long."""
WORTH = 0.1
"""The share of words that one more such sentence has to bring."""
SAME_SUBJECT = 0.6
"""A sentence of the passages is about the same from this share of the best one's words on."""
RIVAL, SAID_RIVAL, MARGIN = 0.65, 0.75, 0.25
"""How well a place has to fit (`alignment`) for another literal there to count (one that the sentence has elsewhere,
too), and by how much better.
"""
AGAINST, TURNED_MARGIN, ASKED_MARGIN = 0.4, 0.1, 0.2
"""The same for a place where the passages say the opposite, of an answer and of a question."""
QUOTED = 4
"""So many words in the same order are a quotation."""
DENIED, BESIDE = 0.3, 2
"""How well a place where the passages deny something has to fit one where the sentence does; the words beside it."""

_WHETHER = re.compile(
    r"\s*(?:why\s+)?(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had|should|may|must)(?:n['’]t)?\b",
    re.IGNORECASE,
)

TURNED_ROUND = ("not",)
"""Stands for what the passages say the opposite of."""

Fault = Literal["absent", "displaced", "turned"]

Cosines = Callable[[str, list[str]], Floats | None]
"""How close one text is to others, 0 (unrelated) to 1 (the same); None where no model answers."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of a passage, read: its span in the document and its words; `forms` of them without negations."""

    source: Source
    start: int
    end: int
    text: str
    words: tuple[Word, ...]
    forms: frozenset[str]
    read: alignment.Text


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
        said = sentences.unquoted(text[start:end])
        words = literals.read(said)
        found.append(Unit(source, shift + start, shift + end, said, words, _forms(words), alignment.text(words)))
    return tuple(found)


def judge(claim: str, passages: Sequence[Unit], cosines: Cosines | None = None) -> Judgement:
    """How far the passages' sentences support a sentence."""
    said = literals.read(claim, names=literals.capitals_tell(unit.text for unit in passages))
    if not passages or not _forms(said):
        return Judgement("not found")
    if quoted := _quoted(claim, passages):
        return Judgement("supported", (Citation(quoted.source.n, quoted.start, quoted.end),))
    weights = _weights(_forms(said), passages)
    chosen, covered = _cover(passages, weights)
    near = cosines(claim, [unit.text for unit in passages]) if cosines and covered < SUPPORTED + 0.15 else None
    if near is not None:
        closest = int(near.argmax())
        covered = max(covered, min(1.0, float(near[closest]) / SAME_MEANING) * SUPPORTED)
        if passages[closest] not in chosen:
            chosen = [*chosen, passages[closest]]
    missing = _named(_faults(said, chosen, passages, weights))
    if covered < PARTLY:
        return Judgement("not found", (), missing)
    return Judgement(
        "supported" if covered >= SUPPORTED and not missing else "partly",
        tuple(Citation(unit.source.n, unit.start, unit.end) for unit in chosen),
        missing,
    )


def unsaid(question: str, passages: Sequence[Unit]) -> tuple[str, ...]:
    """What a question takes for granted and the passages don't say: its numbers, dates and names that stand in none
    of them, or "not" where they say the opposite of it.

    A name that stands elsewhere than the rest is no sign: the answer puts the two together. Nor is a number in words
    ("what are two ways"), nor a denial where the question is whether something is so.
    """
    said = literals.read(question, names=literals.capitals_tell(unit.text for unit in passages))
    if not passages or not _forms(said):
        return ()
    weights = _weights(_forms(said), passages)
    faults = _faults(said, _cover(passages, weights)[0], passages, weights, ASKED_MARGIN)
    open_ended = not _WHETHER.match(question)
    return _named(
        [
            (word, fault)
            for word, fault in faults
            if (fault == "absent" and (word.kind != "number" or any(map(str.isdigit, word.text))))
            or (fault == "turned" and open_ended)
        ]
    )


def _forms(words: Sequence[Word]) -> frozenset[str]:
    return frozenset(word.form for word in words if word.kind != "negation")


def _quoted(claim: str, passages: Sequence[Unit]) -> Unit | None:
    """The sentence of which this is a part, or the whole, word for word; a single word or two are none."""
    plain = " ".join(claim.split()).strip(" .:;,").lower()
    if plain.count(" ") < QUOTED - 1:
        return None
    return next((unit for unit in passages if plain in " ".join(unit.text.split()).lower()), None)


def _weights(forms: frozenset[str], passages: Sequence[Unit]) -> dict[str, float]:
    """Each word's share of the sentence: rare ones weigh more."""
    count = len(passages)
    raw = {form: log(1 + (count + 1) / (1 + sum(form in unit.forms for unit in passages))) for form in forms}
    total = sum(raw.values())
    return {form: weight / total for form, weight in raw.items()}


def _cover(passages: Sequence[Unit], weights: dict[str, float]) -> tuple[list[Unit], float]:
    """The few sentences that together hold most of the words, best first, and how much they hold."""
    left = dict(weights)
    most = max(PIECES, len(weights) // WORDS_A_PIECE)
    chosen: list[Unit] = []
    covered = 0.0
    while left and len(chosen) < most:
        gains = [sum(left[form] for form in left.keys() & unit.forms) for unit in passages]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] < WORTH:
            break
        chosen.append(passages[best])
        covered += gains[best]
        for form in left.keys() & passages[best].forms:
            del left[form]
    return chosen, covered


def _faults(
    said: Sequence[Word],
    chosen: Sequence[Unit],
    passages: Sequence[Unit],
    weights: dict[str, float],
    margin: float = TURNED_MARGIN,
) -> list[tuple[Word, Fault]]:
    """The literals that don't stand where the rest of the sentence does, and what the passages say the opposite of."""

    def about(unit: Unit) -> float:
        return sum(weights[form] for form in weights.keys() & unit.forms)

    best = max((about(unit) for unit in chosen), default=0.0)
    here = [unit for unit in passages if unit in chosen or about(unit) >= SAME_SUBJECT * best]
    anywhere = frozenset[str]().union(*(unit.forms for unit in passages))
    headings = _headings(passages)
    faults: list[tuple[Word, Fault]] = []
    for place, word in enumerate(said):
        around = alignment.surroundings(said, place, lambda form: weights[form] if form in anywhere else 0.0)
        if word.kind == "negation":
            if _added(said, place, around, passages):
                faults.append((word, "turned"))
        elif word.kind != "word" and _absent(word, passages, headings, here):
            faults.append((word, "absent"))
        elif word.kind != "word" and _displaced(word, around, said, passages, here):
            faults.append((word, "displaced"))
        elif _turned(word, around, passages, margin):
            faults.append((word, "turned"))
    return faults


def _named(faults: Sequence[tuple[Word, Fault]]) -> tuple[str, ...]:
    """The literals, or "not" where there are none and something is turned round."""
    words = tuple(word.text for word, fault in faults if fault != "turned")
    return words or (TURNED_ROUND if faults else ())


def _absent(word: Word, passages: Sequence[Unit], headings: frozenset[str], here: Sequence[Unit]) -> bool:
    """Whether a literal stands nowhere, not even (if it is a name) in a title or as initials."""
    if not word.sure:
        return False
    there = (unit.words[at] for unit in passages for at in unit.read.places.get(word.form, ()))
    if word.kind != "name":
        return not any(there)
    return not (any(_akin(word, other) for other in there) or word.form in headings or _initials(word.text, here))


def _akin(name: Word, other: Word) -> bool:
    """Whether a name is that word or a form of it: Martin is none of Martha, though both begin alike."""
    alike = min(len(name.text), len(other.text)) - 1
    return name.text[:alike].lower() == other.text[:alike].lower()


def _displaced(
    word: Word,
    around: Surroundings,
    said: Sequence[Word],
    passages: Sequence[Unit],
    here: Sequence[Unit],
) -> bool:
    """Whether another literal, which was not said, stands where this one should, and this one elsewhere."""
    times = Counter(one.form for one in said)
    own = around.best((unit.read, at) for unit in passages for at in unit.read.places.get(word.form, ()))
    return any(
        around.fit(unit.read, at) > max(own + MARGIN, SAID_RIVAL if times[other.form] else RIVAL)
        for unit in here
        for at, other in enumerate(unit.words)
        if _rivals(word, other) and len(unit.read.places.get(other.form, ())) > times[other.form]
    )


def _rivals(word: Word, other: Word) -> bool:
    """Whether one could stand in the place of the other."""
    return other.kind == word.kind or (word.text[:1].isupper() and other.text[:1].isupper() and other.kind != "word")


def _turned(word: Word, around: Surroundings, passages: Sequence[Unit], margin: float) -> bool:
    """Whether the passages deny what is said here, or say what is denied here."""
    if not word.sign:
        return False
    places = [(unit.read, at) for unit in passages for at in unit.read.keys.get(word.key, ())]
    against = around.best((there, at) for there, at in places if there.words[at].sign == -word.sign)
    if against < AGAINST:
        return False
    own = around.best((there, at) for there, at in places if there.words[at].sign != -word.sign)
    return against > own + margin


def _added(said: Sequence[Word], place: int, around: Surroundings, passages: Sequence[Unit]) -> bool:
    """Whether a negation is the sentence's own: where the passages deny something they speak of something else, or
    they speak of this elsewhere and deny nothing there.
    """
    if place + 1 < len(said) and said[place + 1].denies:  # "not forbidden" denies nothing
        return False
    denied = around.best((unit.read, at) for unit in passages for at in unit.read.denials)
    near = {word.form for word in said[max(0, place - BESIDE) : place + BESIDE + 1] if word.kind != "negation"}
    plain = around.best(
        (unit.read, at)
        for unit in passages
        for form in near
        for at in unit.read.places.get(form, ())
        if not any(abs(denial - at) <= alignment.CLOSE for denial in unit.read.denials)
    )
    return denied < DENIED or plain > denied + TURNED_MARGIN


def _headings(here: Sequence[Unit]) -> frozenset[str]:
    """What the titles and headings of passages say: names need not be repeated under them."""
    lines = {
        " ".join((unit.source.document.title, unit.source.document.path, *unit.source.chunk.heading)) for unit in here
    }
    return frozenset(word.form for line in lines for word in literals.read(f"{line} {line.replace('_', ' ')}"))


def _initials(name: str, here: Sequence[Unit]) -> bool:
    """Whether a name is made of the first letters of neighbouring words, as CEO is."""
    return name.isupper() and any(name in "".join(word.text[:1] for word in unit.words).upper() for unit in here)
