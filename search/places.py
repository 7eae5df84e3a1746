"""Where a passage stands, in a line for people."""

from __future__ import annotations

from search.records import ChunkRef, DocumentRef


def place(document: DocumentRef, chunk: ChunkRef) -> str:
    """Path, page where there is one, and heading path."""
    page = f", page {chunk.page}" if chunk.page is not None else ""
    heading = f" ({' > '.join(chunk.heading)})" if chunk.heading else ""
    return f"{document.path}{page}{heading}"
