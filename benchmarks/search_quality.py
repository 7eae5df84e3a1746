"""How well searches find, on test collections in BEIR form: nDCG@10 and recall@100.

    python benchmarks/search_quality.py FOLDER... [--model NAME [--server HOST]] [--questions FOLDER] [--embedded SHARE]
        [--rerank CHAT_MODEL [--chat-server HOST]] [--json FILE]

A folder holds `corpus.jsonl` ({"_id", "title", "text"}), `queries.jsonl` ({"_id", "text"}) and `qrels.tsv`
(query-id, corpus-id, score; with a header). Its documents are chunked, stored and embedded as `ingest` does it,
with the embedded model or with the one named, and every query is asked in each mode as `search query` does; a
document ranks where its best chunk does, one that holds a near copy of a hit right after it. The column "model" is
the model alone, each document cut at the model's window: what is published for all-MiniLM-L6-v2. With --rerank, the
first hybrid hits are graded by a chat model, which takes as long as it takes. With --questions, those of another
collection are asked, such as the same ones in another language. With --embedded, only that share of the passages
has a vector, as in the midst of an ingest. Measures are those of ir-measures
(trec_eval's).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ir_measures
import json_lines
import numpy as np
from ir_measures import R, nDCG

# The package `ingest`, not the benchmark of that name beside this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

from ingest import chunks
from search import embed, evaluation, query, reranking
from search.answer import Chat
from search.config import DEFAULT_OLLAMA_HOST, EMBEDDED_HOST, EMBEDDED_MODEL
from search.embedded import tokens
from search.errors import InputTooLong
from search.ollama.client import Client
from search.records import MODES, Document, Mode, Query
from search.store import FileState
from search.store.sqlite import SqliteStore
from search.vectors import Floats, top_k, unit

MEASURES = [nDCG @ 10, R @ 100]
RERANKED = "rerank"
COLUMNS = (*MODES, RERANKED, "model")
PUBLISHED = {
    "scifact": "BM25 .679, all-MiniLM-L6-v2 .645, bge-small .713, bge-base .744, Qwen3-Embedding-8B .785",
    "humaneval_code": "all-MiniLM-L6-v2 .653, bge-small .613 (158 queries)",
    "germanquad_de": "BM25 .900, all-MiniLM-L6-v2 .637, multilingual-e5-small .914",
    "xquad_en": "multilingual-e5-large .984",
    "xquad_de": "multilingual-e5-large .970",
    "xquad_es": "multilingual-e5-large .976",
    "xquad_ar": "multilingual-e5-large .962",
    "xquad_zh": "multilingual-e5-large .964",
    "xquad_ru": "multilingual-e5-large .973",
}
"""nDCG@10 of others, from MTEB's results and pyserini's tables."""
CHUNKS_ASKED = query.CANDIDATES
DOCUMENTS_RANKED = 100
BATCH = 64
ROOT = "/collection"

Run = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Collection:
    """A test collection. `texts` and `queries` are by id; `judgements` only of queries that it has."""

    name: str
    titles: dict[str, str]
    texts: dict[str, str]
    queries: dict[str, str]
    judgements: Run


def main() -> int:
    """Measure each folder and print; 2 where one is not a collection."""
    arguments = _arguments()
    figures: dict[str, Any] = {}
    header = "".join(f"{column:>10}" for column in COLUMNS)
    print(f"{'':<24}{'documents':>10}{'chunks':>9}{'queries':>9}   measure {header}")
    for folder in arguments.folders:
        try:
            collection = read(folder)
            if arguments.questions:
                collection = asked_as(collection, read(arguments.questions))
        except (OSError, KeyError, ValueError) as error:
            print(f"{folder} is not a collection in BEIR form: {error!r}", file=sys.stderr)
            return 2
        chat = Chat(Client(arguments.chat_server), arguments.rerank) if arguments.rerank else None
        models = arguments.model, arguments.server, chat
        figures[collection.name] = measure(collection, *models, share=arguments.embedded)
        report(collection.name, figures[collection.name])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def read(folder: Path) -> Collection:
    """Raises OSError for a missing file, ValueError or KeyError for one of another form."""
    documents = list(json_lines.read(folder / "corpus.jsonl"))
    judgements: Run = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        asked, document, score = line.split("\t")
        judgements.setdefault(asked, {})[document] = int(score)
    texts = {entry["_id"]: entry["text"] for entry in json_lines.read(folder / "queries.jsonl")}
    queries = {asked: text for asked, text in texts.items() if asked in judgements}
    if not documents or not queries:
        raise ValueError("no documents, or no queries with a judgement")
    return Collection(
        folder.resolve().name,
        {entry["_id"]: entry.get("title", "") for entry in documents},
        {entry["_id"]: f"{entry.get('title', '')}\n\n{entry['text']}".strip() for entry in documents},
        queries,
        {asked: judged for asked, judged in judgements.items() if asked in queries},
    )


def asked_as(collection: Collection, other: Collection) -> Collection:
    """The collection with the questions of another one, which has the same documents in another language."""
    return replace(
        collection,
        name=f"{other.name} > {collection.name}",
        queries=other.queries,
        judgements=other.judgements,
    )


def measure(
    collection: Collection,
    name: str = EMBEDDED_MODEL,
    server: str = EMBEDDED_HOST,
    chat: Chat | None = None,
    *,
    share: float = 1.0,
) -> dict[str, Any]:
    """Each column's measures, and how much there was to search; `chat` reranks, where there is one.

    `share` of the chunks have a vector, the first ones, as in the midst of an ingest.
    """
    with tempfile.TemporaryDirectory() as folder:
        store, client = SqliteStore(Path(folder) / "index.db"), Client(server)
        started = time.perf_counter()
        model = fill(store, client, collection, name, share)
        filled = time.perf_counter()
        searcher = query.Searcher(store, client, name)
        runs: dict[str, Run] = {mode: search(searcher, collection, mode) for mode in MODES}
        if chat:
            searcher.reranker = partial(reranking.rerank, chat)
            runs[RERANKED] = search(searcher, collection, "hybrid")
        counts = store.counts()
        store.close()
        if share == 1:
            runs["model"] = alone(collection, model)
        client.close()
    return {
        "documents": len(collection.texts),
        "chunks": counts.chunks,
        "queries": len(collection.queries),
        "seconds_to_index": round(filled - started, 1),
        "unanswered": {column: sum(not run[asked] for asked in run) for column, run in runs.items()},
        "measures": {column: judge(collection, run) for column, run in runs.items()},
    }


def fill(
    store: SqliteStore, client: Client, collection: Collection, name: str = EMBEDDED_MODEL, share: float = 1.0
) -> embed.Model:
    """Chunks, stores and embeds the documents, or a share of them, as `ingest` does; a document's path is its id."""
    for path, text in collection.texts.items():
        document = Document(ROOT, path, collection.titles[path], "text", text)
        state = FileState(0, 0, path, "indexed", "", chunks.CHUNKING)
        store.put(ROOT, path, state, [(document, chunks.split(document, tokens.starts))])
    model = embed.describe(client, name)
    space = store.space(model.space(chunks.CHUNKING))
    wanted = round(share * store.counts().chunks)
    for ids, texts in store.missing(space, 256):
        store.add(space, ids[:wanted], embed.documents(model, texts[:wanted]))
        wanted -= len(ids[:wanted])
        if wanted <= 0:
            break
    return model


