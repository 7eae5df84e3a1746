"""`search ask --save` and `search answers`, from the question to the ingest that makes the answer stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.__main__ import main as ingest
from search.__main__ import main
from tests.fake_ollama import FakeOllama

LEASE = "# Lease\n\nThe lease of the flat runs for three years. The rent is due on the first day of the month.\n"
QUESTION = "How long does the lease of the flat run?"


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_ollama: FakeOllama) -> Path:
    """A folder with one document, ingested into the index that the commands use."""
    monkeypatch.setenv("SEARCH_DB", str(tmp_path / "index.db"))
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    monkeypatch.setenv("SEARCH_EMBED_MODEL", "all-minilm")
    monkeypatch.setenv("SEARCH_CHAT_MODEL", "llama3")
    fake_ollama.reply = "The lease of the flat runs for three years [1]."
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "lease.md").write_text(LEASE)
    assert ingest([str(folder)]) == 0
    return folder


def test_kept_changed_stale_and_asked_again(
    docs: Path, capsys: pytest.CaptureFixture[str], fake_ollama: FakeOllama
) -> None:
    """The ingest says that an answer is stale, and `search answers stale` what has changed."""
    assert main(["ask", QUESTION, "--save"]) == 0
    assert "Kept as answer 1." in capsys.readouterr().out
    assert main(["answers", "stale"]) == 0
    assert "no kept answer is stale" in capsys.readouterr().out

    (docs / "lease.md").rename(docs / "renamed.md")
    assert ingest([str(docs)]) == 0
    assert "answers stale" not in capsys.readouterr().out
    assert main(["answers", "show", "1"]) == 0
    assert "[1] stands in renamed.md now" in capsys.readouterr().out
    (docs / "renamed.md").rename(docs / "lease.md")
    (docs / "lease.md").write_text(LEASE.replace("three", "five"))
    assert ingest([str(docs)]) == 0
    assert "kept answers that are stale: 1 (`search answers stale`" in capsys.readouterr().out
    assert ingest([str(docs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["stale_answers"] == 1
    assert main(["status"]) == 0
    assert "1, 1 of them stale" in capsys.readouterr().out

    assert main(["answers", "stale"]) == 1
    shown = capsys.readouterr().out
    assert "answer 1: How long does the lease of the flat run?" in shown
    assert "- The lease of the flat runs for three years." in shown
    assert "+ The lease of the flat runs for five years." in shown
    assert "do not stand there any more): The lease of the flat runs for three years [1]." in shown
    assert "The rent is due" not in shown

    fake_ollama.reply = "The lease of the flat runs for five years [1]."
    assert main(["answers", "rerun", "1"]) == 0
    shown = capsys.readouterr().out
    assert "Compared with answer 1:" in shown
    assert "+ The lease of the flat runs for five years." in shown
    assert main(["answers", "rerun", "2"]) == 0
    assert "The same as answer 2." in capsys.readouterr().out


@pytest.mark.usefixtures("docs")
def test_listed_shown_and_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """In words and as JSON."""
    assert main(["answers"]) == 0
    assert "no answers are kept" in capsys.readouterr().out
    assert main(["ask", QUESTION, "--save", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == 1
    assert main(["answers"]) == 0
    assert f"{QUESTION}  (llama3)" in capsys.readouterr().out
    assert main(["answers", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "The lease of the flat runs for three years [1]." in shown
    assert "[1] lease.md (Lease)" in shown
    assert main(["answers", "show", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["answer"]["sources"][0]["chunk"]["text"].startswith("# Lease")
    assert main(["answers", "--json"]) == 0
    assert [entry["id"] for entry in json.loads(capsys.readouterr().out)] == [1]
    assert main(["answers", "drop", "1"]) == 0
    assert main(["answers", "drop", "1"]) == 2
    assert "no answer 1 is kept" in capsys.readouterr().err


@pytest.mark.usefixtures("docs")
@pytest.mark.parametrize("action", ["show", "rerun", "drop"])
def test_an_answer_has_to_be_named(capsys: pytest.CaptureFixture[str], action: str) -> None:
    """2, and how to."""
    assert main(["answers", action]) == 2
    assert f"search answers {action} ID" in capsys.readouterr().err
