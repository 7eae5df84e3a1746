"""How well chunks hit the passages that answer: recall, precision and IoU of the first hits, by character.

    python benchmarks/chunking.py FOLDER... [--sizes SIZE:OVERLAP ...] [--json FILE]

A folder holds `docs/` and `qa.jsonl` ({"question", "doc", "references": [{"start_index", "end_index"}]}), as in
Chroma's "Evaluating Chunking Strategies for Retrieval" (Smith and Troynikov, 2024), whose measures these are:
of the first five hits, the share of the reference that they hold (recall), the share of them that is reference
(precision), and intersection over union (IoU). "omega" is the IoU of all chunks that touch the reference: what a
perfect search would get, so it judges the chunks alone. Published there for chunks of 1,200 characters and
OpenAI's text-embedding-3-large: recall 0.809, omega 0.177. The row "1200 characters" is that chunker under the
embedded model, in the same run; each is cut at the model's window.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json_lines
import numpy as np

# The package `ingest`, not the benchmark of that name beside this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

from ingest import chunks, documents
from search import embed, query
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.embedded import encoder, models, tokens
from search.ollama.client import Client
from search.records import MODES, Chunk, Document, Mode, Query
from search.store import FileState
from search.store.sqlite import SqliteStore
from search.vectors import top_k

HITS = 5
FIXED_CHARACTERS = 1_200
ROOT = "/collection"
MEASURES = ("recall", "precision", "iou", "omega")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a document."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and where its answer stands."""

    text: str
    references: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    documents: dict[str, Document]
    questions: list[Asked]


