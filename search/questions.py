"""Questions with the documents that answer them, from a file: what an index is measured with.

Two forms, told by their fields. `{"id", "question", "doc", "also"}`: `doc` and `also` are document paths; questions
marked `unanswerable` are left out. And the form of BEIR, `{"_id", "text"}`, with the judgements in a file of tab
separated lines `query-id, corpus-id, score` beside it. Knows no index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import QueryError

JUDGEMENTS = ("qrels.tsv", "qrels/test.tsv")


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and the paths of the documents that answer it, with their grades."""

    id: str
    text: str
    relevant: dict[str, int]


def read(path: Path, judgements: Path | None = None) -> list[Judged]:
    """The questions of a file. Raises QueryError, with the line, for what is neither form."""
    entries = list(_objects(path))
    found = _beir(path, entries, judgements) if entries and "_id" in entries[0][1] else list(_own(path, entries))
    if not found:
        raise QueryError(f"{path} has no question with a document that answers it")
    return found


def _own(path: Path, entries: list[tuple[int, dict[str, Any]]]) -> Iterator[Judged]:
    for number, entry in entries:
        if entry.get("unanswerable"):
            continue
        answers = [entry.get("doc"), *(entry.get("also") or [])]
        question = entry.get("question")
        if not isinstance(question, str) or not question.strip() or not all(isinstance(one, str) for one in answers):
            raise QueryError(
                f'{path}, line {number}: a question is {{"id": ..., "question": "...", "doc": "path"}}, '
                'or {"_id": ..., "text": "..."} with judgements beside it'
            )
        yield Judged(str(entry.get("id", number)), question, dict.fromkeys(answers, 1))


def _beir(path: Path, entries: list[tuple[int, dict[str, Any]]], judgements: Path | None) -> list[Judged]:
    file = judgements or next((path.parent / name for name in JUDGEMENTS if (path.parent / name).is_file()), None)
    if file is None:
        raise QueryError(f"{path} has no judgements beside it ({' or '.join(JUDGEMENTS)}): name them with --judgements")
    relevant: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(file), 1):
        fields = line.split("\t")
        if len(fields) != 3 or (number > 1 and not fields[2].lstrip("-").isdigit()):
            raise QueryError(f"{file}, line {number}: it has to be query-id, corpus-id and score, with tabs between")
        if fields[2].isdigit() and int(fields[2]) > 0:
            relevant.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return [
        Judged(str(entry["_id"]), str(entry.get("text", "")), relevant[str(entry["_id"])])
        for _, entry in entries
        if str(entry["_id"]) in relevant
    ]


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise QueryError(f"{path}, line {number}: it is not JSON ({error})") from error
        if not isinstance(entry, dict):
            raise QueryError(f"{path}, line {number}: it is not a JSON object")
        yield number, entry


def _lines(path: Path) -> list[str]:
    """The lines of a file, which end at a line feed only: JSON may hold U+2028 as it is."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return lines if lines[-1] else lines[:-1]
