"""Vectors and texts to measure speed with, and an index that holds them. For the programs named *_speed.py."""

from __future__ import annotations

import itertools
import random as chance
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import json_lines
import numpy as np

from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.errors import InputTooLong
from search.ollama.client import Client
from search.records import Space
from search.store import segments
from search.store.sqlite import SqliteStore
from search.vectors import Floats, pack, unit

DOCUMENTS = 1_000
BATCH = 50_000
NEIGHBOURS = 16
SEED = 20_240_607
WORDS = 120

SPACE = Space(0, "made", "made", 0, "", "", "made")


@dataclass(frozen=True, slots=True)
class Set:
    """Unit vectors (n, d) and queries (m, d)."""

    vectors: Floats
    queries: Floats


def synthetic(rows: int, dimensions: int, queries: int, seed: int = 0) -> Set:
    """Topics within fields within a cone; a vector spreads around its topic with variance that falls as 1 / i."""
    random = np.random.default_rng(seed)
    scale = (1 / np.sqrt(np.arange(1, dimensions + 1))).astype(np.float32)
    scale /= np.linalg.norm(scale)
    turned = np.linalg.qr(random.standard_normal((dimensions, dimensions)))[0].astype(np.float32)

    def spread(count: int) -> Floats:
        return random.standard_normal((count, dimensions), np.float32) * scale

    cone, fields = spread(1) * np.float32(0.6), spread(50)
    topics = fields[random.integers(50, size=5_000)] * np.float32(0.5) + spread(5_000) * np.float32(0.5)

    def drawn(count: int, noise: float) -> Floats:
        made = cone + topics[random.integers(len(topics), size=count)] + spread(count) * np.float32(noise)
        return unit(made @ turned)

    vectors = np.empty((rows, dimensions), np.float32)
    for start in range(0, rows, BATCH):
        vectors[start : start + BATCH] = drawn(min(BATCH, rows - start), 0.7)
    return Set(vectors, drawn(queries, 1.0))


def resampled(indexes: list[Path], questions: list[Path], rows: int, queries: int, seed: int = 0) -> Set:
    """Vectors like those of real indexes: between two near ones, plus 0.3 times what two other near ones differ by."""
    real = np.unique(np.concatenate([_vectors(path) for path in indexes]), axis=0)
    near, random = _neighbours(real), np.random.default_rng(seed)
    vectors = np.empty((rows, real.shape[1]), np.float32)
    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        one, other = random.integers(len(real), size=(2, count))
        towards, away = (near[at, random.integers(NEIGHBOURS, size=count)] for at in (one, other))
        share = random.uniform(0, 0.5, (count, 1)).astype(np.float32)
        made = real[one] + share * (real[towards] - real[one]) + np.float32(0.3) * (real[other] - real[away])
        vectors[start : start + count] = unit(made)
    return Set(vectors, _embedded(questions, queries, random))


def recombined(texts: list[list[str]], number: int) -> Iterator[str]:
    """Texts of the first half of one and the second half of another, WORDS at most; the same ones every time.

    `texts` are lists of words.
    """
    pick = chance.Random(SEED)
    for _ in range(number):
        one, other = pick.choice(texts), pick.choice(texts)
        yield " ".join(one[: len(one) // 2][: WORDS // 2] + other[len(other) // 2 :][: WORDS // 2])


def build(made: Set, path: Path, texts: Iterable[str] | None = None, space: Space = SPACE) -> float:
    """An index of vectors in 1,000 documents, by plain SQL; the seconds it took, 0 where it is there already.

    The chunks say what `texts` say; document i has the path "NN/i.txt" with NN = i % 100.
    """
    if path.exists():
        return 0.0
    started = time.perf_counter()
    rows, dimensions = made.vectors.shape
    unfinished = path.with_name(path.name + ".unfinished")
    for left in path.parent.glob(f"{unfinished.name}*"):
        left.unlink()
    store = SqliteStore(unfinished)
    wanted = Space(0, space.model, space.digest, dimensions, space.query_prefix, space.document_prefix, space.chunking)
    known = store.space(wanted)
    store.close()
    connection = sqlite3.connect(unfinished, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO files VALUES (1, '/made', 'made', 0, 0, '', 'indexed', '', '')")
    connection.executemany(
        "INSERT INTO documents (id, file, root, path, title, type, hash, size, modified, encoding, metadata)"
        " VALUES (?, 1, '/made', ?, '', 'text', '', 0, 0, '', '{}')",
        ((number + 1, f"{number % 100:02d}/{number}.txt") for number in range(DOCUMENTS)),
    )
    each, saying = -(-rows // DOCUMENTS), iter(texts) if texts else (f"vector {number}" for number in range(rows))
    for start in range(0, rows, BATCH):
        numbers = range(start, min(start + BATCH, rows))
        _insert_texts(connection, numbers, each, saying)
        connection.executemany(
            "INSERT INTO vectors (space, chunk, vector) VALUES (?, ?, ?)",
            ((known.id, number + 1, pack(made.vectors[number])) for number in numbers),
        )
    if texts:
        # The store makes the keywords when it is opened and finds none.
        connection.execute("UPDATE keyword_analysis SET analysis = ''")
    segments.seal(connection, known.id, segments.SEGMENT)
    connection.execute("UPDATE generation SET number = number + 1")
    connection.execute("COMMIT")
    connection.close()
    _check(unfinished)
    unfinished.rename(path)
    return round(time.perf_counter() - started, 1)


def _insert_texts(connection: sqlite3.Connection, numbers: range, each: int, texts: Iterator[str]) -> None:
    """The chunks with their places."""
    made = list(zip(numbers, itertools.islice(texts, len(numbers)), strict=True))
    connection.executemany(
        "INSERT INTO chunks (id, hash, heading, context, text) VALUES (?, ?, '[]', '', ?)",
        ((number + 1, number.to_bytes(16, "big"), text) for number, text in made),
    )
    connection.executemany(
        "INSERT INTO spans (document, ordinal, chunk, start, end) VALUES (?, ?, ?, 0, ?)",
        ((number // each + 1, number % each, number + 1, len(text)) for number, text in made),
    )


def _check(path: Path) -> None:
    """The self-check that an index makes of itself while it is filled."""
    store = SqliteStore(path)
    for space in store.spaces():
        store.check(space)
    store.close()


def _vectors(path: Path) -> Floats:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    dimensions = connection.execute("SELECT dimensions FROM spaces WHERE active").fetchone()[0]
    rows = connection.execute("SELECT vector FROM vectors JOIN spaces ON spaces.id = space WHERE active").fetchall()
    connection.close()
    return np.frombuffer(b"".join(row[0] for row in rows), "<f4").astype(np.float32).reshape(-1, dimensions)


def _neighbours(real: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    near = np.empty((len(real), NEIGHBOURS), np.int64)
    for start in range(0, len(real), 1_000):
        scores = real[start : start + 1_000] @ real.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -2
        near[start : start + 1_000] = np.argpartition(-scores, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return near


def _embedded(questions: list[Path], count: int, random: np.random.Generator) -> Floats:
    """Vectors of the questions in files of JSON Lines, as many as wanted."""
    lines = [line for path in questions for line in json_lines.read(path)]
    texts = [line.get("text") or line.get("question") or line.get("query") for line in lines]
    model = embed.describe(Client(EMBEDDED_HOST), EMBEDDED_MODEL)
    found: list[Floats] = []
    for number in random.permutation(len(texts)):
        try:
            found.append(embed.query(model, texts[number]))
        except InputTooLong:
            continue
        if len(found) == count:
            break
    return np.stack(found)
