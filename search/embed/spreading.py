"""Batches over all hosts of a client, by work stealing: whichever host is free takes the next one.

A host that does not answer gives its batch back and is left alone for a while, then tried again; the run fails
only when no host has answered several times in a row. Towards the end an idle host also takes a batch that
another one has had for too long. Each batch comes out once, whoever embedded it. One host is no special case.
Vectors of different models cannot be compared, so a host is used only once its digest of the model
has been seen to be the right one, and again after it was away.

A server has one batch at a time: a text that makes its runner crash would take a second one down with it. The
embedded model has two, so that all cores work on one while the other is packed, sent and unpacked in this process.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from search.embed import batches, models
from search.embed.batches import Embedded
from search.embed.ledger import Ledger
from search.embed.models import Model
from search.errors import ModelBusy, ModelMissing, ModelUnreachable
from search.ollama.client import Client
from search.vectors import Integers

Batch = tuple[Integers, list[str]]

LONGEST_WAIT = 30.0
"""Seconds for which a host that does not answer is left alone at most."""
LATE = 4.0
"""A batch is late when it takes this many times as long as the others did."""
TICK = 0.2
"""Seconds after which a waiting thread looks around: a wait without end cannot be interrupted everywhere."""


def spread(
    model: Model, source: Iterator[Batch], stopped: Callable[[], bool] = bool
) -> Iterator[tuple[Integers, Embedded]]:
    """Each batch of ids (n,) and texts with what became of it, in the order in which they are done.

    `source` is read by the calling thread, only as far ahead as keeps the hosts busy; an empty batch of it says that
    there is nothing yet, and it is asked again, as often as it takes its time. When `stopped` turns true,
    what hosts are at is still waited for, and nothing else is begun. Raises ModelError.
    """
    clients = [client for client in model.client.each for _ in range(2 if client.host.embedded else 1)]
    run = _Run(model, len(clients))
    workers = [threading.Thread(target=run.work, args=one, daemon=True) for one in enumerate(clients)]
    for worker in workers:
        worker.start()
    try:
        for number, ids in run.feed(source, stopped):
            yield ids, run.done.pop(number)
    finally:
        run.close()
        for worker in workers:
            # One that is at a dead host for minutes yet is not waited for: it can do no harm.
            worker.join(TICK)


@dataclass(eq=False)
class _Job:
    """A batch that is not done; `since` when which hosts have been at it."""

    number: int
    texts: list[str]
    hosts: set[str] = field(default_factory=set)
    since: float = 0.0


class _Run:
    """What the workers share, the threads that each send a host one batch at a time. `changed` guards everything."""

    def __init__(self, model: Model, workers: int) -> None:
        self.model = model
        self.done: dict[int, Embedded] = {}
        self._workers = workers
        self._accounts = Ledger()
        self._limits: dict[str, int] = {}
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._open: dict[int, _Job] = {}
        self._failures: dict[int, int] = {}
        self._seconds: list[float] = []
        self._results: SimpleQueue[int | BaseException] = SimpleQueue()
        self._all_read = self._closed = False

    # ------------------------------------------------------------------ the calling thread

    def feed(self, source: Iterator[Batch], stopped: Callable[[], bool]) -> Iterator[tuple[int, Integers]]:
        """Reads batches ahead and gives the numbers and ids of those that are done. Raises what ended the run."""
        ids: dict[int, Integers] = {}
        number = 0
        while True:
            if stopped():
                for withdrawn in self._withdraw():
                    del ids[withdrawn]
            while not self._all_read and len(ids) < 2 * self._workers + 1:
                if (batch := next(source, None)) is None:
                    self._all_read = True
                    break
                if not batch[1]:
                    break
                ids[number] = batch[0]
                self._put(_Job(number, batch[1]))
                number += 1
            if not ids and self._all_read:
                return
            if ids and (finished := self._next_result()) is not None:
                yield finished, ids.pop(finished)

    def close(self) -> None:
        """Tells the threads to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _withdraw(self) -> list[int]:
        """Takes back what no host has begun; the numbers of these batches."""
        with self._changed:
            withdrawn = [job.number for job in self._waiting]
            self._waiting.clear()
            for number in withdrawn:
                del self._open[number]
            self._all_read = True
            self._changed.notify_all()
            return withdrawn

    def _put(self, job: _Job) -> None:
        with self._changed:
            self._open[job.number] = job
            self._waiting.append(job)
            self._changed.notify()

    def _next_result(self) -> int | None:
        """The number of a batch that is done; None where there is none yet."""
        try:
            result = self._results.get(timeout=TICK)
        except Empty:
            return None
        if isinstance(result, BaseException):
            raise result
        return result

    # ------------------------------------------------------------------ a worker

    def work(self, worker: int, client: Client) -> None:
        """Takes batches until there are none; a trouble that ends the run is raised in the calling thread."""
        host, known = client.host.url, False
        try:
            while (job := self._take(host)) is not None:
                try:
                    if not known:
                        self._check(client)
                        known = True
                    made = batches.embed(self.model, client, job.texts, self._accounts, self._limits)
                except (ModelUnreachable, ModelBusy) as error:
                    known = False
                    self._give_back(job, host)
                    self._rest(worker, error)
                else:
                    self._finish(job, worker, made)
        except BaseException as error:
            self._results.put(error)

    def _check(self, client: Client) -> None:
        found = models.installed(client, self.model.name)
        if found != self.model.digest:
            raise ModelMissing(
                f"{client.host.url} has another {self.model.name} (digest {found[:19]}) than the other hosts "
                f"({self.model.digest[:19]}), and their vectors cannot be mixed: run `ollama pull {self.model.name}` "
                "on all hosts, or take this one out of OLLAMA_HOST"
            )

    def _take(self, host: str) -> _Job | None:
        """The next batch for a host; None when there will be none. Waits while others may still give one back."""
        with self._changed:
            while not self._closed:
                if self._waiting:
                    job = self._waiting.popleft()
                elif (late := self._late(host)) is not None:
                    job = late
                elif self._all_read and not self._open:
                    return None
                else:
                    self._changed.wait(TICK)
                    continue
                job.hosts.add(host)
                job.since = time.monotonic()
                return job
            return None

    def _late(self, host: str) -> _Job | None:
        """A batch that another host has had for too long."""
        if not self._seconds:
            return None
        patience = max(TICK, LATE * sum(self._seconds) / len(self._seconds))
        overdue = (job for job in self._open.values() if host not in job.hosts and job.hosts)
        return next((job for job in overdue if time.monotonic() - job.since > patience), None)

    def _give_back(self, job: _Job, host: str) -> None:
        with self._changed:
            job.hosts.discard(host)
            if job.number in self._open and not job.hosts:
                self._waiting.appendleft(job)
            self._changed.notify_all()

    def _rest(self, worker: int, error: ModelUnreachable | ModelBusy) -> None:
        """Leaves a host alone for a while. Raises the error where no host has answered for too long."""
        with self._changed:
            failures = self._failures[worker] = self._failures.get(worker, 0) + 1
            if len(self._failures) == self._workers and min(self._failures.values()) >= models.TRIES:
                raise error
            retry_after = error.retry_after if isinstance(error, ModelBusy) else None
            wait = min(retry_after or models.FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
            self._changed.wait_for(lambda: self._closed or not (self._open or not self._all_read), wait)

    def _finish(self, job: _Job, worker: int, made: Embedded) -> None:
        with self._changed:
            self._failures.pop(worker, None)
            if self._open.pop(job.number, None) is not None:
                self.done[job.number] = made
                self._seconds.append(made.row.seconds)
                self._results.put(job.number)
            self._changed.notify_all()
