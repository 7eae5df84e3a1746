"""Files of questions, in both forms, and what is said of those in neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import questions
from search.errors import QueryError
from search.questions import Judged


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_questions_name_their_documents(tmp_path: Path) -> None:
    """One in `doc` and more in `also`; what has no answer cannot be found, and is left out."""
    lines = [
        '{"id": "q1", "question": "Where?", "doc": "a.md", "also": ["b.md"], "more": 1}',
        "",
        '{"question": "When?", "doc": "b.md"}',
        '{"id": "q3", "question": "Who?", "doc": null, "also": [], "unanswerable": true}',
    ]
    assert questions.read(written(tmp_path, "q.jsonl", "\ufeff" + "\n".join(lines))) == [
        Judged("q1", "Where?", {"a.md": 1, "b.md": 1}),
        Judged("3", "When?", {"b.md": 1}),
    ]


def test_a_line_ends_at_a_line_feed_only(tmp_path: Path) -> None:
    """A line separator within a question, which JSON allows, does not cut it."""
    file = tmp_path / "questions.jsonl"
    file.write_text('{"id": "a", "question": "one\u2028two?", "doc": "x.md"}\n', "utf-8")
    assert [judged.text for judged in questions.read(file)] == ["one\u2028two?"]


@pytest.mark.parametrize("name", questions.JUDGEMENTS)
def test_beir_has_its_judgements_beside(tmp_path: Path, name: str) -> None:
    """Grades of 0 and below are not relevant, and a query without a judgement is left out."""
    path = written(tmp_path, "queries.jsonl", '{"_id": "1", "text": "Where?"}\n{"_id": "2", "text": "When?"}\n')
    judgements = written(tmp_path, name, "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n1\tc\t-1\n")
    assert questions.read(path) == questions.read(path, judgements) == [Judged("1", "Where?", {"a": 2})]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no question"),
        ("{", "line 1: it is not JSON"),
        ("[]", "line 1: it is not a JSON object"),
        ('{"question": "Where?"}', "line 1: a question is"),
        ('{"question": "", "doc": "a"}', "line 1: a question is"),
        ('{"doc": "a"}', "line 1: a question is"),
        ('{"_id": "1", "text": "Where?"}', "has no judgements beside it"),
    ],
)
def test_other_files_are_refused_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    """And with the form that is expected."""
    with pytest.raises(QueryError, match=words):
        questions.read(written(tmp_path, "q.jsonl", text))


def test_judgements_are_three_columns(tmp_path: Path) -> None:
    """A file with spaces, or one that isn't there."""
    path = written(tmp_path, "queries.jsonl", '{"_id": "1", "text": "Where?"}')
    with pytest.raises(QueryError, match="line 2: it has to be"):
        questions.read(path, written(tmp_path, "bad.tsv", "a\tb\tc\n1 a 1\n"))
    with pytest.raises(QueryError, match="cannot be read: No such file"):
        questions.read(path, tmp_path / "none.tsv")
