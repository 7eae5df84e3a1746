"""Files whose names are more than one line: whatever lists files has a line for each, and JSON has the name itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_flow import PROJECT, environment, run

NAME, SHOWN = "notes\nof\x1b[31m may\u2028.md", r"notes\nof\x1b[31m may\u2028.md"


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, two of whose files have the strangest names, one of them no text."""
    made = tmp_path_factory.mktemp("names") / "do\ncs"
    made.mkdir()
    (made / NAME).write_text("The pineapple stands in the kitchen.")
    (made / "zwnj \u200c nbsp \u00a0.md").write_text("Another pineapple, with a name in use.")
    (made / "bad\n.pdf").write_bytes(b"\x7fELF\0\0\0")
    return made


@pytest.fixture(scope="module")
def db(docs: Path) -> Path:
    """Their index."""
    made = docs.parent / "index.db"
    assert len(run("ingest", str(docs), db=made, code=1).splitlines()) == 2
    return made


def lines(*arguments: str, db: Path, code: int = 0) -> list[str]:
    return re.split(r"[\n\u2028]", run(*arguments, db=db, code=code).rstrip("\n"))


def test_lists_of_files_have_a_line_each(db: Path, docs: Path) -> None:
    """Of a search, of what failed, and of the status; a name that only looks odd stands as it is."""
    found = lines("search", "query", "pineapple", "--files", db=db)
    shown = str(docs).replace("\n", r"\n")
    assert sorted(found) == [f"{shown}/{SHOWN}", f"{shown}/zwnj \u200c nbsp \u00a0.md"]
    assert lines("search", "ask", "Where does the pineapple stand?", "--files", db=db) == [f"{shown}/{SHOWN}"]
    assert any(line.startswith(f"1. {SHOWN}") for line in lines("search", "query", "kitchen", db=db))
    failed = lines("ingest", "failures", db=db, code=1)
    assert failed[0].startswith(rf"failed: bad\n.pdf (in {shown}): ")
    assert len(failed) == 2
    assert failed[0].replace(f" (in {shown})", "") in lines("search", "status", db=db)
    assert f"folders:        {shown}" in lines("search", "status", db=db)


def test_a_dry_run_and_a_run_have_a_line_each(docs: Path) -> None:
    """On standard error too."""
    planned = lines("ingest", str(docs), "--dry-run", db=docs.parent / "none.db", code=1)
    assert sorted(line.split(": ")[0] for line in planned if line[0] in "+!") == sorted(
        [r"! bad\n.pdf", f"+ {SHOWN}", "+ zwnj \u200c nbsp \u00a0.md"]
    )
    command = [sys.executable, "-m", "ingest", str(docs), "--db", str(docs.parent / "again.db")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=PROJECT, check=False)
    assert done.stderr.startswith(r"failed: bad\n.pdf: ")
    assert done.stderr.count("\n") == 1


def test_json_has_the_name_itself(db: Path) -> None:
    """For programs."""
    hits = json.loads(run("search", "query", "kitchen", "--json", db=db))["hits"]
    assert NAME in [hit["document"]["path"] for hit in hits]
