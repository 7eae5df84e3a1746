"""What the tests share."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fake_ollama import FakeOllama

# A run that a shell has put into the background ignores interrupts, and so would all the commands that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast a busy machine tries an example says nothing of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def fake_ollama() -> Iterator[FakeOllama]:
    """A fake Ollama on a free port, with one embedding model and two chat models."""
    with FakeOllama() as fake:
        yield fake


@pytest.fixture(scope="session")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of four pages of the handbook, made by `ingest` with the embedded model."""
    project = Path(__file__).parents[1]
    made = tmp_path_factory.mktemp("handbook")
    (made / "docs").mkdir()
    for name in ("README.md", "storage-format.md", "glossary.txt", "guide/getting-started.md"):
        shutil.copy(project / "data" / "corpus" / name, made / "docs")
    command = [sys.executable, "-m", "ingest", str(made / "docs"), "--db", str(made / "index.db")]
    subprocess.run(command, check=True, capture_output=True, cwd=project)
    return made / "index.db"
