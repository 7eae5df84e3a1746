"""What an index holds, row by row, in a form that two indexes can be compared in: ids and logs aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

QUERIES = {
    "files": "SELECT root, path, size, mtime_ns, hash, outcome, reason, chunking FROM files",
    "documents": "SELECT files.path, documents.root, documents.path, title, type, documents.hash, documents.size,"
    " modified, encoding, metadata, text FROM documents JOIN files ON files.id = file JOIN texts ON document ="
    " documents.id",
    "chunks": "SELECT hash, heading, context, text FROM chunks",
    "spans": "SELECT root, path, ordinal, hash, start, end, page FROM spans JOIN (SELECT id AS d, root, path FROM"
    " documents) ON d = document JOIN (SELECT id AS c, hash FROM chunks) ON c = chunk",
    "spaces": "SELECT model, digest, dimensions, query_prefix, document_prefix, chunking, active FROM spaces",
    "vectors": "SELECT model, hash, vector FROM vectors JOIN spaces ON spaces.id = space JOIN chunks ON chunks.id ="
    " chunk",
    "quarantine": "SELECT model, hash, reason FROM quarantine JOIN spaces ON spaces.id = space"
    " JOIN chunks ON chunks.id = chunk",
    "keywords": "SELECT term, hash, col, offset FROM temp.words JOIN chunks ON chunks.id = doc",
    "keywords of no chunk": "SELECT term, doc FROM temp.words WHERE doc NOT IN (SELECT id FROM chunks)",
}


def state(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of an index, sorted; the database itself is checked too."""
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, keywords, instance)")
        return {name: sorted(connection.execute(sql).fetchall(), key=repr) for name, sql in QUERIES.items()}
