"""Every benchmark starts where it stands, as anyone would run it, and says how."""

from __future__ import annotations

import ast
import importlib.util
import re
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


@pytest.mark.parametrize("path", sorted((PROJECT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_says_what_its_options_do(path: Path) -> None:
    """At the top of its file, where one looks first."""
    text = path.read_text(encoding="utf-8")
    described = ast.get_docstring(ast.parse(text)) or ""
    options = {name for name, more in re.findall(r'add_argument\(\s*"(--[\w-]+)"(.*)', text) if "SUPPRESS" not in more}
    assert {option for option in options if option not in described} == set()


def test_a_line_ends_at_a_line_feed_only(tmp_path: Path) -> None:
    """Other separators of lines stand in texts of the collections."""
    specification = importlib.util.spec_from_file_location("json_lines", PROJECT / "benchmarks" / "json_lines.py")
    assert specification
    assert specification.loader
    json_lines = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(json_lines)
    (tmp_path / "corpus.jsonl").write_text('{"text": "one\u2028two\x85"}\n\n{"text": "three"}\n', encoding="utf-8")
    assert [line["text"] for line in json_lines.read(tmp_path / "corpus.jsonl")] == ["one\u2028two\x85", "three"]
