"""The read hub: a Query in, Results out."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock

import numpy as np

from search import embed, hits, keywords, phrases, rank
from search.errors import InputTooLong, ModelBusy, ModelError, ModelMissing, ModelUnreachable, StoreMismatch
from search.explanations import Explained
from search.ollama.client import Client
from search.records import Hit, Mode, Query, Results, Space
from search.store import EMPTY, Filter, Occurrence, Ranking, Store
from search.vectors import Floats, Integers, cosines

CANDIDATES = 200
"""How many chunks each part proposes, at least; more where more hits are asked for."""

PHRASED = 30
"""In so many of the first chunks the query's words are looked for side by side."""

REMEMBERED_QUERIES = 1_000

DESCRIPTION_SECONDS = 30.0
"""How long the model's description is believed before the server is asked again, and the index's languages are."""


RERANKED = 20
"""So many hits are there to be reranked, at least."""

Places = dict[int, list[Occurrence]]
"""Where chunks stand, by id."""

Reranker = Callable[[str, tuple[Hit, ...]], tuple[tuple[Hit, ...], str]]
"""Puts the hits for a query in a better order, and says in words what went wrong, if anything did."""


@dataclass(slots=True)
class Searcher:
    """An index and the model that its queries are embedded with.

    `wanted` is the space to search; None: the active one.
    `model_name` and `prefixes` are what the settings ask for; None: the prefixes of the model's family. While the
    space of another model serves, queries are embedded with that one, from this client or from one `elsewhere`.
    """

    store: Store
    client: Client
    model_name: str
    prefixes: embed.Prefixes | None = None
    wanted: Space | None = None
    elsewhere: Callable[[], Sequence[Client]] = tuple
    reranker: Reranker | None = None
    _own: dict[int, tuple[embed.Model, float]] = field(default_factory=dict)
    _model: embed.Model | None = None
    _described: float = 0.0
    _languages: Mapping[str, int] = field(default_factory=dict)
    _counted: float = -DESCRIPTION_SECONDS
    _vectors: OrderedDict[tuple[int, str], Floats] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _turn: Lock = field(default_factory=Lock)

    def model(self) -> embed.Model:
        """The embedding model as its server describes it. Raises ModelError."""
        if self._model is None or time.monotonic() > self._described + DESCRIPTION_SECONDS:
            spaces = self.store.spaces()
            self._model = embed.describe(self.client, self.model_name, self.prefixes, self._model, spaces)
            self._described = time.monotonic()
        return self._model

    def space(self) -> Space | None:
        """The space that is searched; None before anything was embedded."""
        return self.wanted or self.store.active()

    def languages(self) -> Mapping[str, int]:
        """How many documents are in each language, as the store counts them, which takes time in a large index."""
        if time.monotonic() >= self._counted + DESCRIPTION_SECONDS:
            self._languages, self._counted = self.store.languages(), time.monotonic()
        return self._languages

    @contextmanager
    def turn(self, took: dict[str, float]) -> Iterator[None]:
        """One search after the other: two at once take turns at Python's lock thousands of times, and both longer."""
        with _timed(took, "wait"):
            self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    def vector(self, space: Space, text: str) -> Floats:
        """The query's unit vector in the space; a query that was asked before costs no embedding.

        Raises StoreMismatch where the model that the space was made with is not to be found.
        """
        model = self.model_of(space)
        with self._lock:
            if (known := self._vectors.get((space.id, text))) is not None:
                self._vectors.move_to_end((space.id, text))
                return known
        vector = embed.query(model, text)
        with self._lock:
            self._vectors[space.id, text] = vector
            if len(self._vectors) > REMEMBERED_QUERIES:
                self._vectors.popitem(last=False)
        return vector

    def model_of(self, space: Space) -> embed.Model:
        """The model that the space was made with: the one in force, or, once that has a space too, its own.

        Raises StoreMismatch where there is none such, ModelError where the one in force does not answer either.
        """
        try:
            if (model := self.model()).fits(space):
                return model
        except ModelError:
            if space.model == self.model_name or (own := self._own_model(space)) is None:
                raise
            return own
        # The old space serves while the new one is filled, or where somebody chose it; not where nothing was begun.
        begun = self.wanted is not None or any(model.fits(known) for known in self.store.spaces())
        if not begun or (own := self._own_model(space)) is None:
            raise StoreMismatch(_mismatch(self.store.location, space, model))
        return own

    def _own_model(self, space: Space) -> embed.Model | None:
        known, when = self._own.get(space.id, (None, 0.0))
        if known and time.monotonic() < when + DESCRIPTION_SECONDS:
            return known
        for client in (self.client, *self.elsewhere()):
            with suppress(ModelError):
                found = embed.of_space(client, space)
                if found and found.fits(space):
                    self._own[space.id] = found, time.monotonic()
                    return found
        return None


