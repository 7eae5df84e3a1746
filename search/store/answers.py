"""Answers that are kept, in SQLite: the records as JSON, and their passages by content.

Nothing marks an answer as stale: it is stale while a passage that it rests on is not among the chunks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from search.errors import AnswerMissing
from search.queries import Question
from search.records import DocumentRef, Space
from search.store.database import Database

# To count them, as each ingest does, takes no record of these, and no JSON.
if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from search.replies import Answer, SavedAnswer, SavedEntry

_GONE = (
    "SELECT n FROM answer_passages AS passage WHERE passage.answer = answers.id AND passage.cited"
    " AND NOT EXISTS (SELECT * FROM chunks WHERE chunks.hash = passage.hash)"
)
_ENTRIES = (
    "SELECT id, created, json_extract(asked, '$.question'), json_extract(answer, '$.how'),"
    f" json_extract(answer, '$.model'), rerun_of, EXISTS ({_GONE}) AS stale FROM answers"
)


class SqliteAnswers:
    """Implements `search.store.Answers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, answer: SavedAnswer) -> int:
        whole, rests_on = answer.answer, answer.answer.rests_on
        with self._database.writing(searched=False) as connection:
            cursor = connection.execute(
                "INSERT INTO answers (created, asked, answer, digest, space, version, rerun_of)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    answer.created,
                    _json(answer.asked),
                    _json(whole),
                    answer.digest,
                    _json(answer.space) if answer.space else None,
                    answer.version,
                    answer.rerun_of,
                ],
            )
            id_ = int(cursor.lastrowid or 0)
            connection.executemany(
                "INSERT INTO answer_passages VALUES (?, ?, ?, ?)",
                [(id_, one.n, bytes.fromhex(one.chunk.id), one.n in rests_on) for one in whole.sources],
            )
        return id_

    def entries(self, *, stale: bool = False) -> list[SavedEntry]:
        from search.replies import SavedEntry  # noqa: PLC0415

        with self._database.reading() as connection:
            rows = connection.execute(f"{_ENTRIES}{' WHERE stale' if stale else ''} ORDER BY id")
            return [
                SavedEntry(id_, created, question, how, model, rerun_of, bool(stale))
                for id_, created, question, how, model, rerun_of, stale in rows
            ]

    def get(self, id: int) -> SavedAnswer:
        from search.replies import Answer, SavedAnswer  # noqa: PLC0415

        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT created, asked, answer, digest, space, version, rerun_of, EXISTS ({_GONE})"
                " FROM answers WHERE id = ?",
                [_number(id)],
            ).fetchone()
        if row is None:
            raise self._missing(id)
        created, asked, answer, digest, space, version, rerun_of, stale = row
        return SavedAnswer(
            id,
            created,
            _reader(Question).validate_json(asked),
            replace(_reader(Answer).validate_json(answer), id=id),
            digest,
            _reader(Space).validate_json(space) if space else None,
            version,
            rerun_of,
            bool(stale),
        )

    def gone(self, id: int) -> frozenset[int]:
        with self._database.reading() as connection:
            rows = connection.execute(_GONE.replace("answers.id", "?"), [_number(id)])
            return frozenset(row[0] for row in rows)

    def places(self, chunk: str) -> list[DocumentRef]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT root, path, title, type FROM chunks JOIN spans ON spans.chunk = chunks.id"
                " JOIN documents ON documents.id = spans.document WHERE chunks.hash = ? ORDER BY root, path",
                [bytes.fromhex(chunk)],
            )
            return [DocumentRef(*row) for row in rows]

    def drop(self, id: int) -> None:
        with self._database.writing(searched=False) as connection:
            if not connection.execute("DELETE FROM answers WHERE id = ?", [_number(id)]).rowcount:
                raise self._missing(id)

    def counts(self) -> tuple[int, int]:
        with self._database.reading() as connection:
            kept, stale = connection.execute(
                f"SELECT count(*), coalesce(sum(EXISTS ({_GONE})), 0) FROM answers"
            ).fetchone()
            return int(kept), int(stale)

    def _missing(self, id: int) -> AnswerMissing:
        return AnswerMissing(f"no answer {id} is kept in {self._database.path}: `search answers` lists those that are")


def _json(record: Question | Answer | Space) -> str:
    import pydantic_core  # noqa: PLC0415 (as above)

    return pydantic_core.to_json(record).decode()


@cache
def _reader(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 (as above)

    return TypeAdapter(kind)


def _number(id: int) -> int:
    """A number that SQLite can hold; none that is kept is beyond it."""
    return id if -(2**63) <= id < 2**63 else -1