def main() -> int:
    """Measure each folder and print; 2 where one is not a collection."""
    arguments = _arguments()
    figures: dict[str, Any] = {}
    print(f"{'':<20}{'':<17}{'chunks':>8}  by{'':<8}" + "".join(f"{name:>11}" for name in MEASURES))
    for folder in arguments.folders:
        try:
            collection = read(folder)
        except (OSError, KeyError, ValueError) as error:
            print(f"{folder} is not a collection: {error!r}", file=sys.stderr)
            return 2
        rows = figures[collection.name] = {f"{FIXED_CHARACTERS} characters": measure_fixed(collection)}
        for size, overlap in arguments.sizes:
            rows[f"{size}:{overlap}"] = measure(collection, size, overlap)
        report(collection.name, rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def read(folder: Path) -> Collection:
    """Raises OSError for a missing file, ValueError or KeyError for one of another form."""
    questions = []
    for entry in json_lines.read(folder / "qa.jsonl"):
        spans = [Span(entry["doc"], one["start_index"], one["end_index"]) for one in entry["references"]]
        if spans:
            questions.append(Asked(entry["question"], tuple(spans)))
    names = {asked.references[0].document for asked in questions}
    found = {name: documents.read(folder / "docs" / name, ROOT, name)[0] for name in sorted(names)}
    if not questions:
        raise ValueError("no questions with references")
    return Collection(folder.resolve().name, found, questions)


def measure(collection: Collection, size: int, overlap: int) -> dict[str, dict[str, float]]:
    """The project's chunks, stored, embedded and searched in each mode as `ingest` and `search` do it."""
    with tempfile.TemporaryDirectory() as folder:
        store, client = SqliteStore(Path(folder) / "index.db"), Client(EMBEDDED_HOST)
        spans = fill(store, client, collection, size, overlap)
        searcher = query.Searcher(store, client, EMBEDDED_MODEL)
        found = {mode: [hits(searcher, asked.text, mode) for asked in collection.questions] for mode in MODES}
        store.close()
    return {mode: judge(collection, spans, found[mode]) for mode in MODES}


def fill(store: SqliteStore, client: Client, collection: Collection, size: int, overlap: int) -> list[Span]:
    """Puts all chunks with their vectors into the store; returns where they stand."""
    spans: list[Span] = []
    for name, document in collection.documents.items():
        pieces: list[Chunk] = chunks.split(document, tokens.starts, size=size, overlap=overlap)
        spans.extend(Span(name, piece.start, piece.end) for piece in pieces)
        store.put(ROOT, name, FileState(0, 0, name, "indexed", "", chunks.CHUNKING), [(document, pieces)])
    model = embed.describe(client, EMBEDDED_MODEL)
    space = store.space(model.space(chunks.CHUNKING))
    for ids, texts in store.missing(space, 256):
        store.add(space, ids, embed.documents(model, texts))
    return spans


def hits(searcher: query.Searcher, text: str, mode: Mode) -> list[Span]:
    """Where the first hits stand."""
    found = query.search(searcher, Query(text, k=HITS, mode=mode)).hits
    return [Span(hit.document.path, hit.chunk.start, hit.chunk.end) for hit in found]


def measure_fixed(collection: Collection) -> dict[str, dict[str, float]]:
    """Chunks of a fixed number of characters, ranked by the cosine of the embedded model."""
    spans = [
        Span(name, start, min(start + FIXED_CHARACTERS, len(document.text)))
        for name, document in collection.documents.items()
        for start in range(0, len(document.text), FIXED_CHARACTERS)
    ]
    texts = [collection.documents[span.document].text[span.start : span.end] for span in spans]
    vectors = _vectors(texts)
    found = []
    for vector in _vectors([asked.text for asked in collection.questions]):
        found.append([spans[at] for at in top_k(np.vecdot(vectors, vector), HITS)])
    return {"vector": judge(collection, spans, found)}


def judge(collection: Collection, spans: Sequence[Span], found: Iterable[Sequence[Span]]) -> dict[str, float]:
    """Means over the questions of each measure, and how many chunks there are."""
    values: dict[str, list[float]] = {name: [] for name in MEASURES}
    for asked, retrieved in zip(collection.questions, found, strict=True):
        reference = _characters(asked.references)
        both = len(reference & _characters(retrieved))
        length = sum(span.end - span.start for span in retrieved)
        values["recall"].append(both / len(reference))
        values["precision"].append(both / length if length else 0.0)
        values["iou"].append(both / (length + len(reference) - both))
        values["omega"].append(_omega(reference, asked.references, spans))
    return {name: round(float(np.mean(values[name])), 4) for name in MEASURES} | {"chunks": len(spans)}


def report(name: str, rows: dict[str, dict[str, dict[str, float]]]) -> None:
    """The collection's lines of the table."""
    for chunking, by_mode in rows.items():
        for mode, figures in by_mode.items():
            values = "".join(f"{figures[measure]:>11.4f}" for measure in MEASURES)
            print(f"{name:<20}{chunking:<17}{figures['chunks']:>8}  {mode:<10}{values}")


def _omega(reference: set[tuple[str, int]], references: Sequence[Span], spans: Sequence[Span]) -> float:
    """Intersection over union of the reference with all chunks that touch it."""
    touching = [span for span in spans if any(_touch(span, one) for one in references)]
    held = _characters(touching)
    return len(reference & held) / len(reference | held)


def _touch(one: Span, other: Span) -> bool:
    return one.document == other.document and one.start < other.end and other.start < one.end


def _characters(spans: Iterable[Span]) -> set[tuple[str, int]]:
    return {(span.document, at) for span in spans for at in range(span.start, span.end)}


def _vectors(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    limit = models.ENGLISH.most_pieces
    model = encoder.shared()
    return model.encode([pieces[:limit] for pieces in model.tokenize(texts, limit)])


def _size(text: str) -> tuple[int, int]:
    size, _, overlap = text.partition(":")
    return int(size), int(overlap or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="docs/ and qa.jsonl")
    sizes = [(chunks.SIZE, chunks.OVERLAP)]
    parser.add_argument("--sizes", type=_size, nargs="+", default=sizes, metavar="SIZE:OVERLAP", help="in tokens")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
