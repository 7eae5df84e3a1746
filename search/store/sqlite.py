"""The store in one SQLite file. The format in words: data/corpus/storage-format.md."""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from search.catalog import Documents, DocumentText
from search.errors import DocumentMissing
from search.records import Chunk, ChunkFailure, ChunkRef, Document, DocumentRef, Failure, LedgerRow, Space
from search.store import EMPTY, Counts, FileState, Filter, Occurrence, Ranking, accounts, reading, statements
from search.store.database import Database
from search.store.memory import Matrix
from search.vectors import Floats, Integers, cosines, pack, unpack

HEADING_WEIGHT = 1.0


class SqliteStore:
    """Implements `search.store.Store` on the file `path`, which is made where it is missing."""

    def __init__(self, path: Path) -> None:
        self.location = str(path)
        self._database = Database(path)
        self._loaded = _Loaded()
        self._loading = threading.Lock()

    # ------------------------------------------------------------------ writing

    def known(self, root: str) -> dict[str, FileState]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT path, size, mtime_ns, hash, outcome, reason, chunking FROM files WHERE root = ?",
                [root],
            )
            return {path: FileState(*state) for path, *state in rows}

    def put(
        self, root: str, path: str, state: FileState, documents: Sequence[tuple[Document, Sequence[Chunk]]]
    ) -> None:
        with self._database.writing() as connection:
            before = statements.chunks_of(connection, root, [path])
            connection.execute("DELETE FROM files WHERE root = ? AND path = ?", [root, path])
            file = connection.execute(
                "INSERT INTO files (root, path, size, mtime_ns, hash, outcome, reason, chunking)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    root,
                    path,
                    state.size,
                    state.mtime_ns,
                    state.hash,
                    state.outcome,
                    state.reason,
                    state.chunking,
                ],
            ).lastrowid
            for document, chunks in documents:
                statements.insert(connection, file, document, chunks)
            statements.forget_unused(connection, before)

    def touch(self, root: str, path: str, state: FileState) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE files SET size = ?, mtime_ns = ? WHERE root = ? AND path = ?",
                [state.size, state.mtime_ns, root, path],
            )

    def drop(self, root: str, paths: Iterable[str]) -> int:
        paths = list(paths)
        if not paths:
            return 0
        with self._database.writing() as connection:
            before = statements.chunks_of(connection, root, paths)
            cursor = connection.executemany(
                "DELETE FROM files WHERE root = ? AND path = ?", [(root, path) for path in paths]
            )
            statements.forget_unused(connection, before)
            return cursor.rowcount

    def space(self, wanted: Space) -> Space:
        for known in self.spaces():
            if known.fingerprint == wanted.fingerprint:
                return known
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO spaces (model, digest, dimensions, query_prefix, document_prefix,"
                " chunking, active) VALUES (?, ?, ?, ?, ?, ?, NOT EXISTS (SELECT * FROM spaces WHERE active))",
                wanted.fingerprint,
            )
        return self.space(wanted)

    def activate(self, space: Space) -> None:
        with self._database.writing() as connection:
            connection.execute("UPDATE spaces SET active = 0 WHERE active")
            connection.execute("UPDATE spaces SET active = 1 WHERE id = ?", [space.id])

    def missing(self, space: Space, batch: int) -> Iterator[tuple[Integers, list[str]]]:
        last = 0
        while rows := self._missing_after(space, last, batch):
            last = rows[-1][0]
            yield np.array([row[0] for row in rows], np.int64), [statements.embedded(*row[1:]) for row in rows]

    def waiting(self, space: Space) -> int:
        with self._database.reading() as connection:
            return statements.number(
                connection,
                "SELECT (SELECT count(*) FROM chunks) - (SELECT count(*) FROM vectors WHERE space = ?)"
                " - (SELECT count(*) FROM quarantine WHERE space = ?)",
                [space.id, space.id],
            )

    def add(self, space: Space, ids: Integers, vectors: Floats) -> None:
        with self._database.writing() as connection:
            # A chunk may have gone while its text was at the model.
            connection.executemany(
                "INSERT OR IGNORE INTO vectors (space, chunk, vector) SELECT ?, id, ? FROM chunks WHERE id = ?",
                ((space.id, pack(vector), int(id_)) for id_, vector in zip(ids, vectors, strict=True)),
            )

            # A chunk that has a vector after all is in quarantine no more.
            connection.executemany(
                "DELETE FROM quarantine WHERE space = ? AND chunk = ?", ((space.id, int(id_)) for id_ in ids)
            )

    def account(self, space: Space, row: LedgerRow, parted: Mapping[int, int], refused: Mapping[int, str]) -> None:
        with self._database.writing() as connection:
            accounts.insert(connection, space, row, parted, refused)

    def release(self, space: Space) -> int:
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM quarantine WHERE space = ?", [space.id]).rowcount

    # ------------------------------------------------------------------ reading

    def spaces(self) -> list[Space]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, model, digest, dimensions, query_prefix, document_prefix, chunking, active"
                " FROM spaces ORDER BY id"
            )
            return [Space(*(*row[:7], bool(row[7]))) for row in rows]

    def active(self) -> Space | None:
        return next((space for space in self.spaces() if space.active), None)

    def nearest(self, space: Space, vector: Floats, count: int, only: Filter) -> Ranking:
        with self._database.reading() as connection:
            allowed = statements.allowed(connection, only) if only else None
            with self._loading:
                self._loaded.refresh(connection, space)
                return self._loaded.matrix.nearest(vector, count, allowed)

    def matching(self, terms: Sequence[str], count: int, only: Filter) -> Ranking:
        if not terms:
            return EMPTY
        condition, parameters = statements.condition(only)
        within = (
            f"AND rowid IN (SELECT chunk FROM spans JOIN documents ON documents.id = document WHERE {condition})"
            if only
            else ""
        )
        match = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT rowid, -bm25(keywords, {HEADING_WEIGHT}, 1.0) FROM keywords WHERE keywords MATCH ?"
                f" {within} ORDER BY bm25(keywords, {HEADING_WEIGHT}, 1.0), rowid LIMIT ?",
                [match, *parameters, count],
            ).fetchall()
            total = statements.number(connection, "SELECT count(*) FROM chunks")
        if not rows:
            return EMPTY
        scores = np.array([row[1] for row in rows], np.float32)
        # Unlisted chunks count as zeros: all of them where fewer than `count` matched.
        mean = float(scores.sum()) / total
        deviation = float(np.sqrt(max(float(np.square(scores).sum()) / total - mean * mean, 0.0)))
        return Ranking(np.array([row[0] for row in rows], np.int64), scores, mean, deviation)

    def similarities(self, space: Space, vector: Floats, ids: Integers) -> Floats:
        found = np.full(len(ids), np.nan, np.float32)
        if not len(ids):
            return found
        with self._database.reading() as connection:
            rows = dict(
                connection.execute(
                    f"SELECT chunk, vector FROM vectors WHERE space = ? AND chunk IN ({statements.marks(ids)})",
                    [space.id, *ids.tolist()],
                ).fetchall()
            )
        have = [i for i, id_ in enumerate(ids.tolist()) if id_ in rows]
        if have:
            matrix = unpack((rows[int(ids[i])] for i in have), space.dimensions)
            found[have] = cosines(matrix, vector)
        return found

    def occurrences(self, ids: Integers, only: Filter) -> dict[int, list[Occurrence]]:
        condition, parameters = statements.condition(only)
        found: dict[int, list[Occurrence]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT chunks.id, chunks.hash, chunks.text, spans.start, spans.end, spans.page, chunks.heading,"
                " root, path, title, type FROM chunks JOIN spans ON spans.chunk = chunks.id"
                f" JOIN documents ON documents.id = spans.document WHERE chunks.id IN ({statements.marks(ids)})"
                f" AND {condition} ORDER BY root, path, spans.start",
                [*ids.tolist(), *parameters],
            )
            for id_, hash_, text, start, end, page, heading, *document in rows:
                chunk = ChunkRef(hash_.hex(), text, start, end, page, tuple(json.loads(heading)))
                found.setdefault(id_, []).append(Occurrence(id_, chunk, DocumentRef(*document)))
        return found

    def text(self, root: str, path: str) -> str:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT text FROM texts JOIN documents ON documents.id = document WHERE root = ? AND path = ?",
                [root, path],
            ).fetchone()
        if row is None:
            raise DocumentMissing(f"{path} (in {root}) is not in the index {self.location}")
        return zlib.decompress(row[0]).decode()

    def document(self, root: str, path: str) -> DocumentText:
        with self._database.reading() as connection:
            text = self.text(root, path)
            return reading.document(connection, root, path, text)

    def documents(self, only: Filter, offset: int, limit: int) -> Documents:
        with self._database.reading() as connection:
            return reading.documents(connection, only, offset, limit)

    def failures(self) -> list[Failure]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT root, path, outcome, reason FROM files WHERE outcome <> 'indexed' ORDER BY root, path"
            )
            return [Failure(*row) for row in rows]

    def quarantined(self) -> list[ChunkFailure]:
        with self._database.reading() as connection:
            return accounts.quarantined(connection)

    def ledger(self, space: Space) -> list[LedgerRow]:
        with self._database.reading() as connection:
            return accounts.ledger(connection, space)

    def counts(self) -> Counts:
        with self._database.reading() as connection:
            in_active = "space = (SELECT id FROM spaces WHERE active)"
            roots = connection.execute("SELECT DISTINCT root FROM files ORDER BY root").fetchall()
            return Counts(
                roots=tuple(row[0] for row in roots),
                documents=statements.number(connection, "SELECT count(*) FROM documents"),
                chunks=statements.number(connection, "SELECT count(*) FROM chunks"),
                embedded=statements.number(connection, f"SELECT count(*) FROM vectors WHERE {in_active}"),
                failures=statements.number(connection, "SELECT count(*) FROM files WHERE outcome <> 'indexed'"),
                size_bytes=statements.size(Path(self.location)),
                quarantined=statements.number(connection, f"SELECT count(*) FROM quarantine WHERE {in_active}"),
                parted=statements.number(connection, f"SELECT count(*) FROM parted WHERE {in_active}"),
            )

    def close(self) -> None:
        self._database.close()

    def _missing_after(self, space: Space, last: int, batch: int) -> list[tuple[int, str, str, str]]:
        with self._database.reading() as connection:
            return connection.execute(
                f"SELECT id, heading, context, text FROM chunks WHERE id > :last AND {accounts.WAITING}"
                " ORDER BY id LIMIT :batch",
                {"last": last, "space": space.id, "batch": batch},
            ).fetchall()


