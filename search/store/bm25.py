"""BM25 over the keyword index: every chunk that holds a word of the query is scored, exactly, in numpy.

score = sum over words of idf * tf / (tf + K1 * (1 - B + B * length / average length)), with
idf = ln(1 + (N - n + 0.5) / (n + 0.5)): Robertson's BM25 as Lucene has it. A word's postings are those of its stems in
all languages of the index. The best chunks are then judged together with two chunks before and two after them too:
chunks are cut to fit an embedding model, and what belongs together may stand on both sides of a cut.
"""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search import keywords
from search.store import EMPTY, Ranking, statements
from search.store.postings import COUNT, LENGTH, MOST, SLOT, SLOTS, TERM, key
from search.vectors import Floats, Integers, distinct, top_k

K1, B = 1.2, 0.75
"""How soon further occurrences of a word count less, and how much a chunk's length counts: Lucene's defaults."""
BESIDE = 2
"""So many chunks on either side are a chunk's neighbours."""

NEIGHBOURS_SHARE = 0.4
"""How much of the score is that of a chunk and its neighbours as one text; measured, see
data/corpus/background/ranking.md."""

POOL = 2
"""So many times the chunks asked for are judged with their neighbours."""


@dataclass(frozen=True, slots=True)
class Part:
    """A range of chunk ids from `first` on: their lengths in words by slot (size,), 0 where there is no chunk."""

    segment: int | None
    first: int
    lengths: NDArray[np.uint16]
    has_gone: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """Terms that wait to be folded, as they come (n,): slot in the last part, term's key, count, key's low bits."""

    slots: Integers
    terms: Integers
    counts: NDArray[np.uint8]
    low: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Index:
    """What is held in memory of the keyword index at one generation: 2 bytes a chunk, and what waits to be folded.

    `norms` are BM25's by length, `window` is the average length of a chunk with its neighbours.
    """

    generation: int
    parts: tuple[Part, ...]
    norms: Floats
    pending: Pending
    languages: frozenset[str]
    total: int
    window: float


@dataclass(frozen=True, slots=True)
class _Postings:
    """Where a word stands in a part: slots ascending (n,), and how often; as narrow as the database has them."""

    word: int
    slots: Integers | NDArray[np.uint16]
    counts: NDArray[np.uint8]


def load(connection: sqlite3.Connection, generation: int) -> Index:
    """Reads the index's state."""
    pending = connection.execute(
        "SELECT chunk, length, language, terms, counts FROM keyword_pending ORDER BY chunk"
    ).fetchall()
    segments = connection.execute("SELECT id, folded, languages, lengths FROM keyword_segments ORDER BY id").fetchall()
    lengths = [(id_, id_ * SLOTS, np.frombuffer(blob, LENGTH), folded) for id_, folded, _, blob in segments]
    if pending:
        waiting = np.zeros(pending[-1][0] - pending[0][0] + 1, LENGTH)
        waiting[[row[0] - pending[0][0] for row in pending]] = [row[1] for row in pending]
        lengths.append((None, pending[0][0], waiting, len(pending)))
    total = sum(int(np.count_nonzero(some)) for _, _, some, _ in lengths)
    average = sum(int(some.sum(dtype=np.int64)) for _, _, some, _ in lengths) / max(total, 1)
    return Index(
        generation,
        tuple(
            Part(segment, first, some, folded > int(np.count_nonzero(some))) for segment, first, some, folded in lengths
        ),
        _norms(np.arange(MOST + 1), average),
        _pending(pending),
        frozenset(row[2] for row in pending).union(*(row[2].split() for row in segments)),
        total,
        average * _chunks_in_a_window(connection, total),
    )


