"""Ways to make one ranking of two, compared on test collections in BEIR form: nDCG@10.

    python benchmarks/fusion.py FOLDER... [--together] [--indexes FOLDER] [--json FILE]

Keyword and vector ranking are those of the project's store, 200 candidates of each, and a document ranks where its
best chunk does; only the arithmetic between differs. The second look, with the query moved towards the first hits, is
left out. With --together all collections are one index, and the queries of each search all of it: a scale that depends
on an index's size shows there. The means are over all folders, over every other one beginning with the first, and over
the rest: choose on one half, look at the other. With --indexes, indexes are kept in a folder and used again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import search_quality
from ir_measures import calc_aggregate, nDCG
from search_quality import Collection, Run

from search import embed, phrases, query, rank
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.ollama.client import Client
from search.records import Query
from search.store import Filter, Ranking
from search.store.sqlite import SqliteStore
from search.vectors import Floats, Integers, cosines, top_k

MEASURE = nDCG @ 10
TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a query's candidates: ids (n,) ascending, their cosines (n,), and both rankings.

    `phrases` (n,) is the share of the query's pairs of words that stand side by side in the first of them.
    """

    keyword: Ranking
    vector: Ranking
    ids: Integers
    cosines: Floats
    chunks: int
    phrases: Floats
    is_foreign: bool


Method = Callable[[Asked], Floats]


def reciprocal(constant: int) -> Method:
    """1 / (constant + rank), summed (Cormack, Clarke and Büttcher, SIGIR 2009)."""

    def scores(asked: Asked) -> Floats:
        found = np.zeros(len(asked.ids), np.float32)
        for ranking in (asked.keyword, asked.vector):
            at = np.searchsorted(asked.ids, ranking.ids)
            found[at] += 1 / (constant + np.arange(1, len(at) + 1))
        return found

    return scores


def minimum_maximum(asked: Asked) -> Floats:
    """Each ranking's scores from 0 (its last) to 1 (its first), half and half."""
    found = np.zeros(len(asked.ids), np.float32)
    for ranking in (asked.keyword, asked.vector):
        if len(ranking.ids):
            low, high = ranking.scores.min(), ranking.scores.max()
            found[np.searchsorted(asked.ids, ranking.ids)] += (ranking.scores - low) / max(high - low, 1e-9) / 2
    return found


def standard(weight: float, *, window: int | None) -> Method:
    """weight * z(cosine) + (1 - weight) * z(BM25), BM25's over the first `window` places or the whole collection."""

    def scores(asked: Asked) -> Floats:
        scale = rank.keyword_scale_of(asked.keyword.scores)
        if window is None:
            first = asked.keyword.scores[: rank.WINDOW].astype(np.float64)
            mean = first.sum() / asked.chunks
            scale = rank.Scale(mean, float(np.sqrt(max(np.square(first).sum() / asked.chunks - mean * mean, 0))))
        listed = np.zeros(len(asked.ids), np.float32)
        listed[np.searchsorted(asked.ids, asked.keyword.ids)] = asked.keyword.scores
        cosines = rank.Scale(asked.vector.mean, asked.vector.deviation).z(asked.cosines)
        return (weight * cosines + (1 - weight) * scale.z(listed)).astype(np.float32)

    return scores


def weighed(*, by_query: bool, with_phrases: bool) -> Method:
    """The project's own sum: with weights that depend on the query or not, with phrases or without."""

    def scores(asked: Asked) -> Floats:
        weights = rank.weigh(asked.keyword, is_foreign=asked.is_foreign) if by_query else rank.Weights()
        phrases = asked.phrases if with_phrases else None
        fused = rank.fuse(asked.keyword, asked.vector, asked.ids, asked.cosines, weights=weights, phrases=phrases)
        found = np.zeros(len(asked.ids), np.float32)
        found[np.searchsorted(asked.ids, fused.ids)] = fused.scores
        return found

    return scores


METHODS: dict[str, Method] = {
    "keyword": standard(0.0, window=200),
    "vector": lambda asked: asked.cosines,
    "reciprocal ranks, 10": reciprocal(10),
    "reciprocal ranks, 60": reciprocal(60),
    "minimum and maximum": minimum_maximum,
    "z, collection, 0.7": standard(0.7, window=None),
    **{f"z, first 200, {weight}": standard(weight, window=200) for weight in (0.6, 0.65, 0.7, 0.75, 0.8)},
    "and phrases": weighed(by_query=False, with_phrases=True),
    "weighed by query": weighed(by_query=True, with_phrases=False),
    "weighed, and phrases": weighed(by_query=True, with_phrases=True),
}


