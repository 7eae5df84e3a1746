"""How fast an ingest is, and what it costs beside the model.

    python benchmarks/ingest.py FOLDER [--only MEASURE ...] [--characters N] [--json FILE]

pipeline   the folder's text files into a new index, with a model server that answers at once: chunks and MB of
           text a second. Beside it, by turns in the same process, Chroma's client, txtai and haiku.rag, given
           the same files, our reading and chunking, and ready vectors; what is not installed is said. They are
           given less to do: texts and vectors only, no whole documents, no files and what became of them, no
           transaction for each; and txtai holds all in memory, unstemmed, and writes it once, at the end.
embedded   a whole ingest of --characters of text with the embedded model, against embedding the same chunks in a
           bare loop, in turns that change the order, each in a process of its own in which only the model has been
           loaded: the ratio.
unchanged  ingesting again 10,000 small files that did not change: seconds of the pass, and of the whole command.
memory     the peak of the command for a tree of 10 times as many files, against the smaller one.

Run it on a machine that is otherwise idle; the load at the beginning is printed. CPU seconds, beside those of the
clock, are this process's own and hold on a busy machine too.
"""

from __future__ import annotations

import os
import sys

# ruff: noqa: E402
# This file is named like the package that it measures, and Python looks into its folder first.
_FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [os.path.dirname(_FOLDER), *(place for place in sys.path if place != _FOLDER), _FOLDER]

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
from ingest_rivals import DIMENSIONS, NEEDS, RIVALS, Store, Vectors, is_installed

from ingest import documents, files, pipeline
from ingest.embedding import BATCH
from ingest.files import Found
from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.errors import DocumentError
from search.ollama.client import Client
from search.store.sqlite import SqliteStore

ROUNDS = 3
TURNS = 2
EMBEDDED_CHARACTERS = 3_000_000
TREE = 10_000

Figures = dict[str, float]


class AtOnce(httpx.BaseTransport):
    """A model server that has every vector ready: one fixed vector for all, encoded once for each count."""

    def __init__(self) -> None:
        vector = np.random.default_rng(1).standard_normal(DIMENSIONS)
        self._vector = [round(float(number), 6) for number in vector / np.linalg.norm(vector)]
        self._answers: dict[int, bytes] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/embed":
            count = len(json.loads(request.read())["input"])
            if count not in self._answers:
                body = {"model": "at-once", "embeddings": [self._vector] * count, "prompt_eval_count": 0}
                self._answers[count] = json.dumps(body).encode()
            return httpx.Response(200, content=self._answers[count])
        if path == "/api/tags":
            return httpx.Response(200, json={"models": [{"name": "at-once:latest", "digest": "0" * 64}]})
        return httpx.Response(200, json={"model_info": {}, "capabilities": ["embedding"]})


def main() -> int:
    """Measures what was asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=list(MEASURES), action="append", help="one of the four; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--characters", type=int, default=EMBEDDED_CHARACTERS, help="how much text `embedded` takes")
    chosen = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {ROUNDS} rounds")
    figures: dict[str, Figures] = {}
    for name in chosen.only or MEASURES:
        figures[name] = MEASURES[name](chosen.folder, chosen.characters)
        print(f"\n{name}")
        for what, value in figures[name].items():
            print(f"  {what:<58}{value:>12,.3f}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


# ------------------------------------------------------------------ the pipeline's own speed


def measure_pipeline(folder: Path, characters: int) -> Figures:
    """Reading, chunking and storing, against others that store what was read and chunked in the same way."""
    del characters
    plain = list(_plain(folder))
    chunks = _chunks(plain, folder)
    megabytes = sum(found.size for found in plain) / 1e6
    seconds: dict[str, list[Taken]] = {}
    ways: dict[str, Callable[[Path], Taken]] = {"semsearch": lambda place: _ingest(folder, place)}
    for name, (package, way) in RIVALS.items():
        if is_installed(package):
            ways[name] = lambda place, way=way: _stored(way, plain, folder, place)  # type: ignore[misc]
        else:
            print(f"{name}: not installed{NEEDS.get(name, '')}, not measured")
    for _ in range(ROUNDS):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as place:
                seconds.setdefault(name, []).append(way(Path(place)))
    ours = _median(seconds["semsearch"])
    figures = {"files": len(plain), "MB of text": megabytes, "chunks": len(chunks)}
    figures |= {"chunks a second": len(chunks) / ours.clock, "MB a second": megabytes / ours.clock}
    figures |= {"chunks a CPU second": len(chunks) / ours.cpu, "MB a CPU second": megabytes / ours.cpu}
    for name, times in seconds.items():
        taken = _median(times)
        figures |= {f"{name}: seconds": taken.clock, f"{name}: CPU seconds": taken.cpu}
        if name != "semsearch":
            figures |= {f"{name}: times our CPU seconds": taken.cpu / ours.cpu}
    return figures


class Taken(NamedTuple):
    """Seconds by the clock, and of this process's CPU."""

    clock: float
    cpu: float


