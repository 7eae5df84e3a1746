"""The pool: results, and what a file that hangs, crashes or eats memory costs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.documents import LONG
from ingest.files import Found
from ingest.workers import Workers
from search.errors import DocumentError
from search.records import Document
from tests.waiting import wait_for

PROJECT = Path(__file__).parents[2]

Results = dict[str, list[Document] | DocumentError]

posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes and signals of POSIX systems")


def file_at(path: Path) -> Found:
    status = path.stat()
    return Found(path, path.name, status.st_size, status.st_mtime_ns)


def written(folder: Path, name: str, text: str) -> Found:
    (folder / name).write_text(text, encoding="utf-8")
    return file_at(folder / name)


def read(found: list[Found], folder: Path, *, seconds: float = 30.0, megabytes: int = 2000) -> Results:
    with Workers(2, seconds, megabytes) as pool:
        return {file.name: result for file, result in pool.read_all(found, str(folder))}


def texts(results: Results) -> dict[str, str]:
    return {name: result[0].text for name, result in results.items() if isinstance(result, list)}


def reasons(results: Results) -> dict[str, str]:
    return {name: result.reason for name, result in results.items() if isinstance(result, DocumentError)}


def hanging(folder: Path, name: str) -> Found:
    """A pipe that nobody writes to: opening it to read never returns."""
    os.mkfifo(folder / name)
    return Found(folder / name, name, LONG + 1, 0)


def readers() -> list[int]:
    """The ids of this process's readers."""
    return [one.pid for one in multiprocessing.active_children() if one.name == "ingest-reader" and one.pid]


def test_every_file_comes_back_once(tmp_path: Path) -> None:
    """Small texts read here, and files of unknown kinds read in a worker, all come back."""
    found = [written(tmp_path, f"{n}.md", f"# Note {n}") for n in range(20)]
    found += [written(tmp_path, f"{n}.unknown", f"words {n}") for n in range(20)]
    results = read(found, tmp_path)
    assert len(results) == 40
    assert texts(results)["7.md"] == "# Note 7"
    assert texts(results)["7.unknown"] == "words 7"


def readers_of(text: str, folder: Path, name: str = "a.md") -> list[str]:
    """The processes that are started for a file."""
    with Workers(2, 30.0, 2000) as pool:
        list(pool.read_all([written(folder, name, text)], str(folder)))
        return [one.name for one in multiprocessing.active_children() if one.name == "ingest-reader"]


def test_small_texts_start_no_process(tmp_path: Path) -> None:
    """A folder of ordinary texts pays for no worker."""
    assert not readers_of("words " * 100_000, tmp_path)
    assert not readers_of("words " * 10_000, tmp_path, "a.html")
    assert readers_of("words " * 100_000, tmp_path, "a.html")


@pytest.mark.parametrize(
    "head", ["%PDF-1.7\n", "{\\rtf1 ", "PK\x03\x04", "From ada@example.org Mon\n", "Message-ID: <1>\nMIME-Version: 1\n"]
)
def test_what_is_only_named_like_a_text_is_read_in_a_process(head: str, tmp_path: Path) -> None:
    """Extractors are behind these."""
    assert readers_of(head, tmp_path) == ["ingest-reader"]


def test_unreadable_file_is_an_error_with_its_reason(tmp_path: Path) -> None:
    """A worker hands a DocumentError over whole."""
    results = read([written(tmp_path, "broken.pdf", "")], tmp_path)
    assert reasons(results) == {"broken.pdf": "the file is empty"}


@posix
def test_a_file_that_hangs_costs_itself_only(tmp_path: Path) -> None:
    """Over its time a file is given up with a reason, and the others are read, those behind it too."""
    found = [hanging(tmp_path, "hangs.bin"), *(written(tmp_path, f"{n}.unknown", "words") for n in range(6))]
    results = read(found, tmp_path, seconds=3.0)
    assert reasons(results) == {"hangs.bin": "reading it took longer than 3 seconds"}
    assert len(texts(results)) == 6


@posix
def test_a_worker_that_dies_costs_one_file(tmp_path: Path) -> None:
    """Killed in the middle of a file, a worker is replaced and the rest is read."""
    found = [hanging(tmp_path, "crashes.bin"), *(written(tmp_path, f"{n}.unknown", "words") for n in range(6))]

    def kill() -> None:
        wait_for(readers)
        os.kill(readers()[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    with Workers(1, 30.0, 2000) as pool:
        killer.start()
        results = {file.name: result for file, result in pool.read_all(found, str(tmp_path))}
    killer.join()
    assert list(reasons(results)) == ["crashes.bin"]
    assert "ended with code -9" in reasons(results)["crashes.bin"]
    assert len(texts(results)) == 6


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not enforce a limit on the address space")
def test_a_file_that_needs_too_much_memory(tmp_path: Path) -> None:
    """Beyond the limit of memory a file fails with that reason, and the worker goes on."""
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(400_000_000)
    results = read([file_at(huge), written(tmp_path, "small.unknown", "words")], tmp_path, megabytes=100)
    assert "memory" in reasons(results)["huge.bin"]
    assert texts(results) == {"small.unknown": "words"}


def test_leaving_early_ends_all_processes(tmp_path: Path) -> None:
    """A consumer that stops in the middle, as on Ctrl-C, leaves no process behind."""
    found = [written(tmp_path, f"{n}.unknown", "words") for n in range(10)]

    def stop_at_the_first() -> None:
        with Workers(2, 30.0, 2000) as pool:
            for _ in pool.read_all(found, str(tmp_path)):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_at_the_first()
    assert not [one for one in multiprocessing.active_children() if one.name == "ingest-reader"]


@posix
def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Even kill -9 of the program leaves no readers behind."""
    program = (
        "import sys, multiprocessing\n"
        "from pathlib import Path\n"
        "from ingest.files import Found\n"
        "from ingest.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    path = Path(sys.argv[1])\n"
        "    with Workers(1, 30.0, 2000) as pool:\n"
        "        for _ in pool.read_all([Found(path, path.name, 5, 0)], str(path.parent)):\n"
        "            print(*[one.pid for one in multiprocessing.active_children()], flush=True)\n"
        "            sys.stdin.read()\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    file = written(tmp_path, "a.unknown", "words")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, str(script), str(file.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert pids
    wait_for(lambda: not any(map(is_running, pids)))


def test_what_a_reader_prints_gets_into_no_output() -> None:
    """A program that reads the events of an ingest would take it for one."""
    program = (
        "import os\n"
        "from multiprocessing import Pipe\n"
        "from ingest import workers\n"
        "workers._read = lambda *_: os.write(1, b'noise')\n"
        "ours, theirs = Pipe()\n"
        "ours.send((None, ''))\n"
        "ours.send(None)\n"
        "workers._work(theirs, 2000)\n"
        "assert (ours.recv(), ours.recv()) == ([], 5)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, cwd=PROJECT)
    assert (done.returncode, done.stdout) == (0, b"")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state != "Z"
