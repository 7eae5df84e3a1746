"""The HTTP face: FastAPI routes over the two read hubs. Knows how to speak, not how to search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pydantic_core
from fastapi import FastAPI, Request, Response
from fastapi import Query as Parameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search import __version__, answer_routes, query, web
from search.access import LOCAL, LOOPBACK, Names, OnlyByName, Writers
from search.answer import Answerer
from search.errors import (
    AnswerMissing,
    ConfigError,
    DocumentMissing,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnreachable,
    QueryError,
    SearchError,
    StoreMismatch,
    StoreUnavailable,
)
from search.filters import conditions
from search.query import Searcher
from search.records import Mode, Query, Results, Status
from search.slots import RETRY_SECONDS, Slots

SEARCHES_AT_ONCE = 8
"""So many may wait for a slow embedding server together; fewer compute, see `Searcher.turn`."""

_SEARCHES = ThreadPoolExecutor(SEARCHES_AT_ONCE, thread_name_prefix="search")

STATUSES: dict[type[SearchError], int] = {
    ConfigError: 500,
    QueryError: 422,
    ModelUnreachable: 503,
    ModelMissing: 503,
    ModelBusy: 503,
    ModelError: 502,
    DocumentMissing: 404,
    AnswerMissing: 404,
    StoreMismatch: 409,
    StoreUnavailable: 503,
    SearchError: 500,
}


def create_app(
    searcher: Searcher,
    answerer: Answerer,
    status: Callable[[], Status],
    *,
    writers: Writers = LOCAL,
    names: Names = LOOPBACK,
    slots: Slots | None = None,
) -> FastAPI:
    """The service over one index. Routes: /search, /health, /status, those of `search.answer_routes` and `search.web`.

    It is asked by its `names` only. `writers` may keep answers. `slots` are for answers under way, here and wherever
    else they are given to.
    """
    app = FastAPI(
        title="semsearch",
        version=__version__,
        description="Semantic search and question answering over your own documents.",
        # FastAPI's own pages load their scripts from another server; ours is in `search.web`.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(_HeadAsGet)
    app.add_middleware(OnlyByName, names=names)
    _add_errors(app)
    slots = slots or Slots()
    _add_search(app, searcher, slots)
    app.include_router(answer_routes.router(answerer, writers, slots))
    app.include_router(web.router(searcher.store))

    @app.get("/health", summary="Is the service up?")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/status", summary="What the index holds and what it is used with")
    def show_status() -> Status:
        return status()

    return app


class _HeadAsGet:
    """Answers HEAD as GET, without the body, where there is no route for HEAD itself: FastAPI gives its routes none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope.get("method") != "HEAD" or any(route.matches(scope)[0] == Match.FULL for route in scope["app"].routes):
            await self._app(scope, receive, send)
        else:
            await self._app({**scope, "method": "GET"}, receive, send_head)


def _add_search(app: FastAPI, searcher: Searcher, slots: Slots) -> None:
    @app.post("/search", response_model=Results, summary="Search by meaning and by keyword")
    async def post_search(wanted: Query) -> Response:
        return await _searched(searcher, wanted, slots)

    @app.get("/search", response_model=Results, summary="The same as POST /search, from the query string")
    async def get_search(asked: Annotated[_QueryString, Parameter()]) -> Response:
        return await _searched(searcher, asked.query(), slots)


async def _searched(searcher: Searcher, wanted: Query, slots: Slots) -> Response:
    """A search, in one of a few threads: it may wait for the model, and each thread has its own cache of the index.

    One that waits for the chat model takes a slot as an answer does, and no thread from the others.
    """
    if wanted.rerank:
        with slots.held():
            return await run_in_threadpool(lambda: _json(query.search(searcher, wanted)))
    return await asyncio.get_running_loop().run_in_executor(_SEARCHES, lambda: _json(query.search(searcher, wanted)))


class _QueryString(BaseModel):
    """The fields of a Query as they stand in an address. Unknown ones are refused, as in POST."""

    model_config = {"extra": "forbid"}

    q: str = Field(description="what to look for")
    k: int = Field(10, description="how many hits")
    mode: Mode = Field("hybrid", description="what to rank by")
    path: str | None = Field(None, description="glob over document paths")
    type: str | None = Field(None, description="document type, such as pdf")
    after: str | None = Field(None, description="modified at this date or later, such as 2026-03-31")
    before: str | None = Field(None, description="modified earlier than this date")
    language: str | None = Field(None, description="language of the document, such as en or python")
    where: list[str] = Field([], description="KEY=VALUE: what the metadata have to hold; may be repeated")
    explain: bool = Field(False, description="say how each hit came about")
    diversify: bool = Field(True, description="one hit for near copies of a passage, and room for other documents")
    neighbours: int = Field(0, description="so many passages of text around each hit")
    rerank: bool = Field(False, description="have the chat model read the first hits and order them")

    def query(self) -> Query:
        return Query(self.q, **self.model_dump(exclude={"q", "where"}), where=conditions(self.where))


def _add_errors(app: FastAPI) -> None:
    """Each error as {"error": {"type", "message"}}, with the status of its class or of the nearest one above it."""

    @app.exception_handler(SearchError)
    def refuse(_: Request, error: SearchError) -> Response:
        status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
        headers = {}
        if isinstance(error, ModelBusy):
            headers["Retry-After"] = str(round(error.retry_after or RETRY_SECONDS))
        return JSONResponse(error.body, status, headers)

    @app.exception_handler(RequestValidationError)
    def refuse_request(_: Request, error: RequestValidationError) -> Response:
        return JSONResponse(_body("QueryError", "; ".join(map(_problem, error.errors()))), 422)

    @app.exception_handler(HTTPException)
    def refuse_route(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path}: {error.detail}; the routes are listed at /docs"
        return JSONResponse(_body("HTTPError", message), error.status_code, error.headers)


def _problem(problem: dict[str, Any]) -> str:
    """What is wrong with a request, in words."""
    if problem["type"] == "json_invalid":
        return f"the body is no JSON at character {problem['loc'][-1]}: {problem['ctx']['error']}"
    if problem["loc"] == ("body",) and isinstance(problem["input"], str | bytes):
        return "the body is not taken as JSON: send it with the header Content-Type: application/json"
    if problem["loc"] == ("body",):
        return "the body has to be a JSON object"
    return f"{'.'.join(str(part) for part in problem['loc'] if part != 'body')}: {problem['msg']}"


def _body(kind: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"type": kind, "message": message}}


def _json(record: Results) -> Response:
    return Response(pydantic_core.to_json(record), media_type="application/json")
