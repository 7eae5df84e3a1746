"""`search query TEXT`: the best passages for a text."""

from __future__ import annotations

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING

import pydantic_core

from search import query
from search.commands import options, terminal
from search.config import Settings
from search.records import MODES, Hit, Query, Results
from search.service import open_service

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SHOWN_CHARACTERS = 300


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("query", help="search the documents", description=__doc__)
    options.add_text(parser, "what to look for, in your own words")
    parser.add_argument("-k", type=int, default=10, metavar="N", help="how many hits (default 10)")
    parser.add_argument("--mode", choices=MODES, default="hybrid", help="what to rank by (default hybrid)")
    options.add_filters(parser)
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
    wanted = Query(terminal.text(chosen.text), chosen.k, chosen.mode, **options.filters(chosen))
    with open_service(settings) as service:
        results = query.search(service.searcher, wanted)
    if chosen.json:
        print(pydantic_core.to_json(results, indent=2).decode())
    elif chosen.jsonl:
        for hit in results.hits:
            print(pydantic_core.to_json(hit).decode())
    elif chosen.files:
        for path in dict.fromkeys(str(PurePath(hit.document.root, hit.document.path)) for hit in results.hits):
            print(path)
    else:
        _print(results)
    if not chosen.json:
        terminal.tell(results.notes, quiet=chosen.quiet)
    return 0 if results.hits else 1


def _print(results: Results) -> None:
    for hit in results.hits:
        print(f"{hit.rank}. {terminal.painted(place(hit), terminal.BOLD)}")
        print(f"   {_shown(hit.chunk.text)}")
        print(f"   {terminal.painted(f'[{hit.score:.2f}] {hit.why}', terminal.DIM)}\n")


def place(hit: Hit) -> str:
    """Where a hit stands: path, page, and heading path."""
    page = f", page {hit.chunk.page}" if hit.chunk.page is not None else ""
    heading = f"  ({' > '.join(hit.chunk.heading)})" if hit.chunk.heading else ""
    return f"{hit.document.path}{page}{heading}"


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " …"
