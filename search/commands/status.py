"""`search status`: what the index holds and what it is used with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.commands import options, terminal
from search.config import Settings
from search.failures import OTHERWISE, remedy
from search.places import printable
from search.records import Status
from search.service import open_service

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("status", help="what the index holds and what it is used with", description=__doc__)
    options.add_database(parser)
    options.add_json(parser)
    options.add_examples(parser, "search status", "search status --json")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Prints counts, models, notes, and what is not searchable."""
    with open_service(settings) as service:
        found = service.status()
        failures = service.store.failures()
        refused = service.store.quarantined()
    if chosen.json:
        terminal.as_json(found)
        return 0
    _print(found)
    for failure in failures:
        print(f"{failure.outcome}: {printable(failure.path)}: {printable(failure.reason)}")
        print(f"  -> {remedy(failure.reason, failure.outcome)}")
    for one in refused:
        where = f"{printable(one.path)}, characters {one.chunk.start} to {one.chunk.end}"
        print(f"no vector: {where}: {printable(one.reason)}")
        print(f"  -> {OTHERWISE['refused']}")
    return 0


def _print(status: Status) -> None:
    space = status.space
    lines = {
        "index": f"{status.database} ({status.size_bytes / 1e6:.1f} MB)",
        "folders": ", ".join(map(printable, status.roots)) or "none yet",
        "documents": f"{status.documents:,} in {status.chunks:,} chunks, {status.embedded:,} of them embedded",
        "not searchable": f"{status.failures:,} files, wholly or in part",
        "vectors": f"{space.model}, {space.dimensions} dimensions, digest {space.digest[:19]}" if space else "none yet",
        "embedded oddly": f"{status.parted:,} chunks in parts, {status.quarantined:,} not at all (quarantined)",
        "embeddings by": f"{status.embed_model} at {status.embed_host}",
        "prefixes": _prefixes(status),
        "answers by": f"{status.chat_model} at {status.chat_host}" if status.chat_model else "extracts",
    }
    if status.answers:
        stale = f", {status.stale_answers:,} of them stale: see `search answers stale`" if status.stale_answers else ""
        lines["kept answers"] = f"{status.answers:,}{stale}"
    for name, value in lines.items():
        print(f"{name + ':':<16}{value}")
    for note in status.notes:
        print(f"note: {note}")


def _prefixes(status: Status) -> str:
    if status.query_prefix or status.document_prefix:
        return f"query {status.query_prefix!r}, document {status.document_prefix!r} (from {status.prefix_source})"
    return f"none (as {status.prefix_source})" if status.prefix_source else "none: the model's family is not known"
