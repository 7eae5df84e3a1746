"""HTTP routes that answer: /ask, at once or as a stream, and the answers that are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated

import pydantic_core
from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as Parameter
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from search import answer, archive
from search.access import Writers
from search.answer import Answerer
from search.disconnects import stop_of
from search.errors import SearchError
from search.records import Question
from search.replies import Answer, Answered, Event, Rerun, SavedAnswer, SavedEntry
from search.slots import Held, Slots
from search.store import Store

EVENT_STREAM = "text/event-stream"


def router(answerer: Answerer, writers: Writers, slots: Slots) -> APIRouter:
    """Routes: /ask and /answers. What is kept, asked again and dropped is open to those who may write."""
    routes = APIRouter()
    _add_ask(routes, answerer, writers, slots)
    _add_kept(routes, answerer.searcher.store)
    writing = APIRouter(dependencies=[Depends(writers.check)])
    _add_changing(writing, answerer, slots)
    routes.include_router(writing)
    return routes


def _add_ask(routes: APIRouter, answerer: Answerer, writers: Writers, slots: Slots) -> None:
    @routes.post("/ask", response_model=Answer, summary="Answer a question from the documents, with sources")
    async def post_ask(question: Question, request: Request) -> Response:
        if question.save:
            writers.check(request)
        events = slots.hold(answer.stream(answerer.stopped_by(stop_of(request)), question))
        as_events = EVENT_STREAM in request.headers.get("Accept", "")
        if not question.stream and not as_events:
            return await run_in_threadpool(_whole, events)
        # The first event is made before the response begins, so that an error before it has its own status.
        written = _written(await run_in_threadpool(next, events), events, _server_sent if as_events else _line)
        kind = EVENT_STREAM if as_events else "application/x-ndjson"
        return StreamingResponse(_closing(written, events), media_type=kind)


def _add_kept(routes: APIRouter, store: Store) -> None:
    @routes.get("/answers", response_model=list[SavedEntry], summary="The answers that are kept")
    def list_answers(
        stale: Annotated[bool, Parameter(description="only those that rest on passages that have changed")] = False,
    ) -> Response:
        return _json(store.answers.entries(stale=stale))

    @routes.get("/answers/{id}", response_model=SavedAnswer, summary="A kept answer, and what has changed since")
    def show_answer(id: int) -> Response:
        return _json(archive.saved(store, id))


def _add_changing(routes: APIRouter, answerer: Answerer, slots: Slots) -> None:
    @routes.post("/answers/{id}/rerun", response_model=Rerun, summary="Ask again, keep that too, and compare")
    async def rerun_answer(id: int, request: Request) -> Response:
        with slots.held():
            return _json(await run_in_threadpool(answer.rerun, answerer.stopped_by(stop_of(request)), id))

    @routes.delete("/answers/{id}", summary="Forget a kept answer")
    def drop_answer(id: int) -> dict[str, int]:
        answerer.searcher.store.answers.drop(id)
        return {"dropped": id}


async def _closing(chunks: Iterator[bytes], events: Held[Event]) -> AsyncIterator[bytes]:
    """The chunks; whatever becomes of them, the events are closed."""
    try:
        async for chunk in iterate_in_threadpool(chunks):
            yield chunk
    finally:
        events.close()


def _whole(events: Iterator[Event]) -> Response:
    """The answer at the end of its events."""
    return _json([event.answer for event in events if isinstance(event, Answered)][-1])


def _written(first: Event, events: Iterator[Event], write: Callable[[str, bytes], bytes]) -> Iterator[bytes]:
    """Each event as it comes; a failure on the way is a last one, {"error": ...}."""
    try:
        yield write(first.type, pydantic_core.to_json(first))
        for event in events:
            yield write(event.type, pydantic_core.to_json(event))
    except SearchError as error:
        yield write("error", pydantic_core.to_json(error.body))


def _line(_: str, body: bytes) -> bytes:
    """NDJSON: one object a line."""
    return body + b"\n"


def _server_sent(kind: str, body: bytes) -> bytes:
    """A server-sent event, named as the object's type."""
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def _json(record: Answer | SavedAnswer | Rerun | list[SavedEntry]) -> Response:
    return Response(pydantic_core.to_json(record), media_type="application/json")
