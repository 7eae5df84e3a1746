"""`search spaces`, over a real index."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import main
from search.embedded.models import MULTILINGUAL
from search.ollama.client import Client
from search.records import Space
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """An index with a whole space, one that is complete too, and one that isn't."""
    path = tmp_path / "index.db"
    with FakeOllama([FakeModel("all-minilm"), FakeModel("other", dimensions=32)]) as fake, Client(fake.url) as client:
        store = SqliteStore(path)
        index.fill(store)
        index.embed_all(store, client)
        index.embed_all(store, client, "other")
        active = store.active()
        assert active
        store.space(replace(active, model="third"))
        store.close()
    return path


def listed(db: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["spaces", *arguments, "--db", str(db), "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_spaces_are_listed(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which serves, how many vectors each has, how many passages wait."""
    rows = listed(db, capsys)
    assert [(row["model"], row["active"], row["vectors"], row["waiting"]) for row in rows] == [
        ("all-minilm", True, 6, 0),
        ("other", False, 6, 0),
        ("third", False, 0, 6),
    ]
    main(["spaces", "--db", str(db)])
    assert "6 passages wait" in capsys.readouterr().out


def test_another_space_is_made_to_serve(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By model or number; one that is not complete only by force."""
    assert [row["model"] for row in listed(db, capsys, "use", "other") if row["active"]] == ["other"]
    assert [row["model"] for row in listed(db, capsys, "use", "1") if row["active"]] == ["all-minilm"]
    assert main(["spaces", "use", "third", "--db", str(db)]) == 2
    assert "6 passages have no vector of third yet" in capsys.readouterr().err
    assert [row["model"] for row in listed(db, capsys, "use", "third", "--force") if row["active"]] == ["third"]


def test_a_space_is_dropped_unless_it_serves(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what is no space is said with those that are."""
    assert main(["spaces", "drop", "all-minilm", "--db", str(db)]) == 2
    assert "switch to another one first" in capsys.readouterr().err
    assert [row["model"] for row in listed(db, capsys, "drop", "other")] == ["all-minilm", "third"]
    assert main(["spaces", "drop", "other", "--db", str(db)]) == 2
    assert "there are: 1 (all-minilm), 3 (third)" in capsys.readouterr().err


def test_a_model_of_this_process_is_named_with_its_place(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name alone would be asked of an Ollama."""
    store = SqliteStore(db)
    made = store.space(Space(0, MULTILINGUAL.name, MULTILINGUAL.digest, 384, "query: ", "passage: ", "test:1"))
    store.close()
    assert main(["spaces", "use", str(made.id), "--db", str(db)]) == 2
    assert "with SEARCH_EMBED_MODEL=embedded://multilingual-e5-small, which" in capsys.readouterr().err
