"""The commands among other programs: pipes, forms of output, exit codes, colours, and the examples of their help."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from search.__main__ import load, main

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, handbook: Path) -> None:
    """The handbook's index and no models but the embedded one."""
    for name in ("SEARCH_EMBED_MODEL", "SEARCH_CHAT_MODEL", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEARCH_DB", str(handbook))
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("TERM", "xterm")


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


@pytest.mark.parametrize("words", [["-"], []])
def test_the_text_may_come_from_a_pipe(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With - and, in a pipe, without; a byte order mark and blanks around it are dropped."""
    pipe(monkeypatch, b"\xef\xbb\xbf where is the index kept? \n")
    assert main(["query", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["query"] == "where is the index kept?"


def test_words_need_no_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    """As most people type."""
    assert main(["query", "vector", "spaces", "-k", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["query"] == "vector spaces"


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"\xff\xfe\x00", "not UTF-8")])
def test_what_a_pipe_may_not_hold(
    content: bytes, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and why."""
    pipe(monkeypatch, content)
    assert main(["query"]) == 2
    assert words in capsys.readouterr().err


def test_forms_of_a_query(capsys: pytest.CaptureFixture[str], handbook: Path) -> None:
    """A hit a line, or a path a line that other programs can open."""
    assert main(["query", "vectors", "-k", "5", "--jsonl"]) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert main(["query", "vectors", "-k", "50", "--files"]) == 0
    paths = capsys.readouterr().out.splitlines()
    assert len(paths) == len(set(paths)) > 1
    assert all(Path(path).is_file() for path in paths)
    assert paths[0].startswith(str(handbook.parent / "docs"))


def test_forms_of_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """The events of an answer a line each, or the files that it rests on."""
    assert main(["ask", "Where are vectors kept?", "--jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [events[0]["type"], events[-1]["type"]] == ["sources", "answer"]
    assert main(["ask", "Where are vectors kept?", "--files", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert all(Path(path).is_file() for path in shown.out.splitlines())
    assert shown.err == ""


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """0 found, 1 not found, 2 an error, in every form."""
    for form in ([], ["--json"], ["--jsonl"], ["--files"]):
        assert main(["query", "vectors", *form]) == 0
        assert main(["query", "vectors", "--path", "none/*", *form]) == 1
        assert main(["query", " ", *form]) == 2
        assert main(["ask", "Who won the chess olympiad of 1972?", *form]) == 1
    capsys.readouterr()
    with pytest.raises(SystemExit) as refused:
        main(["query", "x", "--json", "--files"])
    assert refused.value.code == 2


def test_quiet_prints_results_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Notes are for people, and can be left out."""
    main(["query", "vectors", "--path", "none/*"])
    assert "note: nothing found" in capsys.readouterr().err
    main(["query", "vectors", "--path", "none/*", "--quiet"])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings_", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str
)
def test_colours_are_for_terminals_that_want_them(settings_: dict[str, str], coloured: bool) -> None:
    """On a terminal, and not with NO_COLOR; in a pipe never."""
    command = [sys.executable, "-m", "search", "query", "vectors", "-k", "1", "--mode", "keyword"]
    environment = {**os.environ, **settings_}
    piped = subprocess.run(command, capture_output=True, check=True, cwd=PROJECT, env=environment)
    assert b"\x1b[" not in piped.stdout
    ours, theirs = pty.openpty()
    subprocess.run(command, stdout=theirs, check=True, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL)
    os.close(theirs)
    assert (b"\x1b[1m" in os.read(ours, 100_000)) == coloured
    os.close(ours)


def examples() -> list[str]:
    """The lines behind `$ ` at the end of each command's help."""
    commands = argparse.ArgumentParser().add_subparsers()
    for command in load():
        command.add(commands)
    return [
        line.strip().removeprefix("$ ")
        for parser in commands.choices.values()
        for line in (parser.epilog or "").splitlines()
        if line.strip().startswith("$ ")
    ]


def test_the_examples_of_the_help_run(tmp_path: Path) -> None:
    """As they stand, in a shell; those of `serve` would not end and are parsed only."""
    shim = tmp_path / "search"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m search "$@"\n')
    shim.chmod(0o755)
    completions = tmp_path / ".local/share/bash-completion/completions"
    completions.mkdir(parents=True)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(PROJECT)
    (tmp_path / "questions.jsonl").write_text('{"question": "Where is the index kept?", "doc": "storage-format.md"}')
    found = [line for line in examples() if not line.startswith("search serve")]
    assert len(found) >= 8
    script = "set -e\n" + "".join(
        f"{line} > out || [ $? = 1 ]\n" if " > " not in line else f"{line}\n" for line in found
    )
    done = subprocess.run(
        ["bash", "-c", script], check=False, capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (completions / "search").read_text().startswith("_search()")


def test_a_command_imports_what_it_needs() -> None:
    """`search query` loads no service, no reader of documents, nothing of answers and no tool that it has no use for:
    each takes about as long as a search."""
    code = "import sys\nfrom search.__main__ import main; main(['query', 'where is the index kept?'])\n"
    needless = "fastapi uvicorn kreuzberg ingest search.answer search.writing search.replies sqlite_utils rich "
    needless += "httpx asyncio ssl pydantic pydantic_core platformdirs numpy.ma search.embed.spreading"
    code += f"print(sorted(set({needless!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_a_search_as_a_process_wastes_no_time_at_both_ends(given: dict[str, str], threads: str) -> None:
    """No threads of numpy's that wait for work, unless they are asked for, and no search for garbage at the end."""
    code = "import gc, os\nfrom search.__main__ import run\ntry:\n run()\n"
    code += "finally:\n print(os.environ['OPENBLAS_NUM_THREADS'], gc.get_freeze_count() > 0)"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
    command = [sys.executable, "-c", code, "query", "where is the index kept?"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT, env=environment)
    assert done.stdout.splitlines()[-1] == f"{threads} True"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("line", ["search query vectors", "search status", "ingest failures", "ingest ."])
def test_an_output_that_cannot_be_written_is_an_error_in_words(line: str, tmp_path: Path) -> None:
    """A full disk is not "nothing found", and no traceback."""
    with open("/dev/full", "w") as full:
        command, errors = [sys.executable, "-m", *line.split()], subprocess.PIPE
        if line == "ingest .":
            command += ["--db", str(tmp_path / "index.db")]
        done = subprocess.run(command, stdout=full, stderr=errors, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "space where its output goes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader")
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("search query vectors", 0, ""),
        ("search status", 0, ""),
        ("ingest failures", 0, ""),
        ("ingest .", 2, "nobody reads what it prints any more; what was read is kept, run it again to go on\n"),
    ],
)
def test_who_reads_no_further_is_told_of_no_full_disk(line: str, code: int, words: str, tmp_path: Path) -> None:
    """As `head -1` behind a pipe. An ingest that cannot tell what it does ends."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", *line.split()]
    if line == "ingest .":
        command += ["--db", str(tmp_path / "index.db"), "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path)
    os.close(writer)
    assert (done.returncode, done.stderr.removeprefix("ingest: ")) == (code, words)


@pytest.mark.parametrize("program", ["ingest", "search.__main__"])
def test_an_empty_name_is_no_folder(program: str) -> None:
    """Path takes it for the folder that one is in, and a variable that is not set gives one."""
    words = [""] if program == "ingest" else ["serve", ""]
    done = subprocess.run(
        [sys.executable, "-m", program, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "it is empty: name the folder" in done.stderr


def test_a_closed_output_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`search query ... >&-`: nothing is printed, and nothing breaks."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["query", "vectors"]) == 0
