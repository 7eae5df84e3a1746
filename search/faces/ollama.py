"""The service as an Ollama: its chat models again as NAME+docs, which answer from the index; all else is passed on.

Requests for other models go to the server behind and its answers come back as they are, errors and streams included.
What changes that server (pull, push, create, copy, delete, blobs) is passed on for this machine only.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pydantic_core
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from search import __version__
from search.access import is_from_here
from search.config import EMBEDDED_HOST
from search.disconnects import stop_of, unless_gone
from search.errors import ModelBusy, ModelMissing, ModelUnreachable, QueryError, SearchError
from search.faces import models
from search.faces.models import Documented, Json
from search.ollama import forwarding, hosts
from search.ollama.asynchronous import AsyncClient
from search.records import Question
from search.replies import Answer
from search.service import Service

READING = [("GET", "ps"), ("GET", "version"), ("HEAD", "version"), ("POST", "embed"), ("POST", "embeddings")]
CHANGING = [("POST", "pull"), ("POST", "push"), ("POST", "create"), ("POST", "copy"), ("DELETE", "delete")]
CHANGING += [("HEAD", "blobs/{digest}"), ("POST", "blobs/{digest}")]

STATUSES: dict[type[SearchError], int] = {QueryError: 400, ModelMissing: 404, ModelBusy: 503, ModelUnreachable: 503}
METRICS = {
    "total_duration": ("total_seconds", 1e9),
    "load_duration": ("load_seconds", 1e9),
    "prompt_eval_count": ("prompt_tokens", 1),
    "prompt_eval_duration": ("prompt_seconds", 1e9),
    "eval_count": ("eval_tokens", 1),
    "eval_duration": ("eval_seconds", 1e9),
}


@dataclass(frozen=True, slots=True)
class Behind:
    """The model server behind, and the documents in front of it. `local`: only this machine reaches the service."""

    client: AsyncClient
    documented: Documented
    local: bool

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """A small answer of the server behind: its status, and its JSON ({"error": ...} for what is none)."""
        content = json.dumps(body).encode() if body is not None else b""
        passed = await forwarding.send(self.client, method, path, content, {"content-type": "application/json"})
        text = await passed.read()
        try:
            found = pydantic_core.from_json(text)
        except ValueError:
            found = {"error": text.decode("utf-8", "replace")}
        return passed.status, found if isinstance(found, dict) else {"error": text.decode("utf-8", "replace")}

    async def models(self) -> list[Json]:
        """The models of the server behind, and those that answer from the documents."""
        code, found = await self.ask("GET", "/api/tags")
        plain = found.get("models") or [] if code == 200 else []
        chatting = [model for model in plain if await self.refusal(str(model.get("name"))) is None]
        return [*plain, *([_with_documents(model) for model in chatting] or [_extracts()])]

    async def refusal(self, model: str) -> tuple[int, Json] | None:
        """The server's own error for a chat model that it doesn't have or that cannot chat; None where it can."""
        if models.is_extracts(model):
            return None
        code, shown = await self.ask("POST", "/api/show", {"model": model})
        if code != 200:
            return code, shown
        if "completion" not in (shown.get("capabilities") or ["completion"]):
            return 400, {"error": f'"{model}" does not support chat'}
        return None


def behind(service: Service, documented: Documented, host: str) -> Behind:
    """What the faces stand on: the Ollama that the settings use, or the embedded model."""
    settings = service.settings
    used = EMBEDDED_HOST if settings.embeds_here and not settings.chat_model else settings.ollama_host
    return Behind(AsyncClient(used, api_key=settings.api_key), documented, hosts.is_loopback(host))


def add(app: FastAPI, made: Behind) -> None:
    """Adds Ollama's routes to the service."""
    routes = APIRouter(prefix="/api", include_in_schema=False)
    _add_models(routes, made)
    _add_answers(routes, made)
    for method, path in READING:
        routes.add_api_route(f"/{path}", _passing(made, changing=False), methods=[method])
    for method, path in CHANGING:
        routes.add_api_route(f"/{path}", _passing(made, changing=True), methods=[method])
    app.include_router(routes)
    app.add_api_route("/", _alive, methods=["HEAD"], include_in_schema=False)
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with made.client, before(running) as state:
            yield state

    app.router.lifespan_context = lifespan


