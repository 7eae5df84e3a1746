"""The web page, and what it needs beside search and ask: documents' texts, their list, and what failed.

The page is plain HTML, CSS and JavaScript in `search/page`. It loads nothing from elsewhere and its policy lets it run
nothing but its own files, so a text that looks like markup stays text whatever it says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Annotated

import pydantic_core
from fastapi import APIRouter, Query, Response

from search.catalog import Documents, DocumentText
from search.errors import QueryError
from search.failures import Unsearchable, failures
from search.store import Filter, Store

FILES = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    **{
        f"{name}.js": "text/javascript"
        for name in ("main", "dom", "marks", "reader", "answer", "state", "upload", "docs")
    },
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
MOST_LISTED = 1_000


def router(store: Store) -> APIRouter:
    """Routes: the page at /, the one of the API at /docs, their files, /document, /documents and /failures."""
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    def show_page() -> Response:
        return Response(_file("index.html"), media_type="text/html", headers=HEADERS)

    @routes.get("/docs", include_in_schema=False)
    def show_api() -> Response:
        return Response(_file("docs.html"), media_type="text/html", headers=HEADERS)

    for name, kind in FILES.items():
        routes.add_api_route(f"/page/{name}", _serve(name, kind), include_in_schema=False)
    _add_reading(routes, store)
    return routes


def _add_reading(routes: APIRouter, store: Store) -> None:
    @routes.get("/document", response_model=DocumentText, summary="A document's text, with the spans of its passages")
    def read_document(
        root: Annotated[str, Query(description="the ingested folder, as in a hit's document")],
        path: Annotated[str, Query(description="the path in it")],
        start: Annotated[int, Query(ge=0, description="from this character on")] = 0,
        end: Annotated[int | None, Query(ge=0, description="up to this character; the end where none is given")] = None,
    ) -> Response:
        if end is not None and end < start:
            raise QueryError(f"end {end} is before start {start}")
        found = store.document(root, path)
        return _json(found.cut(start, found.end if end is None else end))

    @routes.get("/documents", response_model=Documents, summary="The documents of the index")
    def list_documents(
        path: Annotated[str | None, Query(description="glob over document paths")] = None,
        type: Annotated[str | None, Query(description="document type, such as pdf")] = None,
        offset: Annotated[int, Query(ge=0, le=2**31, description="leave out so many")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="give at most so many")] = 100,
    ) -> Response:
        return _json(store.documents(Filter(path, type), offset, limit))

    @routes.get("/failures", summary="What is not fully searchable, why, and what to do")
    def list_failures() -> list[Unsearchable]:
        return failures(store)


def _serve(name: str, kind: str) -> Callable[[], Response]:
    def serve_file() -> Response:
        return Response(_file(name), media_type=kind, headers=HEADERS)

    return serve_file


@cache
def _file(name: str) -> bytes:
    return (files("search") / "page" / name).read_bytes()


def _json(record: DocumentText | Documents) -> Response:
    return Response(pydantic_core.to_json(record), media_type="application/json")