@dataclass(frozen=True, slots=True)
class _Meaning:
    """A query as a vector of a space."""

    space: Space
    vector: Floats


def search(searcher: Searcher, query: Query) -> Results:
    """Ranks the index's chunks for a query.

    Hybrid falls back to keyword, and says so in `notes`, where the model cannot be reached, where the query
    is too long for it, or where nothing is embedded yet; `mode` is what was ranked by in fact.
    Raises StoreMismatch, StoreError, and ModelError in vector mode.
    """
    store, only, wanted = searcher.store, query.filter, max(CANDIDATES, query.k)
    took: dict[str, float] = {}
    notes: list[str] = []
    places: Places = {}
    terms = keywords.sought(query.query) if query.mode != "vector" else []
    with _timed(took, "total"):
        with _timed(took, "embed"):
            meaning = _understand(searcher, query, notes)
        with searcher.turn(took):
            with _timed(took, "keyword"):
                words = store.matching(terms, wanted, only) if terms else EMPTY
            with _timed(took, "vector"):
                near = store.nearest(meaning.space, meaning.vector, wanted, only) if meaning else EMPTY
            with _timed(took, "fuse"):
                fused = _rank(searcher, meaning, words, near, query, places=places)
            with _timed(took, "fetch"):
                found = hits.collect(store, fused, _page(query), only, places)
        if query.rerank:
            with _timed(took, "rerank"):
                found = _rerank(searcher, query, found, notes)
    if not found:
        notes.append(_nothing(store, query))
    elif query.mode == "hybrid" and not len(words.ids):
        notes.append("no passage has a word of the query: these are the nearest by meaning, which may be far")
    used: Mode = "keyword" if query.mode == "hybrid" and not meaning else query.mode
    listed = len(words.ids), len(near.ids), len(fused.ids)
    explained = _explained(store, only, terms, listed, fused.weights.why) if query.explain else None
    return Results(query.query, used, found, took, tuple(notes), explained)


def _understand(searcher: Searcher, query: Query, notes: list[str]) -> _Meaning | None:
    """The query's vector in the active space; None where ranking has to do without."""
    if query.mode == "keyword":
        return None
    space = searcher.space()
    if space is None:
        notes.append("nothing is embedded yet: only keyword search finds something")
        return None
    try:
        meaning = _Meaning(space, searcher.vector(space, query.query))
    except (ModelUnreachable, ModelMissing, ModelBusy, InputTooLong) as error:
        if query.mode == "vector":
            raise
        notes.append(f"ranked by keyword only: {error}")
        return None
    if waiting := searcher.store.waiting(space):
        notes.append(f"{waiting:,} chunks have no vector yet: only keyword search finds these")
    if space.model != searcher.model_name and searcher.wanted is None:
        notes.append(
            f"ranked by the vectors of {space.model}: those of {searcher.model_name} are not complete yet; "
            "`search spaces` shows how far they are, `ingest FOLDER` completes them"
        )
    return meaning


def _rank(
    searcher: Searcher, meaning: _Meaning | None, words: Ranking, near: Ranking, query: Query, *, places: Places
) -> rank.Fused:
    """Both rankings as one, or the one that there is. Where chunks stand is put into `places` if it is looked up."""
    if query.mode == "vector":
        return rank.alone(near, is_keyword=False)
    if meaning is None:
        return rank.alone(words, is_keyword=True)
    return _fuse(searcher, meaning, words, near, query, places=places)


def _fuse(
    searcher: Searcher, meaning: _Meaning, words: Ranking, near: Ranking, query: Query, *, places: Places
) -> rank.Fused:
    """Both rankings as one; the query's vector, moved towards the first hits, has the last word."""
    store, space, vector = searcher.store, meaning.space, meaning.vector
    weights = _weigh(searcher, space, words, query)
    ids = rank.candidates(words, near)
    rows = store.vectors(space, ids)
    nearness = cosines(rows, vector)
    first = rank.fuse(words, near, ids, nearness, weights=weights)
    if (shares := _phrases(store, query, first.ids[:PHRASED], ids, places)) is not None:
        first = rank.fuse(words, near, ids, nearness, weights=weights, phrases=shares)
    leading = rows[np.searchsorted(ids, first.ids[: rank.FEEDBACK])]
    if not len(leading) or np.isnan(leading).any():
        return first
    towards = rank.moved(vector, leading)
    # Only for its scale: what a second search would find besides is no better, as benchmarks/search_quality.py shows.
    again = store.nearest(space, towards, 0, query.filter), cosines(rows, towards)
    return rank.fuse(words, near, ids, nearness, again, weights=weights, phrases=shares)