class Watch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._clock, self._cpu = time.perf_counter(), time.process_time()

    def taken(self) -> Taken:
        return Taken(time.perf_counter() - self._clock, time.process_time() - self._cpu)


def _median(times: list[Taken]) -> Taken:
    return Taken(statistics.median(one.clock for one in times), statistics.median(one.cpu for one in times))


def _chunks(found: list[Found], folder: Path) -> list[str]:
    """The texts that an ingest embeds, each once."""
    texts: dict[str, str] = {}
    for file in found:
        try:
            made = documents.read(file.path, str(folder), file.name)
        except DocumentError:
            continue
        texts.update((chunk.hash, chunk.embedded) for document in made for chunk in pipeline.split(document))
    return list(texts.values())


def _ingest(folder: Path, place: Path) -> Taken:
    """Seconds for the plain text files of a folder, with a server that answers at once."""
    globs = tuple(f"*{suffix}" for suffix in {found.path.suffix for found in _plain(folder)} if suffix)
    store = SqliteStore(place / "index.db")
    watch = Watch()
    with Client("http://at-once", transport=AtOnce()) as client:
        pipeline.ingest(
            folder,
            store,
            lambda: embed.describe(client, "at-once"),
            lambda _: None,
            selection=pipeline.Selection(include=globs),
        )
    store.close()
    return watch.taken()


def _plain(folder: Path) -> Iterator[Found]:
    return (found for found in files.walk(folder) if isinstance(found, Found) and documents.is_plain(found.name))


def _stored(way: Store, plain: list[Found], folder: Path, place: Path) -> Taken:
    """What another takes for reading, chunking and storing the files."""
    vectors = _vectors(len(_chunks(plain, folder)))
    watch = Watch()
    texts = _chunks(plain, folder)
    way(texts, vectors, place)
    return watch.taken()


