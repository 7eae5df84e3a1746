"""An ingest that is cut off anywhere goes on, and ends as one that nothing disturbed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from ingest import lock, pipeline
from search import embed
from search.errors import StoreUnavailable
from search.ollama.client import Client
from search.store.database import Database
from search.store.opening import open_store
from search.store.sqlite import SqliteStore
from tests.fake_ollama import FakeOllama
from tests.ingest.states import state

if os.name == "nt":
    pytest.skip("kill -9 and kill -STOP are POSIX's", allow_module_level=True)

KILLS = 50
CUTS = 3


def ingest(folder: str, db: str, url: str) -> None:
    """One whole run, as the command makes it."""
    with lock.held(db, folder), Client(url) as client:
        store = open_store(db, create=True)
        try:
            pipeline.ingest(
                Path(folder), store, lambda: embed.describe(client, "all-minilm"), lambda _: None, workers=1
            )
        finally:
            store.close()


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported, so that a kill hits the ingest and not its start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ingest.test_killed", "ingest.documents.office"])
    return context


class Folder:
    """A folder whose files change at random, all with times that are long past."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self.chance = chance
        self.names: list[str] = []
        path.mkdir()
        for _ in range(25):
            self.change()

    def change(self) -> None:
        """Writes, edits, renames or deletes one file."""
        if len(self.names) < 20 or self.chance.random() < 0.4:
            self._write(f"{self.chance.randrange(10**9)}.md", self._text())
            return
        name = self.chance.choice(self.names)
        match self.chance.randrange(3):
            case 0:
                self._write(name, self._text())
            case 1:
                os.rename(self.path / name, self.path / f"moved-{name}")
                self.names[self.names.index(name)] = f"moved-{name}"
            case _:
                (self.path / name).unlink()
                self.names.remove(name)

    def _write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")
        os.utime(self.path / name, ns=(1, self.chance.randrange(10**18)))
        if name not in self.names:
            self.names.append(name)

    def _text(self) -> str:
        """Sections of a few paragraphs; some stand in several files."""
        parts = []
        for _ in range(self.chance.randrange(1, 5)):
            kind = self.chance.randrange(30)
            parts.append(f"# Part {kind}\n\n" + f"Words number {kind} of this part. " * 40)
        return "\n\n".join(parts)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "docs", random.Random(5))


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama(seconds_per_text=0.0005) as made:
        yield made


def start(processes: ForkServerContext, folder: Folder, db: Path, fake: FakeOllama) -> ForkServerProcess:
    process = processes.Process(target=ingest, args=(str(folder.path), str(db), fake.url))
    process.start()
    return process


def undisturbed(processes: ForkServerContext, folder: Folder, db: Path, fake: FakeOllama) -> float:
    """A whole run; how many seconds it took."""
    began = time.monotonic()
    process = start(processes, folder, db, fake)
    process.join(60)
    assert process.exitcode == 0
    return time.monotonic() - began


def test_killed_at_random_moments_it_ends_in_the_same_state(
    tmp_path: Path, processes: ForkServerContext, folder: Folder, fake: FakeOllama
) -> None:
    """kill -9 while the folder changes; then the index is compared, row by row, with one made in one go."""
    db, chance, killed = tmp_path / "index.db", random.Random(7), 0
    undisturbed(processes, folder, tmp_path / "warm.db", fake)
    seconds = undisturbed(processes, folder, tmp_path / "timed.db", fake)
    while killed < KILLS:
        if killed % 5 == 0:
            db.unlink(missing_ok=True)  # from nothing again: the schema is cut off too
            Path(f"{db}-wal").unlink(missing_ok=True)
            Path(f"{db}-shm").unlink(missing_ok=True)
        process = start(processes, folder, db, fake)
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        process.join()
        if process.exitcode == 0:
            seconds *= 0.8  # what was measured on a busy machine is too long on an idle one
        else:
            assert process.exitcode == -signal.SIGKILL
            killed += 1
        folder.change()
    undisturbed(processes, folder, db, fake)
    undisturbed(processes, folder, tmp_path / "whole.db", fake)
    assert state(db) == state(tmp_path / "whole.db")