def rank(
    connection: sqlite3.Connection, index: Index, terms: Sequence[str], count: int, allowed: Integers | None
) -> Ranking:
    """The `count` best chunks (of `allowed`, where given) for the words, any of them."""
    words = list(dict.fromkeys(frozenset(map(key, keywords.keys(term, index.languages))) for term in terms))
    found = _find(connection, index, words)
    weights = _weights(index, words, found)
    ids, scores = _best(index, found, weights, count * POOL, None if allowed is None else np.sort(allowed))
    if not len(ids):
        return EMPTY
    together = _with_neighbours(connection, index, found, weights, ids)
    scores = ((1 - NEIGHBOURS_SHARE) * scores + NEIGHBOURS_SHARE * together).astype(np.float32)
    best = top_k(scores, count)
    return Ranking(ids[best], scores[best], known=_known(words, found))


def _find(connection: sqlite3.Connection, index: Index, words: Sequence[frozenset[int]]) -> list[list[_Postings]]:
    """The words' postings in each part."""
    by_term: dict[int, list[int]] = {}
    for word, terms in enumerate(words):
        for term in terms:
            by_term.setdefault(term, []).append(word)
    by_segment: dict[int, list[_Postings]] = {}
    rows = connection.execute(
        "SELECT segment, term, slots, counts FROM json_each(?) AS one CROSS JOIN json_each(?) AS other"
        " CROSS JOIN keyword_postings ON segment = one.value AND term = other.value",
        [json.dumps([part.segment for part in index.parts if part.segment is not None]), json.dumps(list(by_term))],
    )
    lengths = {part.segment: part.lengths for part in index.parts if part.has_gone}
    for segment, term, blob, counted in rows:
        slots, counts = np.frombuffer(blob, SLOT), np.frombuffer(counted, COUNT)
        if segment in lengths:
            there = lengths[segment][slots] > 0
            slots, counts = slots[there], counts[there]
        by_segment.setdefault(segment, []).extend(_Postings(word, slots, counts) for word in by_term[term])
    return [
        _find_pending(index.pending, by_term) if part.segment is None else by_segment.get(part.segment, [])
        for part in index.parts
    ]


def _find_pending(pending: Pending, by_term: dict[int, list[int]]) -> list[_Postings]:
    """One pass over what waits, by the low bits of the keys; the few that pass are compared whole."""
    wanted = np.zeros(1 << 16, np.bool_)
    wanted[np.fromiter(by_term, np.int64, len(by_term)).astype(np.uint16)] = True
    maybe = np.flatnonzero(wanted[pending.low])
    terms = pending.terms[maybe]
    there = set(terms.tolist())
    found = []
    for term in filter(there.__contains__, by_term):
        at = maybe[terms == term]
        found += [_Postings(word, pending.slots[at], pending.counts[at]) for word in by_term[term]]
    return found


def _weights(index: Index, words: Sequence[frozenset[int]], found: list[list[_Postings]]) -> list[float]:
    """Each word's inverse document frequency."""
    holding = [0] * len(words)
    for part in found:
        for some in part:
            holding[some.word] += len(some.slots)
    return [math.log(1 + (index.total - n + 0.5) / (n + 0.5)) for n in (min(number, index.total) for number in holding)]


def _known(words: Sequence[frozenset[int]], found: list[list[_Postings]]) -> float:
    """The share of the words that stand in some chunk."""
    return len({some.word for part in found for some in part if len(some.slots)}) / len(words)


def _best(
    index: Index, found: list[list[_Postings]], weights: list[float], count: int, allowed: Integers | None
) -> tuple[Integers, Floats]:
    """Ids, ascending, and scores of the best of `allowed` (ascending); of equal ones the first."""
    ids, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    floor = np.float32(0)
    for part, postings in zip(index.parts, found, strict=True):
        if not postings:
            continue
        reached = np.zeros(len(part.lengths), np.float32)
        for some in postings:
            slots, counts = some.slots.astype(np.int64), some.counts.astype(np.float32)
            reached[slots] += np.float32(weights[some.word]) * counts / (counts + index.norms[part.lengths[slots]])
        if allowed is not None:
            start, end = np.searchsorted(allowed, [part.first, part.first + len(reached)])
            inside = allowed[start:end] - part.first
            kept = np.zeros(len(reached), np.float32)
            kept[inside] = reached[inside]
            reached = kept
        over = np.flatnonzero(reached > floor)
        ids, scores = np.concatenate([ids, over + part.first]), np.concatenate([scores, reached[over]])
        if len(ids) > count:
            best = np.sort(top_k(scores, count))
            ids, scores = ids[best], scores[best]
            floor = scores.min()
    return ids, scores


