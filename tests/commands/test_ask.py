"""`search ask` on a terminal, in a conversation, and thinking: over a fake Ollama and a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ingest.__main__ import main as ingest
from search.__main__ import main
from search.commands import conversations
from search.queries import Turn
from tests.fake_ollama import FakeOllama

PROJECT = Path(__file__).parents[2]
TEXT = "# Storage\n\nVectors are kept in one SQLite file.\n\nThe file can be copied while nobody writes.\n"
QUESTION = "Where are vectors kept?"


@pytest.fixture(autouse=True)
def index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_ollama: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document, ingested into the index that the commands use."""
    monkeypatch.setenv("SEARCH_DB", str(tmp_path / "index.db"))
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    monkeypatch.setenv("SEARCH_EMBED_MODEL", "all-minilm")
    monkeypatch.setenv("SEARCH_CHAT_MODEL", "qwen3")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]. The moon is made of green cheese [1]."
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "storage.md").write_text(TEXT)
    assert ingest([str(tmp_path / "docs")]) == 0
    capsys.readouterr()


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "search", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=PROJECT,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self, words: str) -> None:
        """Ctrl-C until the words come: one that falls between a prompt and the reading is noticed with the next."""
        for _ in range(10):
            self.process.send_signal(signal.SIGINT)
            with suppress(AssertionError):
                self.until(words, seconds=3)
                return
        self.until(words)

    def until(self, words: str, times: int = 1, *, seconds: float = 30) -> str:
        """What is shown until the words have come so many times."""
        deadline = time.monotonic() + seconds
        while self.shown.count(words) < times:
            assert time.monotonic() < deadline, f"{words!r} did not come: {self.shown!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._ours, 65_536).decode()
                except OSError:  # the other end has gone
                    assert self.shown.count(words) >= times, self.shown
        return self.shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    made = Terminal(*arguments)
    try:
        yield made
    finally:
        made.close()


def test_an_answer_comes_as_it_is_written_with_marks_and_places(fake_ollama: FakeOllama) -> None:
    """The first words are there while the model still writes; then doubts, and path, heading and line."""
    seen = threading.Event()
    fake_ollama.fault("stall", route="/api/chat", after=4, until=seen.is_set)
    with terminal("ask", QUESTION) as shown:
        assert "cheese" not in shown.until("Vectors are")
        seen.set()
        whole = shown.until("line 3")
    assert "\x1b[31mnot found in the passages: The moon is made of green cheese [1].\x1b[0m" in whole
    assert "[1] storage.md (Storage), line 3" in whole


def test_a_conversation_at_the_terminal(fake_ollama: FakeOllama) -> None:
    """Question after question, each with what came before; an error ends one answer only; /bye ends it all."""
    with terminal("ask") as shown:
        shown.until("> ")
        shown.type(f"{QUESTION}\n")
        shown.until("line 3")
        shown.until("> ", 2)
        shown.type("Can it be copied?\n")
        shown.until("searched for: ")
        shown.until("> ", 3)
        fake_ollama.fault("error_line", route="/api/chat", times=1, after=3)
        shown.type("Where are the vectors of a space kept?\n")
        shown.until("search: ")
        shown.until("> ", 4)
        shown.type("/clear\n")
        shown.until("> ", 5)
        shown.interrupt("ends)")
        with fake_ollama.failing("stall", route="/api/chat", after=2):
            shown.type(f"{QUESTION}\n")
            shown.until("Vectors ", 5)
            shown.process.send_signal(signal.SIGINT)
            shown.until("(stopped)")
            assert "\n(stopped)" in shown.shown
        shown.type("/bye\n")
        assert shown.process.wait(20) == 0
    assert fake_ollama.hung_up == 1
    conversations = [body["messages"] for body in fake_ollama.sent("/api/chat") if not body.get("format")]
    assert [len(messages) for messages in conversations] == [2, 4, 6, 2]
    assert conversations[1][1]["content"] == QUESTION