def _weigh(searcher: Searcher, space: Space, words: Ranking, query: Query) -> rank.Weights:
    is_foreign = not embed.understands(space.model, query.query)
    is_crossing = not is_foreign and embed.crosses(space.model, query.query, partial(_languages, searcher, query))
    return rank.weigh(words, is_foreign=is_foreign, is_crossing=is_crossing)


def _languages(searcher: Searcher, query: Query) -> Mapping[str, int]:
    """How many documents are in each language, of those that a filter by language leaves."""
    counted, only = searcher.languages(), (query.language or "").lower()
    return {only: counted[only]} if only and only in counted else counted


def _page(query: Query) -> Query:
    """The query for as many hits as are needed: more where they are reranked."""
    return replace(query, k=max(query.k, RERANKED)) if query.rerank else query


def _rerank(searcher: Searcher, query: Query, found: tuple[Hit, ...], notes: list[str]) -> tuple[Hit, ...]:
    """The first k of the hits in a better order; in the one they have, and a note, where there is no reranker."""
    if searcher.reranker is None:
        notes.append("not reranked: no chat model is set; name one in SEARCH_CHAT_MODEL")
    else:
        found, note = searcher.reranker(query.query, found)
        notes += [note] if note else []
    return tuple(replace(hit, rank=number) for number, hit in enumerate(found[: query.k], 1))


def _phrases(store: Store, query: Query, first: Integers, ids: Integers, places: Places) -> Floats | None:
    """Which share of the query's pairs of words each of `ids` (n,) has, looked for in the first; None: no pairs."""
    sought = phrases.of(query.query)
    if not sought.pairs:
        return None
    shares = np.zeros(len(ids), np.float32)
    places.update(store.occurrences(first, query.filter))
    for id_, of_one in places.items():
        chunk = of_one[0].chunk
        shares[np.searchsorted(ids, id_)] = sought.share("\n".join((*chunk.heading, chunk.text)))
    return shares


def _explained(store: Store, only: Filter, terms: list[str], listed: tuple[int, int, int], why: str) -> Explained:
    chunks, passing = store.passing(Filter()), store.passing(only)
    share = round(passing / chunks, 6) if chunks else 0.0
    return Explained(tuple(terms), *listed, str(only), passing, chunks, share, why)


def _nothing(store: Store, query: Query) -> str:
    """Why there are no hits, in words."""
    if not store.passing(Filter()):
        return f"the index {store.location} is empty: run `ingest FOLDER` first"
    if query.filter:
        return _unknown(store, query) or f"nothing found within {query.filter}"
    return "nothing found: no document has one of these words"


def _unknown(store: Store, query: Query) -> str:
    """That no document has the type or is in the language, where that is so."""
    if query.type is not None and not store.passing(Filter(type=query.type)):
        return f"no document has the type {query.type!r}: there are {', '.join(store.documents(Filter(), 0, 1).types)}"
    if query.language is not None and not store.passing(Filter(language=query.language)):
        return f"no document is in the language {query.language!r}"
    return ""


def _mismatch(location: str, space: Space, model: embed.Model) -> str:
    if model.name != space.model:
        was, now = f"{space.model} ({space.dimensions} dimensions)", f"{model.name} ({model.dimensions} dimensions)"
    elif model.digest != space.digest:
        was = f"{space.model} of digest {space.digest[:19]}"
        now = f"{model.name} of digest {model.digest[:19]} at {model.client.host}"
    else:
        was = f"the prefixes {space.query_prefix!r} and {space.document_prefix!r}"
        now = f"{model.query_prefix!r} and {model.document_prefix!r} (SEARCH_QUERY_PREFIX, SEARCH_DOCUMENT_PREFIX)"
    return (
        f"the index {location} was embedded with {was}, now it is {now}: run `ingest FOLDER` again to embed it anew, "
        "or set SEARCH_EMBED_MODEL back; `--mode keyword` works meanwhile"
    )


@contextmanager
def _timed(took: dict[str, float], stage: str) -> Iterator[None]:
    """Notes a stage's milliseconds."""
    start = time.perf_counter()
    try:
        yield
    finally:
        took[stage] = round((time.perf_counter() - start) * 1000, 3)
