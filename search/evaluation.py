"""An index measured with questions of its owner: one setting, two beside each other, or one against a saved result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pydantic
import pydantic_core

from search import measures, query
from search.errors import QueryError
from search.filters import Filter
from search.measures import Measures
from search.query import Searcher
from search.questions import Judged
from search.records import Hit, Query

TOLERANCE = 0.005
"""By how much a mean may be lower than the saved one before it counts as a regression."""

ALL = 2**31

CERTAINTY = 1.96
"""Standard errors in 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question: its measures, and the documents that were found, best first."""

    id: str
    question: str
    measures: Measures
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All questions with one setting. `unknown` are documents of the judgements that the index does not hold."""

    setting: str
    k: int
    measures: Measures
    outcomes: tuple[Outcome, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of two evaluations over the questions that both have: the second's mean less the first's.

    The true difference is within `margin` of `mean` with 95 % certainty, were the questions a random sample.
    """

    measure: str
    first: float
    second: float
    mean: float
    margin: float
    better: int
    worse: int


def evaluate(searcher: Searcher, asked: Sequence[Judged], pattern: Query, setting: str) -> Evaluation:
    """Asks every question as the query `pattern` says, and measures the documents on the page of k hits.

    Raises as `query.search` does, and QueryError where no document of the judgements is in the index.
    """
    known = _known(searcher, {name for judged in asked for name in judged.relevant})
    outcomes, notes = [], dict[str, None]()
    for judged in asked:
        results = query.search(searcher, replace(pattern, query=judged.text))
        notes.update(dict.fromkeys(note for note in results.notes if results.hits))
        found = tuple(dict.fromkeys(known.get(path, path) for path in documents(results.hits)))
        outcomes.append(Outcome(judged.id, judged.text, measures.measure(found, judged.relevant, pattern.k), found))
    unknown = {name for judged in asked for name in judged.relevant} - set(known.values())
    if not known:
        raise QueryError(
            f"none of the {len(unknown):,} documents in the questions is in the index {searcher.store.location}: "
            f"its paths are inside the ingested folder, the questions name {min(unknown)!r}"
        )
    means = measures.mean([outcome.measures for outcome in outcomes])
    return Evaluation(setting, pattern.k, means, tuple(outcomes), tuple(sorted(unknown)), tuple(notes))


def documents(hits: Iterable[Hit]) -> list[str]:
    """The documents on the page, in order; a near copy's comes with the hit that it repeats."""
    return [ref.path for hit in hits for ref in (hit.document, *(copy.document for copy in hit.copies))]


def compare(first: Evaluation, second: Evaluation) -> list[Difference]:
    """What changed from one evaluation to another, measure by measure."""
    before = {outcome.id: outcome for outcome in first.outcomes}
    pairs = [(before[outcome.id], outcome) for outcome in second.outcomes if outcome.id in before]
    return [_difference(name, pairs) for name in measures.NAMES] if pairs else []


def changed(first: Evaluation, second: Evaluation) -> list[tuple[float, Outcome, Outcome]]:
    """Questions whose nDCG differs, with the difference, the greatest loss first."""
    before = {outcome.id: outcome for outcome in first.outcomes}
    pairs = [(before[outcome.id], outcome) for outcome in second.outcomes if outcome.id in before]
    differing = [(after.measures.ndcg - old.measures.ndcg, old, after) for old, after in pairs]
    return sorted((one for one in differing if abs(one[0]) > 1e-9), key=lambda one: (one[0], one[1].id))


def regressions(differences: Iterable[Difference], tolerance: float) -> list[Difference]:
    """Measures that fell by more than is tolerated."""
    return [difference for difference in differences if difference.mean < -tolerance - 1e-9]


def save(evaluation: Evaluation, path: Path) -> None:
    """Writes an evaluation as JSON. Raises QueryError where that cannot be."""
    try:
        path.write_bytes(pydantic_core.to_json(evaluation, indent=2) + b"\n")
    except OSError as error:
        raise QueryError(f"{path} cannot be written: {error.strerror}") from error


def load(path: Path) -> Evaluation:
    """An evaluation that was saved. Raises QueryError for a file that is none."""
    try:
        return pydantic.TypeAdapter(Evaluation).validate_json(path.read_bytes())
    except OSError as error:
        raise QueryError(f"{path} cannot be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        raise QueryError(f"{path} is no result of `search eval --save`: {error.errors()[0]['msg']}") from error


def _difference(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> Difference:
    values = [(getattr(old.measures, name), getattr(new.measures, name)) for old, new in pairs]
    steps, count = [new - old for old, new in values], len(values)
    mean = sum(steps) / count
    variance = sum((step - mean) ** 2 for step in steps) / max(count - 1, 1)
    return Difference(
        name,
        sum(old for old, _ in values) / count,
        sum(new for _, new in values) / count,
        mean,
        CERTAINTY * math.sqrt(variance / count),
        sum(step > 1e-9 for step in steps),
        sum(step < -1e-9 for step in steps),
    )


def _known(searcher: Searcher, names: set[str]) -> dict[str, str]:
    """Paths of the index that the judgements name, with that name: the path, or the path without its extension."""
    known = {}
    for entry in searcher.store.documents(Filter(), 0, ALL).documents:
        path = entry.document.path
        if path in names:
            known[path] = path
        elif (stem := str(PurePosixPath(path).with_suffix(""))) in names:
            known[path] = stem
    return known
