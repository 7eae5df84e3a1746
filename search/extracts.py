"""The sentences of passages that come closest to a question: quoted, never rewritten.

A sentence is scored by its closeness to the question, by the question's words that it (or its heading, or for less
the sentence before it) has, rare ones weighing more, by pairs of words in the same order, and by whether it has
something of the kind that is asked for. Neighbours that are nearly as good are shown as one extract. Code in a text is
shown only where no prose is nearly as good. How often the answer is in it is measured by benchmarks/answers.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from search import gates, listings, literals, sentences, support
from search.gates import Evidence, Expected
from search.keywords import terms
from search.literals import Word, stem
from search.replies import Citation, Source
from search.vectors import Floats

MOST = 3
NEAR_BEST = 0.65
JOINED = 0.75
"""A neighbour that is as good as this share of a sentence is shown together with it."""
SOURCES_READ = 5
SENTENCES_WEIGHED = 5
"""Among so many of the best sentences something of the kind that was asked for has to be."""
LONGEST = 600

CLOSENESS, IN_CONTEXT, KIND, PAIRS, WORDS, WORDS_BEFORE, PLACE = 1.0, 0.6, 0.25, 0.3, 1.2, 0.8, 0.02
WHOLE = CLOSENESS + IN_CONTEXT + KIND + PAIRS + WORDS

CODE = frozenset({"code", "json", "xml", "yaml", "toml", "ini"})
"""Types of documents that are for programs as a whole: there a line of code is what can be quoted."""

Cosines = Callable[[list[str]], Floats | None]
"""The cosines of texts with the question; None where no model answers."""

_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>", re.DOTALL)
"""What no reader of a page sees: tags, and comments with all that is in them."""


@dataclass(frozen=True, slots=True)
class Extract:
    """One or two sentences of a source, or lines of `code` in it, with their span in the document and their score
    (higher is closer).
    """

    text: str
    citation: Citation
    score: float
    code: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The extracts, best first, what speaks for it that they concern the question, the kind of answer that was
    asked for and that none of the sentences has, and what the question takes for granted and they don't say.
    """

    extracts: tuple[Extract, ...]
    evidence: Evidence
    missing: Expected | None = None
    unsaid: tuple[str, ...] = ()

    def doubts(self) -> list[str]:
        """What speaks against it that the passages answer the question, in words."""
        doubts = []
        if self.missing:
            doubts.append(f"none of the passages seems to hold {gates.WANTED[self.missing]}, which was asked for")
        if self.unsaid == support.TURNED_ROUND:
            doubts.append("the question takes something for granted of which the passages say the opposite")
        elif self.unsaid:
            doubts.append(f"none of the passages has {', '.join(self.unsaid)}, which the question speaks of")
        return doubts


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence of a passage; `before` is the number of the one before it in the same passage."""

    source: Source
    place: int
    start: int
    end: int
    words: tuple[Word, ...]
    forms: frozenset[str]
    heading: frozenset[str]
    before: int | None
    quotable: bool
    code: bool

    @property
    def text(self) -> str:
        return sentences.unquoted(self.source.chunk.text[self.start : self.end])


def find(
    question: str,
    sources: Sequence[Source],
    cosines: Cosines = lambda _: None,
    background: float = 0.0,
    closest: float | None = None,
) -> Found:
    """The sentences of the first sources, and the evidence that they concern the question.

    `background` is the cosine of what is unrelated (`gates.Background`), `closest` that of the closest passage.
    """
    found = _candidates(sources)
    if not found:
        return Found((), Evidence(None, None, 0.0))
    asked = list(dict.fromkeys(stem(word) for word in terms(question)))
    alone, joined = _texts(found)
    near = cosines(alone + joined)
    weights = _weights(asked, found)
    kind = gates.expected(question)
    own = np.array([_covered(weights, one.forms | one.heading) for one in found], np.float32)
    wider = np.array([_covered(weights, one.forms | one.heading | _before(found, one)) for one in found], np.float32)
    fits = _fitting(kind, question, asked, found)
    scores = (
        WORDS * own + WORDS_BEFORE * (wider - own) + PAIRS * _pairs(asked, found) + KIND * fits * (kind is not None)
    )
    sentence = passage = None
    if near is not None:
        close, in_context = np.split(np.clip((near - background) / (1 - background), -1, 1), 2)
        scores = scores + CLOSENESS * np.maximum(close, 0) + IN_CONTEXT * np.maximum(in_context, 0)
        sentence = float(in_context.max())
        passage = None if closest is None else (closest - background) / (1 - background)
    scores = scores / WHOLE - PLACE * np.array([one.place for one in found])
    unsaid = support.unsaid(question, [unit for source in sources for unit in support.units(source)])
    unknown = bool(unsaid) and unsaid != support.TURNED_ROUND
    evidence = Evidence(passage, sentence, float(0.5 * own.max() + 0.5 * wider.max()), unknown)
    missing = None if fits[np.argsort(-scores)[:SENTENCES_WEIGHED]].any() else kind
    return Found(tuple(_joined(found, scores)), evidence, missing, unsaid)


def best(extracts: Sequence[Extract]) -> list[Extract]:
    """The few to show: the best one and those nearly as good, without repeats; code where none of them is prose."""
    near = [extract for extract in extracts if extract.score >= NEAR_BEST * extracts[0].score]
    chosen: dict[str, Extract] = {}
    for extract in [extract for extract in near if not extract.code] or near:
        chosen.setdefault(" ".join(extract.text.split()).lower(), extract)
    return list(chosen.values())[:MOST]


def _candidates(sources: Sequence[Source]) -> list[_Candidate]:
    found: list[_Candidate] = []
    for place, source in enumerate(sources[:SOURCES_READ]):
        titles = {_plain(line) for line in (source.document.title, *source.chunk.heading)}
        heading = frozenset(stem(word) for word in terms(" ".join((source.document.title, *source.chunk.heading))))
        seen = _TAG.sub(lambda tag: " " * len(tag[0]), source.chunk.text)
        is_code = _code(source)
        before = None
        for start, end in sentences.spans(source.chunk.text, rows=source.document.type in sentences.ROWS):
            part = sentences.unquoted(source.chunk.text[start:end])
            forms = frozenset(stem(word) for word in terms(part))
            found.append(
                _Candidate(
                    source,
                    place,
                    start,
                    end,
                    literals.read(part),
                    forms,
                    heading,
                    before,
                    _says_something(sentences.unquoted(seen[start:end]), titles),
                    is_code(start, part),
                )
            )
            before = len(found) - 1
    return found if any(one.quotable for one in found) else []


def _says_something(sentence: str, titles: set[str]) -> bool:
    """Whether a sentence could answer: headings, rules, fences, single words and questions don't."""
    bare = sentence.strip()
    if _plain(bare) in titles:
        return False
    return len(terms(bare)) > 1 and not bare.startswith(("#", "```", "~~~")) and not bare.endswith(("?", "？", "؟"))


