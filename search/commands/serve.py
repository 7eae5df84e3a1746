"""`search serve [FOLDER]`: the HTTP service; with a folder, which is ingested first and watched."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from search.access import Writers, names_of
from search.app import create_app
from search.commands import options
from search.commands.listening import address, listen
from search.config import Settings
from search.errors import ConfigError, ModelError
from search.faces import mcp, ollama, openai
from search.faces.models import Documented
from search.ingest_routes import add_ingest
from search.ingesting import Event, Ingest
from search.jobs import Jobs
from search.ollama.hosts import is_loopback
from search.places import printable
from search.service import Service, open_service
from search.slots import Slots

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from fastapi import FastAPI

PATIENCE_SECONDS = 30.0
"""How long the service waits for the ingest before it starts to serve what is there so far."""


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("serve", help="serve search over HTTP", description=__doc__)
    parser.add_argument("folder", nargs="?", type=options.folder, help="a folder to ingest first, and to watch")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default 8000)")
    options.add_database(parser)
    options.add_examples(parser, "search serve data/corpus --port 8000")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Serves until it is stopped (Ctrl-C, or SIGTERM), and stops the ingest with it."""
    # uvicorn passes a signal on when it has shut down; as an exception it runs what cleans up here.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(contextlib.suppress(KeyboardInterrupt))
        listening = cleanup.enter_context(listen(chosen.host, chosen.port))
        if chosen.folder is not None and not chosen.folder.is_dir():
            raise ConfigError(f"{chosen.folder} is not a folder: name the folder with your documents")
        # A mistyped name is no new index.
        service = cleanup.enter_context(open_service(settings, create=chosen.folder is not None))
        if chosen.folder is not None:
            _ingest(chosen.folder, settings, cleanup)
        with contextlib.suppress(ModelError):
            # The model is found before the first query, not by it.
            service.searcher.model()
        host = listening.getsockname()[0]
        writers, slots = Writers(settings.token, is_loopback(host)), Slots()
        names = names_of(chosen.host, settings.hosts)
        app = create_app(service.searcher, service.answerer, service.status, writers=writers, names=names, slots=slots)
        jobs = cleanup.enter_context(contextlib.closing(Jobs(service.store.location)))
        add_ingest(app, service.store, jobs, writers)
        _add_faces(app, service, host, slots)
        print(
            f"semsearch serves on {address(listening)} (open it in a browser; the API is described at /docs)",
            flush=True,
        )
        # Not earlier: it would take its time from what has to be done before the service answers.
        warming = threading.Thread(target=service.warm, name="warm")
        warming.start()
        cleanup.callback(warming.join)
        uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listening])
    return 0


def _add_faces(app: FastAPI, service: Service, host: str, slots: Slots) -> None:
    """The index as other programs know such things, on the same port."""
    made = ollama.behind(service, Documented(service, slots), host)
    ollama.add(app, made)
    openai.add(app, made)
    if mcp.installed():
        mcp.add(app, service, host, slots)


def _ingest(folder: Path, settings: Settings, cleanup: contextlib.ExitStack) -> None:
    """Runs `ingest FOLDER --watch` in a process of its own, so that it takes nothing from the service's time.

    Returns when its first pass is done, or is taking long: then what is there so far is served, and grows.
    """
    ingest = Ingest(folder, settings.database, ["--watch", "--wait"], _tell)
    cleanup.callback(ingest.stop)
    if not ingest.wait("report", PATIENCE_SECONDS):
        print("the ingest goes on; what it has read can be searched already", flush=True)


def _tell(event: Event) -> None:
    """What a person wants to know of the ingest; errors come in words of its own."""
    with contextlib.suppress(BrokenPipeError):  # nobody reads it any more (`search serve ... | head -1`)
        _print(event)


def _print(event: Event) -> None:
    if event["type"] == "file" and event["outcome"] in ("failed", "partial"):
        line = f"{event['outcome']}: {printable(event['path'])}: {printable(event['reason'])}"
        print(line, file=sys.stderr, flush=True)
    elif event["type"] == "report" and any(event[name] for name in ("indexed", "partial", "removed", "embedded")):
        read = event["indexed"] + event["partial"]
        print(
            f"{printable(event['root'])}: {event['seen']:,} files, {read:,} of them read, "
            f"{event['removed']:,} removed, {event['failed']:,} failed; {event['embedded']:,} passages embedded"
            + (f", {event['waiting']:,} still to embed" if event["waiting"] else ""),
            flush=True,
        )
