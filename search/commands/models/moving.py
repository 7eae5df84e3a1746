"""`search models pull`, `push`, `copy`, `delete` and `create`: what changes the models of a server."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from search.commands.models.printing import declare
from search.commands.terminal import as_json
from search.errors import ConfigError
from search.ollama import wire
from search.ollama.client import Client
from search.ollama.streams import Stream

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, verb, help_ in (
        ("pull", pull, "download a model, to each server where several are set"),
        ("push", push, "upload a model to its registry"),
        ("delete", delete, "remove a model"),
    ):
        parser = declare(verbs, name, verb, help_)
        parser.add_argument("model")
        if name == "delete":
            parser.add_argument("--yes", action="store_true", help="do not ask first")
    parser = declare(verbs, "copy", copy, "give a model a second name")
    parser.add_argument("source")
    parser.add_argument("destination")
    parser = declare(verbs, "create", create, "make a model of another one, or of files")
    parser.add_argument("model")
    parser.add_argument("--from", dest="from_", metavar="MODEL", help="the model to start from")
    parser.add_argument("--file", type=Path, action="append", default=[], metavar="FILE", help="weights to upload")
    parser.add_argument("--system", metavar="TEXT", help="its system message")
    parser.add_argument("--template", metavar="TEXT", help="its prompt template")
    parser.add_argument("--quantize", metavar="TYPE", help="such as q4_K_M")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="such as num_ctx=8192; repeatable"
    )


def pull(client: Client, chosen: argparse.Namespace) -> int:
    """Downloads to every host; goes on where a download was interrupted."""
    for one in client.each:
        _follow(one.pull_stream(chosen.model), f"{chosen.model} to {one.host.url}", chosen)
    return 0


def push(client: Client, chosen: argparse.Namespace) -> int:
    """Uploads from the first host."""
    _follow(client.push_stream(chosen.model), chosen.model, chosen)
    return 0


def copy(client: Client, chosen: argparse.Namespace) -> int:
    """Both names lead to the same weights afterwards."""
    client.copy(chosen.source, chosen.destination)
    _done(chosen, f"{chosen.source} is called {chosen.destination} too")
    return 0


def delete(client: Client, chosen: argparse.Namespace) -> int:
    """Exit code 1 where the question was answered with no. Raises ConfigError where there is nobody to ask."""
    client.show(chosen.model)  # one that is not there is not asked about
    if not chosen.yes and not _agreed(f"Delete {chosen.model} at {client.host}? [y/N] "):
        print("nothing was deleted", file=sys.stderr)
        return 1
    client.delete(chosen.model)
    _done(chosen, f"{chosen.model} was deleted")
    return 0


def create(client: Client, chosen: argparse.Namespace) -> int:
    """Uploads the files first. Raises ConfigError where there is nothing to make it of."""
    if not chosen.from_ and not chosen.file:
        raise ConfigError("a model is made of another one or of files: give --from MODEL or --file FILE")
    files = {file.name: client.upload(file) for file in chosen.file}
    made = client.create_stream(
        chosen.model,
        from_=chosen.from_,
        files=files or None,
        system=chosen.system,
        template=chosen.template,
        quantize=chosen.quantize,
        parameters=_parameters(chosen.parameter) or None,
    )
    _follow(made, chosen.model, chosen)
    return 0


def _parameters(given: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs; a value is JSON where it can be read so, else text."""
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ConfigError(f"--parameter {pair}: write it as NAME=VALUE, such as num_ctx=8192")
        try:
            found[name] = from_json(value)
        except ValueError:
            found[name] = value
    return found


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("there is nobody to ask whether to delete: say --yes")
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _follow(lines: Stream[wire.Progress], name: str, chosen: argparse.Namespace) -> None:
    """Shows how far it is: JSON lines, a bar on a terminal, or a line for each new status."""
    with lines, ExitStack() as stack:
        bar = stack.enter_context(_bar()) if sys.stderr.isatty() and not chosen.json else None
        tasks: dict[str, TaskID] = {}
        before = ""
        for line in lines:
            if chosen.json:
                as_json(line, indent=None)
            elif bar is not None and line.total:
                if line.digest not in tasks:
                    tasks[line.digest] = bar.add_task(line.status)
                bar.update(tasks[line.digest], completed=line.completed, total=line.total)
            elif line.status != before:
                print(f"{name}: {line.status}", file=sys.stderr, flush=True)
            before = line.status


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _done(chosen: argparse.Namespace, text: str) -> None:
    if chosen.json:
        as_json({"status": "success"}, indent=None)
    else:
        print(text)
