"""From a folder to a cited answer, with nothing replaced: the commands, the embedded model, the HTTP service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.waiting import wait_for

PROJECT = Path(__file__).parents[1]
CORPUS = PROJECT / "data" / "corpus"


def run(*arguments: str, db: Path, code: int = 0) -> str:
    """Runs `ingest ...` or `search ...`; gives its standard output."""
    command = [sys.executable, "-m", arguments[0], *arguments[1:], "--db", str(db)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment(), cwd=PROJECT, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code < 2 else done.stderr


def environment() -> dict[str, str]:
    """The environment without the user's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEARCH_", "OLLAMA_"))}
    return kept | {"OLLAMA_HOST": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handbook, ingested."""
    made = tmp_path_factory.mktemp("flow") / "index.db"
    assert "0 failed" in run("ingest", str(CORPUS), db=made)
    return made


def test_a_second_ingest_does_nothing_and_says_so(db: Path) -> None:
    """Nothing changed."""
    assert "nothing changed" in run("ingest", str(CORPUS), db=db)


def test_the_report_as_json_reconciles(db: Path) -> None:
    """For programs: one JSON object a line, the report last."""
    report = json.loads(run("ingest", str(CORPUS), "--json", db=db).splitlines()[-1])
    assert report["type"] == "report"
    parts = ("indexed", "partial", "failed", "unchanged", "skipped")
    assert report["seen"] == sum(report[part] for part in parts) > 25


def test_query_finds_by_meaning(db: Path) -> None:
    """The words of the question need not stand in the document."""
    found = json.loads(run("search", "query", "which setting names the file of the index", "--json", db=db))
    assert found["mode"] == "hybrid"
    assert any("SEARCH_DB" in hit["chunk"]["text"] for hit in found["hits"][:5])


def test_ask_quotes_sentences_with_their_span(db: Path) -> None:
    """Without a chat model the answer is quoted, and each quotation stands where it says."""
    whole = json.loads(run("search", "ask", "Which environment variable names the index?", "--json", db=db))
    assert whole["how"] == "extracts"
    sources = {source["n"]: source for source in whole["sources"]}
    for sentence in whole["sentences"]:
        (citation,) = sentence["citations"]
        chunk = sources[citation["source"]]["chunk"]
        start = citation["start"] - chunk["start"]
        quoted = chunk["text"][start : start + citation["end"] - citation["start"]]
        assert sentence["text"] == f"{quoted} [{citation['source']}]"


def test_ask_refuses_what_the_documents_do_not_speak_of(db: Path) -> None:
    """Exit code 1, and no answer."""
    assert "do not seem to answer" in run("search", "ask", "How do I bake sourdough bread?", db=db, code=1)


def test_status_counts(db: Path) -> None:
    """What the index holds."""
    status = json.loads(run("search", "status", "--json", db=db))
    assert status["documents"] >= 25
    assert status["embedded"] == status["chunks"] > 100
    assert status["space"]["model"] == "all-minilm"


def test_errors_are_sentences(tmp_path: Path) -> None:
    """Exit code 2 and what to do, no traceback."""
    assert "run `ingest FOLDER` first" in run("search", "query", "x", db=tmp_path / "none.db", code=2)
    assert "nowhere" in run("ingest", str(tmp_path / "nowhere"), db=tmp_path / "i.db", code=2)
    assert "the query is empty" in run("search", "query", " ", db=tmp_path / "i.db", code=2)


def test_nothing_found_is_exit_code_1(db: Path) -> None:
    """As grep does."""
    run("search", "query", "vectors", "--path", "nothing/*", db=db, code=1)


@contextmanager
def serving(*arguments: str, db: Path) -> Iterator[httpx.Client]:
    """`search serve` on a free port, until the block ends."""
    command = [sys.executable, "-m", "search", "serve", *arguments, "--port", "0", "--db", str(db)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), cwd=PROJECT
    ) as process:
        try:
            assert process.stdout
            address = next(match for line in process.stdout if (match := re.search(r"http://[\d.:]+", line)))
            with httpx.Client(base_url=address[0], timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.stdout.read() if process.stdout else None
            assert process.wait(20) == 0


def test_serve_ingests_a_folder_and_answers_over_http(tmp_path: Path) -> None:
    """README's first command: one folder, searchable and answering."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "trip.md").write_text("# Trip\n\nWe leave for Lisbon on Monday at nine.\n", encoding="utf-8")
    with serving(str(tmp_path / "docs"), db=tmp_path / "new" / "index.db") as client:
        hits = client.get("/search", params={"q": "when does the journey start?"}).json()["hits"]
        assert hits[0]["document"]["path"] == "trip.md"
        assert hits[0]["chunk"]["heading"] == ["Trip"]
        answer = client.post("/ask", json={"question": "When do we leave for Lisbon?"}).json()
        assert "Monday at nine" in answer["answer"]
        assert client.get("/status").json()["documents"] == 1


@pytest.mark.parametrize("way", ["terminate", "kill"])
def test_a_service_that_ends_takes_its_ingest_with_it(tmp_path: Path, way: str) -> None:
    """However it ends while a long ingest goes on, no process is left behind."""
    (tmp_path / "docs").mkdir()
    for number in range(40):
        words = " ".join(f"word{number}x{i}" for i in range(4_000))
        (tmp_path / "docs" / f"{number}.txt").write_text(words, encoding="utf-8")
    command = [sys.executable, "-m", "search", "serve", str(tmp_path / "docs"), "--port", "0"]
    command += ["--db", str(tmp_path / "index.db")]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment(), cwd=PROJECT, stdout=log, stderr=log) as process,
    ):
        wait_for(lambda: process.poll() is not None or ingests(process.pid))
        assert process.poll() is None, (tmp_path / "log").read_text()
        (child,) = ingests(process.pid)
        getattr(process, way)()
        assert process.wait(20) == (0 if way == "terminate" else -9)
    wait_for(lambda: not Path(f"/proc/{child}").exists())


def ingests(parent: int) -> list[int]:
    """The child processes of a service (Linux)."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        pytest.skip("needs /proc/PID/task/PID/children to see child processes")
    return [int(pid) for pid in children.read_text().split()]


def test_serving_an_index_that_is_not_there_makes_none(tmp_path: Path) -> None:
    """A mistyped name is said, as by the other commands; with a folder the index is made."""
    db = tmp_path / "typo.db"
    assert "there is no index at" in run("search", "serve", "--port", "0", db=db, code=2)
    assert "is not a folder" in run("search", "serve", str(tmp_path / "nowhere"), "--port", "0", db=db, code=2)
    assert not db.exists()
    (tmp_path / "docs").mkdir()
    with serving(str(tmp_path / "docs"), db=db) as client:
        assert client.get("/status").json()["documents"] == 0


def test_a_taken_port_is_said_at_once(tmp_path: Path, db: Path) -> None:
    """Before anything is ingested."""
    with serving(db=db) as client:
        port = str(client.base_url.port)
        assert "choose another with --port" in run("search", "serve", "--port", port, db=db, code=2)
    assert tmp_path.exists()