def _vectors(count: int) -> Vectors:
    made = np.random.default_rng(1).standard_normal((count, DIMENSIONS), np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


# ------------------------------------------------------------------ beside the embedded model


def measure_embedded(folder: Path, characters: int) -> Figures:
    """A whole ingest against a bare loop over its chunks, in turns."""
    whole, bare, count = Taken(0, 0), Taken(0, 0), 0
    with tempfile.TemporaryDirectory() as made:
        part = _part(folder, Path(made), characters)
        for turn in range(TURNS):
            told = json.loads(_own_process("--turn", str(part), str(turn)))
            whole, bare, count = _sum(whole, Taken(*told["whole"])), _sum(bare, Taken(*told["bare"])), told["chunks"]
    return {
        "chunks": count,
        "whole ingest, seconds": whole.clock / TURNS,
        "bare loop, seconds": bare.clock / TURNS,
        "whole / bare": whole.clock / bare.clock,
        "whole / bare, CPU seconds": whole.cpu / bare.cpu,
        "chunks a second": count * TURNS / whole.clock,
    }


def _turn(part: Path, *, whole_first: bool) -> dict[str, object]:
    """One ingest and one bare loop in a new process, where only the model has been loaded before."""
    with Client(EMBEDDED_HOST) as client:
        model = embed.describe(client, EMBEDDED_MODEL)
        if whole_first:
            whole = _whole(part, model)
        texts = _chunks(list(_plain(part)), part)
        bare = _bare(texts, model)
        if not whole_first:
            whole = _whole(part, model)
    return {"whole": whole, "bare": bare, "chunks": len(texts)}


def _sum(one: Taken, other: Taken) -> Taken:
    return Taken(one.clock + other.clock, one.cpu + other.cpu)


def _part(folder: Path, made: Path, characters: int) -> Path:
    """A copy of the folder's first text files, of about so many characters."""
    left = characters
    for found in _plain(folder):
        if (left := left - found.size) < 0:
            break
        target = made / found.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(found.path.read_bytes())
    return made


def _whole(part: Path, model: embed.Model) -> Taken:
    with tempfile.TemporaryDirectory() as place:
        store = SqliteStore(Path(place) / "index.db")
        watch = Watch()
        pipeline.ingest(part, store, lambda: model, lambda _: None)
        taken = watch.taken()
        store.close()
    return taken


def _bare(texts: list[str], model: embed.Model) -> Taken:
    watch = Watch()
    for at in range(0, len(texts), BATCH):
        embed.documents(model, texts[at : at + BATCH])
    return watch.taken()


# ------------------------------------------------------------------ many small files


def measure_unchanged(folder: Path, characters: int) -> Figures:
    """Nothing to do, 10,000 times."""
    del folder, characters
    with _tree(TREE) as tree, tempfile.TemporaryDirectory() as place:
        _ingest(tree, Path(place))
        passes = [_ingest(tree, Path(place)) for _ in range(ROUNDS)]
        commands = [_command(tree, Path(place))[0] for _ in range(ROUNDS)]
    usual = _median(passes)
    return {
        "pass, seconds": usual.clock,
        "pass, CPU seconds": usual.cpu,
        "whole command, seconds": statistics.median(commands),
    }


def measure_memory(folder: Path, characters: int) -> Figures:
    """The command's peak, for a tree and for one of ten times as many files."""
    del folder, characters
    peaks = []
    for count in (TREE // 10, TREE):
        with _tree(count) as tree, tempfile.TemporaryDirectory() as place:
            peaks.append(_command(tree, Path(place))[1])
    return {
        f"{TREE // 10:,} files, MB": peaks[0],
        f"{TREE:,} files, MB": peaks[1],
        "ten times as large / smaller": peaks[1] / peaks[0],
    }


@contextmanager
def _tree(count: int) -> Iterator[Path]:
    """So many files of about 100 characters, whose times are long past."""
    with tempfile.TemporaryDirectory() as made:
        for number in range(count):
            file = Path(made) / f"{number // 100:03}" / f"{number}.md"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"# Note {number}\n\nWhat was decided on day {number}: " + "word " * 12 + "\n")
            os.utime(file, ns=(10**18, 10**18 + number))
        yield Path(made)


def _command(tree: Path, place: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of an ingest by this file's own process, with the server that answers at once."""
    start = time.perf_counter()
    peak = float(_own_process("--child", str(tree), str(place)))
    return time.perf_counter() - start, peak


def _own_process(*arguments: str) -> str:
    """What this file prints when it is run with other arguments."""
    return subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True).stdout


def _child(tree: str, place: str) -> None:
    _ingest(Path(tree), Path(place))
    print(_peak())


def _peak() -> float:
    """The most memory that this process has held, in MB. The system's account (ru_maxrss) begins with the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


MEASURES: dict[str, Callable[[Path, int], Figures]] = {
    "pipeline": measure_pipeline,
    "embedded": measure_embedded,
    "unchanged": measure_unchanged,
    "memory": measure_memory,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
    elif sys.argv[1:2] == ["--turn"]:
        print(json.dumps(_turn(Path(sys.argv[2]), whole_first=int(sys.argv[3]) % 2 == 0)))
    else:
        sys.exit(main())
