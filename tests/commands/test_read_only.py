"""An index that may be read and not written: searched by every command, and changed by none."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.store import Filter
from search.store.sqlite import SqliteStore
from tests.store.oracle import STATE, document
from tests.test_flow import PROJECT, environment

WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Permissions bind root too."""


@pytest.fixture
def db(handbook: Path, tmp_path: Path) -> Iterator[Path]:
    """An index in a folder of its own, which can be removed again."""
    if os.name != "posix" or (os.geteuid() == 0 and not shutil.which("setpriv")):
        pytest.skip("permissions bind nobody here")
    (tmp_path / "shared").mkdir()
    yield Path(shutil.copy(handbook, tmp_path / "shared" / "index.db"))
    (tmp_path / "shared").chmod(0o755)


def run(*arguments: str, db: Path, code: int) -> str:
    """A command as a user without privileges; gives what it printed."""
    command = [*(WITHOUT_PRIVILEGES if os.geteuid() == 0 else ()), sys.executable, "-m", *arguments, "--db", str(db)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=PROJECT, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("closed", ["file", "folder", "both"])
def test_a_read_only_index_is_searched_and_left_alone(db: Path, closed: str) -> None:
    """No file is made beside it, and what would change it fails in words."""
    if closed != "folder":
        db.chmod(0o444)
    if closed != "file":
        db.parent.chmod(0o555)
    assert "vector" in run("search", "query", "where are vectors kept", db=db, code=0)
    assert "read-only for you" in run("search", "status", db=db, code=0)
    assert [path.name for path in db.parent.iterdir()] == ["index.db"]
    assert "read-only for you" in run("search", "ask", "Where are vectors kept?", "--save", db=db, code=0)
    refused = run("ingest", str(PROJECT / "data" / "corpus" / "guide"), db=db, code=2)
    assert "read-only for you" in refused or "cannot be written" in refused


def test_what_a_killed_writer_left_is_read(db: Path) -> None:
    """What is not in the file itself yet is no less true."""
    code = (
        f"import os, sqlite3; c = sqlite3.connect({str(db)!r}); c.execute('DELETE FROM files'); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert db.with_name("index.db-wal").stat().st_size
    db.parent.chmod(0o555)
    assert "folders:        none yet" in run("search", "status", db=db, code=0)


def test_an_index_of_an_older_version_says_why_it_cannot_be_read(db: Path) -> None:
    """It would have to be written first."""
    with sqlite3.connect(db) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm008_cells'")
    connection.close()
    db.chmod(0o444)
    assert "was made by an older version" in run("search", "query", "vectors", db=db, code=2)


def test_a_reader_sees_what_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who may: the reader takes the file for unchanging only as long as it is."""
    writer = SqliteStore(tmp_path / "i.db")
    writer.put("/root", "a", STATE, [document("a", ["alpha"])])
    writer.close()
    with monkeypatch.context() as patched:
        patched.setattr("search.store.database.is_read_only", lambda _: True)
        reader = SqliteStore(tmp_path / "i.db")
    assert len(reader.matching(["alpha"], 5, Filter()).ids) == 1
    writer = SqliteStore(tmp_path / "i.db")
    writer.put("/root", "b", STATE, [document("b", ["alpha bravo"])])
    assert len(reader.matching(["alpha"], 5, Filter()).ids) == 2
    writer.put("/root", "c", STATE, [document("c", ["alpha charlie"])])
    assert len(reader.matching(["alpha"], 5, Filter()).ids) == 3
    writer.close()
    writer = SqliteStore(tmp_path / "i.db")
    assert writer.drop("/root", ["a", "b"]) == 2
    writer.close()
    assert len(reader.matching(["alpha"], 5, Filter()).ids) == 1
    reader.close()
