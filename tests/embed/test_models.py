"""Asking a server what its model is."""

from __future__ import annotations

import pytest

from search import embed
from search.errors import ModelMissing, ModelUnreachable
from search.ollama.client import Client
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama


def test_a_model_is_described_by_its_server(fake_ollama: FakeOllama) -> None:
    """Digest, dimensions and window; the prefixes by its name."""
    fake_ollama.models["nomic-embed-text:latest"] = FakeModel(
        "nomic-embed-text", dimensions=32, context=512, digest="d1"
    )
    with Client(fake_ollama.url) as client:
        model = embed.describe(client, "nomic-embed-text")
    assert (model.digest, model.dimensions, model.window) == ("d1", 32, 512)
    assert (model.query_prefix, model.document_prefix) == ("search_query: ", "search_document: ")
    assert model.space("c").fingerprint == ("nomic-embed-text", "d1", 32, "search_query: ", "search_document: ", "c")


def test_a_model_that_is_known_is_asked_for_its_digest_only(fake_ollama: FakeOllama) -> None:
    """A service looks again and again; new weights under the old name are noticed."""
    with Client(fake_ollama.url) as client:
        known = embed.describe(client, "all-minilm")
        calls = fake_ollama.calls.total()
        assert embed.describe(client, "all-minilm", known=known) is known
        assert fake_ollama.calls.total() == calls + 1
        fake_ollama.models["all-minilm:latest"] = FakeModel("all-minilm", dimensions=16, digest="other")
        assert embed.describe(client, "all-minilm", known=known).dimensions == 16
        del fake_ollama.models["all-minilm:latest"]
        with pytest.raises(ModelMissing, match="ollama pull all-minilm"):
            embed.describe(client, "all-minilm", known=known)


def test_a_model_that_a_space_was_made_with_is_not_loaded_to_be_described(fake_ollama: FakeOllama) -> None:
    """The space knows the dimensions of that very model; of another one under its name it doesn't."""
    with Client(fake_ollama.url) as client:
        model = embed.describe(client, "all-minilm")
        asked = len(fake_ollama.sent("/api/embed"))
        assert embed.describe(client, "all-minilm", spaces=[model.space("c")]) == model
        assert len(fake_ollama.sent("/api/embed")) == asked
        fake_ollama.models["all-minilm:latest"] = FakeModel("all-minilm", dimensions=16, digest="other")
        assert embed.describe(client, "all-minilm", spaces=[model.space("c")]).dimensions == 16


def test_a_server_that_does_not_say_a_window_is_left_to_its_own(fake_ollama: FakeOllama) -> None:
    """Old ones have no such field, or no such route."""
    with Client(fake_ollama.url) as client, fake_ollama.failing("no_route", route="/api/show"):
        model = embed.describe(client, "all-minilm")
        assert model.options is None
        embed.query(model, "x")
        assert "options" not in fake_ollama.sent("/api/embed")[-1]


def test_documents_come_all_or_not_at_all(fake_ollama: FakeOllama) -> None:
    """In batches, each tried again while the server is busy."""
    with Client(fake_ollama.url) as client:
        model = embed.describe(client, "all-minilm")
        fake_ollama.fault("busy", times=1)
        assert embed.documents(model, [f"text {number}" for number in range(70)]).shape == (70, 256)
        assert embed.documents(model, []).shape == (0, 256)


def test_the_model_that_needs_no_server_is_named_where_a_server_was_asked_for_it(fake_ollama: FakeOllama) -> None:
    """Whether the server doesn't have it or isn't there."""
    for url, kind in ((fake_ollama.url, ModelMissing), ("http://127.0.0.1:9", ModelUnreachable)):
        with (
            Client(url) as client,
            pytest.raises(kind, match="set SEARCH_EMBED_MODEL=embedded://multilingual-e5-small"),
        ):
            embed.describe(client, "multilingual-e5-small")
    with Client("http://127.0.0.1:9") as client, pytest.raises(ModelUnreachable, match=r"OLLAMA_HOST$"):
        embed.describe(client, "bge-m3")
