"""What became of chunks at a model, for `search.store.sqlite`: the ledger, the quarantine, the chunks in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from search.records import ChunkFailure, LedgerRow, Space
from search.store import Account, statements

WAITING = (
    "NOT EXISTS (SELECT * FROM vectors WHERE space = :space AND chunk = chunks.id)"
    " AND NOT EXISTS (SELECT * FROM quarantine WHERE space = :space AND chunk = chunks.id)"
)
"""Which rows of `chunks` wait for a vector in the space."""


def insert(connection: sqlite3.Connection, space: Space, account: Account) -> None:
    """Keeps a batch's ledger row and what is said of its chunks; of chunks that have gone, nothing."""
    row = account.row
    connection.execute(
        "INSERT INTO ledger (space, host, sent, counted, expected, seconds, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [space.id, row.host, row.sent, row.counted, row.expected, row.seconds, row.note],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO parted (space, chunk, parts) SELECT ?, id, ? FROM chunks WHERE id = ?",
        ((space.id, parts, chunk) for chunk, parts in account.parted.items()),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO quarantine (space, chunk, reason) SELECT ?, id, ? FROM chunks WHERE id = ?",
        ((space.id, reason, chunk) for chunk, reason in account.refused.items()),
    )


def quarantined(connection: sqlite3.Connection) -> list[ChunkFailure]:
    """The active space's quarantine, by place."""
    rows = connection.execute(
        f"SELECT root, path, reason, {statements.CHUNK} FROM quarantine"
        " JOIN spaces ON spaces.id = quarantine.space AND spaces.active"
        " JOIN chunks ON chunks.id = quarantine.chunk JOIN spans ON spans.chunk = chunks.id"
        " JOIN documents ON documents.id = spans.document ORDER BY root, path, spans.start"
    )
    return [ChunkFailure(root, path, statements.chunk_ref(chunk), reason) for root, path, reason, *chunk in rows]


def embedded(connection: sqlite3.Connection, space: Space, hashes: Sequence[str]) -> set[str]:
    """Which of these chunk hashes have a vector in the space."""
    sql = "SELECT 1 FROM chunks JOIN vectors ON chunk = chunks.id AND space = ? WHERE hash = ?"
    return {one for one in hashes if connection.execute(sql, [space.id, bytes.fromhex(one)]).fetchone()}


def lagging(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Documents with chunks that wait for a vector in the active space: root, path, how many."""
    return connection.execute(
        "SELECT root, path, count(DISTINCT chunks.id) FROM chunks JOIN spans ON chunk = chunks.id"
        f" JOIN documents ON documents.id = document WHERE {WAITING} GROUP BY documents.id ORDER BY root, path",
        {"space": statements.number(connection, "SELECT coalesce(max(id), 0) FROM spaces WHERE active")},
    ).fetchall()


def ledger(connection: sqlite3.Connection, space: Space) -> list[LedgerRow]:
    """A space's batches, oldest first."""
    rows = connection.execute(
        "SELECT host, sent, counted, expected, seconds, note FROM ledger WHERE space = ? ORDER BY id", [space.id]
    )
    return [LedgerRow(*row) for row in rows]
