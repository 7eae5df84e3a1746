"""Documents as people read them, for `search.store.sqlite`: lists, and texts with the spans of their chunks."""

from __future__ import annotations

import json
import sqlite3

from search.catalog import DocumentEntry, Documents, DocumentText, Span
from search.records import DocumentRef
from search.store import Filter, statements


def document(connection: sqlite3.Connection, root: str, path: str, text: str) -> DocumentText:
    """A document that is there, with its text and the spans of its chunks in order."""
    id_, title, type_ = connection.execute(
        "SELECT id, title, type FROM documents WHERE root = ? AND path = ?", [root, path]
    ).fetchone()
    rows = connection.execute(
        "SELECT start, end, page, heading, first_row, last_row FROM spans"
        " JOIN chunks ON chunks.id = chunk WHERE document = ? ORDER BY ordinal",
        [id_],
    )
    spans = tuple(
        Span(start, end, page, tuple(json.loads(heading)), None if first is None else (first, last))
        for start, end, page, heading, first, last in rows
    )
    return DocumentText(DocumentRef(root, path, title, type_), text, 0, len(text), len(text), spans)


def documents(connection: sqlite3.Connection, only: Filter, offset: int, limit: int) -> Documents:
    """Documents by root and path, and how many there are of each type."""
    condition, parameters = statements.condition(only)
    rows = connection.execute(
        f"SELECT root, path, title, type, size, modified FROM documents WHERE {condition}"
        " ORDER BY root, path LIMIT ? OFFSET ?",
        [*parameters, limit, offset],
    )
    entries = tuple(DocumentEntry(DocumentRef(*name), size, modified) for *name, size, modified in rows)
    types = connection.execute(
        f"SELECT type, count(*) FROM documents WHERE {condition} GROUP BY type ORDER BY count(*) DESC, type", parameters
    ).fetchall()
    return Documents(sum(count for _, count in types), offset, entries, dict(types))
