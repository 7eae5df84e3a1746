"""How far answers can be trusted, on question sets: extracts, refusals, and the checks of sentences.

    python benchmarks/answers.py FOLDER... [--most N] [--json FILE]

A folder holds `qa.jsonl` ({"question", "answer", "answers", "doc", "unanswerable"}; or `questions.jsonl` with "quote"
for the answer's words) and what is asked: `corpus.jsonl` ({"_id", "title", "text"}), `docs/`, or a sibling `corpus/`.
It is indexed and asked as the program does without a chat model. Printed for each folder:

    extracts     how often the first extract, and the first two, hold the answer word for word (short answers only)
    off topic    questions of the other folders asked of this one: refused, against its own answerable questions
    near misses  its own unanswerable questions: refused, or marked as lacking what was asked for; and the
                 share of wrong answers when only the surest part of all questions is answered (risk at coverage)
    checks       true answers, and the same with one thing changed (changed_answers.py): how many are flagged

Precision counts both sides as equally frequent.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import changed_answers
import json_lines
import numpy as np
import search_quality
from changed_answers import ASKED, CHANGES

# The package `ingest`, not the benchmark of that name beside this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

from ingest.pipeline import ingest
from search import answer, embed, query, sentences, support
from search.answer import Answerer
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.errors import SearchError
from search.ollama.client import Client
from search.records import ChunkRef, DocumentRef, Query, Question
from search.replies import Source
from search.store import Filter
from search.store.sqlite import SqliteStore

COVERAGES = (0.25, 0.5, 0.75, 1.0)
LONG_ANSWER = 8
EXTRACTS = 3
"""So many times as many questions are asked for their extracts: a rate of small differences."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; `gold` are texts of which one has to be quoted, empty where nothing answers it."""

    text: str
    gold: tuple[str, ...]
    documents: tuple[str, ...]
    pages: tuple[int, ...] = ()
    unanswerable: bool = False


@dataclass(slots=True)
class Given:
    """What came of a question: the first extracts' texts, whether refused, how sure, whether something is missing."""

    quoted: tuple[str, ...]
    refused: bool
    relevance: float
    lacking: bool

    def holds(self, gold: Sequence[str], count: int) -> bool:
        return any(plain(text) in plain(quote) for quote in self.quoted[:count] for text in gold)


@dataclass(slots=True)
class Collection:
    """A folder that is indexed: its questions and the answerer."""

    name: str
    asked: list[Asked]
    answerer: Answerer
    given: dict[str, Given] = field(default_factory=dict)

    def ask(self, text: str) -> Given:
        if text not in self.given:
            try:
                self.given[text] = given(answer.answer(self.answerer, Question(text)))
            except SearchError as error:
                print(f"{self.name}: {error}", file=sys.stderr)
                self.given[text] = Given((), True, 0.0, False)
        return self.given[text]


def main() -> int:
    """Measures each folder and prints; 2 where one cannot be read."""
    arguments = _arguments()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        try:
            collections = [read(folder, Path(scratch) / f"{n}.db") for n, folder in enumerate(arguments.folders)]
        except (OSError, KeyError, ValueError) as error:
            print(f"not a question set: {error!r}", file=sys.stderr)
            return 2
        for collection in collections:
            others = [
                asked
                for other in collections
                if other is not collection
                for asked in sample(other.asked, arguments.most)
            ]
            figures[collection.name] = measure(collection, others, arguments.most)
            report(collection.name, figures[collection.name])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def read(folder: Path, database: Path) -> Collection:
    """Indexes a folder. Raises OSError, KeyError or ValueError where it is not of the form."""
    folder = folder.resolve()
    questions = folder / "qa.jsonl" if (folder / "qa.jsonl").exists() else folder / "questions.jsonl"
    asked = [_asked(line) for line in json_lines.read(questions)]
    store, client = SqliteStore(database), Client(EMBEDDED_HOST)
    if (folder / "corpus.jsonl").exists():
        documents = list(json_lines.read(folder / "corpus.jsonl"))
        titles = {one["_id"]: one.get("title", "") for one in documents}
        texts = {one["_id"]: f"{one.get('title', '')}\n\n{one['text']}".strip() for one in documents}
        search_quality.fill(store, client, search_quality.Collection(folder.name, titles, texts, {}, {}))
    else:
        source = folder / "docs" if (folder / "docs").is_dir() else folder.parent / "corpus"
        ingest(source, store, lambda: embed.describe(client, EMBEDDED_MODEL), lambda _: None)
    return Collection(folder.name, asked, Answerer(query.Searcher(store, client, EMBEDDED_MODEL)))


