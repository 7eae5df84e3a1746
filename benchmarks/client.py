"""What our client costs on top of the network, against bare httpx with orjson and against the official package.

    python benchmarks/client.py [--vectors 1000] [--rounds 15] [--json FILE]

Processor time of the client's process is measured: a server in a process of its own gives the same prepared answers
to all, and how busy the machine is counts less. Every round runs all contenders once, so
that whatever else the machine does falls on all alike; ratios are medians over the rounds. Needs `orjson` and
`ollama`; with the extra `fast` ours reads vectors with simdjson, and is measured without it too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import ollama
import orjson

from search.ollama import quick
from search.ollama.client import Client

DIMENSIONS = 384
CALLS = 50
SERVER = """
import sys, socket, numpy as np, uvicorn
from pydantic_core import to_json
count, dimensions = int(sys.argv[1]), int(sys.argv[2])
numbers = np.random.default_rng(0).standard_normal((count, dimensions)).astype(np.float32)
numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
rows = [[float(str(number)) for number in row] for row in numbers]
head = {"model": "all-minilm", "total_duration": 1000000, "load_duration": 1000, "prompt_eval_count": 9}
many, one = to_json(head | {"embeddings": rows}), to_json(head | {"embeddings": rows[:1]})
async def app(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = many if size > 1000 else one
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listening])
"""

Embed = Callable[[list[str]], object]


def contenders(url: str) -> dict[str, Embed]:
    """Each embeds texts at the server and gives what its user gets; ours and bare httpx a matrix of float32."""
    ours, official = Client(url), ollama.Client(url)
    http = httpx.Client(base_url=url, trust_env=False)

    def bare(texts: list[str]) -> object:
        body = orjson.dumps({"model": "all-minilm", "input": texts, "truncate": False})
        answer = orjson.loads(http.post("/api/embed", content=body).content)
        return np.array(answer["embeddings"], np.float32)

    def plain(texts: list[str]) -> object:
        parser, quick.Parser = quick.Parser, None
        try:
            return ours.embed("all-minilm", texts, truncate=False).vectors
        finally:
            quick.Parser = parser

    found: dict[str, Embed] = {
        "bare httpx, orjson": bare,
        "official package": lambda texts: official.embed("all-minilm", texts, truncate=False).embeddings,
        "ours": plain,
    }
    if quick.Parser is not None:
        found["ours, with simdjson"] = lambda texts: ours.embed("all-minilm", texts, truncate=False).vectors
    return found


def measure(embeds: dict[str, Embed], texts: list[str], calls: int, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each contender in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in embeds}
    for _ in range(rounds):
        for name, embed in embeds.items():
            start = time.process_time()
            for _ in range(calls):
                embed(texts)
            seconds[name].append((time.process_time() - start) / calls)
    return seconds


def report(title: str, seconds: dict[str, list[float]]) -> list[dict[str, object]]:
    """Prints a table; gives its rows."""
    rows: list[dict[str, object]] = []
    print(f"\n{title}")
    for name, taken in seconds.items():
        faster = median(o / t for o, t in zip(seconds["official package"], taken, strict=True))
        over = median(t / b for b, t in zip(seconds["bare httpx, orjson"], taken, strict=True))
        print(f"  {name:<22}{median(taken) * 1000:9.3f} ms  {over:5.2f} x bare  {faster:5.2f} x as fast as official")
        rows.append({"name": name, "ms": median(taken) * 1000, "times_bare": over, "faster_than_official": faster})
    return rows


def main() -> None:
    """Measures one text a call, and many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    command = [sys.executable, "-c", SERVER, str(chosen.vectors), str(DIMENSIONS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            embeds = contenders(f"http://127.0.0.1:{int(server.stdout.readline())}")
            few = ["text"]
            many = ["a text that is embedded"] * chosen.vectors
            measure(embeds, few, 5, 1)
            single = measure(embeds, few, CALLS, chosen.rounds)
            batch = measure(embeds, many, 1, chosen.rounds)
        finally:
            server.terminate()
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, {chosen.rounds} rounds")
    figures = {
        "one_text": report("one text a call", single),
        "many_texts": report(f"{chosen.vectors:,} vectors of {DIMENSIONS} numbers a call", batch),
    }
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
