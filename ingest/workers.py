"""Reading in worker processes, with a limit of time and of memory for each file.

Extractors are native code fed with files from anywhere: one that hangs, crashes or eats the memory costs
its own file, with a reason, and its process is replaced. Texts that are not very long are read in this process:
they need no extractor, and a process takes longer to start than a megabyte of them to be read.
"""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING

from ingest import documents
from ingest.files import Found
from search.errors import DocumentError
from search.records import Document

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

HEAD = 8_192
"""Bytes that are looked at for what a file is."""
AHEAD = 2
"""Files that a process is given at most: the one it reads, and the next."""
GRACE_SECONDS, START_SECONDS = 1.0, 60.0
"""For a process that is told to leave, and for one to come up, which imports the extractors."""

Result = list[Document] | DocumentError


class Workers:
    """A pool of `count` processes; each file has `seconds` and, beyond what a process begins with, `megabytes`.

    Processes are started when there is something for them to do. Leaving the context ends them all.
    """

    def __init__(self, count: int, seconds: float, megabytes: int) -> None:
        self._count = max(count, 1)
        self._seconds = seconds
        self._megabytes = megabytes
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.end(0.0 if kind else GRACE_SECONDS)
        self._workers.clear()

    def read_all(self, found: Iterable[Found], root: str) -> Iterator[tuple[Found, Result]]:
        """Each file with its documents or the error that says why there are none, in no certain order."""
        waiting: deque[Found] = deque()
        for file in found:
            if file.size <= _readable_at_once(file):
                yield file, _read(file, root)
            else:
                waiting.append(file)
            self._hand_out(waiting, root)
            yield from self._collect(waiting, 0.0)
        while waiting or any(worker.files for worker in self._workers):
            self._hand_out(waiting, root)
            yield from self._collect(waiting, self._until_deadline())

    def _hand_out(self, waiting: deque[Found], root: str) -> None:
        """Gives each worker a file to read and one ahead, so that none waits for this process."""
        for depth in range(AHEAD):
            for worker in self._workers:
                if waiting and len(worker.files) == depth:
                    worker.give(waiting.popleft(), root)
            while depth == 0 and waiting and len(self._workers) < self._count:
                worker = _Worker(self._megabytes)
                self._workers.append(worker)
                worker.give(waiting.popleft(), root)

    def _collect(self, waiting: deque[Found], timeout: float) -> Iterator[tuple[Found, Result]]:
        """Results that have come; files of workers that died or are over their time are errors."""
        busy = {worker.connection: worker for worker in self._workers if worker.files}
        if not busy:
            return
        ready = wait(list(busy), timeout)
        for connection, worker in busy.items():
            if connection in ready:
                if worker.begins():
                    continue
                result = worker.take()
                file = worker.files.popleft()
                yield file, result if result is not None else self._lost(worker, file, waiting, late=False)
            elif worker.is_late(self._seconds):
                file = worker.files.popleft()
                yield file, self._lost(worker, file, waiting, late=True)

    def _lost(self, worker: _Worker, file: Found, waiting: deque[Found], *, late: bool) -> DocumentError:
        """Ends a worker for good; the files that it had not begun go back to the front."""
        code = worker.end(0.0)
        self._workers.remove(worker)
        waiting.extendleft(reversed(worker.files))
        if late:
            return DocumentError(file.name, f"reading it took longer than {self._seconds:g} seconds")
        return DocumentError(
            file.name,
            f"reading it needed more than {self._megabytes:,} MB of memory, or is more than the reader "
            f"can take (its process ended with code {code})",
        )

    def _until_deadline(self) -> float:
        deadlines = [worker.since + worker.allowed(self._seconds) for worker in self._workers if worker.files]
        return max(min(deadlines, default=0.0) - time.monotonic(), 0.0) + 0.01


class _Worker:
    """One process, and the files that it was given and has not answered, the one under way first."""

    def __init__(self, megabytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=_work, args=(theirs, megabytes), name="ingest-reader", daemon=True
        )
        self.process.start()
        theirs.close()
        self.files: deque[Found] = deque()
        self.since = time.monotonic()
        self._has_begun = False

    def begins(self) -> bool:
        """Whether what has come is the word that the process is up: a file's time runs from there on."""
        if self._has_begun:
            return False
        self._has_begun = self.take() is not None
        return self._has_begun

    def allowed(self, seconds: float) -> float:
        """The time that the current step may take: a file its own, the process's start another."""
        return seconds if self._has_begun else max(seconds, START_SECONDS)

    def give(self, file: Found, root: str) -> None:
        if not self.files:
            self.since = time.monotonic()
        self.files.append(file)
        with contextlib.suppress(OSError):  # it died: the next take() finds out
            self.connection.send((file, root))

    def take(self) -> Result | None:
        """The answer for the current file; None where the process is gone."""
        try:
            result: Result = self.connection.recv()
        except (EOFError, OSError):
            return None
        self.since = time.monotonic()
        return result

    def is_late(self, seconds: float) -> bool:
        return time.monotonic() - self.since > self.allowed(seconds) and not self._has_answered()

    def _has_answered(self) -> bool:
        try:
            return self.connection.poll()
        except OSError:
            return False

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def end(self, grace: float) -> int | None:
        """Waits so many seconds for the process to leave, then kills it; its exit code."""
        self.process.join(grace)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        code = self.process.exitcode
        self.connection.close()
        self.process.close()
        return code


def _work(connection: Connection, megabytes: int) -> None:
    """A worker's life: reads what it is sent until it is told to stop or nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it
    _limit_memory(megabytes)
    # Extractors print their crashes; the reason comes another way. Standard output may be lines of JSON.
    for output in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    with contextlib.suppress(EOFError, OSError):
        connection.send([])
        while (task := connection.recv()) is not None:
            file, root = task
            connection.send(_read(file, root))


def _readable_at_once(file: Found) -> int:
    """How many bytes of such a file would be read in this process."""
    if file.size > documents.LONG:
        return 0
    try:
        with file.path.open("rb") as opened:
            return documents.readable_at_once(file.name, opened.read(HEAD))
    except OSError:
        return documents.LONG  # whoever reads it has the reason


def _read(file: Found, root: str) -> Result:
    try:
        return documents.read(file.path, root, file.name)
    except DocumentError as error:
        return error
    except MemoryError:
        return DocumentError(file.name, "reading it needs more memory than is allowed for one file")
    except Exception as error:
        # A defect of a reader must cost this file only, and must be seen.
        return DocumentError(file.name, f"a defect in reading it: {type(error).__name__}: {error}")


def _limit_memory(megabytes: int) -> None:
    """A limit on the address space, where the system has one (POSIX); what is in use already comes on top."""
    if resource is None:
        return
    limit = _address_space() + megabytes * 1_000_000
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _address_space() -> int:
    """Bytes of address space in use, where the system tells (Linux), else 0."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0
