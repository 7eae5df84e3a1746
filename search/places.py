"""Where a passage stands, in a line for people."""

from __future__ import annotations

from search.records import ChunkRef, DocumentRef


def place(document: DocumentRef, chunk: ChunkRef) -> str:
    """Path, page or rows where there are any, and heading path."""
    page = f", page {chunk.page}" if chunk.page is not None else ""
    page += f", {rows(chunk)}" if chunk.rows else ""
    heading = f" ({' > '.join(chunk.heading)})" if chunk.heading else ""
    return f"{document.path}{page}{heading}"


def rows(chunk: ChunkRef) -> str:
    """The rows of a table that a passage holds, "row 7" or "rows 7-12"; empty where it stands in none."""
    first, last = chunk.rows or (0, 0)
    return "" if not first else f"row {first}" if first == last else f"rows {first}-{last}"
