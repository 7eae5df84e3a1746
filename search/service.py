"""Store, models and settings put together: what every command and the HTTP face work with."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from search.config import EMBEDDED_HOST, Settings
from search.embed import prefixes
from search.errors import ModelError, SearchError, StoreMismatch
from search.ollama.client import Client
from search.query import Searcher
from search.records import Space, Status
from search.store import Filter, Store
from search.store.opening import open_store

if TYPE_CHECKING:
    from search.answer import Answerer
    from search.writing import Chat


@dataclass(frozen=True)
class Service:
    """An open index with the models that search it and answer from it; a context manager.

    What only answers need is imported for these: it takes about as long as a search.
    """

    settings: Settings
    store: Store
    searcher: Searcher
    chat: Chat | None = None
    _others: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def answerer(self) -> Answerer:
        from search.answer import Answerer  # noqa: PLC0415

        return Answerer(self.searcher, self.chat)

    def status(self) -> Status:
        from search import status  # noqa: PLC0415

        return status.status(self.store, self.settings)

    def warm(self) -> None:
        """Does the first search's work before anybody searches: reads the index, and the embedded model, into memory.

        No server is asked. What fails here is said where somebody searches.
        """
        with suppress(SearchError):
            if space := self.searcher.space():
                self.store.nearest(space, np.eye(1, space.dimensions, dtype=np.float32)[0], 0, Filter())
                if self.settings.embeds_here:
                    self.searcher.vector(space, "a")

    def close(self) -> None:
        self.store.close()
        self.searcher.client.close()
        self._others.close()
        if self.chat:
            self.chat.client.close()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def searcher_of(service: Service, space: Space) -> Searcher:
    """A searcher of one space, with the model that it was made with, wherever that is.

    Raises StoreMismatch where none of the hosts has it, and ModelError where none can be asked.
    """
    settings, failure = service.settings, None
    prefixes_of_space = prefixes.Prefixes(space.query_prefix, space.document_prefix)
    for host in dict.fromkeys((settings.embed_host, EMBEDDED_HOST, settings.ollama_host)):
        client = Client(host, api_key=settings.api_key)
        searcher = Searcher(service.store, client, space.model, prefixes_of_space, space)
        searcher.reranker = service.searcher.reranker
        try:
            if searcher.model().fits(space):
                return searcher
        except ModelError as error:
            failure = failure or error
        client.close()
    raise failure or StoreMismatch(
        f"the space {space.id} was made with {space.model}, digest {space.digest[:19]}: no server has that model now"
    )


def open_service(settings: Settings, *, create: bool = False) -> Service:
    """Opens what the settings name. Raises StoreError and ConfigError; no model is asked yet."""
    store = open_store(settings.database, create=create)
    embedder = Client(settings.embed_host, api_key=settings.api_key)
    name = settings.embedder
    wanted = prefixes.chosen(name, settings.query_prefix, settings.document_prefix)
    others, chat = ExitStack(), None
    searcher = Searcher(store, embedder, name, wanted, elsewhere=cache(partial(_elsewhere, settings, others)))
    if settings.chat_model:
        from search.reranking import rerank  # noqa: PLC0415
        from search.writing import Chat  # noqa: PLC0415

        chat = Chat(Client(settings.ollama_host, api_key=settings.api_key), settings.chat_model, settings.num_ctx)
        searcher.reranker = partial(rerank, chat)
    return Service(settings, store, searcher, chat, others)


def _elsewhere(settings: Settings, opened: ExitStack) -> tuple[Client, ...]:
    """Where the model of an older space may still be had: in this process, or at OLLAMA_HOST."""
    hosts = {EMBEDDED_HOST, settings.ollama_host} - {settings.embed_host}
    return tuple(opened.enter_context(Client(host, api_key=settings.api_key)) for host in sorted(hosts))