def _code(source: Source) -> Callable[[int, str], bool]:
    """Tells of a sentence, by where it begins and its text, whether it is code in a document of prose."""
    prose = source.document.type not in CODE | sentences.ROWS
    fences = list(listings.spans(source.chunk.text))
    return lambda start, part: (
        prose and (any(first <= start < last for first, last in fences) or listings.is_code(part))
    )


def _plain(line: str) -> str:
    return " ".join(line.lower().strip(" #*_=-").split())


def _texts(found: Sequence[_Candidate]) -> tuple[list[str], list[str]]:
    """Each sentence alone, and with the one before it."""
    alone = [one.text[:LONGEST] for one in found]
    joined = [
        one.text[:LONGEST] if one.before is None else f"{found[one.before].text} {one.text}"[-LONGEST:] for one in found
    ]
    return alone, joined


def _weights(asked: Sequence[str], found: Sequence[_Candidate]) -> dict[str, float]:
    """The share of each of the question's words: those in fewer sentences weigh more."""
    count = len(found)
    holding = Counter(form for one in found for form in one.forms)
    raw = {form: log(1 + (count - holding[form] + 0.5) / (holding[form] + 0.5)) for form in asked}
    total = sum(raw.values()) or 1.0
    return {form: weight / total for form, weight in raw.items()}


def _fitting(
    kind: Expected | None, question: str, asked: Sequence[str], found: Sequence[_Candidate]
) -> NDArray[np.bool_]:
    """Which sentences have something of the kind that is asked for; all where none is."""
    forms = frozenset(word.form for word in literals.read(question)) | frozenset(asked)
    return np.array([kind is None or gates.answers(kind, one.words, forms) for one in found])


def _covered(weights: dict[str, float], there: frozenset[str]) -> float:
    return sum(weight for form, weight in weights.items() if form in there)


def _before(found: Sequence[_Candidate], one: _Candidate) -> frozenset[str]:
    return frozenset() if one.before is None else found[one.before].forms


def _pairs(asked: Sequence[str], found: Sequence[_Candidate]) -> Floats:
    """The share of the question's neighbouring words that stand side by side, or with one between, in a sentence."""
    wanted = list(pairwise(asked))
    shares = []
    for one in found:
        forms = [word.form for word in one.words]
        there = {*pairwise(forms), *zip(forms, forms[2:], strict=False)}
        shares.append(sum(pair in there for pair in wanted) / len(wanted) if wanted else 0.0)
    return np.array(shares, np.float32)


def _joined(found: Sequence[_Candidate], scores: Floats) -> list[Extract]:
    """Extracts, best first: each sentence with the neighbour that is nearly as good."""
    order = [int(i) for i in np.argsort(-scores, kind="stable") if found[i].quotable]
    taken: set[int] = set()
    extracts = []
    for i in order:
        if i in taken:
            continue
        after = i + 1 if i + 1 < len(found) and found[i + 1].before == i else None
        near = [
            j
            for j in (found[i].before, after)
            if j is not None and j not in taken and _go_together(found[i], found[j]) and scores[j] >= JOINED * scores[i]
        ]
        group = [i, *sorted(near, key=lambda j: -scores[j])[:1]]
        taken.update(group)
        extracts.append(_extract(found[min(group)], found[max(group)], float(scores[i])))
    return extracts


def _go_together(one: _Candidate, neighbour: _Candidate) -> bool:
    return neighbour.quotable and neighbour.code == one.code


def _extract(first: _Candidate, last: _Candidate, score: float) -> Extract:
    chunk = first.source.chunk
    return Extract(
        sentences.unquoted(chunk.text[first.start : last.end]),
        Citation(first.source.n, chunk.start + first.start, chunk.start + last.end),
        score,
        first.code,
    )
