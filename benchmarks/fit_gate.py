"""Fits the weights of the gate that refuses questions about something else (search/gates.py).

    python benchmarks/fit_gate.py FOLDER... [--most N]

The folders are as for answers.py. Each collection's own answerable questions are told from those of the other folders
by logistic regression over what the gate sees (closeness of passage and sentence, share of words, unknown names);
every side of every collection counts the same. Fitted on one half of the questions, shown on the other: for some
thresholds, which share of its own questions each collection would refuse, and of the others'. The gate in force is
shown on the same half.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import answers
import numpy as np
from answers import Collection

from search import answer, gates, query
from search.gates import Evidence
from search.records import Query
from search.replies import Source
from search.vectors import Floats

RIDGE = 1e-4
STEPS = 50
THRESHOLDS = (0.1, 0.12, 0.15, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Case:
    """A question asked of a collection: what the gate sees, whether it is one of its own, and its half."""

    evidence: Evidence
    own: bool
    shown: bool


def main() -> int:
    """Fits and prints; 2 where a folder cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a question set, two or more")
    parser.add_argument("--most", type=int, default=120, metavar="N", help="questions of each side (default 120)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            collections = [
                answers.read(folder, Path(scratch) / f"{n}.db") for n, folder in enumerate(arguments.folders)
            ]
        except (OSError, KeyError, ValueError) as error:
            print(f"not a question set: {error!r}", file=sys.stderr)
            return 2
        cases = {one.name: collect(one, collections, arguments.most) for one in collections}
    weights = fit([[case for case in found if not case.shown] for found in cases.values()])
    names = "passage, sentence, words, unknown, bias"
    print(f"fitted ({names}): {', '.join(f'{weight:.1f}' for weight in weights)}")
    in_force = (gates.PASSAGE, gates.SENTENCE, gates.WORDS, gates.UNKNOWN, gates.BIAS)
    print(f"in force ({names}): {', '.join(map(str, in_force))}, below {gates.REFUSED}")
    for name, found in cases.items():
        shown = [case for case in found if case.shown]
        print(f"{name}: its own refused / others refused, of {len(shown)}")
        report("fitted", shown, lambda evidence: logistic(features([evidence]) @ weights)[0])
        report("in force", shown, gates.probability)
    return 0


def collect(collection: Collection, all_: Sequence[Collection], most: int) -> list[Case]:
    """What the gate sees of a collection's own questions, and of as many of the others."""
    own = [asked for asked in collection.asked if not asked.unanswerable]
    sides = {True: answers.sample(own, most), False: []}
    rivals = [one for one in all_ if one is not collection]
    for other in rivals:
        theirs = [asked for asked in other.asked if not asked.unanswerable]
        sides[False] += answers.sample(theirs, max(1, most // len(rivals)))
    near = answer.Near(collection.answerer)
    cases = []
    for is_own, questions in sides.items():
        for asked in questions:
            hits = query.search(collection.answerer.searcher, Query(asked.text, 8)).hits
            sources = tuple(Source(n, hit.document, hit.chunk) for n, hit in enumerate(hits, 1))
            evidence = near.read(asked.text, sources, hits).evidence
            if evidence.passage is not None and evidence.sentence is not None:
                cases.append(Case(evidence, is_own, sha256(asked.text.encode()).digest()[0] % 2 == 1))
    return cases


def fit(collections: Sequence[Sequence[Case]]) -> Floats:
    """Weights (5,) by Newton's method, with a little ridge so that a perfect separation has an end."""
    x = features([case.evidence for found in collections for case in found])
    own = np.array([case.own for found in collections for case in found])
    share = np.concatenate([_shares([case.own for case in found]) for found in collections]) / len(collections)
    ridge = RIDGE * np.diag([1.0, 1.0, 1.0, 1.0, 0.0])
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        sure = logistic(x @ weights)
        slope = x.T @ (share * (sure - own)) + ridge @ weights
        weights = weights - np.linalg.solve((x.T * (share * sure * (1 - sure))) @ x + ridge, slope)
    return weights


def features(evidence: Sequence[Evidence]) -> Floats:
    """(n, 5): closeness of passage and sentence, words, unknown names, and 1."""
    return np.array([[one.passage, one.sentence, one.words, one.unknown, 1.0] for one in evidence], float)


def logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def report(name: str, shown: Sequence[Case], probability: Callable[[Evidence], float]) -> None:
    """A line: at each threshold the shares that are refused of both sides."""
    sure = {
        side: np.array([probability(case.evidence) for case in shown if case.own == side]) for side in (True, False)
    }
    cells = [f"{at}: {np.mean(sure[True] < at):.3f}/{np.mean(sure[False] < at):.3f}" for at in THRESHOLDS]
    print(f"  {name:<9} {'  '.join(cells)}  AUROC {answers.auroc(sure[True], sure[False]):.3f}", flush=True)


def _shares(own: Sequence[bool]) -> Floats:
    """What each case counts: both sides of a collection the same."""
    count = {side: max(1, sum(one == side for one in own)) for side in (True, False)}
    return np.array([0.5 / count[one] for one in own])


if __name__ == "__main__":
    sys.exit(main())
