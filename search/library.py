"""The index from Python: open it, search it, ask it, in a script or a notebook.

    from search import open_index

    index = open_index("index.db")
    index.search("where are vectors kept?")
    index.ask("Which model is used without Ollama?")

Results and answers are the records of `search.records`, with a repr that people can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields, replace
from html import escape
from types import TracebackType
from typing import Any, TypeVar, Unpack

from search import answer, config, query
from search.config import Settings
from search.errors import ConfigError, QueryError
from search.places import place, shortened
from search.queries import Effort, Filters
from search.records import DocumentRef, Hit, Mode, Query, Question, Results, Status
from search.replies import Answer, Event
from search.service import Service, open_service

R = TypeVar("R")

_MARKS = {"supported": "", "partly": " [only partly in the sources]", "not found": " [not found in the sources]"}


class FoundHit(Hit):
    """A Hit that shows itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self.rank}. {place(self.document, self.chunk)}\n   {shortened(self.chunk.text)}"

    def _repr_html_(self) -> str:
        return (
            f"<p><b>{self.rank}. {escape(place(self.document, self.chunk))}</b><br>"
            f'<span dir="auto">{escape(shortened(self.chunk.text))}</span><br>'
            f"<small>{escape(self.why)}</small></p>"
        )


class Found(Results):
    """Results that show themselves; a sequence of hits."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, number: int) -> Hit:
        return self.hits[number]

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self.hits), *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        hits = "".join(hit._repr_html_() for hit in self.hits if isinstance(hit, FoundHit))
        return hits + _notes_html(self.notes)


class Reply(Answer):
    """An Answer that shows itself, with its sources and what does not stand in them."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.answer

    def __repr__(self) -> str:
        unsure = [
            f"{sentence.text}{_MARKS[sentence.support]}"
            for sentence in self.sentences
            if sentence.support != "supported"
        ]
        sources = [f"[{source.n}] {place(source.document, source.chunk)}" for source in self.shown]
        return "\n".join([self.answer, *unsure, *sources, *(f"note: {note}" for note in (*self.left_out, *self.notes))])

    def _repr_html_(self) -> str:
        if self.how == "chat":
            said = "".join(
                f'<li dir="auto">{escape(sentence.text)}<i>{_MARKS[sentence.support]}</i></li>'
                for sentence in self.sentences
            )
            body = f"<ul>{said}</ul>" if said else f"<p>{escape(self.answer)}</p>"
        else:
            body = f'<p dir="auto">{"<br>".join(escape(line) for line in self.answer.splitlines())}</p>'
        sources = "".join(
            f"<li><b>[{source.n}]</b> {escape(place(source.document, source.chunk))}</li>" for source in self.shown
        )
        return f"{body}<ul>{sources}</ul>{_notes_html((*self.left_out, *self.notes))}"


class Index:
    """An open index; close it, or use it in a `with` block. May be used from several threads."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def search(
        self, text: str, k: int = 10, *, mode: Mode = "hybrid", rerank: bool = False, **filters: Unpack[Filters]
    ) -> Found:
        """The best passages for a text. Filters are `path` (a glob), `type`, `after`, `before`, `language` and `where`
        (a dictionary of metadata), as over HTTP. With `rerank` the chat model puts them in order. Raises SearchError.
        """
        found = query.search(self._service.searcher, Query(text, k, mode, rerank=rerank, **filters))
        return _as(Found, replace(found, hits=tuple(_as(FoundHit, hit) for hit in found.hits)))

    def ask(
        self,
        question: str,
        k: int = 8,
        *,
        think: bool | Effort = False,
        save: bool = False,
        **filters: Unpack[Filters],
    ) -> Reply:
        """An answer from the documents, each sentence checked; filters as in `search`, with `save` it is kept.

        Raises SearchError.
        """
        asked = Question(question, k, think=think, save=save, **filters)
        return _as(Reply, answer.answer(self._service.answerer, asked))

    def stream(self, question: str, k: int = 8, **filters: Unpack[Filters]) -> Iterator[Event]:
        """The answer as it comes; the last event has all of it; filters as in `search`. Raises SearchError."""
        return answer.stream(self._service.answerer, Question(question, k, **filters))

    def text(self, document: DocumentRef) -> str:
        """The text of a document, into which the offsets of hits and citations count. Raises DocumentMissing."""
        if not isinstance(document, DocumentRef):
            raise QueryError(f"{document!r} is no document: give the `document` of a hit or of a source")
        return self._service.store.text(document.root, document.path)

    def status(self) -> Status:
        """What the index holds and what it is used with."""
        return self._service.status()

    def close(self) -> None:
        """Lets go of the index and the models."""
        self._service.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = self._service.store.counts()
        return f"<Index {self._service.store.location}: {counts.documents:,} documents, {counts.chunks:,} passages>"


def open_index(
    database: str | os.PathLike[str] | None = None,
    *,
    embed_model: str | None = None,
    chat_model: str | None = None,
    ollama_host: str | None = None,
) -> Index:
    """Opens an index that `ingest FOLDER` made.

    What isn't given comes from the environment (SEARCH_DB, SEARCH_EMBED_MODEL, SEARCH_CHAT_MODEL, OLLAMA_HOST), as for
    the command `search`. Raises ConfigError and StoreError; no model is asked yet.
    """
    if not isinstance(database, str | os.PathLike | None):
        raise ConfigError(f"database is {database!r}: give the path of an index")
    given: dict[str, Any] = {"embed_model": embed_model, "chat_model": chat_model, "ollama_host": ollama_host}
    for name, value in given.items():
        if not isinstance(value, str | None):
            raise ConfigError(f"{name} is {value!r}: give a text, or None for what the environment says")
    settings = config.from_environment(os.environ, os.fspath(database) if database is not None else None)
    changed: Settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    return Index(open_service(changed))


def _as(kind: type[R], record: Any) -> R:
    """The same record as one that shows itself."""
    return kind(*(getattr(record, field.name) for field in fields(record)))


def _notes_html(notes: tuple[str, ...]) -> str:
    return "".join(f"<p><small>{escape(note)}</small></p>" for note in notes)
