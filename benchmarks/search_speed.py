"""How fast the vector stage is: milliseconds a query, recall, opening and memory, beside other ways to do it.

    python benchmarks/search_speed.py [--sets 1000000x384 ...] [--queries N] [--index DB... --questions FILE...]
        [--folder F] [--rivals NAME...] [--processor-time] [--json F]

Every set is asked the same queries by every method in turn, so that all see the machine in the same state; `ratio`
is how many times as long numpy's `X @ q` took (medians). With a filter that is `X[rows] @ q`: which rows pass is
known only with the query; `rows alone` multiplies a copy of them that was made before. Vectors are made with a seed:
topics within fields, around which they spread with falling variance, all in one cone, as those of texts do. With
--index, the vectors of these indexes are resampled to the sets' sizes instead (between near neighbours, plus the
difference of another pair of near ones), and the queries are the texts of --questions (JSON Lines with "text",
"question" or "query"), embedded. The recall is that of the ten nearest by all cosines. Other programs are measured
where they are installed (faiss, usearch, sqlite_vec, lancedb, chromadb). For one core: `taskset -c 0 python ...`. On
a machine with other work, --processor-time counts the time of this process's threads, not what others took.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from speed_rivals import RIVALS
from speed_sets import Set, build, resampled, synthetic

from search.store import Filter
from search.store.sqlite import SqliteStore
from search.vectors import top_k

K = 10
BASE = "numpy X @ q"
FILTERS = {"none": Filter(), "10 %": Filter(path="0?/*"), "1 %": Filter(path="00/*")}
SLOW_SECONDS = 0.2
"""A method that takes longer is asked a twentieth of the queries."""

Method = Callable[[np.ndarray[Any, Any]], Any]


def main() -> int:
    """Measures each set and prints a table."""
    arguments = _arguments()
    if arguments.opening:
        return opened(arguments.opening)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{platform.machine()}, {cores} cores, numpy {np.__version__}, load {os.getloadavg()}")
    figures: dict[str, Any] = {"cores": cores}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for size in arguments.sets:
            rows, dimensions = (int(part) for part in size.split("x"))
            if arguments.index:
                made, name = (
                    resampled(arguments.index, arguments.questions, rows, arguments.queries),
                    f"{rows} resampled",
                )
            else:
                made, name = synthetic(rows, dimensions, arguments.queries), size
            figures[name] = measure(name, made, folder, arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(name: str, made: Set, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """All methods on one set."""
    clock = time.process_time if arguments.processor_time else time.perf_counter
    path = folder / f"{name.replace(' ', '-')}.db"
    seconds = build(made, path)
    figures: dict[str, Any] = {"seconds to build": seconds, "opening": opening(path)}
    print(f"\n{name}: built in {seconds} s; {figures['opening']}")
    print(f"  {'method':<34}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}{'recall':>9}")
    store = SqliteStore(path)
    space = store.active()
    assert space is not None
    for label, only in FILTERS.items():
        allowed = np.arange(len(made.vectors)) if not only else _allowed(path, only)
        methods = (plain if not only else filtered)(made.vectors, allowed)
        methods["semsearch"] = lambda query, only=only: store.nearest(space, query, K, only).ids - 1
        if not only:
            for rival in RIVALS:
                if rival.__name__ in arguments.rivals:
                    methods |= rival(made.vectors, K, folder)
        figures[label] = compare(methods, made, allowed, clock)
        for method, found in figures[label].items():
            at = f"{method}, filter {label}"
            print(f"  {at:<34}{found['p50']:>9.2f}{found['p99']:>9.2f}{found['ratio']:>8.1f}{found['recall']:>9.4f}")
    store.close()
    return figures


def plain(vectors: np.ndarray[Any, Any], _: np.ndarray[Any, Any]) -> dict[str, Method]:
    """numpy over all vectors."""
    return {
        BASE: lambda query: top_k(vectors @ query, K),
        "numpy vecdot": lambda query: top_k(np.vecdot(vectors, query), K),
    }


def filtered(vectors: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any]) -> dict[str, Method]:
    """numpy over those that pass a filter."""
    alone = vectors[allowed]
    return {
        BASE: lambda query: allowed[top_k(vectors[allowed] @ query, K)],
        "numpy, rows alone": lambda query: allowed[top_k(alone @ query, K)],
    }


def compare(
    methods: dict[str, Method], made: Set, allowed: np.ndarray[Any, Any], clock: Callable[[], float]
) -> dict[str, dict[str, float]]:
    """Each method's times and recall; each query is asked of all methods before the next."""
    rows = made.vectors if len(allowed) == len(made.vectors) else made.vectors[allowed]
    times: dict[str, list[float]] = {name: [] for name in methods}
    hits: dict[str, list[float]] = {name: [] for name in methods}
    for method in methods.values():
        method(made.queries[0])
    for number, query in enumerate(made.queries):
        truth = set(allowed[top_k(rows @ query, K)].tolist())
        for name, method in methods.items():
            if number % 20 and times[name] and times[name][0] > SLOW_SECONDS:
                continue
            started = clock()
            found = method(query)
            times[name].append(clock() - started)
            hits[name].append(len(truth & set(np.asarray(found).tolist())) / len(truth))
    base = float(np.median(times[BASE]))
    return {
        name: {
            "p50": float(np.median(spent)) * 1000,
            "p99": float(np.quantile(spent, 0.99)) * 1000,
            "ratio": base / float(np.median(spent)),
            "recall": float(np.mean(hits[name])),
            "queries": len(spent),
        }
        for name, spent in times.items()
    }


def opening(path: Path) -> dict[str, float]:
    """Seconds and memory of a process that opens the index and searches it once."""
    done = subprocess.run(
        [sys.executable, __file__, "--opening", str(path)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def opened(path: Path) -> int:
    """What `opening` asks of a process of its own."""
    before, started = _resident(), time.perf_counter()
    store = SqliteStore(path)
    space = store.active()
    assert space is not None
    query = np.ones(space.dimensions, np.float32) / np.float32(np.sqrt(space.dimensions))
    store.nearest(space, query, K, Filter())
    first = time.perf_counter() - started
    for seed in range(100):
        query = np.random.default_rng(seed).standard_normal(space.dimensions).astype(np.float32)
        store.nearest(space, query / np.linalg.norm(query), K, Filter())
    print(json.dumps({"seconds to the first result": round(first, 3), "megabytes more": _resident() - before}))
    return 0


def _resident() -> int:
    """The most memory that this process has had, in megabytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


def _allowed(path: Path, only: Filter) -> np.ndarray[Any, Any]:
    """Row numbers that pass a filter."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT DISTINCT chunk - 1 FROM spans JOIN documents ON documents.id = document WHERE path GLOB ?", [only.path]
    )
    found = np.sort(np.array([row[0] for row in rows]))
    connection.close()
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    sets = ["10000x384", "100000x384", "1000000x384", "100000x768"]
    parser.add_argument("--sets", nargs="+", default=sets, metavar="ROWSxDIMENSIONS")
    parser.add_argument("--index", type=Path, nargs="+", metavar="DB", help="resample the vectors of these indexes")
    parser.add_argument("--questions", type=Path, nargs="+", default=[], metavar="FILE", help="queries for --index")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="keep what is built there, for the next run")
    names = [rival.__name__ for rival in RIVALS]
    parser.add_argument("--rivals", nargs="*", default=names, choices=names, help="those to measure; all where unset")
    parser.add_argument("--queries", type=int, default=200, metavar="N", help="how many are asked")
    parser.add_argument("--processor-time", action="store_true", help="of this process, in place of the clock's")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--opening", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
