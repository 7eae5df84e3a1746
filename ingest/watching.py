"""Passes of the one ingest over and over: when the folder changes, and now and then in any case.

A notice of the system only says that there is something to look at: what there is to do is found by the pass,
so a notice that is lost costs time and nothing else. Knows no index and no model.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import watchfiles

from ingest import changes, files
from ingest.pipeline import Report
from search.errors import ConfigError, ModelError, SearchError, StoreUnavailable

SWEEP_SECONDS, BLIND_SWEEP_SECONDS = 300.0, 30.0
"""Between two passes without a notice, and where the system gives none."""

RETRY_SECONDS = 5.0
"""Before the first pass after one that failed; twice as long after each further one."""

SLOW_SECONDS = 5.0
"""After a pass whose reading took longer there is a pause of the same length."""

INTERRUPTIBLE_SECONDS = 0.5
"""A wait of the main thread is no longer: on Windows, Ctrl-C is not seen within one."""

_QUIET_MS, _GROUP_MS, _LOOK_MS = 50, 400, 1_000
"""watchfiles' own: changes are one notice until nothing has changed for 50 ms, or 400 ms after the first; after a
second without any change it says so."""


class Pass(Protocol):
    """One ingest of the folder; `paused` turns true when there is something newer to read."""

    def __call__(self, *, paused: Callable[[], bool], first: bool) -> Report: ...


def watch(
    folder: Path,
    once: Pass,
    complain: Callable[[SearchError], None],
    *,
    passed_over: Callable[[str], bool],
    seconds: float = SWEEP_SECONDS,
) -> None:
    """Makes passes for ever. What fails after the first pass is told to `complain` and tried again.

    Changes of paths that `passed_over` names (absolute) are not looked at.
    Raises what the first pass raises, unless it is a ModelError: the model may come back.
    """
    notices = _Notices(folder, passed_over)
    failures, first = 0, True
    while True:
        notices.changed.clear()
        notices.began.clear()
        took = 0.0
        try:
            took = once(paused=notices.changed.is_set, first=first).text_seconds
            failures = 0
        except (ModelError, ConfigError, StoreUnavailable) as error:
            if first and not isinstance(error, ModelError):
                raise
            complain(error)
            failures += 1
        first = False
        pause = min(RETRY_SECONDS * 2 ** (failures - 1), seconds) if failures else seconds
        end = time.monotonic() + (min(pause, BLIND_SWEEP_SECONDS) if notices.blind else pause)
        while time.monotonic() < end and not notices.began.is_set():
            if notices.changed.wait(INTERRUPTIBLE_SECONDS):
                break
        # In a tree that never rests, passes that are slow take at most half of the time.
        time.sleep(took if took > SLOW_SECONDS else 0.0)


class _Notices:
    """A thread that sets `changed` when something in the folder did; `blind` where the system gives no notices.

    What changed before the first look has given no notice: `began` says that another pass has to find it. It doesn't
    say that there is something newer than what a pass is at.
    """

    def __init__(self, folder: Path, passed_over: Callable[[str], bool]) -> None:
        self.changed = threading.Event()
        self.began = threading.Event()
        self.blind = False
        self._folder = folder
        self._passed_over = passed_over
        threading.Thread(target=self._listen, name="watch", daemon=True).start()

    def _listen(self) -> None:
        first = True
        try:
            for noticed in watchfiles.watch(
                self._folder,
                watch_filter=lambda _, path: not self._passed_over(path),
                debounce=_GROUP_MS,
                step=_QUIET_MS,
                rust_timeout=_LOOK_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                if noticed:
                    self.changed.set()
                if first:
                    self.began.set()
                first = False
        except (OSError, RuntimeError):
            # No inotify watches left, a folder that cannot be watched: sweeps have to do.
            pass
        self.blind = True


def is_noise(folder: Path, index: str, *, hidden: bool) -> Callable[[str], bool]:
    """Tells paths that no pass would read: the index's own files and, unless wanted, hidden ones."""
    own = str(Path(index).expanduser().absolute().resolve())
    roots = {str(folder.absolute()), str(folder.resolve())}

    def judge(path: str) -> bool:
        if changes.is_own(path, own):
            return True
        inner = next((path[len(root) :] for root in roots if path.startswith(root)), path)
        parts = Path(inner.lstrip("/\\")).parts
        if not parts or parts[-1] in files.IGNORE_FILES:
            return False
        return any(part in files.REPOSITORIES or (part.startswith(".") and not hidden) for part in parts)

    return judge
