"""Ingests that were asked for over HTTP: one at a time, in order, each with a record of how it went."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from search.errors import StoreUnavailable
from search.ingesting import Event, Ingest

WAITING_AT_MOST = 16
KEPT = 100

State = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Job:
    """An ingest that was asked for.

    `done`: its report says what was indexed and what failed. `failed`: `error` says why it could not be done.
    Times are in seconds since the epoch.
    """

    id: str
    folder: str
    state: State = "waiting"
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    progress: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    options: tuple[str, ...] = field(default=(), repr=False)


class Jobs:
    """The ingests of one index. Close it: what runs is stopped, and what it has read is kept."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._running: dict[str, Ingest] = {}
        self._news = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def start(self, folder: Path, options: Sequence[str] = ()) -> Job:
        """A job that ingests the folder; one that waits for the same already is that one.

        Raises StoreUnavailable where too many wait.
        """
        with self._news:
            waiting = [job for job in self._jobs.values() if job.state == "waiting"]
            for job in waiting:
                if (job.folder, job.options) == (str(folder), tuple(options)):
                    return job
            if len(waiting) >= WAITING_AT_MOST:
                raise StoreUnavailable(f"{WAITING_AT_MOST} ingests wait already: try again when some are done")
            job = Job(secrets.token_hex(8), str(folder), created=time.time(), options=tuple(options))
            self._jobs[job.id] = job
            ended = [job.id for job in self._jobs.values() if job.ended is not None]
            for old in ended[: max(0, len(self._jobs) - KEPT)]:
                del self._jobs[old]
                self._running.pop(old, None)
            self._news.notify_all()
            return job

    def all(self) -> list[Job]:
        """The jobs that are kept, oldest first."""
        with self._news:
            return list(self._jobs.values())

    def get(self, id: str) -> Job | None:
        """A job as it is now."""
        with self._news:
            return self._jobs.get(id)

    def wait(self, id: str, seconds: float) -> Job | None:
        """The job when it has ended or the time is over."""
        with self._news:
            self._news.wait_for(lambda: self._ended(id), seconds)
            return self._jobs.get(id)

    def events(self, id: str) -> Iterator[Event]:
        """The events of a job from its beginning to its end; the last one is the job itself."""
        with self._news:
            self._news.wait_for(lambda: id in self._running or self._ended(id))
            ingest = self._running.get(id)
        if ingest:
            yield from ingest.events()
        job = self.wait(id, 60.0)
        yield {"type": "job", "id": id, "state": job.state if job else "stopped", "error": job.error if job else None}

    def stop(self, id: str) -> Job | None:
        """Ends a job, whether it runs or waits."""
        with self._news:
            job, ingest = self._jobs.get(id), self._running.get(id)
            if job and job.ended is None:
                self._jobs[id] = replace(job, state="stopped", ended=time.time())
                self._news.notify_all()
        if job and job.ended is None and ingest:
            ingest.stop()
        return self.get(id)

    def close(self) -> None:
        """Stops everything."""
        with self._news:
            self._closed = True
            unfinished = [job.id for job in self._jobs.values() if job.ended is None]
            self._news.notify_all()
        for id in unfinished:
            self.stop(id)
        self._worker.join()

    def _ended(self, id: str) -> bool:
        job = self._jobs.get(id)
        return self._closed or job is None or job.ended is not None

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state == "waiting"), None)

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or self._next())
                job = self._next()
                if self._closed or job is None:
                    return
                self._jobs[job.id] = replace(job, state="running", started=time.time())
                try:
                    ingest = self._begun(job)
                except (OSError, ValueError) as error:
                    self._end(job.id, {"type": "StoreError", "message": f"the ingest could not be started: {error}"})
                    continue
                self._running[job.id] = ingest
                self._news.notify_all()
            for _ in ingest.events():
                pass
            self._finish(job.id, ingest.code)

    def _begun(self, job: Job) -> Ingest:
        options = ["--wait", *job.options]
        return Ingest(Path(job.folder), self._database, options, lambda event: self._hear(job.id, event))

    def _end(self, id: str, error: dict[str, str] | None) -> None:
        state: State = "failed" if error else "done"
        self._jobs[id] = replace(self._jobs[id], state=state, ended=time.time(), error=error)
        self._news.notify_all()

    def _hear(self, id: str, event: Event) -> None:
        with self._news:
            job = self._jobs.get(id)
            if job is None:
                return
            body = {name: value for name, value in event.items() if name != "type"}
            if event["type"] == "progress":
                self._jobs[id] = replace(job, progress=body)
            elif event["type"] == "report":
                self._jobs[id] = replace(job, report=body)
            elif event["type"] == "error":
                self._jobs[id] = replace(job, error=event["error"])

    def _finish(self, id: str, code: int | None) -> None:
        with self._news:
            job = self._jobs[id]
            if job.ended is None:
                died = {"type": "StoreError", "message": f"the ingest ended with code {code}: see the service's output"}
                done = job.report is not None and not job.error
                error = None if done else job.error or died
                self._end(id, error)
            else:
                self._news.notify_all()