def measure(collection: Collection, others: Sequence[Asked], most: int) -> dict[str, Any]:
    """All parts for one folder."""
    answerable = [asked for asked in collection.asked if not asked.unanswerable]
    near = sample([asked for asked in collection.asked if asked.unanswerable], most)
    return {
        "extracts": measure_extracts(collection, sample(answerable, EXTRACTS * most)),
        "off topic": measure_refusals(collection, sample(answerable, most), [asked.text for asked in others]),
        "near misses": measure_near(collection, sample(answerable, most), near),
        "checks": measure_checks(collection, sample(answerable, most)),
    }


def measure_extracts(collection: Collection, answerable: Sequence[Asked]) -> dict[str, float]:
    """How often the answer stands in the first extracts; a refusal counts as a miss."""
    short = [asked for asked in answerable if asked.gold and len(asked.gold[0].split()) < LONG_ANSWER]
    if not short:
        return {}
    results = [(collection.ask(asked.text), asked.gold) for asked in short]
    first, two = (sum(one.holds(gold, count) for one, gold in results) / len(short) for count in (1, 2))
    return {"questions": len(short), "first": first, "first two": two}


def measure_refusals(collection: Collection, answerable: Sequence[Asked], others: Sequence[str]) -> dict[str, float]:
    """The off-topic gate: what is refused of this folder's questions and of other folders'."""
    if not answerable or not others:
        return {}
    wrongly = sum(collection.ask(asked.text).refused for asked in answerable) / len(answerable)
    rightly = sum(collection.ask(text).refused for text in others) / len(others)
    sure = [collection.ask(asked.text).relevance for asked in answerable]
    unsure = [collection.ask(text).relevance for text in others]
    return {
        "own": len(answerable),
        "others": len(others),
        "precision": rightly / (rightly + wrongly) if rightly else 0.0,
        "recall": rightly,
        "wrongly refused": wrongly,
        "AUROC": auroc(sure, unsure),
    }


def measure_near(collection: Collection, answerable: Sequence[Asked], near: Sequence[Asked]) -> dict[str, Any]:
    """Unanswerable questions on the same subjects, and the risk at each coverage."""
    if not near or not answerable:
        return {}
    flagged, wrongly = (
        sum(given.refused or given.lacking for given in map(collection.ask, [asked.text for asked in side])) / len(side)
        for side in (near, answerable)
    )
    ordered = sorted((*answerable, *near), key=lambda asked: -collection.ask(asked.text).relevance)
    wrong = [not collection.ask(asked.text).holds(asked.gold, 2) for asked in ordered]
    return {
        "questions": len(near),
        "precision": flagged / (flagged + wrongly) if flagged else 0.0,
        "recall": flagged,
        "AUROC": auroc(
            [collection.ask(asked.text).relevance for asked in answerable],
            [collection.ask(asked.text).relevance for asked in near],
        ),
        "risk": {str(share): float(np.mean(wrong[: max(1, round(share * len(wrong)))])) for share in COVERAGES},
    }


def measure_checks(collection: Collection, answerable: Sequence[Asked]) -> dict[str, float]:
    """The share of sentences that are not called supported: of true ones, and of each kind of change."""
    rng = random.Random(1)
    near = answer.Near(collection.answerer)
    true = [case for asked in answerable for case in true_sentences(collection, asked)]
    names = changed_answers.names_of([text for text, _ in true])
    seen, flagged = Counter[str](), Counter[str]()
    for text, sources in true:
        units = [unit for source in sources for unit in support.units(source)]
        for case in changed_answers.changed(text, [source.chunk.text for source in sources], names, rng):
            kind = case.change or "true"
            seen[kind] += 1
            flagged[kind] += support.judge(case.text, units, near.closeness).support != "supported"
    if not seen:
        return {}
    rates = {kind: flagged[kind] / seen[kind] for kind in ("true", *CHANGES) if seen[kind]}
    asked = sum(seen[kind] for kind in ASKED)
    return {"sentences": seen["true"], "changed": sum(flagged[kind] for kind in ASKED) / max(1, asked)} | rates


