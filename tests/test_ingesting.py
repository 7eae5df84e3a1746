"""`ingest` as a process of a service, and whoever waits for it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from search.commands import serve
from search.ingesting import Event, Ingest


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_waits_is_told_the_end_though_an_event_cannot_be_told(tmp_path: Path) -> None:
    """They would wait for ever."""

    def tell(_: Event) -> None:
        raise ValueError("a defect")

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Bring the red umbrella.")
    ingest = Ingest(tmp_path / "docs", str(tmp_path / "index.db"), ["--watch"], tell)
    try:
        assert ingest.wait("never", 30)
        assert ingest.code is not None
        assert list(ingest.events())
    finally:
        ingest.stop()


def test_a_service_whose_output_nobody_reads_goes_on_with_its_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `search serve docs | head -1`."""

    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    counts = dict.fromkeys(("indexed", "partial", "removed", "failed", "embedded", "waiting", "seen"), 1)
    event = {"type": "report", "root": "/docs"} | counts
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        serve._print(event)
    serve._tell(event)