def test_a_conversation_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama) -> None:
    """It is made, gone on with, and holds a turn a line."""
    file = tmp_path / "talk.jsonl"
    assert main(["ask", QUESTION, "--conversation", str(file)]) == 0
    assert main(["ask", "Can it be copied?", "--conversation", str(file)]) == 0
    assert "searched for: " in capsys.readouterr().err
    turns = [json.loads(line) for line in file.read_text().splitlines()]
    assert [turn["question"] for turn in turns] == [QUESTION, "Can it be copied?"]
    assert turns[0]["answer"].startswith("Vectors are kept")
    assert fake_ollama.sent("/api/chat")[-1]["messages"][1]["content"] == QUESTION


def test_a_line_separator_inside_an_answer_ends_no_line_of_the_file(tmp_path: Path) -> None:
    """JSON may hold U+2028 and its like as they are; only a line feed ends a turn."""
    turn = Turn("Where are\u2028vectors kept?", "In one\x85file.\u2029")
    conversations.keep(tmp_path / "talk.jsonl", turn)
    conversations.keep(tmp_path / "talk.jsonl", turn)
    assert conversations.read(tmp_path / "talk.jsonl") == [turn, turn]


@pytest.mark.parametrize("line", ['{"question": 5}', "{", '{"question": " "}', '"text"', "\ud800"])
def test_a_file_that_is_no_conversation_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """2, with what is wrong; and the file stays as it is."""
    file = tmp_path / "talk.jsonl"
    content = line.encode("utf-8", "surrogatepass")
    file.write_bytes(content)
    assert main(["ask", QUESTION, "--conversation", str(file)]) == 2
    assert "conversation" in capsys.readouterr().err
    assert file.read_bytes() == content
    assert main(["ask", QUESTION, "--conversation", str(tmp_path)]) == 2


def test_what_is_cited_is_listed_though_it_does_not_stand_there(
    capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama
) -> None:
    """So that one can look."""
    fake_ollama.reply = "The moon is made of green cheese [1]."
    assert main(["ask", QUESTION]) == 0
    assert "[1] storage.md (Storage), line 1" in capsys.readouterr().out


def test_a_line_is_named_where_the_file_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama
) -> None:
    """The text of a page or of a Word document has other lines than its file, or this has none."""
    (tmp_path / "docs" / "page.html").write_text(
        "<html>\n\n<body><p>Vectors are kept in one SQLite file.</p></body></html>"
    )
    assert ingest([str(tmp_path / "docs")]) == 0
    fake_ollama.reply = "Vectors are kept in one SQLite file [1] [2] [3]."
    capsys.readouterr()
    assert main(["ask", QUESTION]) == 0
    sources = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  [")]
    assert any("storage.md (Storage), line " in line for line in sources)
    assert any(line.endswith("page.html") for line in sources)


def test_a_line_is_the_one_that_an_editor_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama
) -> None:
    """Form feeds begin pages and no lines, in every kind of text that is kept as it stands."""
    (tmp_path / "docs" / "manual.rst").write_text("\fManual\n======\n\n\fVectors are kept in one SQLite file.\n")
    assert ingest([str(tmp_path / "docs")]) == 0
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]."
    capsys.readouterr()
    assert main(["ask", QUESTION, "--path", "*.rst"]) == 0
    assert "  [1] manual.rst (Manual), line 4\n" in capsys.readouterr().out


def test_thoughts_go_to_standard_error(capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama) -> None:
    """Standard output has the answer alone; in JSON lines they are events."""
    assert main(["ask", QUESTION, "--think"]) == 0
    shown = capsys.readouterr()
    assert "Let me think." in shown.err
    assert "think" not in shown.out
    assert main(["ask", QUESTION, "--effort", "low", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert fake_ollama.sent("/api/chat")[-1]["think"] == "low"
    assert main(["ask", QUESTION, "--think", "--jsonl"]) == 0
    kinds = [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()]
    assert kinds[:2] == ["sources", "thinking"]
