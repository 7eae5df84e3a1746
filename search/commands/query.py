"""`search query TEXT`: the best passages for a text."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from search import query
from search.commands import options, terminal
from search.config import Settings
from search.explanations import Explained, Explanation
from search.places import place, printable, shortened
from search.records import MODES, Query, Results
from search.service import open_service

if TYPE_CHECKING:
    from argparse import _SubParsersAction

NAMED = 5
"""So many documents with near copies of a hit are named; --json names all."""


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("query", help="search the documents", description=__doc__)
    options.add_text(parser, "what to look for, in your own words")
    parser.add_argument("-k", type=int, default=10, metavar="N", help="how many hits (default 10)")
    parser.add_argument("--mode", choices=MODES, default="hybrid", help="what to rank by (default hybrid)")
    options.add_filters(parser)
    parser.add_argument("--explain", action="store_true", help="say how each hit came about, in numbers")
    parser.add_argument("--neighbours", type=int, default=0, metavar="N", help="show N passages around each hit too")
    parser.add_argument("--no-diversify", action="store_true", help="near copies are hits of their own")
    parser.add_argument("--rerank", action="store_true", help="have the chat model read the first hits and order them")
    options.add_database(parser)
    options.add_output(parser, line="a hit")
    options.add_examples(
        parser,
        'search query "where is the index kept?"',
        "search query --type markdown -k 3 moving an index",
        "search query backup --files | sort",
        "echo vector spaces | search query - --jsonl",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 0 where something was found, 1 where nothing was."""
    wanted = Query(
        terminal.text(chosen.text),
        chosen.k,
        chosen.mode,
        **options.filters(chosen),
        explain=chosen.explain,
        diversify=not chosen.no_diversify,
        neighbours=chosen.neighbours,
        rerank=chosen.rerank,
    )
    with open_service(settings) as service:
        results = query.search(service.searcher, wanted)
    if chosen.json:
        terminal.as_json(results)
    elif chosen.jsonl:
        for hit in results.hits:
            terminal.as_json(hit, indent=None)
    elif chosen.files:
        terminal.files(hit.document for hit in results.hits)
    else:
        _print(results)
    if not chosen.json:
        terminal.tell(results.notes, quiet=chosen.quiet)
    return 0 if results.hits else 1


def _print(results: Results) -> None:
    for hit in results.hits:
        print(f"{hit.rank}. {terminal.painted(terminal.one_line(place(hit.document, hit.chunk)), terminal.BOLD)}")
        print(f"   {hit.around.text}" if hit.around else f"   {shortened(hit.chunk.text)}")
        print(f"   {terminal.painted(f'[{hit.score:.2f}] {hit.why}', terminal.DIM)}")
        copies = Counter(copy.document.path for copy in hit.copies)
        for path, count in copies.most_common(NAMED):
            print(f"   the same in {printable(path)}" + (f", {count:,} times" if count > 1 else ""))
        if len(copies) > NAMED:
            print(f"   and in {len(copies) - NAMED:,} more documents")
        if hit.explain:
            print(_explained(hit.explain))
        print()
    if results.explain:
        print(_explained_whole(results.explain, results.took_ms))


def _explained(explanation: Explanation) -> str:
    """A hit's arithmetic, a line each for the parts and for their sum."""
    lines = []
    for name, part in (("vector", explanation.vector), ("keyword", explanation.keyword)):
        if part:
            score = "none" if part.score is None else f"{part.score:.4f}"
            rank = "not listed" if part.rank is None else f"number {part.rank}"
            lines.append(
                f"   {name:<8}{rank}, score {score}, mean {part.mean:.4f}, deviation {part.deviation:.4f}: "
                f"z {part.z:.3f}, x {part.weight:.2f} = {part.share:.3f}"
            )
    return "\n".join([*lines, f"   {explanation.arithmetic}"])


def _explained_whole(explained: Explained, took_ms: dict[str, float]) -> str:
    """What was looked for and at, and the milliseconds of each stage."""
    within = f"within {explained.filter}: " if explained.filter else ""
    weights = f"weights: {explained.weights}\n" if explained.weights else ""
    times = ", ".join(f"{stage} {ms:.1f}" for stage, ms in took_ms.items())
    return (
        f"words: {' '.join(explained.terms) or 'none'}\n"
        f"listed: {explained.keyword} by keyword, {explained.vector} by vector, {explained.candidates} together\n"
        f"searched: {within}{explained.passing:,} of {explained.chunks:,} passages ({explained.selectivity:.2%})\n"
        f"{weights}milliseconds: {times}"
    )
