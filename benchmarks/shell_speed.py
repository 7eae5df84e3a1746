"""How long a command of the shell takes, each in a process of its own: seconds in all, and where they go.

    python benchmarks/shell_speed.py DB [--query TEXT] [--folder FOLDER] [--runs N] [--json F]

DB is an index of any size, such as http_speed.py keeps in its --folder; `search query TEXT` is measured on it. With
--folder, the documents there are ingested into an index that is thrown away, and `ingest FOLDER` is measured when
nothing in it has changed. Medians of the clock and of processor time, which counts all threads. The commands take
turns with `python -c "import numpy, httpx, sqlite3"`, to which the ratios are. Modules are compiled before.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
BASELINE = "import numpy, httpx, sqlite3"

TICKS = """
import json, os, sys, time
marks = [("python", 0.0, time.process_time()), ("", time.perf_counter(), time.process_time())]
def tick(name):
    marks.append((name, time.perf_counter(), time.process_time()))
def told():
    pairs = zip(marks[1:], marks[2:])
    print(json.dumps({name: [wall - w, spent - s] for (_, w, s), (name, wall, spent) in pairs}))
"""
QUERY = """
from search import config
from search.__main__ import load
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does
load(["query"])
from search import query
from search.records import Query
from search.service import open_service
tick("imports")
service = open_service(config.from_environment(os.environ, sys.argv[1]))
tick("opening")
service.searcher.model()
if (space := service.searcher.space()) is not None:
    service.searcher.vector(space, "any")
tick("model")
query.search(service.searcher, Query(sys.argv[2]))
tick("first search")
query.search(service.searcher, Query(sys.argv[2] + " again"))
tick("second search")
told()
"""
INGEST = """
import contextlib, io
from ingest.__main__ import main
tick("imports")
with contextlib.redirect_stdout(io.StringIO()):
    main([sys.argv[2], "--db", sys.argv[1]])
tick("pass")
told()
"""


def main() -> int:
    """Measures and prints."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONPYCACHEPREFIX": f"{temporary}/compiled"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        commands = {
            "baseline": ["-c", BASELINE],
            "search query": ["-m", "search", "query", arguments.query, "--db", str(arguments.db)],
        }
        stages = {"search query": ["-c", TICKS + QUERY, str(arguments.db), arguments.query]}
        if arguments.folder:
            index = f"{temporary}/index.db"
            commands["ingest"] = ["-m", "ingest", str(arguments.folder), "--db", index]
            stages["ingest"] = ["-c", TICKS + INGEST, index, str(arguments.folder)]
        figures = measure(commands, stages, arguments.runs, environment)
    report(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(
    commands: dict[str, list[str]], stages: dict[str, list[str]], runs: int, environment: dict[str, str]
) -> dict[str, Any]:
    """Medians of each command in all and of each stage, in seconds: by the clock, of the processor."""
    whole: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    parts: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in stages}
    for number in range(runs + 1):
        for name, command in commands.items():
            took, _ = run(command, environment)
            whole[name] += [took] if number else []  # the first one compiles, and fills an index
        for name, command in stages.items():
            for stage, spent in json.loads(run(command, environment)[1]).items():
                parts[name].setdefault(stage, []).extend([spent] if number else [])
    return {
        "whole": {name: medians(took) for name, took in whole.items()},
        "stages": {name: {stage: medians(took) for stage, took in of.items()} for name, of in parts.items()},
    }


def run(command: list[str], environment: dict[str, str]) -> tuple[tuple[float, float], str]:
    """Seconds by the clock and of the processor, and what it printed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    passed, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode == 2 or "Traceback" in done.stderr:
        raise RuntimeError(done.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (passed, spent), done.stdout


def medians(took: list[tuple[float, float]]) -> list[float]:
    """Of both kinds of seconds."""
    return [round(statistics.median(one), 4) for one in zip(*took, strict=True)]


def report(figures: dict[str, Any]) -> None:
    """The table: a command in all, then its stages, without the start of Python."""
    base = figures["whole"]["baseline"]
    print(f"{'':<24}{'clock s':>9}{'ratio':>7}{'processor s':>13}{'ratio':>7}")

    def line(name: str, clock: float, processor: float) -> None:
        print(f"{name:<24}{clock:>9.3f}{clock / base[0]:>7.2f}{processor:>13.3f}{processor / base[1]:>7.2f}")

    for name, took in figures["whole"].items():
        line(name, *took)
        for stage, spent in figures["stages"].get(name, {}).items():
            line(f"  {stage}", *spent)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("db", type=Path, metavar="DB", help="an index")
    parser.add_argument("--query", default="where are the vectors kept?", metavar="TEXT", help="what to look for")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="documents, to measure an ingest too")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="how often each command is run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    arguments.db = arguments.db.resolve()
    arguments.folder = arguments.folder and arguments.folder.resolve()
    return arguments


if __name__ == "__main__":
    sys.exit(main())
