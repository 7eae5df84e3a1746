"""HTTP routes that change the index: documents sent, deleted and read again, ingests as jobs.

They are open only to who may write, see `search.access`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Annotated

import pydantic_core
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi import Query as Parameter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from search import uploads
from search.access import Writers
from search.errors import QueryError
from search.filters import check_plain
from search.ingesting import Event
from search.jobs import Job, Jobs
from search.store import Store
from search.store.opening import check_writable

MAX_WAIT = 60.0
Wait = Annotated[float, Parameter(ge=0, le=MAX_WAIT, description="seconds to wait for the job's end")]


@dataclass(frozen=True, slots=True)
class FolderIngest:
    """Which folder to ingest, and which of its files; fields as the options of `ingest`."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    folder: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    reread: tuple[str, ...] = ()
    hidden: bool = False

    def __post_init__(self) -> None:
        for glob in (*self.include, *self.exclude, *self.reread):
            check_plain("glob", glob)
            if not glob or "\0" in glob:
                raise QueryError(f"{glob!r} is no glob: write one such as *.md or notes/**")


def add_ingest(app: FastAPI, store: Store, jobs: Jobs, writers: Writers) -> None:
    """Adds the routes over one index."""
    router = APIRouter(dependencies=[Depends(writers.check)])
    _add_documents(router, store, jobs)
    _add_jobs(router, jobs)
    app.include_router(router)


def _add_documents(router: APIRouter, store: Store, jobs: Jobs) -> None:
    @router.put("/documents/{path:path}", status_code=202, summary="Send a document: the body is its bytes")
    async def put_document(path: str, request: Request, wait: Wait = 10.0) -> Job:
        check_writable(store.location)
        root = uploads.folder(store.location)
        uploads.place(root, path)
        try:
            if int(request.headers.get("content-length", "0")) > uploads.MAX_BYTES:
                raise uploads.TooLarge(f"a document may have at most {uploads.MAX_BYTES:,} bytes")
            with uploads.receiving(root, path) as upload:
                async for piece in request.stream():
                    upload.write(piece)
        except (uploads.TooLarge, ValueError) as error:
            raise HTTPException(413, str(error)) from error
        return await run_in_threadpool(_waited, jobs, jobs.start(root), wait)

    @router.delete("/documents/{path:path}", summary="Delete a document that was sent")
    def delete_document(path: str) -> dict[str, str]:
        check_writable(store.location)
        root = uploads.folder(store.location)
        if not uploads.delete(root, path):
            raise HTTPException(404, "no such document was sent; a file in a folder of yours is deleted in that folder")
        store.drop(str(root), [path])
        jobs.start(root)  # an ingest under way may have read it before it went
        return {"deleted": path}

    @router.post("/documents/{path:path}/reread", status_code=202, summary="Read a document again, though unchanged")
    def reread_document(path: str, root: str | None = None, wait: Wait = 10.0) -> Job:
        folder = root or str(uploads.folder(store.location))
        if path not in store.known(folder):
            raise HTTPException(404, f"no such document in {folder}")
        return _waited(jobs, jobs.start(Path(folder), ["--reread", escape(path)]), wait)


def _add_jobs(router: APIRouter, jobs: Jobs) -> None:
    @router.post("/ingest", status_code=202, summary="Ingest a folder of the service's machine, as a job")
    def ingest_folder(wanted: FolderIngest, wait: Wait = 0.0) -> Job:
        check_plain("folder", wanted.folder)
        folder = Path(wanted.folder)
        if not folder.is_absolute() or "\0" in wanted.folder or not folder.is_dir():
            raise QueryError(f"{wanted.folder!r} is no folder of the service's machine: give its absolute path")
        options = ["--hidden"] if wanted.hidden else []
        for name in ("include", "exclude", "reread"):
            options += [f"--{name}={glob}" for glob in getattr(wanted, name)]
        return _waited(jobs, jobs.start(folder, options), wait)

    @router.get("/jobs", summary="The ingests that were asked for")
    def list_jobs() -> list[Job]:
        return jobs.all()

    @router.get("/jobs/{id}", summary="How an ingest is going")
    def show_job(id: str, wait: Wait = 0.0) -> Job:
        return _waited(jobs, _found(jobs.get(id)), wait)

    @router.get("/jobs/{id}/events", summary="The events of an ingest as they come, as NDJSON")
    def follow_job(id: str) -> StreamingResponse:
        _found(jobs.get(id))
        return StreamingResponse(_lines(jobs.events(id)), media_type="application/x-ndjson")

    @router.delete("/jobs/{id}", summary="Stop an ingest; what it has read is kept")
    def stop_job(id: str) -> Job:
        return _found(jobs.stop(id))


def _waited(jobs: Jobs, job: Job, seconds: float) -> Job:
    return jobs.wait(job.id, seconds) or job


def _found(job: Job | None) -> Job:
    if job is None:
        raise HTTPException(404, "no such job; the last ones are at /jobs")
    return job


def _lines(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        yield pydantic_core.to_json(event) + b"\n"
