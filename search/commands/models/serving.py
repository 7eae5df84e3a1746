"""`search models serve`: the embedded models as an Ollama server, for any program that embeds with one."""

from __future__ import annotations

import argparse
import contextlib
import signal
from typing import TYPE_CHECKING

import uvicorn

from search.commands.listening import address, listen
from search.config import EMBEDDED_MODEL
from search.embedded import serving
from search.ollama.client import Client
from search.ollama.hosts import is_loopback

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DESCRIPTION = "The embedded models as an Ollama server, for any program that embeds with one."
PORT = 11435
"""Next to Ollama's own, so that both can run."""


def add(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("serve", help="offer the embedded model as an Ollama server", description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=PORT, help=f"the port to listen on (default {PORT})")


def serve(chosen: argparse.Namespace) -> int:
    """Serves until it is stopped. Raises ConfigError where it cannot listen, ModelError without the model's weights."""
    # uvicorn passes a signal on when it has shut down; as an exception it ends here.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), listen(chosen.host, chosen.port) as listening:
        with Client("embedded://") as client:
            client.embed(EMBEDDED_MODEL, [])  # loaded before the first request, not by it
            served = [model.name.removesuffix(":latest") for model in client.tags().models]
        subject = " and ".join(served) + (" is" if len(served) == 1 else " are")
        print(f"{subject} served on {address(listening)} as an Ollama would (Ctrl+C ends it)", flush=True)
        app = serving.application(public=not is_loopback(listening.getsockname()[0]))
        config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
    return 0
