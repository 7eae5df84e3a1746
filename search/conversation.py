"""Follow-up questions: whether one needs what was said before it, and how much of that is kept. Pure.

A question that stands by itself is searched for as it is. One that leans on the conversation ("And in winter?", "Who
wrote it?") is searched for together with what it leans on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from search.keywords import terms
from search.queries import Turn

_LEANING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|this|that|these|those|he|him|his|she|her|hers|there|former|latter|same"
    r"|es|sie|ihn|ihm|ihr|ihnen|deren|dessen|dort|damit|davon|dies|diese[rsnm]?)\b",
    re.IGNORECASE,
)
_CONTINUING = re.compile(
    r"\s*(?:and|but|or|so|then|also|what about|how about|why|why not|since when|which one|und|aber|oder|warum)\b",
    re.IGNORECASE,
)
FEW_WORDS = 2
"""A question with so few words of its own says too little to be searched for."""


def leans(question: str) -> bool:
    """Whether a question needs the conversation to be understood."""
    content = terms(question)
    return bool(_LEANING.search(question) or _CONTINUING.match(question)) or len(content) < FEW_WORDS


def joined(question: str, turns: Sequence[Turn]) -> str:
    """A question with the one before it, which it leans on: without a model the best that can be searched for."""
    return f"{turns[-1].question.strip()} {question.strip()}"


def recent(turns: Sequence[Turn], characters: int) -> tuple[Turn, ...]:
    """The last turns, as many as have room; whole ones only."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        characters -= len(turn.question) + len(turn.answer)
        if characters < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))
