"""Whether the documents speak of a question at all, and whether what they say is of the kind that was asked for.

The first gate weighs four things: how close the closest passage is and how close the closest sentence (with the
one before it) is, both against how close this index comes to questions that have nothing to do with it, how many of
the question's words stand together, and whether it has a name or number that no passage has. That background is
sampled from the index itself, so the same gate holds for another embedding model, whose cosines lie elsewhere, and
for a larger index, where chance comes closer. The weights come from a logistic regression over seven collections,
each side of each counting the same, rounded: `benchmarks/fit_gate.py` fits them on half of the questions and shows
them on the other half, `benchmarks/answers.py` measures the gate as it is. Tried, and of no use on a collection that
was left out: the spread of the closeness over sentences, how alike the passages are, the height of the background.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp
from statistics import median
from typing import Literal

from search.literals import Word

PROBES = (
    "How long should rice be cooked?",
    "Who won the Olympic marathon in 1984?",
    "What is the best way to remove a coffee stain?",
    "How do I tune a guitar?",
    "When should roses be pruned?",
    "What is the boiling point of ethanol?",
    "Who painted the ceiling of the Sistine Chapel?",
    "What are the symptoms of a sprained ankle?",
    "How much does a return ticket to Tokyo cost?",
    "How do I train a puppy to sit?",
    "Which river flows through Vienna?",
    "How do I bleed the brakes of a motorcycle?",
    "What is the offside rule in football?",
    "How do you say good morning in Finnish?",
    "Why is the sky blue?",
    "How do I knit a scarf?",
    "What time does the pharmacy close on Sundays?",
    "What should I wear to a wedding?",
)
"""Questions of daily life. A collection may answer one or two: the median doesn't mind."""

BELIEVED_SECONDS = 600.0
"""How long a sampled background is used, though the index may grow meanwhile."""

PASSAGE, SENTENCE, WORDS, UNKNOWN, BIAS = 7.5, 5.5, 7.0, -1.5, -5.2
WORDS_ALONE, WORDS_ALONE_BIAS = 13.4, -3.6
"""Weights of the logistic regression, with an embedding model and without one; `benchmarks/fit_gate.py` fits them."""
REFUSED = 0.2
"""Below this probability a question is refused: a wrong refusal is worse than an extract that is beside the point."""
UNSURE = 0.5
"""Below it, the chat model is first asked whether the passages state the answer."""

Expected = Literal["time", "number", "name"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence that passages are about a question.

    passage, sentence   closeness of the closest one, 0 (unrelated) to 1 (the same); None without a model
    words               the share of the question's words that stand together, 0 to 1, rare ones weighing more
    unknown             whether the question has a name, a number or a date that no passage has
    """

    passage: float | None
    sentence: float | None
    words: float
    unknown: bool = False


def probability(evidence: Evidence) -> float:
    """How sure it is that the passages speak of the question, 0 to 1."""
    if evidence.passage is None or evidence.sentence is None:
        return _logistic(WORDS_ALONE * evidence.words + WORDS_ALONE_BIAS)
    near = PASSAGE * evidence.passage + SENTENCE * evidence.sentence
    return _logistic(near + WORDS * evidence.words + UNKNOWN * evidence.unknown + BIAS)


@dataclass(slots=True)
class Background:
    """How close an index comes to questions that have nothing to do with it; sampled anew after a while."""

    _known: dict[int, tuple[float, float]] = field(default_factory=dict)

    def of(self, space: int, closest: Callable[[str], float | None]) -> float:
        """The median, over PROBES, of the cosine of the closest chunk; 0 where there is none.

        `closest` gives that cosine for a question, None in an index without vectors; it may raise ModelError.
        """
        sampled, value = self._known.get(space, (0.0, 0.0))
        if not sampled or time.monotonic() > sampled + BELIEVED_SECONDS:
            cosines = [cosine for probe in PROBES if (cosine := closest(probe)) is not None]
            value = median(cosines) if cosines else 0.0
            self._known[space] = (time.monotonic(), value)
        return value


_EXPECTED: tuple[tuple[Expected, re.Pattern[str]], ...] = (
    ("time", re.compile(r"^(?:\w+ ){0,2}when\b|\b(?:what|which) (?:year|date|century|decade|day|month)\b")),
    ("number", re.compile(r"\bhow (?:many|much|old|high|tall|far)\b|\bwhat (?:percentage|percent|number of)\b")),
    ("name", re.compile(r"^(?:\w+ ){0,2}(?:who|whom|whose)\b")),
)


WANTED: dict[Expected, str] = {"time": "a date or a time", "number": "a number", "name": "a name"}
"""Each kind in words."""


def expected(question: str) -> Expected | None:
    """The kind of answer that a question asks for, where its words tell (English only)."""
    low = question.lower()
    return next((kind for kind, pattern in _EXPECTED if pattern.search(low)), None)


def answers(kind: Expected, words: Sequence[Word], asked: frozenset[str]) -> bool:
    """Whether a text has something of the kind that the question itself doesn't have."""
    new = [word for word in words if word.form not in asked]
    if kind == "name":
        return any(word.kind == "name" for word in new)
    if kind == "time":
        return any(word.kind in ("date", "number") for word in new)
    return any(word.kind == "number" for word in new)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x))
