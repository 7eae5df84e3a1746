"""The index: what every store can do. `search.store.sqlite` is the one that keeps the truth.

A store holds documents, their chunks (content-addressed: one row for one text, however many documents
contain it), and vectors in named spaces. It knows no model: vectors come in and go out as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from search.filters import Filter as Filter
from search.records import Chunk, ChunkFailure, ChunkRef, Document, DocumentRef, Failure, LedgerRow, Space
from search.vectors import Floats, Integers

if TYPE_CHECKING:
    from search.catalog import Documents, DocumentText
    from search.replies import SavedAnswer, SavedEntry


@dataclass(frozen=True, slots=True)
class FileState:
    """What is known of a file: enough to skip it when nothing changed.

    `hash` is of its bytes; `outcome` and `reason` say how reading it went; `chunking` how it was split.
    """

    size: int
    mtime_ns: int
    hash: str
    outcome: Literal["indexed", "partial", "failed"]
    reason: str = ""
    chunking: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Chunks by one score, best first: `ids` (n,) and `scores` (n,) go together.

    Of a vector ranking, `mean` and `deviation` (standard deviation) estimate the score of an arbitrary chunk of the
    collection, so that its scores can be put on one scale with others. Of a keyword ranking, `known` is the share of
    the query's words that the collection has at all.
    """

    ids: Integers
    scores: Floats
    mean: float = 0.0
    deviation: float = 0.0
    known: float = 1.0


EMPTY = Ranking(np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A chunk where it stands: the same chunk may stand in several documents."""

    id: int
    chunk: ChunkRef
    document: DocumentRef


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a store holds. `embedded`, `quarantined` (no vector can be made) and `parted` (embedded in parts)
    count chunks in the active space; `languages` counts documents that are no code, those of unknown language left out.
    """

    roots: tuple[str, ...]
    documents: int
    chunks: int
    embedded: int
    failures: int
    size_bytes: int
    quarantined: int = 0
    parted: int = 0
    languages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a batch at a model: its ledger row, by chunk id in how many parts one was embedded, and why
    another has no vector and goes into quarantine."""

    row: LedgerRow
    parted: Mapping[int, int] = field(default_factory=dict)
    refused: Mapping[int, str] = field(default_factory=dict)


class Answers(Protocol):
    """The answers that an index keeps. They stay whatever becomes of documents and spaces.

    An answer is stale as soon as a passage that it rests on is gone from the index; which is so in the very transaction
    that changes the passage, and no longer so when the passage comes back. Methods may raise StoreError.
    """

    def keep(self, answer: SavedAnswer) -> int:
        """Keeps an answer, whose own id does not matter, and gives its number, which is never used twice."""

    def entries(self, *, stale: bool = False) -> list[SavedEntry]:
        """All kept answers, or the stale ones, oldest first."""

    def get(self, id: int) -> SavedAnswer:
        """A kept answer; its `changes` are not looked for. Raises AnswerMissing."""

    def gone(self, id: int) -> frozenset[int]:
        """The numbers of the sources that an answer rests on and that are not in the index any more."""

    def places(self, chunk: str) -> list[DocumentRef]:
        """The documents in which a chunk, by its hash, stands today; none where it is not in the index."""

    def drop(self, id: int) -> None:
        """Forgets an answer. Raises AnswerMissing."""

    def counts(self) -> tuple[int, int]:
        """How many answers are kept, and how many of them are stale."""


class Store(Protocol):
    """What the rest of the program asks of an index. Every method may raise StoreError."""

    location: str

    @property
    def answers(self) -> Answers:
        """The answers that are kept."""

    # ---- writing, one transaction each

    def known(self, root: str) -> dict[str, FileState]:
        """The files of a root, by path."""

    def put(
        self, root: str, path: str, state: FileState, documents: Sequence[tuple[Document, Sequence[Chunk]]]
    ) -> None:
        """Replaces all that is kept of one file. No documents: only its state is kept (a failure)."""

    def touch(self, root: str, path: str, state: FileState) -> None:
        """Notes that a file's stat changed and its content did not."""

    def drop(self, root: str, paths: Iterable[str]) -> int:
        """Forgets files; returns how many were known."""

    def space(self, wanted: Space) -> Space:
        """The space with this fingerprint, made where it is missing; the first one made is active.

        One that differs in `chunking` alone is taken over with its vectors: they depend on model and text only.
        """

    def activate(self, space: Space) -> None:
        """Makes this the space that searches use."""

    def forget(self, space: Space) -> None:
        """Drops a space with its vectors. Raises StoreError for the active one."""

    def missing(self, space: Space, batch: int, after: int = 0) -> Iterator[tuple[Integers, list[str]]]:
        """Chunks that wait for a vector in the space, in batches: ids (n,), rising from `after`, and texts to embed."""

    def embedded(self, space: Space, hashes: Sequence[str]) -> set[str]:
        """Which of these chunk hashes have a vector in the space."""

    def waiting(self, space: Space) -> int:
        """How many chunks wait for a vector in the space; those in quarantine don't."""

    def add(self, space: Space, ids: Integers, vectors: Floats, account: Account | None = None) -> None:
        """Keeps unit vectors (n, d) for chunks, and what became of the rest of their batch."""

    def release(self, space: Space) -> int:
        """Lets the chunks out of the space's quarantine, to be tried again; returns how many."""

    # ---- reading

    def spaces(self) -> list[Space]:
        """All spaces, oldest first; at most one is active."""

    def active(self) -> Space | None:
        """The space that searches use; None before anything was embedded."""

    def nearest(self, space: Space, vector: Floats, count: int, only: Filter) -> Ranking:
        """Chunks by cosine similarity with a unit vector (d,); of a `count` of 0, mean and deviation only."""

    def matching(self, terms: Sequence[str], count: int, only: Filter) -> Ranking:
        """Chunks by BM25 over heading and text, any of the terms."""

    def vectors(self, space: Space, ids: Integers) -> Floats:
        """The unit vector of each chunk (n, d); NaN where a chunk has none."""

    def occurrences(self, ids: Integers, only: Filter) -> dict[int, list[Occurrence]]:
        """Where chunks stand, in documents that pass the filter."""

    def languages(self) -> Mapping[str, int]:
        """How many documents are in each language, ISO 639-1; those of code, and in none that is known, under ""."""

    def passing(self, only: Filter) -> int:
        """How many chunks stand in a document that passes the filter."""

    def around(self, root: str, path: str, start: int, end: int, count: int) -> tuple[int, int]:
        """The span from `count` chunks before the one at [start, end) of a document to as many after it."""

    def text(self, root: str, path: str) -> str:
        """The text of a document. Raises DocumentMissing where there is none."""

    def document(self, root: str, path: str) -> DocumentText:
        """A document's whole text with the spans of its chunks. Raises DocumentMissing where there is none."""

    def documents(self, only: Filter, offset: int, limit: int) -> Documents:
        """The documents that pass the filter, by root and path: at most `limit` from number `offset` on."""

    def failures(self) -> list[Failure]:
        """Files that are not, or not wholly, searchable."""

    def quarantined(self) -> list[ChunkFailure]:
        """Chunks of the active space of which the model makes no vector, where they stand."""

    def ledger(self, space: Space) -> list[LedgerRow]:
        """The batches that were embedded into the space, oldest first."""

    def lagging(self) -> list[tuple[str, str, int]]:
        """Documents with chunks that wait for a vector in the active space: root, path, how many."""

    def counts(self) -> Counts:
        """How much is in here."""

    def close(self) -> None:
        """Lets go of files and connections."""
