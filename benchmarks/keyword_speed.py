"""How fast keyword search is at any size: milliseconds a query, on texts recombined from real ones.

    python benchmarks/keyword_speed.py FOLDER... [--chunks N] [--queries N] [--rivals] [--folder FOLDER] [--json FILE]

A folder holds `corpus.jsonl` ({"text"}) and `queries.jsonl` ({"text"}). A chunk is the first half of one of the
texts and the second half of another, 120 words at most, chosen with a seed. Queries of 2 to 12 words are of three
kinds: questions from the folders; words that stand in 1 to 10 % of the chunks; rare words, in less than 0.1 %. With
--rivals, the same chunks are put into SQLite's FTS5 (porter) and, where it is installed, tantivy (en_stem); all are
asked in turn, with the words that this project would look for. With --folder, indexes that are there are asked as they
are, and those that are made are kept.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import json_lines
import numpy as np
from speed_sets import SEED, recombined

from search import keywords
from search.records import Chunk, Document
from search.store import FileState, Filter
from search.store.sqlite import SqliteStore

CHUNKS_IN_A_DOCUMENT = 50
SAMPLED = 5_000
ASKED = 10
LISTED = 200

Ask = Callable[[list[str]], int]
Build = Callable[[Path, Iterator[str]], None]


def main() -> None:
    """Builds the indexes, asks them in turn, prints and writes the figures."""
    arguments = _arguments()
    texts = [text.split() for text in _texts(arguments.folders, "corpus.jsonl")]
    texts = [text for text in texts if len(text) >= 20]
    questions = _texts(arguments.folders, "queries.jsonl")
    kinds = queries(texts, questions, arguments.queries)
    figures: dict[str, Any] = {"chunks": arguments.chunks, "texts": len(texts), "engines": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        engines: dict[str, Ask] = {}
        for name, (build, open_) in ENGINES.items() if arguments.rivals else [("this", ENGINES["this"])]:
            path = folder / f"keyword-{arguments.chunks}-{name}"
            try:
                figures["engines"][name] = {"build_seconds": built(build, path, texts, arguments.chunks)}
                engines[name] = open_(path)
            except ImportError:
                print(f"{name} is not installed")
        figures["first_query_ms"] = first(folder / f"keyword-{arguments.chunks}-this", kinds["question"][0])
        print(f"opened and first query in {figures['first_query_ms']:.0f} ms")
        figures["kinds"] = {kind: ask(engines, asked) for kind, asked in kinds.items()}
    report(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def built(build: Build, path: Path, texts: list[list[str]], number: int) -> float | None:
    """Seconds it took to make an index of so many chunks; None where it is there already."""
    if path.exists():
        return None
    unfinished = Path(tempfile.mkdtemp(dir=path.parent)) / path.name
    started = time.perf_counter()
    build(unfinished, recombined(texts, number))
    seconds = time.perf_counter() - started
    unfinished.rename(path)
    unfinished.parent.rmdir()
    print(f"{path.name}: made at {number / seconds:,.0f} chunks/s")
    return round(seconds, 1)


def queries(texts: list[list[str]], questions: list[str], number: int) -> dict[str, list[str]]:
    """Queries of each kind, `number` of each."""
    pick = random.Random(SEED)
    holding = Counter(
        word for text in recombined(texts, SAMPLED) for word in set(keywords.terms(text)) if word.isalpha()
    )
    middle = [word for word, count in sorted(holding.items()) if 0.01 <= count / SAMPLED <= 0.1]
    rare = [word for word, count in sorted(holding.items()) if count / SAMPLED < 0.001]
    short = sorted({question for question in questions if 2 <= len(question.split()) <= 12})
    return {
        "question": pick.sample(short, min(number, len(short))),
        "middle": [" ".join(pick.sample(middle, pick.randint(2, 12))) for _ in range(number)],
        "rare": [" ".join(pick.sample(rare, pick.randint(2, 12))) for _ in range(number)],
    }


def build_this(path: Path, texts: Iterator[str]) -> None:
    """This project's store."""
    store = SqliteStore(path)
    state, batch = FileState(0, 0, "", "indexed", "", "benchmark"), []
    for number, text in enumerate(texts, 1):
        batch.append(Chunk(text, 0, len(text), ()))
        if number % CHUNKS_IN_A_DOCUMENT == 0:
            name = str(number)
            store.put("/benchmark", name, state, [(Document("/benchmark", name, "", "text", ""), batch)])
            batch = []
    store.close()


