"""Filters by date, language and metadata, the same in every ranking of every store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search.filters import Filter, seconds
from search.records import Space
from search.store.sqlite import SqliteStore
from tests.store.oracle import STATE, document, vector

SPACE = Space(0, "model", "digest", 16, "", "", "test:1")
GERMAN = "alpha: dieser Satz ist lang genug, um zu zeigen, in welcher Sprache er geschrieben wurde"
ENGLISH = "alpha: this sentence is long enough to tell which language it has been written in"
MAIL = {"from": "Ada Lovelace <ada@example.org>", "subject": "[Draft] Notes"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Four documents of different dates, languages and metadata, with vectors."""
    made = SqliteStore(tmp_path / "index.db")
    for path, text, date, metadata in [
        ("old", ENGLISH, "2024-12-31T23:59", {"author": "Émile Zola"}),
        ("new", f"{ENGLISH} too", "2025-01-01", {"author": "Ada", "Tags": "[draft, notes]"}),
        ("mail", GERMAN, "2025-06-01", MAIL),
        ("none", "alpha", "2025-06-01", {}),
    ]:
        read, chunks = document(path, [text])
        made.put("/root", path, STATE, [(replace(read, modified=seconds(date), metadata=metadata), chunks)])
    space = made.space(SPACE)
    for ids, _ in made.missing(space, 9):
        for id_ in ids:
            made.add(space, ids[ids == id_], vector(str(id_))[None])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Filter(after="2025"), {"new", "mail", "none"}),
        (Filter(before="2025"), {"old"}),
        (Filter(after="2025-01", before="2025-02"), {"new"}),
        (Filter(language="de"), {"mail"}),
        (Filter(language="EN"), {"old", "new"}),
        (Filter(type="Text", language="de"), {"mail"}),
        (Filter(where=(("Author", "émile zola"),)), {"old"}),
        (Filter(where=(("author", "É*"),)), {"old"}),
        (Filter(where=(("tags", "*draft*"),)), {"new"}),
        (Filter(where=(("subject", "[draft] notes"),)), {"mail"}),
        (Filter(where=(("from", "*ada@*"), ("subject", "*notes"))), {"mail"}),
        (Filter(where=(("author", "Ada"), ("from", "*"))), set()),
        (Filter(where=(("author", "'; DROP TABLE documents; --"),)), set()),
        (Filter("*", "text", "2024", "2026", "en", (("author", "*"),)), {"old", "new"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_every_ranking_keeps_to_the_filter(store: SqliteStore, only: Filter, expected: set[str]) -> None:
    """Vectors, keywords and places agree on what passes."""
    space = store.space(SPACE)
    near, words = store.nearest(space, vector("query"), 9, only), store.matching(["alpha"], 9, only)
    for ranking in (near, words):
        places = store.occurrences(ranking.ids, only)
        assert {place.document.path for found in places.values() for place in found} == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("letters/mail.eml", {"letters/mail.eml", "letters/mail.eml/a.pdf"}),
        ("letters", {"letters/mail.eml", "letters/mail.eml/a.pdf"}),
        ("letters/", {"letters/mail.eml", "letters/mail.eml/a.pdf"}),
        ("./letters/*.eml", {"letters/mail.eml"}),
        ("/docs/letters", {"letters/mail.eml", "letters/mail.eml/a.pdf"}),
        ("/docs/*.pdf", {"letters/mail.eml/a.pdf"}),
        ("/docs", {"letters/mail.eml", "letters/mail.eml/a.pdf", "lettersets"}),
        ("docs/letters", set()),
        ("letter", set()),
    ],
)
def test_a_path_names_a_folder_too_and_may_begin_at_the_top(tmp_path: Path, path: str, expected: set[str]) -> None:
    """As people copy it from elsewhere."""
    store = SqliteStore(tmp_path / "index.db")
    for name in ("letters/mail.eml", "letters/mail.eml/a.pdf", "lettersets"):
        read, chunks = document(name, ["alpha"])
        store.put("/docs", name, STATE, [(replace(read, root="/docs"), chunks)])
    places = store.occurrences(store.matching(["alpha"], 9, Filter(path=path)).ids, Filter(path=path))
    store.close()
    assert {place.document.path for found in places.values() for place in found} == expected


def test_an_index_of_an_earlier_version_learns_its_languages(tmp_path: Path, store: SqliteStore) -> None:
    """The migration reads the texts that are there: no document is left out of a filter for its age."""
    store.close()
    old = SqliteStore(tmp_path / "index.db")
    with old._database.writing() as connection:
        connection.execute("ALTER TABLE documents DROP COLUMN language")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm004_language'")
    old.close()
    again = SqliteStore(tmp_path / "index.db")
    places = again.occurrences(again.matching(["alpha"], 9, Filter(language="de")).ids, Filter(language="de"))
    assert [place.document.path for found in places.values() for place in found] == ["mail"]
    again.close()