def true_sentences(collection: Collection, asked: Asked) -> Iterator[tuple[str, list[Source]]]:
    """The sentences of a long answer, or the document's sentence that holds a short one, with what they rest on.

    That is the passages found, and the document's passages on the cited pages (and the pages beside them).
    """
    hits = query.search(collection.answerer.searcher, Query(asked.text, 8)).hits
    texts = {hit.chunk.id: (hit.document, hit.chunk) for hit in hits}
    for document, chunk in passages(collection, asked):
        texts.setdefault(chunk.id, (document, chunk))
    sources = [Source(n, document, chunk) for n, (document, chunk) in enumerate(texts.values(), 1)]
    answer_text = asked.gold[0] if asked.gold else ""
    if len(answer_text.split()) >= LONG_ANSWER:
        for start, end in sentences.spans(answer_text):
            yield answer_text[start:end], sources
        return
    for source in sources:
        if not answer_text or not any(source.document.path.endswith(one) for one in asked.documents):
            continue
        at = source.chunk.text.find(answer_text)
        for start, end in sentences.spans(source.chunk.text):
            if start <= at and at + len(answer_text) <= end:
                yield source.chunk.text[start:end], sources
                return


def passages(collection: Collection, asked: Asked) -> list[tuple[DocumentRef, ChunkRef]]:
    """The passages of the answer's documents: all of a short one, of a long one those near the cited pages."""
    store = collection.answerer.searcher.store
    found = []
    for one in store.documents(Filter(), 0, 100_000).documents:
        document = one.document
        if not any(document.path.endswith(name) for name in asked.documents):
            continue
        whole = store.document(document.root, document.path)
        found += [
            (
                document,
                ChunkRef(
                    str(span.start), whole.text[span.start : span.end], span.start, span.end, span.page, span.heading
                ),
            )
            for span in whole.spans
            if not asked.pages or near_page(span.page, asked.pages)
        ]
    return found


def near_page(page: int | None, pages: Sequence[int]) -> bool:
    """Whether a page is one of these, or beside one: what is said runs over."""
    return page is None or any(abs(page - cited) <= 1 for cited in pages)


def given(whole: Any) -> Given:
    """What a benchmark wants of an answer."""
    quoted = tuple(sentence.text for sentence in whole.sentences)
    lacking = any("none of the passages" in note or "say the opposite" in note for note in whole.notes)
    return Given(quoted, whole.how == "refused", whole.metrics["relevance"], lacking)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How often a positive scores above a negative one, ties counting half."""
    high, low = np.array(positive)[:, None], np.array(negative)[None, :]
    return float(np.mean((high > low) + 0.5 * (high == low)))


def sample(asked: Sequence[Asked], most: int) -> list[Asked]:
    """At most so many, always the same."""
    return list(asked) if len(asked) <= most else random.Random(1).sample(list(asked), most)


def plain(text: str) -> str:
    """For comparing: case and white space don't count."""
    return " ".join(text.lower().split())


def report(name: str, figures: dict[str, Any]) -> None:
    """Prints one folder's figures, a line a part."""
    print(name)
    for part, values in figures.items():
        shown = [f"{key} {_shown(value)}" for key, value in values.items()]
        print(f"  {part:<12} {', '.join(shown) or 'nothing to measure'}", flush=True)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}:{_shown(one)}" for key, one in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _asked(entry: dict[str, Any]) -> Asked:
    gold = entry.get("quote") or entry.get("answers") or entry.get("answer") or ()
    pages = tuple(int(page) for cited in entry.get("cited_pages", []) if (page := cited.rpartition("#")[2]).isdigit())
    documents = entry.get("doc") or ()
    return Asked(
        entry["question"],
        (gold,) if isinstance(gold, str) else tuple(gold),
        (documents,) if isinstance(documents, str) else tuple(documents),
        pages,
        bool(entry.get("unanswerable")),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a question set")
    parser.add_argument("--most", type=int, default=300, metavar="N", help="questions of each kind (default 300)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