def _with_neighbours(
    connection: sqlite3.Connection, index: Index, found: list[list[_Postings]], weights: list[float], ids: Integers
) -> Floats:
    """The score (n,) of each of `ids` (n,) and the chunks beside it, taken as one text."""
    owners, beside = _windows(connection, ids)
    known = distinct(beside)
    where = np.searchsorted(known, beside)
    counts = np.zeros((len(weights), len(known)), np.float32)
    lengths = np.zeros(len(known), np.float32)
    for part, postings in zip(index.parts, found, strict=True):
        inside = np.flatnonzero((known >= part.first) & (known < part.first + len(part.lengths)))
        slots = known[inside] - part.first
        lengths[inside] = part.lengths[slots]
        for some in postings:
            at = np.searchsorted(some.slots, slots.astype(some.slots.dtype))
            at[at == len(some.slots)] = 0
            hit = some.slots[at] == slots if len(some.slots) else np.zeros(len(slots), np.bool_)
            counts[some.word, inside[hit]] += some.counts[at[hit]]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    together = np.add.reduceat(counts[:, where], starts, axis=1)
    norms = _norms(np.add.reduceat(lengths[where], starts), index.window)
    # Not a matrix product, whose last bits depend on how many columns there are: equal chunks score equally.
    each = np.array(weights, np.float32)[:, None] * (together / (together + norms))
    return np.asarray(each.sum(axis=0), np.float32)


def _windows(connection: sqlite3.Connection, ids: Integers) -> tuple[Integers, Integers]:
    """Which chunk stands beside which: position in `ids`, ascending, and chunk; each stands beside itself.

    Of a chunk in several documents, its first place in the oldest counts.
    """
    rows = connection.execute(
        "WITH place AS (SELECT chunk, min(document) AS document, ordinal FROM spans"
        f" WHERE chunk IN ({statements.marks(ids)}) GROUP BY chunk)"
        " SELECT place.chunk, spans.chunk FROM place CROSS JOIN spans ON spans.document = place.document"
        " AND spans.ordinal BETWEEN place.ordinal - ? AND place.ordinal + ? ORDER BY place.chunk",
        [*ids.tolist(), BESIDE, BESIDE],
    )
    pairs = np.fromiter(itertools.chain.from_iterable(rows), np.int64).reshape(-1, 2)
    return np.searchsorted(ids, pairs[:, 0]), pairs[:, 1]


def _chunks_in_a_window(connection: sqlite3.Connection, total: int) -> float:
    """How many chunks a chunk and its neighbours are, on average: a document's first lack 2 + 1, and its last too."""
    missing = BESIDE * (BESIDE + 1) * statements.number(connection, "SELECT count(*) FROM documents")
    return max(1.0, 1 + 2 * BESIDE - missing / max(total, 1))


def _norms(lengths: NDArray[np.generic], average: float) -> Floats:
    return (K1 * (1 - B + B / max(average, 1) * lengths.astype(np.float32))).astype(np.float32)


def _pending(rows: Sequence[tuple[int, int, str, bytes, bytes]]) -> Pending:
    first = rows[0][0] if rows else 0
    terms = np.frombuffer(b"".join(row[3] for row in rows), TERM)
    return Pending(
        np.repeat(np.array([row[0] - first for row in rows], np.int64), [len(row[4]) for row in rows]),
        terms,
        np.frombuffer(b"".join(row[4] for row in rows), COUNT),
        terms.astype(np.uint16),
    )