def _alive() -> Response:
    """Clients look whether an Ollama is there with HEAD /."""
    return Response()


def _add_models(routes: APIRouter, made: Behind) -> None:
    @routes.api_route("/tags", methods=["GET", "HEAD"])
    async def list_models() -> Response:
        try:
            return JSONResponse({"models": await made.models()})
        except SearchError as error:
            return failure(error)

    @routes.post("/show")
    async def show_model(request: Request) -> Response:
        raw = await request.body()
        asked = decoded(raw)
        name = asked.get("model") or asked.get("name")
        model = models.base(name) if isinstance(name, str) else None
        if model is None:
            return await pass_on(made, request, raw)
        if models.is_extracts(model):
            return JSONResponse(_extracts() | {"modelfile": "# quotes the documents", "template": "", "model_info": {}})
        try:
            code, shown = await made.ask("POST", "/api/show", asked | {"model": model})
        except SearchError as error:
            return failure(error)
        return JSONResponse(shown | {"capabilities": ["completion"]} if code == 200 else shown, code)


def _add_answers(routes: APIRouter, made: Behind) -> None:
    @routes.post("/chat")
    async def chat(request: Request) -> Response:
        return await _speak(made, request, "chat")

    @routes.post("/generate")
    async def generate(request: Request) -> Response:
        return await _speak(made, request, "generate")


def _passing(made: Behind, *, changing: bool) -> Any:
    async def handle(request: Request) -> Response:
        if changing and not (made.local and is_from_here(request)):
            words = "models can be changed from this machine only, while the service listens on loopback alone"
            return JSONResponse({"error": words}, 403)
        return await pass_on(made, request, request.stream())

    return handle


async def pass_on(made: Behind, request: Request, body: bytes | AsyncIterator[bytes]) -> Response:
    """The answer of the server behind, as it comes."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        sent = forwarding.send(made.client, request.method, path, body, dict(request.headers))
        # A body that is still to be read comes by the same way as the news that the client has gone.
        passed = await (unless_gone(request, sent) if isinstance(body, bytes) else sent)
    except SearchError as error:
        return failure(error)
    return StreamingResponse(_pieces(passed.body), passed.status, dict(passed.headers))


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body that is passed on; where it breaks off, a last line says so, as Ollama does."""
    last = b"\n"
    try:
        async for piece in body:
            last = piece or last
            yield piece
    except SearchError as error:
        yield b"" if last.endswith(b"\n") else b"\n"
        yield json.dumps({"error": error.message}).encode() + b"\n"


async def _speak(made: Behind, request: Request, verb: str) -> Response:
    """An answer from the documents in Ollama's form, or that of the server behind."""
    raw = await request.body()
    body = decoded(raw)
    name = body.get("model")
    model = models.base(name) if isinstance(name, str) else None
    if model is None or not isinstance(name, str):
        return await pass_on(made, request, raw)
    try:
        if refused := _unsupported(body, name) or await made.refusal(model):
            return JSONResponse(refused[1], refused[0])
        asked = _asked(body, verb)
        if asked is None:
            reason = "unload" if body.get("keep_alive") in (0, "0") else "load"
            return JSONResponse(_line(verb, name, "") | {"done": True, "done_reason": reason})
        pieces = await run_in_threadpool(made.documented.tell, model, asked, stop_of(request))
        if body.get("stream", True):
            first = await run_in_threadpool(next, pieces)
            return StreamingResponse(_lines(verb, name, first, pieces), media_type="application/x-ndjson")
        return JSONResponse(await run_in_threadpool(_joined, verb, name, pieces))
    except SearchError as error:
        return failure(error)


