"""`search doctor`: tries what the models really do, and says for each thing that is wrong how to mend it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from search import doctor
from search.commands import options, terminal
from search.config import Settings
from search.doctor import Finding
from search.ollama.client import Timeouts

if TYPE_CHECKING:
    from argparse import _SubParsersAction

MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="find out what is wrong with your models", description=__doc__)
    parser.add_argument(
        "--timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long to wait for a model to load and to answer (default 300)",
    )
    options.add_database(parser)
    options.add_examples(parser, "search doctor --json")
    options.add_json(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 0 where all is well, 1 where something is wrong."""
    timeouts = Timeouts(first_byte=chosen.timeout, idle=chosen.timeout)
    findings = list(_shown(doctor.examine(settings, timeouts), silent=chosen.json))
    wrong = sum(finding.verdict == "wrong" for finding in findings)
    if chosen.json:
        terminal.as_json({"wrong": wrong, "findings": findings})
    else:
        print(f"{wrong} things are wrong" if wrong > 1 else "one thing is wrong" if wrong else "nothing is wrong")
    return 1 if wrong else 0


def _shown(findings: Iterable[Finding], *, silent: bool) -> Iterator[Finding]:
    """Prints each finding as it comes."""
    for finding in findings:
        if not silent:
            print(f"{MARKS[finding.verdict]} {finding.check + ':':<12}{finding.text}", flush=True)
            if finding.fix:
                print(f"{'':<18}-> {finding.fix}", flush=True)
        yield finding
