"""What an index holds, row by row, in a form that two indexes can be compared in: ids and logs aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from search.store.postings import LENGTH, SLOT, SLOTS, TERM

QUERIES = {
    "files": "SELECT root, path, size, mtime_ns, hash, outcome, reason, chunking FROM files",
    "documents": "SELECT files.path, documents.root, documents.path, title, type, documents.hash, documents.size,"
    " modified, encoding, metadata, text FROM documents JOIN files ON files.id = file JOIN texts ON document ="
    " documents.id",
    "chunks": "SELECT hash, heading, context, text FROM chunks",
    "spans": "SELECT root, path, ordinal, hash, start, end, page, first_row, last_row FROM spans"
    " JOIN (SELECT id AS d, root, path FROM documents) ON d = document"
    " JOIN (SELECT id AS c, hash FROM chunks) ON c = chunk",
    "spaces": "SELECT model, digest, dimensions, query_prefix, document_prefix, chunking, active FROM spaces",
    "vectors": "SELECT model, hash, vector FROM vectors JOIN spaces ON spaces.id = space JOIN chunks ON chunks.id ="
    " chunk",
    "quarantine": "SELECT model, hash, reason FROM quarantine JOIN spaces ON spaces.id = space"
    " JOIN chunks ON chunks.id = chunk",
}


def state(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of an index, sorted; the database itself is checked too."""
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = {name: sorted(connection.execute(sql).fetchall(), key=repr) for name, sql in QUERIES.items()}
        return rows | {"keywords": sorted(_keywords(connection))}


def _keywords(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Terms, hashes of the chunks that have them, and counts; every chunk has its keywords, and they have a chunk."""
    hashes = dict(connection.execute("SELECT id, hash FROM chunks").fetchall())
    found: list[tuple[object, ...]] = []
    there = set()
    for chunk, terms, counts in connection.execute("SELECT chunk, terms, counts FROM keyword_pending"):
        there.add(chunk)
        pairs = zip(np.frombuffer(terms, TERM).tolist(), counts, strict=True)
        found += [(term, hashes[chunk], count) for term, count in pairs]
    for segment, blob in connection.execute("SELECT id, lengths FROM keyword_segments").fetchall():
        live = np.flatnonzero(np.frombuffer(blob, LENGTH)) + segment * SLOTS
        there.update(live.tolist())
        for term, slots, counts in connection.execute(
            "SELECT term, slots, counts FROM keyword_postings WHERE segment = ?", [segment]
        ):
            ids = (np.frombuffer(slots, SLOT).astype(np.int64) + segment * SLOTS).tolist()
            found += [(term, hashes[id_], n) for id_, n in zip(ids, counts, strict=True) if id_ in there]
    assert there == hashes.keys()
    return found