def _unsupported(body: Json, name: str) -> tuple[int, Json] | None:
    """What an answer from the documents cannot do is refused in Ollama's words, and not ignored."""
    wanted = {"tools": body.get("tools"), "thinking": body.get("think"), "a format": body.get("format")}
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    wanted["images"] = body.get("images") or (isinstance(last, dict) and last.get("images"))
    what = next((what for what, asked in wanted.items() if asked), None)
    return (400, {"error": f'"{name}" does not support {what}'}) if what else None


def _asked(body: Json, verb: str) -> Question | None:
    """The question; None where the model is only to be loaded. Raises QueryError."""
    if verb == "generate":
        prompt = body.get("prompt") or None
        if prompt is not None and not isinstance(prompt, str):
            raise QueryError("prompt has to be a text")
        return None if prompt is None else Question(prompt)
    messages = body.get("messages") or []
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise QueryError("messages has to be a list of objects")
    return models.question(messages) if messages else None


def _lines(verb: str, name: str, first: str | Answer, pieces: Iterator[str | Answer]) -> Iterator[bytes]:
    try:
        yield _encoded(_said(verb, name, first))
        for piece in pieces:
            yield _encoded(_said(verb, name, piece))
    except SearchError as error:
        yield _encoded({"error": error.message})


def _joined(verb: str, name: str, pieces: Iterator[str | Answer]) -> Json:
    """What `stream: false` gives: the last line, with the text of all."""
    text = ""
    last: Json = {}
    for piece in pieces:
        text += piece if isinstance(piece, str) else ""
        last = _said(verb, name, piece)
    return last | _text(verb, text)


def _said(verb: str, name: str, piece: str | Answer) -> Json:
    """One line: a piece of text, or the end with metrics and citations."""
    if isinstance(piece, str):
        return _line(verb, name, piece)
    metrics = {
        field: round(piece.metrics[ours] * factor) for field, (ours, factor) in METRICS.items() if ours in piece.metrics
    }
    ending = {"done": True, "done_reason": "stop", "how": piece.how, "citations": models.citations(piece)}
    return _line(verb, name, "") | ending | metrics


def _line(verb: str, name: str, text: str) -> Json:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"model": name, "created_at": now} | _text(verb, text) | {"done": False}


def _text(verb: str, text: str) -> Json:
    return {"message": {"role": "assistant", "content": text}} if verb == "chat" else {"response": text}


def _encoded(line: Json) -> bytes:
    return pydantic_core.to_json(line) + b"\n"


def failure(error: SearchError) -> Response:
    """An error of ours in Ollama's form."""
    return JSONResponse({"error": error.message}, status(error))


def status(error: SearchError) -> int:
    """The HTTP status of an error of ours."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def decoded(raw: bytes) -> Json:
    """A body as an object; an empty one where it is none: the server behind says what is wrong with it."""
    try:
        found = pydantic_core.from_json(raw)  # the standard library's raises RecursionError too
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _with_documents(model: Json) -> Json:
    name = f"{model.get('name') or model.get('model')}{models.SUFFIX}"
    details = (model.get("details") or {}) | {"parent_model": model.get("name", "")}
    digest = sha256(f"{model.get('digest')}{models.SUFFIX}".encode()).hexdigest()
    return model | {"name": name, "model": name, "digest": digest, "details": details, "capabilities": ["completion"]}


def _extracts() -> Json:
    name = f"{models.EXTRACTS}{models.SUFFIX}"
    details = {"parent_model": "", "format": "", "family": "semsearch", "families": ["semsearch"]}
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 0,
        "digest": sha256(f"{name} {__version__}".encode()).hexdigest(),
        "details": details | {"parameter_size": "", "quantization_level": ""},
        "capabilities": ["completion"],
    }
