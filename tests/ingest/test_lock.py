"""One ingest at a time, on Windows too: with a stand-in for its byte locks, as `msvcrt` documents them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest import lock
from search.errors import StoreUnavailable


class ByteLocks:
    """msvcrt.locking: from the file's position on, by handle; refused with EACCES where another handle holds it."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        self.held: dict[tuple[int, int], int] = {}

    def locking(self, handle: int, mode: int, count: int) -> None:
        assert count == 1
        byte = os.fstat(handle).st_ino, os.lseek(handle, 0, os.SEEK_CUR)
        if mode == self.LK_NBLCK and byte not in self.held:
            self.held[byte] = handle
        elif mode == self.LK_UNLCK and self.held.get(byte) == handle:
            del self.held[byte]
        else:
            raise OSError(errno.EACCES, "Permission denied")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> ByteLocks:
    locks = ByteLocks()
    monkeypatch.setattr(lock, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(lock, "msvcrt", locks, raising=False)
    return locks


def test_on_windows_the_second_is_told_who_holds_the_index(tmp_path: Path, windows: ByteLocks) -> None:
    """The text that says so is not behind the lock, and is gone with it."""
    index = str(tmp_path / "index.db")
    told: list[str] = []
    with lock.held(index, "/first"):
        ((_, byte),) = windows.held
        assert byte > 1_000_000
        with pytest.raises(StoreUnavailable, match="of /first"), lock.held(index, "/second", 0.0, told.append):
            pass
        assert len(windows.held) == 1
    assert windows.held == {}
    with lock.held(index, "/second", 0.0, told.append):
        assert len(windows.held) == 1
    assert told == []


def test_a_hold_ends_with_what_it_is_for(tmp_path: Path, windows: ByteLocks) -> None:
    """Also where that fails."""
    with pytest.raises(ValueError, match="the ingest"), lock.held(str(tmp_path / "index.db"), "/f"):
        raise ValueError("the ingest")
    assert windows.held == {}
    assert lock.path_of(str(tmp_path / "index.db")).read_bytes() == b""