class _Loaded:
    """What a store holds in memory of the space that was searched last, and up to where it has read."""

    def __init__(self) -> None:
        self.matrix = Matrix(0)
        self._space = 0
        self._generation = -1
        self._vector = 0
        self._removed = 0

    def refresh(self, connection: sqlite3.Connection, space: Space) -> None:
        generation = statements.number(connection, "SELECT number FROM generation")
        if space.id == self._space and generation == self._generation:
            return
        oldest = statements.number(connection, "SELECT coalesce(min(id), 0) FROM removed")
        if space.id != self._space or self._removed < oldest - 1:
            self.matrix = Matrix(space.dimensions)
            self._space, self._vector = space.id, 0
        else:
            gone = connection.execute("SELECT chunk FROM removed WHERE id > ?", [self._removed]).fetchall()
            if gone:
                self.matrix.remove(np.array([row[0] for row in gone], np.int64))
        self._removed = statements.number(connection, "SELECT coalesce(max(id), 0) FROM removed")
        self._read_new(connection, space)
        self._generation = generation

    def _read_new(self, connection: sqlite3.Connection, space: Space) -> None:
        with closing(
            connection.execute(
                "SELECT id, chunk, vector FROM vectors WHERE space = ? AND id > ? ORDER BY id",
                [space.id, self._vector],
            )
        ) as cursor:
            while rows := cursor.fetchmany(10_000):
                self.matrix.add(
                    np.array([row[1] for row in rows], np.int64),
                    unpack((row[2] for row in rows), space.dimensions),
                )
                self._vector = rows[-1][0]
