"""Options and output that the verbs of `search models` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from search.ollama.client import Client

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Verb = Callable[[Client, argparse.Namespace], int]
MEGABYTE = 1_000_000


def declare(
    verbs: _SubParsersAction[argparse.ArgumentParser], name: str, verb: Verb, help: str
) -> argparse.ArgumentParser:
    """A verb with the options that all have."""
    parser = verbs.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    parser.add_argument(
        "--server", metavar="HOST", help="the server to ask, or embedded:// (default: OLLAMA_HOST, or this machine)"
    )
    parser.add_argument("--json", action="store_true", help="print what the server answers, as JSON")
    parser.set_defaults(verb=verb)
    return parser


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints columns as wide as their widest cell."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / MEGABYTE:.0f} MB"


def short(digest: str) -> str:
    """As much of a digest as tells models apart."""
    return digest.removeprefix("sha256:")[:12]