def search(searcher: query.Searcher, collection: Collection, mode: Mode) -> Run:
    """Documents with their ranks as scores, from the first chunks that the project's search finds."""
    run: Run = {}
    failures: list[str] = []
    for asked, text in collection.queries.items():
        wanted = Query(text, k=CHUNKS_ASKED, mode=mode, rerank=searcher.reranker is not None)
        try:
            results = query.search(searcher, wanted)
        except InputTooLong:
            run[asked] = {}
            continue
        failures += [note for note in results.notes if note.startswith("not reranked")]
        documents = list(dict.fromkeys(evaluation.documents(results.hits)))[:DOCUMENTS_RANKED]
        run[asked] = {document: float(-place) for place, document in enumerate(documents)}
    if failures:
        print(f"{len(failures)} of {len(run)} queries: {failures[0]}", file=sys.stderr)
    return run


def alone(collection: Collection, model: embed.Model) -> Run:
    """Documents by the cosine of the query's vector with the whole document's, both cut at the window."""
    names = list(collection.texts)
    documents = _vectors(model, [model.document_prefix + text for text in collection.texts.values()])
    queries = _vectors(model, [model.query_prefix + text for text in collection.queries.values()])
    run: Run = {}
    for asked, vector in zip(collection.queries, queries, strict=True):
        cosines = np.vecdot(documents, vector)
        run[asked] = {names[at]: float(cosines[at]) for at in top_k(cosines, DOCUMENTS_RANKED)}
    return run


def judge(collection: Collection, run: Run) -> dict[str, float]:
    """The measures' means over the queries; a query without a result counts as 0."""
    values = ir_measures.calc_aggregate(MEASURES, collection.judgements, run)
    return {str(name): round(value, 4) for name, value in values.items()}


def report(name: str, figures: dict[str, Any]) -> None:
    """The collection's lines of the table."""
    counts = f"{figures['documents']:>10}{figures['chunks']:>9}{figures['queries']:>9}"
    for number, kind in enumerate(MEASURES):
        found = (figures["measures"].get(column, {}).get(str(kind)) for column in COLUMNS)
        values = "".join(f"{'-' if value is None else f'{value:.4f}':>10}" for value in found)
        print(f"{name if not number else '':<24}{counts if not number else '':>28}   {kind!s:<8}{values}")
    if name in PUBLISHED:
        print(f"{'':<24}published: {PUBLISHED[name]}")
    if any(figures["unanswered"].values()):
        print(f"{'':<24}queries without any result: {figures['unanswered']}")


def _vectors(model: embed.Model, texts: list[str]) -> Floats:
    batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    return np.concatenate([unit(model.client.embed(model.name, batch, truncate=True).vectors) for batch in batches])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a collection in BEIR form")
    parser.add_argument("--model", default=EMBEDDED_MODEL, metavar="NAME", help="the embedding model")
    parser.add_argument("--server", default=EMBEDDED_HOST, metavar="HOST", help="where it is")
    parser.add_argument(
        "--questions",
        type=Path,
        metavar="FOLDER",
        help="the collection whose questions to ask, of the same documents",
    )
    parser.add_argument(
        "--embedded", type=float, default=1.0, metavar="SHARE", help="embed only 0.3 of the chunks, say"
    )
    parser.add_argument("--rerank", metavar="CHAT_MODEL", help="have it rerank the hybrid hits, in a column more")
    parser.add_argument("--chat-server", default=DEFAULT_OLLAMA_HOST, metavar="HOST", help="where that is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
