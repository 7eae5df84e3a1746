"""What an assistant can do with the index: search, ask, read, list, status. Plain functions; knows no protocol.

They only read. What they give is small enough for a model's window; what is left is asked for by page, offset or
position, and each result says how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from glob import escape
from typing import Any, Literal, Unpack

from search import answer, places, query
from search.errors import DocumentMissing, QueryError
from search.queries import Filters, filter_of
from search.records import ChunkRef, DocumentRef, Query, Question
from search.service import Service
from search.slots import Slots
from search.store import Filter

MOST_HITS = 20
MOST_LISTED = 100
READ_CHARACTERS = 6_000
MOST_READ_CHARACTERS = 20_000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools over one index. Each raises SearchError, whose message says what to do."""

    service: Service
    slots: Slots = field(default_factory=Slots)

    def search(
        self,
        text: str,
        *,
        k: int = 5,
        page: int = 1,
        mode: Literal["hybrid", "keyword", "vector"] = "hybrid",
        **filters: Unpack[Filters],
    ) -> Json:
        """The best passages for a query: `k` of them, the next ones on the next page."""
        if not 1 <= k <= MOST_HITS:
            raise QueryError(f"k is {k}: ask for 1 to {MOST_HITS} passages, and for the next page")
        if not 1 <= page * k < 1000:
            raise QueryError(f"page {page} is out of range: refine the query instead")
        found = query.search(self.service.searcher, Query(text, page * k + 1, mode, **filters))
        hits = found.hits[(page - 1) * k : page * k]
        return _without_empty(
            hits=[_place(hit.document, hit.chunk) | {"text": hit.chunk.text} for hit in hits],
            next_page=page + 1 if len(found.hits) > page * k else None,
            notes=list(found.notes),
        )

    def ask(self, question: str, **filters: Unpack[Filters]) -> Json:
        """An answer from the documents, its sentences checked against the sources that it cites."""
        with self.slots.held():
            whole = answer.answer(self.service.answerer, Question(question, **filters))
        doubtful = [sentence for sentence in whole.sentences if sentence.support != "supported"]
        return _without_empty(
            answer=whole.answer,
            how=whole.how,
            not_supported=[{"sentence": sentence.text, "support": sentence.support} for sentence in doubtful],
            sources=[{"n": source.n} | _place(source.document, source.chunk) for source in whole.shown],
            notes=[*whole.left_out, *whole.notes],
        )

    def read(
        self,
        path: str,
        root: str | None = None,
        start: int = 0,
        end: int | None = None,
        neighbours: int = 0,
    ) -> Json:
        """A document's text from `start` to `end`, widened to the passages there and `neighbours` on both sides."""
        if start < 0 or neighbours < 0 or (end is not None and end < start):
            raise QueryError("start, end and neighbours count from 0, and end is not before start")
        whole = self.service.store.document(self._root(path, root), path)
        wanted_end = min(start + READ_CHARACTERS, whole.length) if end is None else min(end, whole.length)
        if neighbours:
            within = [n for n, span in enumerate(whole.spans) if span.start < wanted_end and span.end > start]
            if within:
                first = max(0, within[0] - neighbours)
                last = min(len(whole.spans) - 1, within[-1] + neighbours)
                start, wanted_end = min(start, whole.spans[first].start), max(wanted_end, whole.spans[last].end)
        part = whole.cut(start, min(wanted_end, start + MOST_READ_CHARACTERS))
        outline = dict.fromkeys(" > ".join(span.heading) for span in part.spans if span.heading)
        return _without_empty(
            path=path,
            root=part.document.root,
            title=part.document.title,
            text=part.text,
            start=part.start,
            end=part.end,
            length=part.length,
            next_start=part.end if part.end < part.length else None,
            pages=sorted({span.page for span in part.spans if span.page is not None}),
            headings=list(outline),
        )

    def list(self, offset: int = 0, limit: int = 50, **filters: Unpack[Filters]) -> Json:
        """The documents of the index by path: at most `limit` from number `offset` on."""
        if offset < 0 or not 1 <= limit <= MOST_LISTED:
            raise QueryError(f"offset counts from 0, and limit is 1 to {MOST_LISTED}")
        found = self.service.store.documents(filter_of(filters), offset, limit)
        roots = {entry.document.root for entry in found.documents}
        documents = [
            _without_empty(
                path=entry.document.path,
                root=entry.document.root if len(roots) > 1 else None,
                title=entry.document.title,
                type=entry.document.type,
                bytes=entry.size,
            )
            for entry in found.documents
        ]
        following = offset + len(documents)
        return _without_empty(
            total=found.total,
            roots=sorted(roots),
            types=found.types,
            documents=documents,
            next_offset=following if following < found.total else None,
        )

    def status(self) -> Json:
        """What the index holds, which models are in use, and what is not searchable."""
        status = self.service.status()
        failures = [f"{failure.path}: {failure.reason}" for failure in self.service.store.failures()]
        shown = failures[:MOST_HITS]
        if len(failures) > len(shown):
            shown.append(f"and {len(failures) - len(shown):,} more: `search status` lists them")
        return _without_empty(
            documents=status.documents,
            passages=status.chunks,
            passages_without_vector=status.waiting,
            folders=list(status.roots),
            embedding_model=status.embed_model,
            answers_by=status.chat_model or "sentences quoted from the documents",
            not_searchable=shown,
            notes=list(status.notes),
        )

    def _root(self, path: str, root: str | None) -> str:
        """The folder that a path is in. Raises DocumentMissing where there is none, QueryError for several."""
        if root is not None:
            return root
        found = self.service.store.documents(Filter(escape(path)), 0, 10).documents
        roots = [entry.document.root for entry in found]
        if not roots:
            raise DocumentMissing(f"no document has the path {path!r}: list gives the paths, search finds passages")
        if len(roots) > 1:
            raise QueryError(f"{path!r} is in several folders: name one as root: {', '.join(roots)}")
        return roots[0]


def _place(document: DocumentRef, chunk: ChunkRef) -> Json:
    """Where a passage stands, in what `read` takes."""
    return _without_empty(
        path=document.path,
        root=document.root,
        title=document.title,
        page=chunk.page,
        rows=places.rows(chunk),
        heading=" > ".join(chunk.heading),
        start=chunk.start,
        end=chunk.end,
    )


def _without_empty(**fields: Any) -> Json:
    """What has a value; nothing is said of the rest, which spares a model the reading."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
