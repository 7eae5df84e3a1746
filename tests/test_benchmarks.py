"""Every benchmark starts where it stands, as anyone would run it."""

from __future__ import annotations

import importlib.util
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


def test_a_line_ends_at_a_line_feed_only(tmp_path: Path) -> None:
    """Other separators of lines stand in texts of the collections."""
    specification = importlib.util.spec_from_file_location("json_lines", PROJECT / "benchmarks" / "json_lines.py")
    assert specification
    assert specification.loader
    json_lines = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(json_lines)
    (tmp_path / "corpus.jsonl").write_text('{"text": "one\u2028two\x85"}\n\n{"text": "three"}\n', encoding="utf-8")
    assert [line["text"] for line in json_lines.read(tmp_path / "corpus.jsonl")] == ["one\u2028two\x85", "three"]
