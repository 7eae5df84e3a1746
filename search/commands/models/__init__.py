"""`search models`: the models of an Ollama server from the shell, and the embedded model as a server.

`listing` looks, `moving` changes what is there, `talking` uses a model, `serving` is a server itself.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.commands import options
from search.commands.models import listing, moving, serving, talking
from search.commands.models.printing import Verb
from search.config import Settings
from search.ollama.client import Client

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PARTS = (listing, moving, talking, serving)
DESCRIPTION = "The models of an Ollama server, and the embedded model as a server of its own."


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("models", help="list, pull and try the models of a server", description=DESCRIPTION)
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    options.add_examples(parser, "search models list --server embedded://")
    for part in PARTS:
        part.add(verbs)
    for verb in {*verbs.choices.values()}:
        verb.set_defaults(run=run, db=None)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Does one of the verbs; all but `serve` ask a server."""
    if "port" in chosen:
        return serving.serve(chosen)
    verb: Verb = chosen.verb
    with Client(chosen.server or settings.ollama_host, api_key=settings.api_key) as client:
        return verb(client, chosen)
