"""`ingest failures`: every file and every passage that is not fully searchable, why, and what to do about it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

import pydantic_core

from search import config
from search.errors import SearchError
from search.failures import Unsearchable, failures
from search.places import printable
from search.store.opening import open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Lists them. Exit codes: 0 everything is searchable, 1 something isn't, 2 the index cannot be read."""
    parser = argparse.ArgumentParser(prog="ingest failures", description=__doc__)
    parser.add_argument("--db", metavar="DB", help="the index (default: SEARCH_DB, or a file in your data folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    chosen = parser.parse_args(arguments)
    try:
        store = open_store(config.from_environment(os.environ, chosen.db).database, create=False)
        try:
            found = failures(store)
        finally:
            store.close()
    except SearchError as error:
        print(f"ingest failures: {error}", file=sys.stderr)
        return 2
    for one in found:
        print(pydantic_core.to_json(asdict(one)).decode() if chosen.json else _line(one))
    if not found and not chosen.json:
        print("everything in the index is fully searchable")
    print(end="", flush=True)  # a full disk is noticed here, not by the interpreter when it ends
    return 1 if found else 0


def _line(one: Unsearchable) -> str:
    place = f", characters {one.chunk.start:,} to {one.chunk.end:,}" if one.chunk else ""
    where = f"{printable(one.path)}{place} (in {printable(one.root)})"
    return f"{one.outcome}: {where}: {printable(one.reason)}\n  -> {one.remedy}"
