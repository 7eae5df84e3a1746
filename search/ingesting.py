"""`ingest` as a process of its own, for the service: started, listened to, stopped.

The reading side never imports the writing side; it runs its command with --json and passes its events on.
The process ends when its standard input does, so it never outlives the service, however that ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Event = dict[str, Any]

EVENTS_KEPT = 10_000
END_SECONDS = 10.0


class Ingest:
    """One `ingest FOLDER` under way. `code` is its exit code, None while it runs.

    `heard` is told each event as it comes, in a thread of its own; where that fails, the ingest ends.
    """

    def __init__(
        self, folder: Path, database: str, options: Sequence[str] = (), heard: Callable[[Event], None] | None = None
    ) -> None:
        self.code: int | None = None
        self._heard = heard
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._count = 0
        self._news = threading.Condition()
        command = [sys.executable, "-P", "-m", "ingest", str(folder.absolute()), "--db", database]
        self._process = subprocess.Popen(
            [*command, "--json", "--until-eof", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._listener = threading.Thread(target=self._listen, name="ingest-events", daemon=True)
        self._listener.start()

    def wait(self, kind: str, seconds: float) -> bool:
        """Waits for the first event of a kind, or the end; whether one of these came in time."""
        with self._news:
            return self._news.wait_for(
                lambda: self.code is not None or any(event["type"] == kind for event in self._events), seconds
            )

    def events(self) -> Iterator[Event]:
        """All events from the first on, until the end; those that are not kept any more are counted in one."""
        told = 0
        while True:
            with self._news:
                self._news.wait_for(lambda: self.code is not None or self._count > told)  # noqa: B023
                missed = max(0, self._count - len(self._events) - told)
                fresh = list(self._events)[max(0, told + missed - self._count + len(self._events)) :]
                told, ended = self._count, self.code is not None
            if missed:
                yield {"type": "missed", "count": missed}
            yield from fresh
            if ended:
                return

    def stop(self) -> None:
        """Asks the process to end, and ends it where it doesn't; what it has read is kept."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        try:
            with self._process:  # whatever happens here, its pipes are closed, on which the process ends
                for line in self._process.stdout or ():
                    event: Event = json.loads(line)
                    with self._news:
                        self._events.append(event)
                        self._count += 1
                        self._news.notify_all()
                    if self._heard:
                        self._heard(event)
        finally:
            with self._news:
                self.code = self._process.wait()
                self._news.notify_all()
