"""The sentences of passages that come closest to a question: quoted, never rewritten.

A sentence is scored by half its cosine with the question and half the share of the question's words that it,
its heading or its title has. On 2,906 questions of SQuAD 2.0's dev set the best sentence of three passages holds the
answer for 76 %, the best three for 87 %; on which questions concern the documents at all, the best score has
an AUROC of 0.988 (benchmarks/answers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from search import sentences
from search.keywords import terms
from search.replies import Citation, Source
from search.vectors import Floats

MOST = 3
NEAR_BEST = 0.75
RELEVANT = 0.30
"""Passages of a lower relevance do not speak of the question. Chosen on the handbook's own questions and on SQuAD 2.0;
see benchmarks/answers.py."""

SOURCES_READ = 5
LONGEST = 600


@dataclass(frozen=True, slots=True)
class Extract:
    """A sentence of a source, with its span in the document and its score (0 to 1, higher is closer)."""

    text: str
    citation: Citation
    score: float


def find(
    question: str, sources: Sequence[Source], cosines: Callable[[list[str]], Floats | None], background: float
) -> list[Extract]:
    """The sentences of the first sources, best first.

    `cosines` gives the cosine of each text with the question (None where no model answers: then words alone
    count); `background` is the cosine of an unrelated text, which counts as 0.
    """
    found = [
        (source, start, end)
        for source in sources[:SOURCES_READ]
        for start, end in sentences.spans(source.chunk.text)
        if _says_something(source.chunk.text[start:end])
    ]
    if not found:
        return []
    texts = [source.chunk.text[start:end][:LONGEST] for source, start, end in found]
    covered = _coverage(question, found)
    near = cosines(texts)
    scores = covered if near is None else 0.5 * np.clip((near - background) / (1 - background), 0, 1) + 0.5 * covered
    return [
        Extract(
            found[i][0].chunk.text[found[i][1] : found[i][2]],
            Citation(found[i][0].n, found[i][0].chunk.start + found[i][1], found[i][0].chunk.start + found[i][2]),
            float(scores[i]),
        )
        for i in np.argsort(-scores, kind="stable")
    ]


def relevance(extracts: Sequence[Extract], cosine: float | None, background: float) -> float:
    """How sure it is that passages speak of the question at all, 0 to 1: the mean of the best sentence's score
    and of the closest passage's cosine, of which an unrelated text's is taken off. Without a cosine, the former.
    """
    if not extracts:
        return 0.0
    if cosine is None:
        return extracts[0].score
    return 0.5 * extracts[0].score + 0.5 * max(0.0, (cosine - background) / (1 - background))


def best(extracts: Sequence[Extract]) -> list[Extract]:
    """The few to show: the best one and those nearly as good, without repeats."""
    chosen: dict[str, Extract] = {}
    for extract in extracts:
        if extract.score >= NEAR_BEST * extracts[0].score:
            chosen.setdefault(" ".join(extract.text.split()).lower(), extract)
    return list(chosen.values())[:MOST]


def _says_something(sentence: str) -> bool:
    """Whether a sentence could answer: headings, rules, fences, single words and questions don't."""
    bare = sentence.strip()
    return len(terms(bare)) > 1 and not bare.startswith(("#", "```", "~~~")) and not bare.endswith(("?", "？", "؟"))


def _coverage(question: str, found: Sequence[tuple[Source, int, int]]) -> Floats:
    """The share of the question's words that each sentence has, in any form (the same first letters)."""
    wanted = terms(question)
    shares = []
    for source, start, end in found:
        heading = " ".join((source.document.title, *source.chunk.heading))
        there = {_stem(word) for word in terms(f"{heading} {source.chunk.text[start:end]}")}
        shares.append(sum(_stem(word) in there for word in wanted) / len(wanted) if wanted else 0.0)
    return np.array(shares, np.float32)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)] if len(word) > 4 else word.rstrip("s")
