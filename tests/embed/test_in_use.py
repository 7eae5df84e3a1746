"""What status says of the embedding: prefixes with their source, parts, and the quarantine."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from search import query
from search.commands import status as command
from search.config import Settings, from_environment
from search.errors import StoreMismatch
from search.records import LedgerRow, Query
from search.status import status
from search.store import Account
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama


def test_prefixes_are_those_of_the_family_unless_set(tmp_path: Path) -> None:
    """With where they come from."""
    store = SqliteStore(tmp_path / "index.db")
    shown = status(store, Settings("", embed_model="nomic-embed-text"))
    assert (shown.query_prefix, shown.document_prefix) == ("search_query: ", "search_document: ")
    assert "huggingface.co/nomic-ai" in shown.prefix_source
    given = {"SEARCH_EMBED_MODEL": "nomic-embed-text", "SEARCH_QUERY_PREFIX": "find:\\n", "SEARCH_DOCUMENT_PREFIX": ""}
    shown = status(store, from_environment(given))
    assert (shown.query_prefix, shown.document_prefix) == ("find:\n", "")
    assert "SEARCH_QUERY_PREFIX" in shown.prefix_source
    store.close()


def test_other_prefixes_are_another_space(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """A query with a prefix that the passages' space doesn't have is refused, and the message says which."""
    with index.service(tmp_path, fake_ollama.url) as service:
        service.searcher.prefixes = query.embed.Prefixes("query: ", "")
        service.searcher._model = None
        with pytest.raises(StoreMismatch, match=r"the prefixes '' and ''.*'query: '"):
            query.search(service.searcher, Query("storage", mode="vector"))


def test_the_command_shows_what_has_no_vector(
    tmp_path: Path, fake_ollama: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it stands and why, so that nothing is missing in silence."""
    with index.service(tmp_path, fake_ollama.url, embedded=False) as service:
        space = service.store.space(query.embed.describe(service.searcher.client, "all-minilm").space("test:1"))
        (ids, _), *_ = service.store.missing(space, 1)
        account = Account(LedgerRow("h", 1, 1, 1, 0.1), {}, {int(ids[0]): "NaN of it"})
        service.store.add(space, ids[:0], np.empty((0, space.dimensions), np.float32), account)
        assert service.status().quarantined == 1
        assert service.status().waiting == service.status().chunks - 1
    assert command.run(Namespace(json=False), Settings(str(tmp_path / "index.db"))) == 0
    shown = capsys.readouterr().out
    assert "1 not at all (quarantined)" in shown
    assert "no vector: guide/storage.md, characters 0 to 36: NaN of it\n  -> it is found by keyword only;" in shown