def test_files_copied_in_the_middle_of_a_write_are_enough(
    tmp_path: Path, processes: ForkServerContext, folder: Folder, fake: FakeOllama
) -> None:
    """A power cut: what is on disk at one moment, with the end of the write-ahead log missing or torn."""
    chance = random.Random(11)
    undisturbed(processes, folder, tmp_path / "warm.db", fake)
    seconds = undisturbed(processes, folder, tmp_path / "whole.db", fake)
    whole = state(tmp_path / "whole.db")
    for number in range(CUTS):
        running, copy = tmp_path / f"{number}.db", tmp_path / f"copy{number}.db"
        process = start(processes, folder, running, fake)
        time.sleep(chance.uniform(0.2, 0.9) * seconds)
        assert process.pid
        with contextlib.suppress(ProcessLookupError):  # it was quick, and has ended
            os.kill(process.pid, signal.SIGSTOP)
        for suffix in ("", "-wal"):
            if (source := Path(f"{running}{suffix}")).exists():
                shutil.copyfile(source, f"{copy}{suffix}")
        process.kill()
        process.join()
        if (log := Path(f"{copy}-wal")).exists() and number % 3:
            tear(log, chance)
        undisturbed(processes, folder, copy, fake)
        assert state(copy) == whole


def tear(log: Path, chance: random.Random) -> None:
    """Cuts the end of a log that was never copied back (under 1,000 pages), or fills it with noise."""
    size = log.stat().st_size
    assert size < 1_000 * 4_096
    keep = chance.randrange(size + 1)
    with log.open("r+b") as file:
        file.truncate(keep)
        if chance.random() < 0.5:
            file.seek(keep)
            file.write(chance.randbytes(size - keep))


def test_a_full_disk_is_said_and_the_next_run_goes_on(
    tmp_path: Path, folder: Folder, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space left in the middle: an error in words; with space again the state is the whole one."""
    ingest(str(folder.path), str(tmp_path / "whole.db"), fake.url)
    SqliteStore(tmp_path / "index.db").close()
    empty, full = (pages(tmp_path / name) for name in ("index.db", "whole.db"))
    prepare = Database._prepare
    for share in (0.1, 0.5, 0.9):
        limit = empty + int((full - empty) * share)

        def limited(database: Database, connection: sqlite3.Connection, limit: int = limit) -> None:
            prepare(database, connection)
            connection.execute(f"PRAGMA max_page_count = {limit}")

        with monkeypatch.context() as patched:
            patched.setattr(Database, "_prepare", limited)
            with pytest.raises(StoreUnavailable, match="no space left"):
                ingest(str(folder.path), str(tmp_path / "index.db"), fake.url)
    ingest(str(folder.path), str(tmp_path / "index.db"), fake.url)
    assert state(tmp_path / "index.db") == state(tmp_path / "whole.db")


def pages(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])


def test_a_second_ingest_says_who_holds_the_index(tmp_path: Path, processes: ForkServerContext) -> None:
    """Process, host, folder and time; a holder that was killed holds nothing."""
    db = str(tmp_path / "new" / "index.db")
    ready = processes.Event()
    process = processes.Process(target=hold, args=(db, ready))
    process.start()
    assert ready.wait(20)
    heard: list[str] = []
    words = f"process {process.pid} on .*, of /papers, since 20"
    with pytest.raises(StoreUnavailable, match=words), lock.held(db, "/mine", 0.2, heard.append):
        pass
    assert len(heard) == 1
    process.kill()
    process.join()
    with lock.held(db, "/mine", 5.0):
        pass


def hold(db: str, ready: object) -> None:
    with lock.held(db, "/papers"):
        ready.set()  # type: ignore[attr-defined]
        time.sleep(60)


def test_a_second_ingest_waits_for_the_first(tmp_path: Path) -> None:
    """When the first ends in time, the second goes on."""
    db = str(tmp_path / "index.db")
    with lock.held(db, "/first"):  # noqa: SIM117 (the inner one is refused)
        with pytest.raises(StoreUnavailable), lock.held(db, "/second", 0.0):
            pass
    with lock.held(db, "/second", 0.0):
        pass
