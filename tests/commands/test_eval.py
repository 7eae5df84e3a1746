"""`search eval` on the handbook, with a few of its own questions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search.__main__ import main

PROJECT = Path(__file__).parents[2]
QUESTIONS = PROJECT / "data" / "eval" / "questions.jsonl"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the whole handbook."""
    made = tmp_path_factory.mktemp("whole") / "index.db"
    command = [sys.executable, "-m", "ingest", str(PROJECT / "data" / "corpus"), "--db", str(made)]
    subprocess.run(command, check=True, capture_output=True, cwd=PROJECT)
    return made


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, whole: Path) -> None:
    """The handbook's index and no models but the embedded one."""
    for name in ("SEARCH_EMBED_MODEL", "SEARCH_CHAT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEARCH_DB", str(whole))
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Every eighth question."""
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(QUESTIONS.read_text("utf-8").splitlines()[:100:8]), "utf-8")
    return path


def test_a_saved_result_is_a_baseline_that_holds(questions: Path, tmp_path: Path) -> None:
    """The same index, the same questions: no difference and exit code 0."""
    saved = tmp_path / "before.json"
    assert main(["eval", str(questions), "--save", str(saved)]) == 0
    kept = json.loads(saved.read_text())
    assert len(kept["outcomes"]) == 13
    assert kept["measures"]["recall"] > 0.5
    assert main(["eval", str(questions), "--baseline", str(saved), "--tolerance", "0"]) == 0


def test_a_regression_is_exit_code_1(questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A filter that hides most answers is a bad setting; what was lost is named, and so is the measure."""
    saved = tmp_path / "before.json"
    main(["eval", str(questions), "--save", str(saved)])
    capsys.readouterr()
    assert main(["eval", str(questions), "--baseline", str(saved), "--path", "guide/*"]) == 1
    printed = capsys.readouterr().out
    assert "regression: recall fell by" in printed
    assert "most lost (nDCG):" in printed
    assert main(["eval", str(questions), "--baseline", str(saved), "--path", "guide/*", "--tolerance", "1"]) == 0


def test_two_settings_stand_side_by_side(questions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what each question gained and lost by the second; comparing is no failure."""
    assert main(["eval", str(questions), "--against", "mode=keyword,diversify=false,rerank=true", "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    first, second = compared["evaluations"]
    assert (first["setting"], second["setting"]) == ("hybrid", "keyword, not diversified, reranked")
    for difference in compared["differences"]:
        name = difference["measure"]
        assert difference["mean"] == pytest.approx(second["measures"][name] - first["measures"][name])
        moved = [
            new["measures"][name] - old["measures"][name]
            for old, new in zip(first["outcomes"], second["outcomes"], strict=True)
        ]
        assert (difference["better"], difference["worse"]) == (sum(x > 0 for x in moved), sum(x < 0 for x in moved))


def test_notes_of_both_settings_are_told(questions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second setting that could not be had is no silent repetition of the first."""
    assert main(["eval", str(questions), "--against", "rerank=true"]) == 0
    assert "not reranked: no chat model is set" in capsys.readouterr().err


def test_a_space_is_searched_with_its_own_model(questions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By number or by model; the active one against itself makes no difference."""
    assert main(["eval", str(questions), "--space", "1", "--against", "space=all-minilm", "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert [one["setting"] for one in compared["evaluations"]] == ["hybrid, space 1 (all-minilm)"] * 2
    assert {one["mean"] for one in compared["differences"]} == {0.0}


def test_documents_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They count as not found, aloud; where none is there, the paths are wrong."""
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "What is the default of OLLAMA_HOST?", "doc": "README", "also": ["gone.md"]}')
    assert main(["eval", str(path)]) == 0
    assert "1 documents of the questions are not in the index" in capsys.readouterr().err
    path.write_text('{"question": "What is the default of OLLAMA_HOST?", "doc": "/elsewhere/a.md"}')
    assert main(["eval", str(path)]) == 2
    assert "inside the ingested folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--against", "speed=high"], "it takes mode="),
        (["--against", "space=bge-m3"], "there is no space 'bge-m3'"),
        (["--baseline", "none.json"], "cannot be read"),
        (["--baseline", str(QUESTIONS)], "is no result of `search eval --save`"),
        (["--save", "/none/at/all.json"], "cannot be written"),
        (["--against", "mode=vector", "--baseline", "x.json"], "two comparisons"),
    ],
)
def test_what_cannot_be_done_is_said(
    questions: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, in words."""
    assert main(["eval", str(questions), *options]) == 2
    assert words in capsys.readouterr().err