def main() -> None:
    """Measure every method on every collection, and print."""
    arguments = _arguments()
    collections = [search_quality.read(folder) for folder in arguments.folders]
    figures: dict[str, dict[str, float]] = {name: {} for name in METHODS}
    with _folder(arguments.indexes) as indexes:
        if arguments.together:
            collections = [_marked(collection) for collection in collections]
            everything = {name: text for collection in collections for name, text in collection.texts.items()}
            titles = {name: title for collection in collections for name, title in collection.titles.items()}
            whole = Collection(TOGETHER, titles, everything, {}, {})
        for collection in collections:
            store = _open(indexes, whole if arguments.together else collection)
            for name, value in measure(store, collection).items():
                figures[name][collection.name] = value
            store.close()
    report(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(store: SqliteStore, collection: Collection) -> dict[str, float]:
    """nDCG@10 of each method."""
    searcher = query.Searcher(store, Client(EMBEDDED_HOST), EMBEDDED_MODEL)
    runs: dict[str, Run] = {name: {} for name in METHODS}
    for id_, text in collection.queries.items():
        asked = ask(searcher, text)
        places = store.occurrences(asked.ids, Filter())
        for name, method in METHODS.items():
            scores = method(asked)
            best = [asked.ids[at] for at in top_k(scores, len(scores))]
            documents = dict.fromkeys(place.document.path for chunk in best for place in places.get(int(chunk), []))
            runs[name][id_] = {document: float(-place) for place, document in enumerate(documents)}
    return {
        name: round(calc_aggregate([MEASURE], collection.judgements, run)[MEASURE], 4) for name, run in runs.items()
    }


def ask(searcher: query.Searcher, text: str) -> Asked:
    """Both rankings of a query, as `search.query` has them."""
    store, space = searcher.store, searcher.space()
    assert space is not None
    vector = searcher.vector(space, text)
    explained = query.search(searcher, Query(text, k=1, mode="keyword", explain=True)).explain
    terms = explained.terms if explained else ()
    by_words = store.matching(terms, query.CANDIDATES, Filter())
    near = store.nearest(space, vector, query.CANDIDATES, Filter())
    ids = rank.candidates(by_words, near)
    exact = cosines(store.vectors(space, ids), vector)
    is_foreign = not embed.understands(space.model, text)
    weights = rank.weigh(by_words, is_foreign=is_foreign)
    first = rank.fuse(by_words, near, ids, exact, weights=weights).ids[: query.PHRASED]
    shares, sought = np.zeros(len(ids), np.float32), phrases.of(text)
    for id_, places in store.occurrences(first, Filter()).items():
        chunk = places[0].chunk
        shares[np.searchsorted(ids, id_)] = sought.share("\n".join((*chunk.heading, chunk.text)))
    return Asked(by_words, near, ids, exact, store.counts().chunks, shares, is_foreign)


def report(figures: dict[str, dict[str, float]]) -> None:
    """The table: methods down, collections across, and three means."""
    names = list(next(iter(figures.values())))
    print(f"{MEASURE!s:<22}" + "".join(f"{name[:9]:>10}" for name in [*names, "mean", "one half", "the other"]))
    for method, values in figures.items():
        each = [values[name] for name in names]
        means = [np.mean(each), np.mean(each[::2]), np.mean(each[1::2]) if len(each) > 1 else float("nan")]
        print(f"{method:<22}" + "".join(f"{value:>10.4f}" for value in [*each, *means]))


def _open(indexes: Path, collection: Collection) -> SqliteStore:
    """The index of a collection, filled where it is new."""
    path = indexes / f"{collection.name}.db"
    is_new = not path.exists()
    store = SqliteStore(path)
    if is_new:
        search_quality.fill(store, Client(EMBEDDED_HOST), collection)
    return store


def _marked(collection: Collection) -> Collection:
    """The same with the collection's name in each document's, so that none is mistaken for another's."""
    named = {name: f"{collection.name}/{name}" for name in collection.texts}
    return replace(
        collection,
        titles={named[name]: title for name, title in collection.titles.items()},
        texts={named[name]: text for name, text in collection.texts.items()},
        judgements={
            asked: {named.get(name, name): grade for name, grade in judged.items()}
            for asked, judged in collection.judgements.items()
        },
    )


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a collection in BEIR form")
    parser.add_argument("--together", action="store_true", help="all collections in one index")
    parser.add_argument("--indexes", type=Path, metavar="FOLDER", help="keep indexes there, and use those that are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
