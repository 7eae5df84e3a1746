"""What only the SQLite store has: a file that may be missing, damaged, foreign, newer, or held by another process."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from search.errors import ConfigError, StoreMismatch, StoreUnavailable
from search.records import Space
from search.store import Filter
from search.store.database import SCHEMA
from search.store.migrations import migrations
from search.store.opening import open_store
from search.store.sqlite import SqliteStore
from tests.store.oracle import STATE, document, vector

SPACE = Space(0, "model", "digest", 16, "", "", "test:1")


def test_a_reader_sees_what_another_process_wrote(tmp_path: Path) -> None:
    """Two stores on one file: the generation tells the reader to read what is new."""
    with_writer, with_reader = SqliteStore(tmp_path / "i.db"), SqliteStore(tmp_path / "i.db")
    space = with_writer.space(SPACE)
    assert not len(with_reader.nearest(space, vector("q"), 5, Filter()).ids)
    with_writer.put("/root", "a", STATE, [document("a", ["alpha"])])
    for ids, texts in with_writer.missing(space, 10):
        with_writer.add(space, ids, np.stack([vector(text) for text in texts]))
    assert len(with_reader.nearest(space, vector("q"), 5, Filter()).ids) == 1
    with_writer.close()
    with_reader.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """One document, one transaction: half a document is never in the index."""
    store = SqliteStore(tmp_path / "i.db")
    store.put("/root", "a", STATE, [document("a", ["alpha"])])
    made, chunks = document("a", ["bravo", "charlie"])
    broken = [*chunks, None]
    with pytest.raises(AttributeError):
        store.put("/root", "a", STATE, [(made, broken)])  # type: ignore[list-item]
    assert store.text("/root", "a") == "alpha"
    assert not len(store.matching(["bravo"], 5, Filter()).ids)
    store.close()


@pytest.mark.parametrize("content", [b"this is no database at all, but a text file" * 100, b"\0" * 5000])
def test_a_file_that_is_no_index_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """Naming the wrong file must not harm it."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is not an index"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_the_migrations_are_those_that_a_database_is_asked_for() -> None:
    """Their names stand in two places, one of which is quick to import."""
    assert {migration.name for migration in migrations._migrations} == SCHEMA


def test_an_index_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An old program never writes into a schema that it doesn't know."""
    SqliteStore(tmp_path / "i.db").close()
    with sqlite3.connect(tmp_path / "i.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('semsearch', 'm999_later', '')"
        )
    connection.close()
    with pytest.raises(StoreMismatch, match="newer version"):
        SqliteStore(tmp_path / "i.db")


def test_locations_that_cannot_be_an_index(tmp_path: Path) -> None:
    """Each with what to do."""
    with pytest.raises(ConfigError, match="is a folder"):
        open_store(str(tmp_path), create=True)
    with pytest.raises(StoreUnavailable, match="run `ingest FOLDER` first"):
        open_store(str(tmp_path / "none.db"), create=False)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(str(tmp_path / "file" / "i.db"), create=True)


def test_threads_share_a_few_connections(tmp_path: Path) -> None:
    """A service's threads come and go; connections do not pile up with them."""
    store = SqliteStore(tmp_path / "i.db")
    for _ in range(20):
        thread = threading.Thread(target=store.counts)
        thread.start()
        thread.join()
    assert len(store._database._idle) == 1
    store.close()
    with pytest.raises(StoreUnavailable, match="has been closed"):
        store.counts()
