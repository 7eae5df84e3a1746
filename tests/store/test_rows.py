"""Vectors read by row id: in the order asked, what is not there left out, and from memory where they were just read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import pytest

from search.store import rows
from search.vectors import pack

DIMENSIONS = 4
COUNT = rows.REMEMBERED + 10


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE vectors (id INTEGER PRIMARY KEY, space, chunk, vector, UNIQUE (space, chunk))")
    made.executemany(
        "INSERT INTO vectors VALUES (?, 1, ?, ?)",
        ((id_, 2 * id_, pack(np.full(DIMENSIONS, id_, np.float32))) for id_ in range(1, COUNT + 1)),
    )
    yield made
    made.close()


def test_rows_come_in_the_order_asked_for(connection: sqlite3.Connection) -> None:
    """Known ones among new ones, and those that are not there left out."""
    reader = rows.Rows()
    for wanted in ([5, 3, 9], [9, COUNT + 5, 4, 3]):
        ids, numbers = reader.read(connection, np.array(wanted), DIMENSIONS)
        assert ids.tolist() == numbers[:, 0].tolist() == [id_ for id_ in wanted if id_ <= COUNT]
    assert reader.read(connection, np.empty(0, np.int64), DIMENSIONS)[1].shape == (0, DIMENSIONS)


def test_rows_of_chunks_are_nan_where_there_is_none(connection: sqlite3.Connection) -> None:
    """By chunk, in the space asked for."""
    found = rows.Rows().of_chunks(connection, 1, np.array([8, 7, 2]), DIMENSIONS)
    assert found[[0, 2], 0].tolist() == [4, 1]
    assert np.isnan(found[1]).all()
    assert np.isnan(rows.Rows().of_chunks(connection, 2, np.array([8]), DIMENSIONS)).all()


def test_what_was_just_read_is_not_read_again(connection: sqlite3.Connection) -> None:
    """And what is remembered has a bound."""
    reader = rows.Rows()
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    for _ in range(2):
        reader.read(connection, np.arange(1, 20), DIMENSIONS)
    assert len(asked) == 1
    for start in range(1, COUNT, 100):
        reader.read(connection, np.arange(start, start + 100), DIMENSIONS)
        assert len(reader._known) <= rows.REMEMBERED
    connection.set_trace_callback(None)
    assert len(reader.read(connection, np.arange(1, COUNT + 1), DIMENSIONS)[0]) == COUNT
