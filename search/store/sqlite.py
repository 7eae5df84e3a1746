"""The store in one SQLite file. The format in words: data/corpus/storage-format.md."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from search.catalog import Documents, DocumentText
from search.errors import DocumentMissing, StoreError
from search.records import Chunk, ChunkFailure, Document, DocumentRef, Failure, LedgerRow, Space
from search.store import (
    EMPTY,
    Account,
    Answers,
    Counts,
    FileState,
    Filter,
    Occurrence,
    Ranking,
    accounts,
    bm25,
    postings,
    reading,
    segments,
    statements,
)
from search.store.database import OLDER, Database
from search.store.index import CHECKED_AGAIN, EXACT_ROWS, VectorIndex
from search.store.rows import Rows
from search.vectors import Floats, Integers, pack

WORTH_A_WORD = 10_000
"""Making the keywords of so many chunks anew takes seconds: whoever waits is told why, on the standard error."""


class SqliteStore:
    """Implements `search.store.Store` on the file `path`, which is made where it is missing.

    Up to `exact_rows` vectors are compared one by one, more by codes in segments of `segment` vectors.
    """

    def __init__(self, path: Path, *, exact_rows: int = EXACT_ROWS, segment: int = segments.SEGMENT) -> None:
        self.location = str(path)
        self._database = Database(path)
        self._rows = Rows()
        self._index = VectorIndex(self._rows, exact_rows)
        self._exact_rows = exact_rows
        self._segment = segment
        self._keyword_index: bm25.Index | None = None
        self._make_keywords()
        self._make_codes()
        self._check_searches()

    @cached_property
    def answers(self) -> Answers:
        from search.store.answers import SqliteAnswers  # noqa: PLC0415 (no search needs it)

        return SqliteAnswers(self._database)

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
            postings.settle(connection)

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
            segments.renew(connection)
            return cursor.rowcount

    def space(self, wanted: Space) -> Space:
        for known in self.spaces():
            if known.fingerprint == wanted.fingerprint:
                return known
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE OR IGNORE spaces SET chunking = ? WHERE id = (SELECT id FROM spaces WHERE model = ?"
                " AND digest = ? AND dimensions = ? AND query_prefix = ? AND document_prefix = ?"
                " ORDER BY active DESC, id DESC LIMIT 1)",
                [wanted.chunking, *wanted.fingerprint[:5]],
            )
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

    def forget(self, space: Space) -> None:
        with self._database.writing() as connection:
            if connection.execute("SELECT active FROM spaces WHERE id = ?", [space.id]).fetchone() == (1,):
                raise StoreError(f"the space of {space.model} serves searches: switch to another one first")
            connection.execute("DELETE FROM vectors WHERE space = ?", [space.id])
            connection.execute("DELETE FROM spaces WHERE id = ?", [space.id])

    def missing(self, space: Space, batch: int, after: int = 0) -> Iterator[tuple[Integers, list[str]]]:
        last = after
        while rows := self._missing_after(space, last, batch):
            last = rows[-1][0]
            yield np.array([row[0] for row in rows], np.int64), [statements.embedded(*row[1:]) for row in rows]

    def embedded(self, space: Space, hashes: Sequence[str]) -> set[str]:
        with self._database.reading() as connection:
            return accounts.embedded(connection, space, hashes)

    def waiting(self, space: Space) -> int:
        with self._database.reading() as connection:
            quarantined = statements.number(connection, "SELECT count(*) FROM quarantine WHERE space = ?", [space.id])
            return statements.counter(connection) - statements.counter(connection, space.id) - quarantined

    def add(self, space: Space, ids: Integers, vectors: Floats, account: Account | None = None) -> None:
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
            if account:
                accounts.insert(connection, space, account)
            sealed = segments.seal(connection, space.id, self._segment)
        if sealed:
            self.check(space)

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
            return self._index.nearest(connection, space, vector, count, only)

    def matching(self, terms: Sequence[str], count: int, only: Filter) -> Ranking:
        if not terms:
            return EMPTY
        with self._database.reading() as connection:
            allowed = statements.allowed(connection, only) if only else None
            return bm25.rank(connection, self._keywords(connection), terms, count, allowed)

    def vectors(self, space: Space, ids: Integers) -> Floats:
        with self._database.reading() as connection:
            return self._rows.of_chunks(connection, space.id, ids, space.dimensions)

    def occurrences(self, ids: Integers, only: Filter) -> dict[int, list[Occurrence]]:
        condition, parameters = statements.condition(only)
        found: dict[int, list[Occurrence]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT root, path, title, type, chunks.id, {statements.CHUNK}"
                " FROM chunks JOIN spans ON spans.chunk = chunks.id"
                f" JOIN documents ON documents.id = spans.document WHERE chunks.id IN ({statements.marks(ids)})"
                f" AND {condition} ORDER BY root, path, spans.start",
                [*ids.tolist(), *parameters],
            )
            for root, path, title, type_, id_, *chunk in rows:
                document = DocumentRef(root, path, title, type_)
                found.setdefault(id_, []).append(Occurrence(id_, statements.chunk_ref(chunk), document))
        return found

    def languages(self) -> dict[str, int]:
        with self._database.reading() as connection:
            return dict(connection.execute(statements.LANGUAGES))

    def passing(self, only: Filter) -> int:
        with self._database.reading() as connection:
            return len(statements.allowed(connection, only)) if only else statements.counter(connection)

    def around(self, root: str, path: str, start: int, end: int, count: int) -> tuple[int, int]:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT min(near.start), max(near.end) FROM documents"
                " JOIN spans AS hit ON hit.document = documents.id AND hit.start = ? AND hit.end = ?"
                " JOIN spans AS near ON near.document = hit.document"
                " AND near.ordinal BETWEEN hit.ordinal - ? AND hit.ordinal + ? WHERE root = ? AND path = ?",
                [start, end, count, count, root, path],
            ).fetchone()
        return (start, end) if row[0] is None else (int(row[0]), int(row[1]))

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

    def lagging(self) -> list[tuple[str, str, int]]:
        with self._database.reading() as connection:
            return accounts.lagging(connection)

    def counts(self) -> Counts:
        with self._database.reading() as connection:
            in_active = "space = (SELECT id FROM spaces WHERE active)"
            roots = connection.execute("SELECT DISTINCT root FROM files ORDER BY root").fetchall()
            return Counts(
                roots=tuple(row[0] for row in roots),
                documents=statements.number(connection, "SELECT count(*) FROM documents"),
                chunks=statements.counter(connection),
                embedded=statements.number(
                    connection, f"SELECT coalesce(sum(number), 0) FROM counters WHERE {in_active}"
                ),
                failures=statements.number(connection, "SELECT count(*) FROM files WHERE outcome <> 'indexed'"),
                size_bytes=statements.size(Path(self.location)),
                quarantined=statements.number(connection, f"SELECT count(*) FROM quarantine WHERE {in_active}"),
                parted=statements.number(connection, f"SELECT count(*) FROM parted WHERE {in_active}"),
                languages={name: number for name, number in self.languages().items() if name},
            )

    def close(self) -> None:
        self._database.close()

    def check(self, space: Space) -> None:
        """Has the index check its recall where it has grown since the last time."""
        with self._database.reading() as connection:
            checked = statements.number(
                connection, "SELECT coalesce(sum(rows), 0) FROM scans WHERE space = ?", [space.id]
            )
            if statements.counter(connection, space.id) < CHECKED_AGAIN * checked:
                return
            found = self._index.check(connection, space)
        if found:
            with self._database.writing() as connection:
                connection.execute("UPDATE scans SET rows = ?, width = ? WHERE space = ?", [*found, space.id])

    def _make_keywords(self) -> None:
        """Makes the keyword index anew where it is missing or another version of the program made it."""
        with self._database.reading() as connection:
            stale = postings.stale(connection)
        if stale:
            with self._database.writing(why=OLDER) as connection:
                # Another process may have made it meanwhile.
                if postings.stale(connection):
                    if (chunks := statements.counter(connection)) >= WORTH_A_WORD:
                        _warn(f"{self.location}: making the keyword index anew from {chunks:,} passages, once")
                    postings.rebuild(connection)

    def _make_codes(self) -> None:
        """Makes the codes of vectors where another version of the program left none."""
        with self._database.reading() as connection:
            spaces = segments.untrained(connection, self._segment)
        for space in (space for space in self.spaces() if space.id in spaces):
            with self._database.writing(why=OLDER) as connection:
                # Another process may have made them meanwhile.
                if space.id not in segments.untrained(connection, self._segment):
                    continue
                if (vectors := statements.counter(connection, space.id)) >= WORTH_A_WORD:
                    _warn(f"{self.location}: making the codes of {vectors:,} vectors anew, once")
                connection.execute("DELETE FROM segments WHERE space = ?", [space.id])
                segments.seal(connection, space.id, self._segment)

    def _check_searches(self) -> None:
        """Has spaces checked that never were: another version of the program searched them in another way."""
        if self._database.read_only:
            return
        with self._database.reading() as connection:
            unchecked = segments.unchecked(connection, self._exact_rows)
        for space in (space for space in self.spaces() if space.id in unchecked):
            if (vectors := unchecked[space.id]) >= WORTH_A_WORD:
                _warn(f"{self.location}: checking how {vectors:,} vectors are searched, once")
            self.check(space)

    def _keywords(self, connection: sqlite3.Connection) -> bm25.Index:
        """The keyword index as this transaction sees it."""
        generation = statements.number(connection, "SELECT number FROM generation")
        index = self._keyword_index
        if index is None or index.generation != generation:
            index = self._keyword_index = bm25.load(connection, generation)
        return index

    def _missing_after(self, space: Space, last: int, batch: int) -> list[tuple[int, str, str, str]]:
        with self._database.reading() as connection:
            return connection.execute(
                f"SELECT id, heading, context, text FROM chunks WHERE id > :last AND {accounts.WAITING}"
                " ORDER BY id LIMIT :batch",
                {"last": last, "space": space.id, "batch": batch},
            ).fetchall()


def _warn(message: str) -> None:
    import logging  # noqa: PLC0415 (most processes have nothing to say)

    logging.getLogger(__name__).warning(message)
