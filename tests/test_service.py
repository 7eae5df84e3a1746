"""A service does its first search's work before anybody searches."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from search.config import Settings
from search.embedded import encoder
from search.errors import StoreError
from search.query import search
from search.records import Query
from search.service import open_service
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama


def test_a_warm_service_has_read_its_index_and_asked_no_server(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """What a search reads is there; an Ollama is not made to load a model for nobody."""
    with index.service(tmp_path, fake_ollama.url) as service:
        asked = len(fake_ollama.requests)
        service.warm()
        assert len(fake_ollama.requests) == asked
        assert isinstance(service.store, SqliteStore)
        held = service.store._index._held
        assert held is not None
        assert held.count == 6
        search(service.searcher, Query("vectors"))
        assert service.store._index._held is held


def test_a_warm_service_has_loaded_the_embedded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the first query is as quick as the second."""
    settings = Settings(str(tmp_path / "index.db"), "http://127.0.0.1:1", "", None, None)
    with open_service(settings, create=True) as service:
        index.fill(service.store)
        index.embed_all(service.store, service.searcher.client)
        monkeypatch.setattr(encoder, "_shared", {})
        service.warm()
        assert [model.name for model in encoder.loaded()] == ["all-minilm"]


def test_what_fails_while_warming_is_said_to_who_searches(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """The service starts all the same."""
    with index.service(tmp_path, fake_ollama.url) as service:
        with sqlite3.connect(tmp_path / "index.db") as connection:
            connection.execute("ALTER TABLE vectors RENAME TO elsewhere")
        connection.close()
        service.warm()
        with pytest.raises(StoreError):
            search(service.searcher, Query("vectors"))
