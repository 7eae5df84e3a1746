"""Every benchmark starts where it stands, as anyone would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PROGRAMS = ["answers", "chunking", "ingest", "search_quality"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_benchmark_that_ingests_finds_the_package(name: str) -> None:
    """benchmarks/ingest.py stands in their folder and is not what they import."""
    command = [sys.executable, str(PROJECT / "benchmarks" / f"{name}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr
