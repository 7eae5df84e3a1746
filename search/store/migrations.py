"""The SQLite schema, as numbered migrations. Applied ones never change; a new need is a new function.

The same schema in words: data/corpus/storage-format.md.
"""

from __future__ import annotations

import json
import sqlite3
import zlib

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from search import languages

migrations = Migrations("semsearch")


def apply(connection: sqlite3.Connection) -> None:
    """Makes those that a database has not had, each in a transaction with the account of it."""
    migrations.apply(Database(connection))


@migrations()
def m001_first(db: Database) -> None:
    """Files, documents, chunks, spaces, vectors, keywords."""
    for statement in _FIRST:
        db.execute(statement)


@migrations()
def m002_embedding_accounts(db: Database) -> None:
    """What became of chunks at a model: refused, embedded in parts; and what each batch was counted as."""
    for statement in _ACCOUNTS:
        db.execute(statement)


@migrations()
def m003_codes(db: Database) -> None:
    """Codes of vectors in segments, what is gone of them, and counters in place of counting."""
    for statement in _CODES:
        db.execute(statement)


@migrations()
def m004_language(db: Database) -> None:
    """The language of each document, to filter by; found from the texts of those that are there."""
    db.execute("ALTER TABLE documents ADD COLUMN language TEXT NOT NULL DEFAULT ''")
    rows = db.execute("SELECT id, type, metadata, text FROM documents JOIN texts ON document = id").fetchall()
    for id_, type_, metadata, text in rows:
        found = languages.of(type_, zlib.decompress(text).decode(), json.loads(metadata))
        db.execute("UPDATE documents SET language = ? WHERE id = ?", [found, id_])


@migrations()
def m005_keywords(db: Database) -> None:
    """The keyword index in tables of its own instead of FTS5's; the store fills it when it sees it empty."""
    for statement in _KEYWORDS:
        db.execute(statement)


@migrations()
def m006_answers(db: Database) -> None:
    """Answers that are kept, with the passages that they were made of."""
    for statement in _ANSWERS:
        db.execute(statement)


@migrations()
def m007_rows(db: Database) -> None:
    """Which rows of a table a span holds; files are read again for it, since their chunking has another name."""
    db.execute("ALTER TABLE spans ADD COLUMN first_row INTEGER")
    db.execute("ALTER TABLE spans ADD COLUMN last_row INTEGER")


@migrations()
def m008_cells(db: Database) -> None:
    """Codes of four bits, in cells, in place of those of two; the store makes them when it sees that none are there."""
    for statement in _CELLS:
        db.execute(statement)


@migrations()
def m009_widths(db: Database) -> None:
    """Another meaning of how wide a search looks; the store has each space check itself where it never did."""
    # What codes are made with stays, so the segments fit.
    db.execute("UPDATE scans SET rows = 0, width = 30")


