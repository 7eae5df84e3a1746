"""The command `ingest` as a program runs it: options, events, watching, failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest import lock
from ingest.__main__ import main
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.store import Filter
from search.store.sqlite import SqliteStore
from tests.fake_ollama import FakeOllama
from tests.waiting import wait_for

PROJECT = Path(__file__).parents[2]


class Place:
    """A folder and an index."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "docs"
        self.db = tmp_path / "index.db"
        self.folder.mkdir()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def ingest(self, *options: str) -> int:
        return main([str(self.folder), "--db", str(self.db), *options])

    def found(self, word: str) -> list[str]:
        store = SqliteStore(self.db)
        places = store.occurrences(store.matching([word], 10, Filter()).ids, Filter())
        store.close()
        return sorted({place.document.path for of_one in places.values() for place in of_one})


@pytest.fixture
def place(tmp_path: Path, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    monkeypatch.setenv("SEARCH_EMBED_MODEL", "all-minilm")
    return Place(tmp_path)


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_globs_sizes_and_hidden_files_decide_what_is_read(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """And what was read before and isn't wanted any more leaves the index."""
    place.write("a.md", "umbrella")
    place.write("drafts/b.md", "umbrella")
    place.write("c.txt", "umbrella " * 300)
    place.write(".d.md", "umbrella")
    place.ingest("--json")
    assert place.found("umbrella") == ["a.md", "c.txt", "drafts/b.md"]
    place.ingest("--json", "--exclude", "drafts/", "--max-size", "0.001", "--hidden")
    assert place.found("umbrella") == [".d.md", "a.md"]
    place.ingest("--json", "--include", "*.txt")
    assert place.found("umbrella") == ["c.txt"]
    assert [event["removed"] for event in events(capsys) if event["type"] == "report"] == [0, 2, 2]


@pytest.mark.parametrize(
    "arguments",
    [["--max-size", size] for size in ("nan", "inf", "-1", "0", "x")] + [["--include", g] for g in ("", "[")],
)
def test_what_would_leave_out_everything_is_refused(place: Place, arguments: list[str]) -> None:
    """A slip of the finger must not empty the index."""
    place.write("a.md", "umbrella")
    place.ingest()
    if arguments[0] == "--include":
        assert place.ingest(*arguments) == 2
    else:
        with pytest.raises(SystemExit, match="2"):
            place.ingest(*arguments)
    assert place.found("umbrella") == ["a.md"]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be read, embedded and removed is what the run then does; the seconds come from the model's speed."""
    place.write("a.md", "umbrella")
    assert place.ingest("--dry-run", "--json") == 0
    assert not place.db.exists()
    *_, planned = events(capsys)
    assert (planned["type"], planned["read"], planned["embed"]) == ("plan", 1, 1)
    place.ingest("--json")
    place.write("same.md", "umbrella")
    place.write("b.md", "parasol " * 50)
    place.write("c.pdf", "%PDF-1.7 broken")
    (place.folder / "a.md").unlink()
    capsys.readouterr()
    before = place.db.read_bytes()
    assert place.ingest("--dry-run", "--json") == 1
    assert place.db.read_bytes() == before
    *found, planned = events(capsys)
    assert {event["path"]: event["action"] for event in found} == {
        "a.md": "remove",
        "b.md": "read",
        "c.pdf": "fail",
        "same.md": "read",
    }
    assert planned["seconds"] > 0
    assert planned["model"] == "all-minilm"
    place.ingest("--json")
    report = events(capsys)[-1]
    assert (planned["read"], planned["fail"], planned["remove"], planned["embed"], planned["chunks"]) == (
        report["indexed"],
        report["failed"],
        report["removed"],
        report["embedded"],
        report["chunks"],
    )
    assert place.ingest("--dry-run") == 1
    assert "nothing would be embedded" in capsys.readouterr().out


def test_an_unchanged_file_is_read_again_on_demand(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """And embedded only where its text is another."""
    place.write("a.md", "umbrella")
    place.write("b.md", "parasol")
    place.ingest("--json")
    place.ingest("--json", "--reread", "a*")
    report = events(capsys)[-1]
    assert (report["indexed"], report["unchanged"], report["embedded"]) == (1, 1, 0)


def test_the_index_inside_the_folder_is_not_read(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor are the files beside it."""
    place.db = place.folder / "index.db"
    place.write("a.md", "umbrella")
    assert place.ingest("--json") == 0
    assert place.ingest("--json") == 0
    report = events(capsys)[-1]
    assert report["failed"] == 0
    assert all(problem["reason"] == "it is the index itself" for problem in report["problems"])


def test_what_is_not_searchable_is_listed_with_what_to_do(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that failed, and passages without a vector; nothing where all is well."""
    place.write("a.md", "umbrella")
    assert place.ingest() == 0
    assert main(["failures", "--db", str(place.db)]) == 0
    place.write("b.pdf", "%PDF-1.7 broken")
    place.write("c.md", "parasol")
    assert place.ingest() == 1
    store = SqliteStore(place.db)
    with store._database.writing() as connection:
        connection.execute("DELETE FROM vectors WHERE chunk IN (SELECT id FROM chunks WHERE text = 'parasol')")
    store.close()
    capsys.readouterr()
    assert main(["failures", "--db", str(place.db), "--json"]) == 1
    failed, waiting = events(capsys)
    assert (failed["path"], failed["outcome"]) == ("b.pdf", "failed")
    assert len(failed["reason"]) > 10
    assert failed["remedy"]
    assert (waiting["path"], waiting["outcome"], waiting["chunks"]) == ("c.md", "waiting", 1)
    assert main(["failures", "--db", str(place.db)]) == 1
    assert "  -> " in capsys.readouterr().out


def test_failures_of_no_index_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, in words."""
    assert main(["failures", "--db", str(tmp_path / "none.db")]) == 2
    assert "there is no index" in capsys.readouterr().err


def test_a_second_ingest_says_who_is_at_work(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2; for programs as an event too."""
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.1)
    with lock.held(str(place.db), "/papers"):
        assert place.ingest("--json") == 2
    (error,) = events(capsys)
    assert error["error"]["type"] == "StoreUnavailable"
    assert f"process {os.getpid()}" in error["error"]["message"]


def test_a_url_is_refused_as_an_index_before_anything_is_made(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the file that is held while an ingest is at work."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main([str(place.folder), "--db", "postgresql://server/db"]) == 2
    assert "an index is a file so far" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@contextmanager
def watching(place: Place, *starter: str) -> Iterator[Iterator[dict[str, Any]]]:
    """`ingest --watch` as a process, by its events; it is told to end as by a parent that has gone."""
    command = [sys.executable, "-m", "ingest", str(place.folder), "--db", str(place.db), "--watch", "--json"]
    with subprocess.Popen(
        [*starter, *command, "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield (json.loads(line) for line in process.stdout)
        finally:
            process.stdin.close()
            try:
                assert process.wait(20) == 130
            finally:
                process.kill()


def reported(seen: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    """The first report that counts something of that name."""
    return next(event for event in seen if event["type"] == "report" and event[name])


def test_watching_takes_in_what_is_written_renamed_and_deleted(place: Place) -> None:
    """By the code of the one-shot run: its reports say what was done."""
    place.write("a.md", "umbrella")
    with watching(place) as seen:
        assert reported(seen, "indexed")["embedded"] == 1
        place.write("b.md", "parasol")
        reported(seen, "indexed")
        assert place.found("parasol") == ["b.md"]
        (place.folder / "b.md").rename(place.folder / "c.md")
        renamed = reported(seen, "removed")
        assert (renamed["indexed"], renamed["embedded"]) == (1, 0)
        (place.folder / "a.md").unlink()
        reported(seen, "removed")
        assert place.found("umbrella") == []


@pytest.mark.skipif(os.name != "posix", reason="a shell that puts commands into the background")
def test_watching_ends_with_its_parent_where_interrupts_are_ignored(place: Place) -> None:
    """As in what a script starts with `&`."""
    place.write("a.md", "umbrella")
    with watching(place, "sh", "-c", 'trap "" INT; exec "$@"', "sh") as seen:
        reported(seen, "indexed")


def test_an_edit_is_searchable_while_vectors_are_made(place: Place, fake_ollama: FakeOllama) -> None:
    """A long embedding does not hold new text back."""
    for number in range(4):
        place.write(f"{number}.md", "\n\n".join(f"# Part {part}\n\n" + f"w{number}x{part} " * 80 for part in range(60)))
    fake_ollama.fault("slow", route="/api/embed", seconds=2.0, skip=1)
    with watching(place) as seen:
        next(event for event in seen if event["type"] == "progress" and event["stage"] == "embedding")
        place.write("new.md", "parasol")
        wait_for(lambda: place.found("parasol"))
        assert reported(seen, "paused")["waiting"] > 0


def test_a_run_that_finds_nothing_to_do_imports_little(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the model's runtime nor the readers of documents nor what draws bars: they take longer than the run."""
    monkeypatch.delenv("SEARCH_EMBED_MODEL")
    place.write("a.md", "umbrella")
    assert place.ingest() == 0
    code = f"import sys\nfrom ingest.__main__ import main; main([{str(place.folder)!r}, '--db', {str(place.db)!r}])\n"
    needless = "onnxruntime tokenizers kreuzberg charset_normalizer watchfiles rich sqlite_utils search.replies "
    needless += "httpx asyncio search.ollama.wire"
    code += f"print(sorted(set({needless!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert "nothing changed" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be kept to one core here")
def test_an_interrupt_ends_it_in_words_on_one_core(tmp_path: Path) -> None:
    """While the embedded model is at work: the process was aborted in the midst of it."""
    command = [
        sys.executable,
        "-m",
        "ingest",
        str(PROJECT / "data/corpus"),
        "--db",
        str(tmp_path / "index.db"),
        "--json",
    ]
    environment = os.environ | {"SEARCH_EMBED_MODEL": f"{EMBEDDED_HOST}{EMBEDDED_MODEL}"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=PROJECT
    ) as run:
        os.sched_setaffinity(run.pid, list(os.sched_getaffinity(0))[:1])
        assert run.stdout is not None
        for line in run.stdout:
            if '"embedding"' in line:
                break
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert said == "ingest: stopped; what was read is kept, run it again to go on\n"
    assert run.returncode == 130
