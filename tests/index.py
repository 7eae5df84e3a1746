"""A small index over a fake Ollama, for the tests of what reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search import embed
from search.answer import Chat
from search.config import Settings
from search.ollama.client import Client
from search.query import Searcher
from search.records import Chunk, Document
from search.service import Service
from search.store import FileState
from search.store.sqlite import SqliteStore

CHUNKING = "test:1"
DOCUMENTS = {
    "guide/storage.md": ["Vectors are kept in one SQLite file.", "The file can be copied while nobody writes."],
    "guide/models.md": ["The embedded model needs no server.", "It has 384 dimensions and reads 256 word pieces."],
    "mail/trip.eml": ["We leave for Lisbon on Monday at nine.", "Bring the red umbrella."],
}


def fill(store: SqliteStore, documents: Mapping[str, list[str]] = DOCUMENTS) -> None:
    """Puts documents, a paragraph a chunk, under the root /docs."""
    for path, texts in documents.items():
        text = "\n\n".join(texts)
        chunks = [Chunk(part, text.index(part), text.index(part) + len(part), (path.split("/")[0],)) for part in texts]
        made = Document("/docs", path, "", path.rsplit(".", 1)[-1], text)
        store.put("/docs", path, FileState(1, 2, "h", "indexed", "", CHUNKING), [(made, chunks)])


def embed_all(store: SqliteStore, client: Client, model: str = "all-minilm") -> None:
    """Gives each chunk its vector."""
    described = embed.describe(client, model)
    space = store.space(described.space(CHUNKING))
    for ids, texts in store.missing(space, 100):
        store.add(space, ids, embed.documents(described, texts))


def service(tmp_path: Path, url: str, *, chat_model: str | None = None, embedded: bool = True) -> Service:
    """An open index of DOCUMENTS with the models at `url`."""
    settings = Settings(str(tmp_path / "index.db"), url, "", "all-minilm", chat_model)
    store = SqliteStore(tmp_path / "index.db")
    fill(store)
    client = Client(url)
    if embedded:
        embed_all(store, client)
    searcher = Searcher(store, client, "all-minilm")
    chat = Chat(Client(url), chat_model) if chat_model else None
    return Service(settings, store, searcher, chat)
