"""The records that pass between the parts: plain, frozen, and the HTTP schema too.

This module knows no file, no database, no model and no HTTP.
Offsets are always half-open [start, end) counts of Python characters (code points)
into the text of the document they belong to.
"""

# What is asked stands in a module of its own, and is had from here like all other records.
# ruff: noqa: PLC0414

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from search.explanations import Explained, Explanation
from search.queries import MODES as MODES
from search.queries import Mode as Mode
from search.queries import Query as Query
from search.queries import Question as Question

# ------------------------------------------------------------------ documents


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that belongs together: a paragraph, a list item, a table row, a code fence.

    `heading` is the path of headings in force, outermost first, without the document's title.
    `context` is text that has to be repeated for the block to make sense alone (a table's header row);
    it is embedded and indexed with the block but is not part of the span.
    `page` counts from 1 (PDF pages, slides); None where the format has no pages.
    `row` is the number, from 1, of a table's row that the block's first line is; each further line is one more.
    """

    start: int
    end: int
    kind: str = "paragraph"
    heading: tuple[str, ...] = ()
    page: int | None = None
    context: str = ""
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One document as text, with its structure.

    `root` is the ingested folder (absolute), `path` the POSIX path inside it; together they are its name.
    `title` comes from the content; empty where the content names none.
    `hash` is of the file's bytes (hex). `modified` is the file's time in seconds since the epoch.
    `warnings` say what could not be read; a document with warnings counts as partial, not as indexed.
    """

    root: str
    path: str
    title: str
    type: str
    text: str
    blocks: tuple[Block, ...] = ()
    hash: str = ""
    size: int = 0
    modified: float = 0.0
    encoding: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document that is embedded and found as one: `text == document.text[start:end]`.

    `rows` are the first and the last row of a table that it holds.
    """

    text: str
    start: int
    end: int
    heading: tuple[str, ...] = ()
    page: int | None = None
    context: str = ""
    rows: tuple[int, int] | None = None

    @property
    def embedded(self) -> str:
        """What is embedded and hashed: heading path, repeated context, then the text itself."""
        return embedded_text(self.heading, self.context, self.text)

    @property
    def hash(self) -> str:
        """Content address, 32 hex digits: BLAKE2b-128 of `embedded`."""
        return blake2b(self.embedded.encode("utf-8"), digest_size=16).hexdigest()


def embedded_text(heading: tuple[str, ...], context: str, text: str) -> str:
    """The text that a model sees of a chunk: " > "-joined heading path, context and text, a line each."""
    return "\n".join(part for part in (" > ".join(heading), context, text) if part)


# ------------------------------------------------------------------ searching


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """Which document a hit stands in."""

    root: str
    path: str
    title: str
    type: str


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """Which passage was found: `id` is the chunk's content hash, `start` and `end` its span.

    `rows` are the first and the last row of its table, counted from 1 as a spreadsheet does; None outside of tables.
    """

    id: str
    text: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    rows: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place (from 1) in each part's own ranking; None where that part did not list it."""

    keyword: int | None = None
    vector: int | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw scores: BM25 (higher is better) and cosine similarity (-1 to 1); None where there is none."""

    keyword: float | None = None
    vector: float | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a near copy of a hit's passage stands: its chunk's id, and its span in its document."""

    document: DocumentRef
    id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Around:
    """The text around a hit, the hit's own included: `text == document.text[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `score` orders the hits of this result only; `why` says in words why it is here.

    `copies` are near copies of the passage that are no hits of their own. `around` and `explain` where asked for.
    `grade` is how well the passage answers, 0 to 3, where a chat model has read it: hits are ordered by it first.
    """

    rank: int
    score: float
    document: DocumentRef
    chunk: ChunkRef
    ranks: Ranks
    scores: Scores
    why: str
    copies: tuple[Copy, ...] = ()
    around: Around | None = None
    explain: Explanation | None = None
    grade: int | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to a Query. `mode` is what was ranked by in fact; `took_ms` holds milliseconds by stage."""

    query: str
    mode: Mode
    hits: tuple[Hit, ...]
    took_ms: dict[str, float]
    notes: tuple[str, ...] = ()
    explain: Explained | None = None


# ------------------------------------------------------------------ status


@dataclass(frozen=True, slots=True)
class Space:
    """A vector space: everything that decides whether two vectors can be compared.

    `digest` is the model's, `chunking` names the chunker's version and sizes.
    """

    id: int
    model: str
    digest: str
    dimensions: int
    query_prefix: str
    document_prefix: str
    chunking: str
    active: bool = False

    @property
    def fingerprint(self) -> tuple[str, str, int, str, str, str]:
        return (
            self.model,
            self.digest,
            self.dimensions,
            self.query_prefix,
            self.document_prefix,
            self.chunking,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or a part of one, that is not searchable; `outcome` is `failed` or `partial`."""

    root: str
    path: str
    outcome: Literal["failed", "partial"]
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One batch at an embedding model: what was sent to a host and what it says to have read.

    `sent` counts texts, `counted` and `expected` tokens; `counted` is 0 where the server doesn't count. `note` says
    what was wrong.
    """

    host: str
    sent: int
    counted: int
    expected: int
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChunkFailure:
    """A chunk that has no vector because the model makes none of it; keyword search finds it all the same."""

    root: str
    path: str
    chunk: ChunkRef
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the index holds and what it is used with."""

    version: str
    database: str
    size_bytes: int
    roots: tuple[str, ...]
    documents: int
    chunks: int
    embedded: int
    waiting: int
    failures: int
    space: Space | None
    embed_model: str
    embed_host: str
    chat_model: str | None
    chat_host: str | None
    notes: tuple[str, ...] = ()
    quarantined: int = 0
    parted: int = 0
    query_prefix: str = ""
    document_prefix: str = ""
    prefix_source: str = ""
    answers: int = 0
    stale_answers: int = 0
