"""One SQLite file: connections, transactions, and sqlite3's errors in our words. Knows no table but its own.

A thread at work has a connection to itself, out of a pool; writing goes through one transaction at a time.
A file that is not ours to write is read all the same, without the files that SQLite would put beside it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import StoreError, StoreMismatch, StoreUnavailable

BUSY_SECONDS = 30.0

READ_CACHE, WRITE_CACHE = 500, 8_000
"""Kilobytes of pages that each connection keeps. A search is no quicker with more: the operating system's cache is
behind it. A transaction that changes more than that writes pages more than once."""

SCHEMA = frozenset(
    (
        "m001_first",
        "m002_embedding_accounts",
        "m003_codes",
        "m004_language",
        "m005_keywords",
        "m006_answers",
        "m007_rows",
        "m008_cells",
        "m009_widths",
    )
)
"""The migrations that a database of this version has had: those of `search.store.migrations`, by name. They stand here
too since to import them, with sqlite-utils, takes as long as a search, and nearly every database has had them."""

READ_ONLY = (
    "the index {path} is read-only for you, or its folder is: {why}; copy it to a folder of yours, or name another "
    "with --db"
)
UNCHANGED = "it can be searched, not changed"
OLDER = "it was made by an older version, which needs changes before it can be searched"


def is_read_only(path: Path) -> bool:
    """Whether there is a file that may be read at most, since it or its folder may not be written."""
    return path.exists() and not all(os.access(place, os.W_OK) for place in (path, path.parent))


class Database:
    """The file at `path`, made where it is missing and brought up to the newest schema.

    `read_only` where it is there, and it or its folder is not ours to write.
    Raises StoreUnavailable where it cannot be opened, StoreMismatch where a newer version made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with translated(self.path):
            self.read_only = is_read_only(path)
            self._seen = self._state()
        self._current = threading.local()
        self._idle: list[sqlite3.Connection] = []
        self._writing = threading.RLock()
        self._closed = False
        try:
            with translated(self.path):
                if not self.read_only:
                    path.parent.mkdir(parents=True, exist_ok=True)
                with self._lent() as connection:
                    self._bring_up(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose reads all see one state of the database."""
        with translated(self.path), self._lent() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, *, searched: bool = True, why: str = UNCHANGED) -> Iterator[sqlite3.Connection]:
        """One transaction, nothing of which is kept where it fails. It bumps the generation, unless it changes nothing
        that is `searched`: readers would read anew what is the same. Raises StoreUnavailable for a read-only one."""
        self._check_writable(why)
        with translated(self.path), self._writing, self._lent() as connection:
            connection.execute(f"PRAGMA cache_size = -{WRITE_CACHE}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                if searched:
                    connection.execute("UPDATE generation SET number = number + 1")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes the connections; those in use close when they are given back."""
        self._closed = True
        self._drop_idle()

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread, the same one within itself; an idle one where there is one."""
        current: sqlite3.Connection | None = getattr(self._current, "connection", None)
        if current is not None:
            yield current
            return
        if self._closed:
            raise StoreUnavailable(f"the index {self.path} has been closed")
        if (seen := self._state()) != self._seen:
            self._drop_idle()
            self._seen = seen
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        self._current.connection = connection
        try:
            yield connection
        finally:
            self._current.connection = None
            self._idle.append(connection)
            if self._closed or seen != self._seen:
                self._drop_idle()

    def _check_writable(self, why: str) -> None:
        if self.read_only:
            raise StoreUnavailable(READ_ONLY.format(path=self.path, why=why))

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _state(self) -> tuple[int, ...]:
        """What tells that somebody else has changed a read-only file: a connection that takes it for unchanging does
        not see it. The last number is the size of what is written but not in the file yet."""
        if not self.read_only:
            return ()
        found, log = self.path.stat(), self.path.with_name(self.path.name + "-wal")
        return found.st_ino, found.st_size, found.st_mtime_ns, log.stat().st_size if log.exists() else 0

    def _connect(self) -> sqlite3.Connection:
        where: str | Path = self.path
        if self.read_only:
            # SQLite makes two files beside one that it reads, unless that is said to be unchanging: then it would not
            # see what stands in the first of these.
            mode = "mode=ro" if self._seen[-1] else "mode=ro&immutable=1"
            where = f"{self.path.absolute().as_uri()}?{mode}"
        connection = sqlite3.connect(
            where, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=self.read_only
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        if not self.read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{READ_CACHE}")

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        """Has the database make the migrations that it lacks."""
        applied = _applied(connection)
        if applied - SCHEMA:
            raise StoreMismatch(
                f"the index {self.path} was made by a newer version of semsearch: upgrade semsearch, "
                "or ingest into another file (--db)"
            )
        if applied != SCHEMA:
            self._check_writable(OLDER)
            from search.store.migrations import apply  # noqa: PLC0415 (see SCHEMA)

            apply(connection)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns sqlite3's errors, and the operating system's, into StoreError with words."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _in_our_words(error, path) from error


def _applied(connection: sqlite3.Connection) -> frozenset[str]:
    """The migrations that a database has had, from sqlite-utils' account of them."""
    if not connection.execute("SELECT EXISTS (SELECT * FROM sqlite_master WHERE name = ?)", [_ACCOUNT]).fetchone()[0]:
        return frozenset()
    rows = connection.execute(f"SELECT name FROM {_ACCOUNT} WHERE migration_set = 'semsearch'")
    return frozenset(row[0] for row in rows)


_ACCOUNT = "_sqlite_migrations"


def _in_our_words(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    text = str(error)
    for marks, words in _WORDS:
        if any(mark in text for mark in marks):
            return StoreUnavailable(words.format(path=path, text=text))
    return (StoreUnavailable if isinstance(error, OSError) else StoreError)(f"the index {path} failed: {text}")


_WORDS = (
    (
        ("not a database", "file is encrypted"),
        "{path} is not an index of semsearch: name another file with --db or SEARCH_DB",
    ),
    (("malformed",), "the index {path} is damaged ({text}): move it away and ingest again, or restore a backup"),
    (("locked", "busy"), "the index {path} is being written by another process: try again when that is done"),
    (("full", "No space left"), "no space left for the index {path}: free some and run it again"),
    (
        ("disk I/O",),
        "the index {path} could not be read or written ({text}): its disk is full, over a limit or failing",
    ),
    (
        ("readonly", "unable to open", "[Errno"),
        "the index {path} cannot be opened or written ({text}): check that its folder exists and is yours",
    ),
)
"""What marks an error, and what to say of it."""
