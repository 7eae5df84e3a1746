"""Watching a real folder with the system's own notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest import lock, watching
from ingest.pipeline import Report
from search import uploads
from search.errors import ConfigError, ModelUnreachable, SearchError
from tests.waiting import wait_for


class Stopped(Exception):
    """Ends a watch that would go on for ever."""


class Watch:
    """A watch in a thread; `passes` counts, `failure` is raised by the next pass."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passes = self.paused = 0
        self.wait_for_news = False
        self.failure: Exception | None = None
        self.complaints: list[SearchError] = []
        self.ended: Exception | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def once(self, *, paused: Callable[[], bool], first: bool) -> Report:
        assert first == (self.passes == 0)
        self.passes += 1
        if self.wait_for_news:
            wait_for(paused)
            self.paused += 1
        failure, self.failure = self.failure, None
        if failure:
            raise failure
        return Report("/r")

    def _run(self) -> None:
        noise = watching.is_noise(self.folder, str(self.folder / "index.db"), hidden=False)
        try:
            watching.watch(self.folder, self.once, self.complaints.append, passed_over=noise, seconds=600)
        except Exception as error:
            self.ended = error

    def rest(self) -> int:
        """Waits until the passes of the beginning, or of a change, are over; how many there were."""
        wait_for(lambda: self.passes >= 2)
        passes = 0
        while passes < self.passes:
            passes = self.passes
            time.sleep(0.6)
        return passes

    def put(self, name: str, text: str) -> None:
        """Writes a file in one step: a busy machine may give two notices of a file that is made and then written."""
        (self.folder / ".part").write_text(text)
        (self.folder / ".part").replace(self.folder / name)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.failure = Stopped()
    (tmp_path / "stop.txt").write_text("stop")
    made.thread.join(20)
    assert isinstance(made.ended, Stopped | ConfigError)


def test_a_change_makes_a_pass_and_noise_does_not(watch: Watch) -> None:
    """Files of the index itself, hidden ones and repositories give none; an ignore file does."""
    watch.thread.start()
    before = watch.rest()
    for name in ("index.db", "index.db-wal", ".hidden", ".git/HEAD"):
        (watch.folder / name).parent.mkdir(exist_ok=True)
        (watch.folder / name).write_text("x")
    assert watch.rest() == before
    watch.put(".gitignore", "*.tmp")
    wait_for(lambda: watch.passes > before)
    before = watch.rest()
    watch.put("a.md", "text")
    wait_for(lambda: watch.passes > before)


def test_a_pass_under_way_learns_that_there_is_something_newer(watch: Watch) -> None:
    """So that it can leave the vectors for later."""
    watch.thread.start()
    watch.rest()
    watch.wait_for_news = True
    watch.put("a.md", "text")
    time.sleep(0.6)
    assert watch.paused == 0
    watch.wait_for_news = False
    watch.put("b.md", "text")
    wait_for(lambda: watch.paused == 1)


def test_a_model_that_fails_is_tried_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch does not end with it."""
    monkeypatch.setattr(watching, "RETRY_SECONDS", 0.01)
    watch.failure = ModelUnreachable("gone")
    watch.thread.start()
    wait_for(lambda: watch.passes >= 2)
    assert [str(error) for error in watch.complaints] == ["gone"]


def test_what_cannot_be_done_at_all_ends_the_first_pass(watch: Watch) -> None:
    """A wrong folder is said at once."""
    watch.failure = ConfigError("no folder")
    watch.thread.start()
    wait_for(lambda: watch.ended)
    assert isinstance(watch.ended, ConfigError)


def test_the_first_look_does_not_disturb_the_first_pass(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that another pass is needed, not that there is something newer: a first pass embeds all it has read."""
    monkeypatch.setattr(watching, "_LOOK_MS", 100)
    news: list[bool] = []

    def once(*, paused: Callable[[], bool], first: bool) -> Report:
        watch.passes += 1
        if first:
            time.sleep(0.6)
            news.append(paused())
        if watch.failure:
            raise watch.failure
        return Report("/r")

    monkeypatch.setattr(watch, "once", once)
    watch.thread.start()
    wait_for(lambda: watch.passes >= 2)
    assert news == [False]


def test_a_document_beside_the_index_is_no_noise(tmp_path: Path) -> None:
    """Though its name begins as the index's does."""
    noise = watching.is_noise(tmp_path, str(tmp_path / "index"), hidden=False)
    own = ("index", "index-wal", "index-shm", "index" + lock.SUFFIX)
    own += ("index" + uploads.SUFFIX, f"index{uploads.SUFFIX}/a.md", f"index{uploads.SUFFIX}/a\nb.md")
    assert all(noise(str(tmp_path / name)) for name in own)
    assert not any(noise(str(tmp_path / name)) for name in ("index.md", "indexes", "index.uploads.md"))
