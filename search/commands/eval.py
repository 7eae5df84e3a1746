"""`search eval QUESTIONS.jsonl`: how well the index answers questions of yours, in numbers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from search import evaluation, questions
from search.commands import options, terminal
from search.config import Settings
from search.errors import QueryError
from search.evaluation import Difference, Evaluation
from search.records import MODES, Mode, Query, Space
from search.service import Service, open_service, searcher_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SHOWN = 10
TITLES = {"recall": "recall", "ndcg": "nDCG", "mrr": "MRR"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("eval", help="measure the index with questions of yours", description=__doc__)
    parser.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl", help="questions and where answers stand")
    parser.add_argument("--judgements", type=Path, metavar="TSV", help="judgements of questions in BEIR form")
    parser.add_argument("-k", type=int, default=10, metavar="N", help="how many hits are looked at (default 10)")
    parser.add_argument("--mode", choices=MODES, default="hybrid", help="what to rank by (default hybrid)")
    parser.add_argument("--space", metavar="ID|MODEL", help="the vector space to search (default: the active one)")
    parser.add_argument("--no-diversify", action="store_true", help="near copies are hits of their own")
    parser.add_argument("--rerank", action="store_true", help="have the chat model order the first hits")
    options.add_filters(parser)
    parser.add_argument("--against", metavar="KEY=VALUE,...", help="a second setting: mode, space, diversify, rerank")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the result there")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="a saved result; exit code 1 where it is missed")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=evaluation.TOLERANCE,
        metavar="X",
        help="how much lower than the saved result a mean may be (default %(default)s)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no notes beside the results")
    options.add_database(parser)
    options.add_json(parser)
    options.add_examples(
        parser,
        "search eval questions.jsonl --save before.json",
        "search eval questions.jsonl --baseline before.json",
        "search eval questions.jsonl --against mode=keyword",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 1 where a mean is lower than the saved one by more than the tolerance."""
    if chosen.against and chosen.baseline:
        raise QueryError("--against and --baseline are two comparisons: give one of them")
    asked = questions.read(chosen.questions, chosen.judgements)
    baseline = evaluation.load(chosen.baseline) if chosen.baseline else None
    with open_service(settings) as service:
        pattern = Query(
            "x",
            chosen.k,
            chosen.mode,
            **options.filters(chosen),
            diversify=not chosen.no_diversify,
            rerank=chosen.rerank,
        )
        found = _evaluate(service, asked, pattern, chosen.space)
        if chosen.against:
            second = _evaluate(service, asked, *_second(chosen.against, pattern, chosen.space))
    if chosen.save:
        evaluation.save(found, chosen.save)
    pair = (found, second) if chosen.against else (baseline, found) if baseline else None
    differences = evaluation.compare(*pair) if pair else []
    lower = evaluation.regressions(differences, chosen.tolerance) if baseline else []
    if chosen.json:
        terminal.as_json({"evaluations": pair or (found,), "differences": differences})
    else:
        _print(found if pair is None else pair, differences)
        notes = dict.fromkeys((*found.notes, *(second.notes if chosen.against else ())))
        terminal.tell([*notes, *_unknown(found)], quiet=chosen.quiet)
        for difference in lower:
            print(f"regression: {TITLES[difference.measure]} fell by {-difference.mean:.4f}")
    return 1 if lower else 0


def _evaluate(service: Service, asked: list[questions.Judged], pattern: Query, wanted: str | None) -> Evaluation:
    searcher, setting = service.searcher, pattern.mode + ("" if pattern.diversify else ", not diversified")
    setting += ", reranked" if pattern.rerank else ""
    if wanted is not None:
        space = _space(service, wanted)
        searcher, setting = searcher_of(service, space), f"{setting}, space {space.id} ({space.model})"
    if pattern.filter:
        setting += f", within {pattern.filter}"
    try:
        return evaluation.evaluate(searcher, asked, pattern, setting)
    finally:
        if searcher is not service.searcher:
            searcher.client.close()


def _second(against: str, pattern: Query, space: str | None) -> tuple[Query, str | None]:
    """The first setting with what --against names in place of it."""
    for part in against.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key == "mode" and value in get_args(Mode):
            pattern = replace(pattern, mode=value)  # type: ignore[arg-type]
        elif key in ("diversify", "rerank") and value in ("true", "false"):
            pattern = replace(pattern, **{key: value == "true"})  # type: ignore[arg-type]
        elif key == "space" and value:
            space = value
        else:
            raise QueryError(
                f"--against {part!r}: it takes mode={'|'.join(MODES)}, space=ID or MODEL, diversify=true|false, "
                "rerank=true|false, with commas between"
            )
    return pattern, space


def _space(service: Service, wanted: str) -> Space:
    """The space of a number, or the newest one of a model. Raises QueryError, naming those that there are."""
    spaces = service.store.spaces()
    named = [space for space in spaces if wanted in (str(space.id), space.model)]
    if not named:
        there = ", ".join(f"{space.id} ({space.model})" for space in spaces) or "none yet"
        raise QueryError(f"there is no space {wanted!r} in {service.store.location}; there is {there}")
    return named[-1]


def _print(found: Evaluation | tuple[Evaluation, Evaluation], differences: list[Difference]) -> None:
    if isinstance(found, Evaluation):
        print(f"{len(found.outcomes):,} questions, {found.setting}")
        for name, title in TITLES.items():
            print(f"  {f'{title}@{found.k}':<10}{getattr(found.measures, name):.4f}")
        worst = sorted(found.outcomes, key=lambda outcome: (outcome.measures.ndcg, outcome.id))
        missed = [outcome for outcome in worst if outcome.measures.recall == 0]
        print(f"nothing of what answers them was found for {len(missed)} questions:" if missed else "")
        for outcome in missed[:SHOWN]:
            print(f"  {outcome.id}  {outcome.question}")
        return
    first, second = found
    print(f"first:  {first.setting}\nsecond: {second.setting}")
    print(f"{'':<12}{'first':>8}{'second':>8}{'difference':>22}{'better':>8}{'worse':>7}")
    for one in differences:
        print(
            f"{f'{TITLES[one.measure]}@{second.k}':<12}{one.first:>8.4f}{one.second:>8.4f}"
            f"{f'{one.mean:+.4f} ± {one.margin:.4f}':>22}{one.better:>8}{one.worse:>7}"
        )
    moved = evaluation.changed(first, second)
    for title, some in (("most lost", moved[:SHOWN]), ("most gained", moved[::-1][:SHOWN])):
        print(f"{title} (nDCG):")
        for step, old, new in some:
            if (step < 0) == (title == "most lost"):
                print(f"  {old.measures.ndcg:.3f} -> {new.measures.ndcg:.3f}  {new.id}  {new.question}")


def _unknown(found: Evaluation) -> list[str]:
    if not found.unknown:
        return []
    some = ", ".join(found.unknown[:3]) + (", ..." if len(found.unknown) > 3 else "")
    return [f"{len(found.unknown):,} documents of the questions are not in the index and count as not found: {some}"]
