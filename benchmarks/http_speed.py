"""How fast the service answers: requests a second, p50 and p99, and where the time goes, for 1 to 32 clients.

    python benchmarks/http_speed.py [--chunks 100000 ...] [--clients 1 4 16 32] [--texts FILE...]
        [--folder FOLDER] [--json FILE]

Serves an index of made vectors (those of search_speed.py) and of texts, with the embedded model, by `search serve`;
asks a first question as soon as it serves, then many by POST /search over kept connections from one process, which
takes its share of the machine too. "new" queries are all different, so each is embedded; "known" ones are ten by
turns. Stages are means of the service's own `took_ms`;
`http` is what a single client waits besides: parsing, routing, JSON, the socket and the client. --texts are JSON
Lines with "text" (without them: the texts of data/corpus); a chunk is made of halves of two of them, a query is some
words of one. With --folder, an index that is there is asked as it is, and one that is made is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import json_lines
import numpy as np
from speed_sets import build, recombined, synthetic

from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.ollama.client import Client

SECONDS, FIRST = 8.0, 0.1
"""For how long questions are asked, and within which the first one is."""
KNOWN = 10
SHORTEST = 20
"""Words of a text that is used."""
PROJECT = Path(__file__).parents[1]


def main() -> int:
    """Measures each size and prints a table."""
    arguments = _arguments()
    texts = _texts(arguments.texts)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()}, {len(texts):,} different texts")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for chunks in arguments.chunks:
            path = (arguments.folder or Path(temporary)) / f"http-{chunks}.db"
            if not path.exists():
                space = embed.describe(Client(EMBEDDED_HOST), EMBEDDED_MODEL).space("made")
                made = synthetic(chunks, space.dimensions, 1)
                build(made, path, recombined([text.split() for text in texts], chunks), space)
            figures[str(chunks)] = measure(path, arguments.clients, texts)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(path: Path, clients: list[int], texts: list[str]) -> dict[str, Any]:
    """The service on one index, asked by so many clients."""
    figures: dict[str, Any] = {}
    command = [sys.executable, "-m", "search", "serve", "--db", str(path), "--port", "0"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert process.stdout is not None
    port = int(re.findall(r":(\d+) ", process.stdout.readline())[0])
    figures["serves after"] = time.perf_counter() - started
    figures["first answer"] = asyncio.run(ask(port, 1, Queries(texts, None), FIRST))[1][0]
    print(f"\n{path.stem}: serves after {figures['serves after']:.2f} s, first answer {figures['first answer']:.2f} s")
    print(f"  {'clients':<10}{'queries':<9}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}   stages, ms")
    try:
        for count in clients:
            for kind in ("new", "known"):
                queries = Queries(texts, KNOWN if kind == "known" else None)
                asyncio.run(ask(port, count, queries, 1.0))
                found = summary(*asyncio.run(ask(port, count, queries, SECONDS)))
                figures[f"{count} {kind}"] = found
                stages = " ".join(f"{stage} {spent:.2f}" for stage, spent in found["stages"].items())
                numbers = f"{found['a second']:>9.0f}{found['p50']:>9.1f}{found['p99']:>9.1f}"
                print(f"  {count:<10}{kind:<9}{numbers}   {stages}")
        with open(f"/proc/{process.pid}/status") as status:
            figures["megabytes"] = next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024
        print(f"  resident: {figures['megabytes']} MB, the model included")
    finally:
        process.terminate()
        process.wait()
    return figures


class Queries:
    """Queries of two to eight words that stand together in a text; only so many different ones where `known`."""

    def __init__(self, texts: list[str], known: int | None) -> None:
        self._texts = texts
        self._known = known
        self._random = np.random.default_rng(known or int(time.time()))
        self._made = [self._new() for _ in range(known or 0)]

    def next(self) -> str:
        return self._made[self._random.integers(self._known)] if self._known else self._new()

    def _new(self) -> str:
        words = self._texts[self._random.integers(len(self._texts))].split()
        start = self._random.integers(max(1, len(words) - 8))
        return " ".join(words[start : start + self._random.integers(2, 9)])


async def ask(
    port: int, clients: int, queries: Queries, seconds: float
) -> tuple[float, list[float], list[dict[str, float]]]:
    """Seconds that passed, each request's seconds, and the service's `took_ms`."""
    waited: list[float] = []
    took: list[dict[str, float]] = []
    started = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < started + seconds:
            body = json.dumps({"query": queries.next()}).encode()
            length = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n"
            head = f"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n"
            sent = time.perf_counter()
            writer.write(head.encode() + body)
            headers = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(int(re.findall(rb"content-length: (\d+)", headers.lower())[0]))
            waited.append(time.perf_counter() - sent)
            if not headers.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            took.append(json.loads(answer)["took_ms"])
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - started, waited, took


def summary(passed: float, waited: list[float], took: list[dict[str, float]]) -> dict[str, Any]:
    """The figures of one run."""
    stages = {stage: statistics.fmean(one.get(stage, 0.0) for one in took) for stage in took[0] if stage != "total"}
    total = statistics.fmean(one["total"] for one in took)
    stages["http"] = statistics.fmean(waited) * 1000 - total
    return {
        "a second": len(waited) / passed,
        "p50": float(np.median(waited)) * 1000,
        "p99": float(np.quantile(waited, 0.99)) * 1000,
        "stages": stages,
    }


def _texts(files: list[Path]) -> list[str]:
    if files:
        read = [line["text"] for path in files for line in json_lines.read(path)]
    else:
        whole = [path.read_text("utf-8") for path in sorted((PROJECT / "data/corpus").rglob("*.md"))]
        read = [part for text in whole for part in text.split("\n\n")]
    return [text for text in read if len(text.split()) >= SHORTEST]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--chunks", type=int, nargs="+", default=[100_000, 1_000_000], metavar="N")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 32], metavar="N")
    parser.add_argument("--texts", type=Path, nargs="+", default=[], metavar="FILE", help="what the chunks say")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where indexes are kept for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