_FIRST = (
    # One row, whose number grows with every writing transaction: readers compare it to know what is stale.
    "CREATE TABLE generation (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL)",
    "INSERT INTO generation VALUES (1, 0)",
    # Every file that an ingest saw and took, failed ones too.
    """CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        root TEXT NOT NULL,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        hash TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('indexed', 'partial', 'failed')),
        reason TEXT NOT NULL,
        chunking TEXT NOT NULL,
        UNIQUE (root, path))""",
    # A file holds one document as a rule; a mail holds its attachments too.
    """CREATE TABLE documents (
        id INTEGER PRIMARY KEY,
        file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        root TEXT NOT NULL,
        path TEXT NOT NULL,
        title TEXT NOT NULL,
        type TEXT NOT NULL,
        hash TEXT NOT NULL,
        size INTEGER NOT NULL,
        modified REAL NOT NULL,
        encoding TEXT NOT NULL,
        metadata TEXT NOT NULL,
        UNIQUE (root, path))""",
    "CREATE INDEX documents_file ON documents (file)",
    # The whole text, zlib-compressed UTF-8, apart from the documents so that listing these stays quick.
    """CREATE TABLE texts (
        document INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
        text BLOB NOT NULL)""",
    # Content-addressed: hash is the BLAKE2b-128 of heading path, context and text. Ids are never used twice.
    """CREATE TABLE chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL UNIQUE,
        heading TEXT NOT NULL,
        context TEXT NOT NULL,
        text TEXT NOT NULL)""",
    # Where chunks stand: [start, end) in characters of the document's text.
    """CREATE TABLE spans (
        document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        chunk INTEGER NOT NULL REFERENCES chunks (id),
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        page INTEGER,
        PRIMARY KEY (document, ordinal)) WITHOUT ROWID""",
    "CREATE INDEX spans_chunk ON spans (chunk)",
    """CREATE TABLE spaces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        model TEXT NOT NULL,
        digest TEXT NOT NULL,
        dimensions INTEGER NOT NULL,
        query_prefix TEXT NOT NULL,
        document_prefix TEXT NOT NULL,
        chunking TEXT NOT NULL,
        active INTEGER NOT NULL DEFAULT 0 CHECK (active IN (0, 1)),
        UNIQUE (model, digest, dimensions, query_prefix, document_prefix, chunking))""",
    "CREATE UNIQUE INDEX spaces_active ON spaces (active) WHERE active = 1",
    # vector: float32, little-endian, unit length. Ids grow, so "what is new" is "id > the last one seen".
    """CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        chunk INTEGER NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
        vector BLOB NOT NULL,
        UNIQUE (space, chunk))""",
    "CREATE INDEX vectors_chunk ON vectors (chunk)",
    # Chunks whose vectors went, in order, so that a reader can forget them without reading all the others.
    "CREATE TABLE removed (id INTEGER PRIMARY KEY AUTOINCREMENT, chunk INTEGER NOT NULL)",
    # Contentless: the text stands in chunks already. Rowids are chunk ids.
    """CREATE VIRTUAL TABLE keywords USING fts5 (
        heading, text, content='', tokenize='porter unicode61 remove_diacritics 2')""",
)

_ACCOUNTS = (
    # Chunks of which a model makes no vector, with its words; they are not sent again until they are released.
    """CREATE TABLE quarantine (
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        chunk INTEGER NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
        reason TEXT NOT NULL,
        PRIMARY KEY (space, chunk)) WITHOUT ROWID""",
    "CREATE INDEX quarantine_chunk ON quarantine (chunk)",
    # Chunks that were too long for a model: their vector is the mean of so many parts'.
    """CREATE TABLE parted (
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        chunk INTEGER NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
        parts INTEGER NOT NULL,
        PRIMARY KEY (space, chunk)) WITHOUT ROWID""",
    "CREATE INDEX parted_chunk ON parted (chunk)",
    # One row for each batch: texts sent, tokens that the server counted, tokens expected.
    """CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        host TEXT NOT NULL,
        sent INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        expected INTEGER NOT NULL,
        seconds REAL NOT NULL,
        note TEXT NOT NULL)""",
    "CREATE INDEX ledger_space ON ledger (space)",
)

