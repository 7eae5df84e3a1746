"""The command `ingest`: makes an index match a folder, and accounts for every file."""

from __future__ import annotations

import _thread
import argparse
import contextlib
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import pydantic_core

from ingest import files, lock, pipeline, progress
from ingest.changes import Selection
from ingest.pipeline import Report
from search import __version__, config, embed
from search.commands import options
from search.config import Settings
from search.embed import prefixes
from search.errors import ModelError, SearchError
from search.ollama.client import Client
from search.store import Store, opening

# Most runs find little to do, so what only some need is imported by these.
if TYPE_CHECKING:
    from ingest.planning import Plan, Would


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs an ingest. Exit codes: 0 all is searchable, 1 some files failed, 2 it could not be done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _chosen(arguments)
    except BrokenPipeError:  # whoever read its output has gone, as in `ingest failures | head -1`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (what waits to be written would fail once more)
        if arguments[:1] == ["failures"]:
            return 0
        _say("nobody reads what it prints any more; what was read is kept, run it again to go on")
        return 2
    except OSError as error:  # those of the index and of documents have become SearchErrors
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (what waits to be written would fail once more)
        print(f"ingest: {error}: see that there is space where its output goes; run it again", file=sys.stderr)
        return 2


def _chosen(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["failures"]:
        from ingest import failures  # noqa: PLC0415

        return failures.main(arguments[1:])
    chosen = _parser().parse_args(arguments)
    if chosen.until_eof:
        # A shell has what it puts into the background ignore interrupts, and with it what that starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    try:
        settings = config.from_environment(os.environ, chosen.db)
        return _plan(chosen, settings) if chosen.dry_run else _run(chosen, settings)
    except SearchError as error:
        _complain(error, as_json=chosen.json)
        return 2
    except KeyboardInterrupt:
        print("ingest: stopped; what was read is kept, run it again to go on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ingest",
        description="Make a folder's documents searchable.",
        epilog="`ingest failures` lists what is not fully searchable, and what to do about it.",
    )
    parser.add_argument("folder", type=options.folder, metavar="FOLDER", help="the folder with your documents")
    parser.add_argument("--db", metavar="DB", help="the index (default: SEARCH_DB, or a file in your data folder)")
    parser.add_argument("--watch", action="store_true", help="go on, and take in each change of the folder")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and how long it would take")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB", help="read only files that match")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave out what matches")
    parser.add_argument("--hidden", action="store_true", help="read hidden files and folders too")
    parser.add_argument(
        "--max-size",
        type=_megabytes,
        default=files.MAX_BYTES / 1e6,
        metavar="MB",
        help="leave out files above this size",
    )
    parser.add_argument(
        "--reread", action="append", default=[], metavar="GLOB", help="read files that match again, though unchanged"
    )
    parser.add_argument("--retry", action="store_true", help="embed again what the model refused before")
    parser.add_argument("--wait", action="store_true", help="wait while another ingest holds the index")
    parser.add_argument("--json", action="store_true", help="print events and the report as JSON, one a line")
    # For a program that starts this one: when it dies, however that happens, its end of the pipe closes.
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"semsearch {__version__}")
    return parser


