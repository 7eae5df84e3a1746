"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.filters import conditions
from search.queries import Filters


def add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", metavar="DB", help="the index (default: SEARCH_DB, or a file in your data folder)")


def folder(name: str) -> Path:
    """A folder that was named. An empty name is none, though Path takes it for this one: an unset variable gives it."""
    if not name:
        raise argparse.ArgumentTypeError("it is empty: name the folder with your documents (. is this one)")
    return Path(name)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON, as the HTTP API gives it")


def add_text(parser: argparse.ArgumentParser, what: str) -> None:
    """The text that is searched for or asked, of several words or from standard input; see `terminal.text`."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help=f"{what}; - or nothing in a pipe: standard input")


def add_output(parser: argparse.ArgumentParser, *, line: str) -> None:
    """How the result is printed; `line` is what a line of --jsonl is."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the result as JSON, as the HTTP API gives it")
    form.add_argument("--jsonl", action="store_true", help=f"print JSON lines: {line}")
    form.add_argument("--files", action="store_true", help="print the paths of the documents only, each once")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no notes beside the results")


def add_examples(parser: argparse.ArgumentParser, *lines: str) -> None:
    """Examples at the end of a command's help; the tests run them."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "examples:\n" + "\n".join(f"  $ {line}" for line in lines)


def add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--path", metavar="GLOB", help="only documents whose path matches, such as 'guide/*'")
    parser.add_argument("--type", metavar="TYPE", help="only documents of a type, such as pdf or markdown")
    parser.add_argument("--after", metavar="DATE", help="only documents modified at this date or later: 2026-03-31")
    parser.add_argument("--before", metavar="DATE", help="only documents modified earlier than this date")
    parser.add_argument("--language", metavar="LANG", help="only documents in a language: en, de, python")
    parser.add_argument(
        "--where",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="only documents with this in their metadata, such as 'author=*lovelace*'; may be repeated",
    )


def filters(chosen: argparse.Namespace) -> Filters:
    """What `add_filters` was given, as the fields of a Query or a Question."""
    return {
        "path": chosen.path,
        "type": chosen.type,
        "after": chosen.after,
        "before": chosen.before,
        "language": chosen.language,
        "where": conditions(chosen.where),
    }
