"""`search models` against a fake Ollama: for people, and with --json for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from search.__main__ import main
from tests.fake_ollama import FakeOllama

Run = Callable[..., str]


@pytest.fixture
def run(fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `search models ...`; gives what it printed, of an error its words."""
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)

    def run(*arguments: str, code: int = 0, stdin: str = "", terminal: bool = False) -> str:
        source = io.StringIO(stdin)
        monkeypatch.setattr(source, "isatty", lambda: terminal)
        monkeypatch.setattr("sys.stdin", source)
        assert main(["models", *arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code == 2 else printed.out

    return run


def lines(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_list(run: Run, fake_ollama: FakeOllama) -> None:
    """Names, digests, sizes and what they can; exit code 1 without any model."""
    printed = run("list").splitlines()
    assert printed[0].split() == ["name", "digest", "size", "modified", "can"]
    assert any(line.startswith("llama3:latest") and "completion, tools" in line for line in printed)
    assert json.loads(run("list", "--json"))["models"][0]["name"] == "all-minilm:latest"
    imported = replace(fake_ollama.models["all-minilm:latest"], listed_as=("completion",))
    fake_ollama.models["all-minilm:latest"] = imported
    assert run("list").splitlines()[1].endswith("embedding")
    fake_ollama.models.clear()
    assert run("list", code=1) == ""


def test_several_servers_are_listed_with_their_models(
    run: Run, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a pull goes to each."""
    with FakeOllama(["bge-m3"]) as other:
        monkeypatch.setenv("OLLAMA_HOST", f"{fake_ollama.url},{other.url}")
        assert any("bge-m3:latest" in line and line.endswith(other.url) for line in run("list").splitlines())
        assert set(json.loads(run("list", "--json"))) == {fake_ollama.url, other.url}
        run("pull", "new")
        assert "new:latest" in fake_ollama.models
        assert "new:latest" in other.models


def test_ps(run: Run) -> None:
    """What is loaded, where it runs, and how much it reads."""
    run("ps", code=1)
    run("embed", "all-minilm", "hello")
    assert "50% GPU" in run("ps")
    assert json.loads(run("ps", "--json"))["models"][0]["context_length"] == 4096


def test_show(run: Run) -> None:
    """Facts for people, everything for programs."""
    assert "dimensions: 256" in run("show", "all-minilm")
    assert json.loads(run("show", "all-minilm", "--json"))["capabilities"] == ["embedding"]
    assert "ollama pull nope" in run("show", "nope", code=2)


def test_pull_and_push_show_how_far_they_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each new status without a terminal; one JSON object a line for programs."""
    assert run("pull", "bge-m3") == ""
    last = lines(run("pull", "bge-m3", "--json"))
    assert last[-1]["status"] == "success"
    assert [line["completed"] for line in last if line.get("total")] == [0, 500, 1000]
    assert lines(run("push", "bge-m3", "--json"))[-1]["status"] == "success"
    assert "file does not exist" in run("pull", "nowhere/x", code=2)
    capsys.readouterr()


def test_a_pull_has_a_bar_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bytes that have come."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown: list[tuple[object, object]] = []
    monkeypatch.setattr(
        "rich.progress.Progress.update",
        lambda _self, _task, completed, total: shown.append((completed, total)),
    )
    run("pull", "bge-m3")
    assert shown == [(0, 1000), (500, 1000), (1000, 1000)]


def test_copy_and_delete(run: Run, fake_ollama: FakeOllama) -> None:
    """A delete asks first, and does nothing where there is nobody to ask."""
    assert "called mine too" in run("copy", "all-minilm", "mine")
    assert "say --yes" in run("delete", "mine", code=2)
    run("delete", "mine", code=1, stdin="n\n", terminal=True)
    run("delete", "mine", code=1, stdin="", terminal=True)
    assert "mine:latest" in fake_ollama.models
    run("delete", "mine", stdin="y\n", terminal=True)
    assert "mine:latest" not in fake_ollama.models
    run("copy", "all-minilm", "mine", "--json")
    assert json.loads(run("delete", "mine", "--yes", "--json")) == {"status": "success"}
    assert "ollama pull mine" in run("delete", "mine", "--yes", code=2)


def test_create(run: Run, fake_ollama: FakeOllama, tmp_path: Path) -> None:
    """Of another model with parameters, or of files, which are uploaded first."""
    run("create", "mine", "--from", "llama3", "--system", "Be brief.", "--parameter", "num_ctx=8192")
    run("create", "mine", "--from", "llama3", "--parameter", "stop=END")
    sent = fake_ollama.sent("/api/create")
    assert sent[0] == {
        "model": "mine",
        "from": "llama3",
        "system": "Be brief.",
        "parameters": {"num_ctx": 8192},
        "stream": True,
    }
    assert sent[1]["parameters"] == {"stop": "END"}
    weights = tmp_path / "model.gguf"
    weights.write_bytes(b"GGUF")
    assert lines(run("create", "other", "--file", str(weights), "--json"))[-1]["status"] == "success"
    assert fake_ollama.blobs
    assert "give --from MODEL or --file FILE" in run("create", "mine", code=2)
    assert "NAME=VALUE" in run("create", "mine", "--from", "llama3", "--parameter", "oops", code=2)


def test_generate(run: Run, fake_ollama: FakeOllama) -> None:
    """As it comes; the prompt may come from standard input."""
    fake_ollama.reply = "It is a cat."
    assert run("generate", "llama3", "What is it?") == "It is a cat.\n"
    assert run("generate", "qwen3", "-", stdin="What is it?\n") == "It is a cat.\n"
    pieces = lines(run("generate", "llama3", "What is it?", "--json"))
    assert "".join(str(piece["response"]) for piece in pieces) == "It is a cat."
    assert "the prompt is empty" in run("generate", "llama3", " ", code=2)
    assert "does not support generate" in run("generate", "all-minilm", "x", code=2)


def test_chat_goes_on_with_the_conversation(run: Run, fake_ollama: FakeOllama) -> None:
    """Each line of standard input is a turn, until the end or /bye."""
    fake_ollama.reply = lambda messages: f"That was message {len(messages)}."
    printed = run("chat", "llama3", "--system", "Be brief.", stdin="One\n\nTwo\n/bye\nThree\n")
    assert printed == "That was message 2.\nThat was message 4.\n"
    last = fake_ollama.sent("/api/chat")[-1]["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert lines(run("chat", "llama3", "--json", stdin="One\n"))[-1]["done"] is True


def test_embed(run: Run) -> None:
    """The numbers for programs, a glimpse for people; blank lines have no vector."""
    assert "256 numbers: good day" in run("embed", "all-minilm", "good day", "hello")
    answer = json.loads(run("embed", "all-minilm", "-", "--json", stdin="one\n\ntwo\n"))
    assert [len(vector) for vector in answer["embeddings"]] == [256, 256]
    assert "isn't blank" in run("embed", "all-minilm", " ", code=2)


def test_a_server_can_be_named(run: Run) -> None:
    """Instead of OLLAMA_HOST; the embedded model too."""
    assert "all-minilm:latest" in run("list", "--server", "embedded://")
    assert "models cannot be pulled" in run("pull", "bge-m3", "--server", "embedded://", code=2)
    assert "no answer from http://127.0.0.1:9" in run("list", "--server", "127.0.0.1:9", code=2)
