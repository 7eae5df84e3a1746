"""What is given to those who read and list documents: records, as in `search.records`, and the HTTP schema too."""

from __future__ import annotations

from dataclasses import dataclass

from search.records import DocumentRef


@dataclass(frozen=True, slots=True)
class Span:
    """Where a chunk stands in a document, on which page, under which headings, and in which rows of a table."""

    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    rows: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document's text from `start` to `end`, of `length` characters in all, with the spans of its chunks there."""

    document: DocumentRef
    text: str
    start: int
    end: int
    length: int
    spans: tuple[Span, ...]

    def cut(self, start: int, end: int) -> DocumentText:
        """The part from `start` to `end`, as far as there is one, with the spans that reach into it."""
        start = min(max(start, self.start), self.end)
        end = min(max(end, start), self.end)
        spans = tuple(span for span in self.spans if span.start < end and span.end > start)
        text = self.text[start - self.start : end - self.start]
        return DocumentText(self.document, text, start, end, self.length, spans)


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A document in a list; `size` in bytes, `modified` in seconds since the epoch."""

    document: DocumentRef
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Documents:
    """A part of the list of documents, from number `offset` (from 0) of `total`; `types` counts all by type."""

    total: int
    offset: int
    documents: tuple[DocumentEntry, ...]
    types: dict[str, int]
