"""Statements that several methods share, for `search.store.sqlite`: documents, chunks, keywords, and their removal."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from search import languages
from search.records import Chunk, ChunkRef, Document
from search.store import Filter, postings
from search.vectors import Integers

REMOVED_KEPT = 100_000
LANGUAGES = "SELECT CASE type WHEN 'code' THEN '' ELSE language END AS name, count(*) FROM documents GROUP BY name"

# `casefold` is Python's: SQLite's own `lower` leaves all letters but the 26 as they are.
_HAS = (
    "EXISTS (SELECT * FROM json_each(documents.metadata) AS entry WHERE casefold(entry.key) = ?"
    " AND (casefold(entry.value) = ? OR casefold(entry.value) GLOB ?))"
)


_WILDCARD = re.compile(r"[*?\[]")
_PATH = "(documents.path GLOB ? OR documents.path GLOB ?)"
_WHOLE_PATH = _PATH.replace(
    "documents.path", f"rtrim(replace(documents.root, '{os.sep}', '/'), '/') || '/' || documents.path"
)


def insert(connection: sqlite3.Connection, file: int | None, document: Document, chunks: Sequence[Chunk]) -> None:
    """Inserts a document with its text, chunks and spans."""
    id_ = connection.execute(
        "INSERT INTO documents (file, root, path, title, type, hash, size, modified, encoding, metadata, language)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            file,
            document.root,
            document.path,
            document.title,
            document.type,
            document.hash,
            document.size,
            document.modified,
            document.encoding,
            json.dumps(document.metadata, ensure_ascii=False),
            languages.of(document.type, document.text, document.metadata),
        ],
    ).lastrowid
    connection.execute("INSERT INTO texts VALUES (?, ?)", [id_, zlib.compress(document.text.encode(), 1)])
    spans = []
    for ordinal, chunk in enumerate(chunks):
        rows = chunk.rows or (None, None)
        spans.append((id_, ordinal, chunk_id(connection, chunk), chunk.start, chunk.end, chunk.page, *rows))
    connection.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?)", spans)


def chunk_id(connection: sqlite3.Connection, chunk: Chunk) -> int:
    """The id of a chunk, which is kept, keywords and all, where it is new."""
    hash_ = bytes.fromhex(chunk.hash)
    row = connection.execute("SELECT id FROM chunks WHERE hash = ?", [hash_]).fetchone()
    if row:
        return int(row[0])
    cursor = connection.execute(
        "INSERT INTO chunks (hash, heading, context, text) VALUES (?, ?, ?, ?)",
        [hash_, json.dumps(chunk.heading, ensure_ascii=False), chunk.context, chunk.text],
    )
    id_ = int(cursor.lastrowid or 0)
    postings.insert(connection, id_, chunk.heading, chunk.context, chunk.text)
    return id_


CHUNK = "chunks.hash, chunks.text, spans.start, spans.end, spans.page, chunks.heading, first_row, last_row"
"""The columns of a ChunkRef, of `chunks` and `spans`."""


def chunk_ref(row: Sequence[Any]) -> ChunkRef:
    """A chunk where it stands, from the columns of CHUNK."""
    hash_, text, start, end, page, heading, first, last = row
    rows = None if first is None else (first, last)
    return ChunkRef(hash_.hex(), text, start, end, page, tuple(json.loads(heading)), rows)


def embedded(heading: str, context: str, text: str) -> str:
    """The text to embed of a chunk's row."""
    return Chunk(text, 0, len(text), tuple(json.loads(heading)), None, context).embedded


def chunks_of(connection: sqlite3.Connection, root: str, paths: Sequence[str]) -> set[int]:
    """Ids of the chunks that stand in files."""
    found: set[int] = set()
    for path in paths:
        found.update(
            row[0]
            for row in connection.execute(
                "SELECT chunk FROM spans JOIN documents ON documents.id = document"
                " JOIN files ON files.id = file WHERE files.root = ? AND files.path = ?",
                [root, path],
            )
        )
    return found


def forget_unused(connection: sqlite3.Connection, candidates: Iterable[int]) -> None:
    """Deletes those of the chunks that stand in no document any more, with keywords and vectors."""
    unused = [
        id_
        for id_ in candidates
        if not connection.execute("SELECT EXISTS (SELECT * FROM spans WHERE chunk = ?)", [id_]).fetchone()[0]
    ]
    postings.remove(connection, unused)
    connection.executemany("INSERT INTO removed (chunk) VALUES (?)", ((id_,) for id_ in unused))
    connection.executemany("DELETE FROM chunks WHERE id = ?", ((id_,) for id_ in unused))
    connection.execute("DELETE FROM removed WHERE id <= (SELECT coalesce(max(id), 0) FROM removed) - ?", [REMOVED_KEPT])


def allowed(connection: sqlite3.Connection, only: Filter) -> Integers:
    """Ids of the chunks that stand in a document that passes the filter."""
    where, parameters = condition(only)
    rows = connection.execute(
        f"SELECT DISTINCT chunk FROM spans JOIN documents ON documents.id = document WHERE {where}",
        parameters,
    ).fetchall()
    return np.array([row[0] for row in rows], np.int64)


def condition(only: Filter) -> tuple[str, list[str | float]]:
    """A filter as a condition on `documents`, and its parameters."""
    wanted = [
        ("documents.type = lower(?)", only.type),
        ("documents.language = lower(?)", only.language),
        ("documents.modified >= ?", only.since),
        ("documents.modified < ?", only.until),
    ]
    chosen = [(sql, value) for sql, value in wanted if value is not None]
    conditions = [sql for sql, _ in chosen] + [_HAS] * len(only.where)
    parameters: list[str | float] = [value for _, value in chosen]
    if only.path is not None:
        path = PurePath(only.path)
        conditions.insert(0, _WHOLE_PATH if path.is_absolute() else _PATH)
        parameters[:0] = _patterns(path.as_posix())
    for key, value in only.where:
        parameters += [key.strip().casefold(), value.casefold(), value.casefold()]
    return " AND ".join(conditions) or "1", parameters


def _patterns(path: str) -> tuple[str, str]:
    """What a path has to match, one or the other: without wildcards it names a folder too, or a mail's attachments."""
    return path, path if _WILDCARD.search(path) else f"{path}/*"


def marks(ids: Integers) -> str:
    """As many question marks as ids."""
    return ", ".join("?" * len(ids))


def number(connection: sqlite3.Connection, sql: str, parameters: Sequence[object] = ()) -> int:
    """The one number that a query gives."""
    return int(connection.execute(sql, parameters).fetchone()[0])


def counter(connection: sqlite3.Connection, space: int = 0) -> int:
    """How many chunks there are, or vectors of a space: kept by triggers, not counted."""
    return number(connection, "SELECT coalesce(sum(number), 0) FROM counters WHERE space = ?", [space])


def size(path: Path) -> int:
    """Bytes on disk, the write-ahead log included."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