def _megabytes(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no size of a file: give megabytes, more than 0")


def _stop_at_eof() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # wakes it from whatever it waits for
    else:
        _thread.interrupt_main()


def _plan(chosen: argparse.Namespace, settings: Settings) -> int:
    """Says what a run would do, and writes nothing, not even an index."""
    from ingest import planning  # noqa: PLC0415

    store = opening.open_store(settings.database, create=False) if opening.exists(settings.database) else None
    try:
        with Client(settings.embed_host, api_key=settings.api_key) as client:
            made = planning.plan(
                chosen.folder,
                store,
                partial(_describe, client, settings, store),
                partial(_print, as_json=chosen.json),
                selection=_selection(chosen, first=True),
                index=settings.database,
            )
    finally:
        if store:
            store.close()
    _print(made, as_json=chosen.json)
    return 1 if made.fail else 0


def _print(found: Would | Plan, *, as_json: bool) -> None:
    from ingest import planning  # noqa: PLC0415

    is_file = isinstance(found, planning.Would)
    if as_json:
        print(pydantic_core.to_json({"type": "would" if is_file else "plan", **asdict(found)}).decode(), flush=True)
    else:
        print(planning.words(found) if isinstance(found, planning.Would) else planning.describe(found), flush=True)


def _describe(client: Client, settings: Settings, store: Store | None) -> embed.Model:
    name = settings.embedder
    wanted = prefixes.chosen(name, settings.query_prefix, settings.document_prefix)
    return embed.describe(client, name, wanted, spaces=store.spaces() if store else ())


def _selection(chosen: argparse.Namespace, *, first: bool) -> Selection:
    return Selection(
        tuple(chosen.include),
        tuple(chosen.exclude),
        int(chosen.max_size * 1e6),
        chosen.hidden,
        tuple(chosen.reread) if first else (),
        retry_failed=first,
    )


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    opening.check_writable(settings.database)
    with lock.held(settings.database, str(chosen.folder), None if chosen.wait else lock.PATIENCE_SECONDS, _say):
        files.check_root(chosen.folder)
        store = opening.open_store(settings.database, create=True)
    try:
        with Client(settings.embed_host, api_key=settings.api_key) as client:
            ingest = _Ingest(chosen, settings, store, client)
            if not chosen.watch:
                return 1 if ingest.once().failed else 0
            from ingest import watching  # noqa: PLC0415

            watching.watch(
                chosen.folder,
                ingest.again,
                lambda error: _complain(error, as_json=chosen.json),
                passed_over=watching.is_noise(chosen.folder, store.location, hidden=chosen.hidden),
            )
            return 0
    finally:
        store.close()


class _Ingest:
    """What the passes of one command have in common."""

    def __init__(self, chosen: argparse.Namespace, settings: Settings, store: Store, client: Client) -> None:
        self._chosen = chosen
        self._store = store
        self._describe = partial(_describe, client, settings, store)

    def once(self) -> Report:
        """The one pass of a run, with its report. Raises SearchError; the text that was read is kept all the same."""
        report = self._pass(bool, first=True)
        _report(report, as_json=self._chosen.json)
        return report

    def again(self, *, paused: Callable[[], bool], first: bool) -> Report:
        """One pass of many: told about where it did something."""
        report = self._pass(paused, first=first)
        if first or self._chosen.json or report.changed:
            _report(report, as_json=self._chosen.json)
        return report

    def _pass(self, paused: Callable[[], bool], *, first: bool) -> Report:
        chosen = self._chosen
        patience = lock.PATIENCE_SECONDS if first and not chosen.wait else None
        try:
            with (
                lock.held(self._store.location, str(chosen.folder.resolve()), patience, _say),
                progress.shown(as_json=chosen.json) as shown,
            ):
                return pipeline.ingest(
                    chosen.folder,
                    self._store,
                    self._describe,
                    shown.tell,
                    selection=_selection(chosen, first=first),
                    retry=chosen.retry and first,
                    paused=paused,
                )
        except ModelError as error:
            again = "it is tried again soon" if chosen.watch else "run this again"
            raise type(error)(
                f"{error}\nThe text is in the index and can be searched by keyword; {again} for the vectors."
            ) from error


def _report(report: Report, *, as_json: bool) -> None:
    line = (
        pydantic_core.to_json({"type": "report", **asdict(report)}).decode() if as_json else progress.describe(report)
    )
    print(line, flush=True)


def _complain(error: SearchError, *, as_json: bool) -> None:
    """The error in words, and for programs as an event too."""
    if as_json:
        event = {"type": "error", "error": {"type": type(error).__name__, "message": error.message}}
        print(pydantic_core.to_json(event).decode(), flush=True)
    print(f"ingest: {error}", file=sys.stderr, flush=True)


def _say(line: str) -> None:
    print(f"ingest: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