_CODES = (
    "CREATE INDEX vectors_space ON vectors (space)",
    # Derived from the vectors' rows, see search/store/segments.py. vectors and chunks: their ids, int64; codes: uint64
    # [planes][count]; all little-endian. checksum: CRC-32 of the centre that the codes were made with, and the three.
    """CREATE TABLE segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        count INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        vectors BLOB NOT NULL,
        chunks BLOB NOT NULL,
        codes BLOB NOT NULL)""",
    "CREATE INDEX segments_space ON segments (space, last)",
    # Vectors that were deleted, in order: segments and readers that have them learn it from here.
    """CREATE TABLE gone (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
        vector INTEGER NOT NULL)""",
    "CREATE INDEX gone_vector ON gone (space, vector)",
    # centre: what the codes of a space are seen from, float32; width: how many times the usual number of candidates
    # its searches take, found by checking with `rows` vectors.
    """CREATE TABLE scans (
        space INTEGER PRIMARY KEY REFERENCES spaces (id) ON DELETE CASCADE,
        centre BLOB NOT NULL,
        rows INTEGER NOT NULL DEFAULT 0,
        width INTEGER NOT NULL DEFAULT 1)""",
    # Kept by triggers: counting a million rows takes longer than searching them. Chunks have the space 0.
    "CREATE TABLE counters (space INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    "INSERT INTO counters SELECT 0, count(*) FROM chunks",
    "INSERT INTO counters SELECT id, (SELECT count(*) FROM vectors WHERE space = spaces.id) FROM spaces",
    """CREATE TRIGGER chunks_counted AFTER INSERT ON chunks BEGIN
        UPDATE counters SET number = number + 1 WHERE space = 0; END""",
    """CREATE TRIGGER chunks_discounted AFTER DELETE ON chunks BEGIN
        UPDATE counters SET number = number - 1 WHERE space = 0; END""",
    "CREATE TRIGGER spaces_counted AFTER INSERT ON spaces BEGIN INSERT INTO counters VALUES (new.id, 0); END",
    "CREATE TRIGGER spaces_discounted AFTER DELETE ON spaces BEGIN DELETE FROM counters WHERE space = old.id; END",
    """CREATE TRIGGER vectors_counted AFTER INSERT ON vectors BEGIN
        UPDATE counters SET number = number + 1 WHERE space = new.space; END""",
    # With a whole space, the segments go too: nobody has to learn of each vector.
    """CREATE TRIGGER vectors_discounted AFTER DELETE ON vectors
        WHEN EXISTS (SELECT * FROM spaces WHERE id = old.space) BEGIN
        UPDATE counters SET number = number - 1 WHERE space = old.space;
        INSERT INTO gone (space, vector) VALUES (old.space, old.id); END""",
)

_KEYWORDS = (
    "DROP TABLE keywords",
    # One row: which analysis of texts the index was made with; empty where it has still to be made.
    "CREATE TABLE keyword_analysis (id INTEGER PRIMARY KEY CHECK (id = 1), analysis TEXT NOT NULL)",
    "INSERT INTO keyword_analysis VALUES (1, '')",
    # New chunks: terms are int64, counts uint8, in the same order.
    """CREATE TABLE keyword_pending (
        chunk INTEGER PRIMARY KEY,
        length INTEGER NOT NULL,
        language TEXT NOT NULL,
        terms BLOB NOT NULL,
        counts BLOB NOT NULL)""",
    # 65,536 chunk ids each, segment = id / 65,536. lengths: uint16 by slot, 0 where no chunk is.
    """CREATE TABLE keyword_segments (
        id INTEGER PRIMARY KEY,
        folded INTEGER NOT NULL,
        languages TEXT NOT NULL,
        lengths BLOB NOT NULL)""",
    # slots: uint16, ascending, slot = id % 65,536; counts: uint8, in the same order.
    """CREATE TABLE keyword_postings (
        segment INTEGER NOT NULL,
        term INTEGER NOT NULL,
        slots BLOB NOT NULL,
        counts BLOB NOT NULL,
        PRIMARY KEY (segment, term)) WITHOUT ROWID""",
)

_ANSWERS = (
    # asked, answer and space: the records Question, Answer and Space as JSON. No part of a search: they stay whatever
    # becomes of documents and spaces.
    """CREATE TABLE answers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created REAL NOT NULL,
        asked TEXT NOT NULL,
        answer TEXT NOT NULL,
        digest TEXT NOT NULL,
        space TEXT,
        version TEXT NOT NULL,
        rerun_of INTEGER)""",
    # The passages by content, as in chunks.hash. Where one that is cited is not in chunks, the answer is stale.
    """CREATE TABLE answer_passages (
        answer INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        hash BLOB NOT NULL,
        cited INTEGER NOT NULL CHECK (cited IN (0, 1)),
        PRIMARY KEY (answer, n)) WITHOUT ROWID""",
)

_CELLS = (
    # codes: uint64[words][count], float16[count][2], uint8[count], uint8[count][bytes], see search/store/codes.py.
    "DELETE FROM segments",
    "DELETE FROM scans",
    # The centre and the cells' points, float32[1 + cells][dimensions].
    "ALTER TABLE scans RENAME COLUMN centre TO coding",
)
