"""The command `ingest FOLDER`: makes an index match a folder, and accounts for every file."""

from __future__ import annotations

import _thread
import argparse
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pydantic_core

from ingest import pipeline
from ingest.pipeline import Report
from ingest.progress import JsonLines, Lines, bars
from search import __version__, config, embed
from search.config import EMBEDDED_MODEL, Settings
from search.embed import prefixes
from search.errors import ModelError, SearchError
from search.ollama.client import Client
from search.store.opening import open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs an ingest. Exit codes: 0 all is searchable, 1 some files failed, 2 it could not be done."""
    chosen = _parser().parse_args(arguments)
    if chosen.until_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    settings = config.from_environment(os.environ, chosen.db)
    try:
        report = _ingest(chosen.folder, settings, as_json=chosen.json, retry=chosen.retry)
    except SearchError as error:
        print(f"ingest: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ingest: stopped; what was read is kept, run it again to go on", file=sys.stderr)
        return 130
    print(pydantic_core.to_json({"type": "report", **asdict(report)}).decode() if chosen.json else describe(report))
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ingest", description="Make a folder's documents searchable.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder with your documents")
    parser.add_argument("--db", metavar="DB", help="the index (default: SEARCH_DB, or a file in your data folder)")
    parser.add_argument("--retry", action="store_true", help="embed again what the model refused before")
    parser.add_argument("--json", action="store_true", help="print events and the report as JSON, one a line")
    # For a program that starts this one: when it dies, however that happens, its end of the pipe closes.
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"semsearch {__version__}")
    return parser


def _stop_at_eof() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    _thread.interrupt_main()


def _ingest(folder: Path, settings: Settings, *, as_json: bool, retry: bool) -> Report:
    """One run with its progress shown. Raises SearchError; the text that was read is kept all the same."""
    store = open_store(settings.database, create=True)
    name = settings.embed_model or EMBEDDED_MODEL
    wanted = prefixes.chosen(name, settings.query_prefix, settings.document_prefix)
    try:
        with Client(settings.embed_host, api_key=settings.api_key) as client:
            watch = JsonLines() if as_json else bars() if sys.stderr.isatty() else Lines()
            with watch:
                return pipeline.ingest(
                    folder, store, lambda: embed.describe(client, name, wanted), watch.tell, retry=retry
                )
    except ModelError as error:
        raise type(error)(
            f"{error}\nThe text is in the index and can be searched by keyword; run this again for the vectors."
        ) from error
    finally:
        store.close()


def describe(report: Report) -> str:
    """The report in lines for people; its counts add up to the files seen."""
    if not report.seen and not report.removed:
        return f"{report.root}: no files here; nothing to do"
    done = report.indexed + report.partial + report.failed + report.removed + report.embedded + report.quarantined
    if not done:
        return f"{report.root}: nothing changed; {report.unchanged:,} files are up to date{_passed_over(report)}"
    lines = [
        f"{report.root}: {report.seen:,} files seen = {report.indexed:,} indexed + {report.partial:,} partial"
        f" + {report.failed:,} failed + {report.unchanged:,} unchanged + {report.skipped:,} skipped",
        f"{report.removed:,} removed; {report.chunks:,} chunks read in {report.text_seconds:.1f} s,"
        f" {report.embedded:,} embedded in {report.vector_seconds:.1f} s",
    ]
    if report.parted:
        lines.append(f"{report.parted:,} chunks are too long for the model and were embedded in parts")
    if report.quarantined:
        lines.append(
            f"{report.quarantined:,} chunks have no vector, as the model makes none of them: keyword search finds "
            "them, `search status` says why, --retry tries again"
        )
    if report.waiting:
        lines.append(f"{report.waiting:,} chunks have no vector yet: run it again")
    return "\n".join(lines)


def _passed_over(report: Report) -> str:
    return f", {report.skipped:,} skipped" if report.skipped else ""


if __name__ == "__main__":
    sys.exit(main())
