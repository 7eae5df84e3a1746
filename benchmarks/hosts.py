"""How much faster an ingest is with several hosts: N fake servers of equal speed against one, in one run.

    python benchmarks/hosts.py [--hosts 4] [--texts 1536] [--json FILE]

The servers work on each text for a fixed time, as a model would, and use no processor; so what is measured is
whether ours keeps all of them busy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from search import embed
from search.embed import spreading
from search.embed.models import BATCH
from search.embed.spreading import Batch
from search.ollama.client import Client
from tests.fake_ollama import FakeOllama

SECONDS_PER_TEXT = 0.02


def texts(count: int) -> Iterator[Batch]:
    """Batches as the pipeline reads them from the index."""
    for start in range(0, count, BATCH):
        ids = np.arange(start, min(start + BATCH, count))
        yield ids, [f"text number {id_} of the benchmark" for id_ in ids]


def seconds(hosts: int, count: int) -> float:
    """How long so many servers take for so many texts."""
    with ExitStack() as stack:
        fakes = [stack.enter_context(FakeOllama(seconds_per_text=SECONDS_PER_TEXT)) for _ in range(hosts)]
        model = embed.describe(stack.enter_context(Client(",".join(fake.url for fake in fakes))), "all-minilm")
        start = time.perf_counter()
        done = sum(len(made.places) for _, made in spreading.spread(model, texts(count)))
        assert done == count
        return time.perf_counter() - start


def main() -> None:
    """Prints a table of speed-ups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--texts", type=int, default=1536)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    alone = seconds(1, chosen.texts)
    rows = []
    print(f"{chosen.texts} texts at {SECONDS_PER_TEXT * 1000:g} ms each; load {os.getloadavg()[0]:.1f}")
    for hosts in range(1, chosen.hosts + 1):
        taken = alone if hosts == 1 else seconds(hosts, chosen.texts)
        rows.append({"hosts": hosts, "seconds": taken, "speed_up": alone / taken, "of_ideal": alone / taken / hosts})
        print(f"{hosts} hosts  {taken:7.2f} s  {alone / taken:5.2f} times as fast  {alone / taken / hosts:.2f} N")
    if chosen.json:
        chosen.json.write_text(json.dumps({"texts": chosen.texts, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