def open_this(path: Path) -> Ask:
    """This project's store."""
    store = SqliteStore(path)
    return lambda words: len(store.matching(words, LISTED, Filter()).ids)


def build_fts5(path: Path, texts: Iterator[str]) -> None:
    """SQLite's full-text index, contentless."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (text, content='', tokenize='porter unicode61')")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", enumerate(texts, 1))
    connection.execute("COMMIT")
    connection.close()


def open_fts5(path: Path) -> Ask:
    """SQLite's full-text index, any of the words."""
    connection = sqlite3.connect(path, isolation_level=None)

    def asked(words: list[str]) -> int:
        match = " OR ".join(f'"{word}"' for word in words)
        sql = "SELECT rowid, bm25(texts) FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?"
        return len(connection.execute(sql, [match, LISTED]).fetchall())

    return asked


def build_tantivy(path: Path, texts: Iterator[str]) -> None:
    """tantivy, with English stems."""
    import tantivy as engine  # noqa: PLC0415

    schema = engine.SchemaBuilder().add_text_field("text", stored=False, tokenizer_name="en_stem").build()
    path.mkdir()
    writer = engine.Index(schema, str(path)).writer(200_000_000, 1)
    for text in texts:
        writer.add_document(engine.Document(text=text))
    writer.commit()
    writer.wait_merging_threads()


def open_tantivy(path: Path) -> Ask:
    """tantivy, any of the words."""
    import tantivy as engine  # noqa: PLC0415

    index = engine.Index.open(str(path))
    searcher = index.searcher()

    def asked(words: list[str]) -> int:
        query = index.parse_query(" ".join(f'"{word}"' for word in words), ["text"])
        return len(searcher.search(query, LISTED, count=False).hits)

    return asked


ENGINES: dict[str, tuple[Build, Callable[[Path], Ask]]] = {
    "this": (build_this, open_this),
    "fts5": (build_fts5, open_fts5),
    "tantivy": (build_tantivy, open_tantivy),
}


def first(path: Path, question: str) -> float:
    """Milliseconds to open the store and to answer one query."""
    started = time.perf_counter()
    store = SqliteStore(path)
    store.matching(keywords.sought(question), LISTED, Filter())
    took = (time.perf_counter() - started) * 1000
    store.close()
    return round(took, 1)


def ask(engines: dict[str, Ask], queries: list[str]) -> dict[str, dict[str, float]]:
    """Each engine's milliseconds over the queries, asked in turn, after one round to warm up."""
    took: dict[str, list[float]] = {name: [] for name in engines}
    for warm in (True, False):
        for query in queries[:ASKED] if warm else queries:
            for name, asked in engines.items():
                started = time.perf_counter()
                asked(keywords.sought(query))
                if not warm:
                    took[name].append((time.perf_counter() - started) * 1000)
    return {
        name: {
            "median": round(statistics.median(times), 2),
            "p99": round(float(np.percentile(times, 99)), 2),
        }
        for name, times in took.items()
    }


def report(figures: dict[str, Any]) -> None:
    """The table."""
    print(f"{'':<12}{'engine':<10}{'median':>10}{'p99':>10}   ms")
    for kind, engines in figures["kinds"].items():
        for name, times in engines.items():
            print(f"{kind:<12}{name:<10}{times['median']:>10.2f}{times['p99']:>10.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _texts(folders: list[Path], name: str) -> list[str]:
    return [entry["text"] for folder in folders for entry in json_lines.read(folder / name)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a collection in BEIR form")
    parser.add_argument("--chunks", type=int, default=100_000, help="how many to index")
    parser.add_argument("--queries", type=int, default=100, help="how many of each kind to ask")
    parser.add_argument("--rivals", action="store_true", help="FTS5 and tantivy too")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="where indexes are kept for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
