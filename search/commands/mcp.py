"""`search mcp`: the index as an MCP server on standard input and output, for assistants that start it themselves."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.commands import options
from search.config import Settings
from search.faces import mcp
from search.service import open_service

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("mcp", help="serve assistants over MCP on stdin and stdout", description=__doc__)
    options.add_database(parser)
    parser.set_defaults(run=run)


def run(_: argparse.Namespace, settings: Settings) -> int:
    """Serves until the client goes. Nothing but the protocol is printed on standard output."""
    with open_service(settings) as service:
        mcp.serve_stdio(service)
    return 0
