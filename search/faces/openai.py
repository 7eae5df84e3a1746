"""The service as an OpenAI: models, chat completions and embeddings under /v1, for clients that speak that.

Models with +docs answer from the index. Chat completions of other models are passed on to the server behind, which
speaks this form itself where it is an Ollama; embeddings are asked of it in Ollama's form, and never cut.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from search.disconnects import stop_of
from search.errors import QueryError, SearchError
from search.faces import models, ollama
from search.faces.models import Json
from search.faces.ollama import Behind
from search.records import Question
from search.replies import Answer


def add(app: FastAPI, made: Behind) -> None:
    """Adds OpenAI's routes to the service."""
    routes = APIRouter(prefix="/v1", include_in_schema=False)
    _add_models(routes, made)
    _add_answers(routes, made)
    _add_embeddings(routes, made)
    app.include_router(routes)


def _add_models(routes: APIRouter, made: Behind) -> None:
    @routes.get("/models")
    async def list_models() -> Response:
        try:
            return JSONResponse({"object": "list", "data": [_model(model) for model in await made.models()]})
        except SearchError as error:
            return _failure(error)

    @routes.get("/models/{name:path}")
    async def show_model(name: str) -> Response:
        try:
            found = [model for model in await made.models() if model.get("name") in (name, f"{name}:latest")]
        except SearchError as error:
            return _failure(error)
        return JSONResponse(_model(found[0])) if found else _refused(404, f"model '{name}' not found")


def _add_answers(routes: APIRouter, made: Behind) -> None:
    @routes.post("/completions")
    async def complete(request: Request) -> Response:
        return await ollama.pass_on(made, request, request.stream())

    @routes.post("/chat/completions")
    async def chat(request: Request) -> Response:
        raw = await request.body()
        body = ollama.decoded(raw)
        name = body.get("model")
        model = models.base(name) if isinstance(name, str) else None
        if model is None or not isinstance(name, str):
            return await ollama.pass_on(made, request, raw)
        try:
            if refused := await made.refusal(model):
                return _refused(refused[0], str(refused[1].get("error")))
            pieces = await run_in_threadpool(made.documented.tell, model, _asked(body, name), stop_of(request))
            if body.get("stream"):
                first = await run_in_threadpool(next, pieces)
                usage = bool((body.get("stream_options") or {}).get("include_usage"))
                return StreamingResponse(_events(name, first, pieces, usage=usage), media_type="text/event-stream")
            return JSONResponse(await run_in_threadpool(_whole, name, pieces))
        except SearchError as error:
            return _failure(error)


def _add_embeddings(routes: APIRouter, made: Behind) -> None:
    @routes.post("/embeddings")
    async def embed(request: Request) -> Response:
        body = ollama.decoded(await request.body())
        texts = body.get("input")
        asked = {"model": body.get("model"), "input": texts, "truncate": False}
        if body.get("dimensions"):
            asked["dimensions"] = body["dimensions"]
        if not texts:
            return _refused(400, "input is empty: give a text or a list of texts")
        try:
            status, found = await made.ask("POST", "/api/embed", asked)
        except SearchError as error:
            return _failure(error)
        if status != 200:
            return _refused(status, str(found.get("error")))
        tokens = found.get("prompt_eval_count", 0)
        data = [
            {"object": "embedding", "index": number, "embedding": _vector(vector, body.get("encoding_format"))}
            for number, vector in enumerate(found.get("embeddings") or [])
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": body.get("model"), "usage": usage})


def _vector(vector: list[float], form: Any) -> list[float] | str:
    """Numbers, or base64 of little-endian float32, which the official client asks for."""
    return base64.b64encode(np.array(vector, "<f4").tobytes()).decode() if form == "base64" else vector


def _asked(body: Json, name: str) -> Question:
    """The question. Raises QueryError for what an answer from the documents cannot do."""
    wanted = {"tools": body.get("tools"), "response_format": body.get("response_format"), "n": body.get("n", 1) != 1}
    what = next((what for what, asked in wanted.items() if asked), None)
    if what:
        raise QueryError(f"{name} does not support {what}: it answers from the documents")
    if not isinstance(body.get("stream_options") or {}, dict):
        raise QueryError("stream_options has to be an object")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise QueryError("messages has to be a list of objects, at least one")
    return models.question(messages)


def _whole(name: str, pieces: Iterator[str | Answer]) -> Json:
    text = ""
    end: Json = {}
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        else:
            end = {"usage": _usage(piece), "how": piece.how, "citations": models.citations(piece)}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return _head("chat.completion", name, f"chatcmpl-{secrets.token_hex(8)}") | {"choices": [choice]} | end


def _events(name: str, first: str | Answer, pieces: Iterator[str | Answer], *, usage: bool) -> Iterator[str]:
    """Server-sent events: a chunk for each piece, the last one with the citations."""
    head = _head("chat.completion.chunk", name, f"chatcmpl-{secrets.token_hex(8)}")
    try:
        yield _event(_chunk(head, first))
        for piece in pieces:
            yield _event(_chunk(head, piece))
            if usage and not isinstance(piece, str):
                yield _event(head | {"choices": [], "usage": _usage(piece)})
        yield "data: [DONE]\n\n"
    except SearchError as error:
        yield _event(_error(error.message))


def _chunk(head: Json, piece: str | Answer) -> Json:
    if isinstance(piece, str):
        delta = {"role": "assistant", "content": piece}
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    ending = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return head | ending | {"how": piece.how, "citations": models.citations(piece)}


def _event(data: Json) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _head(kind: str, name: str, id_: str) -> Json:
    return {"id": id_, "object": kind, "created": int(time.time()), "model": name, "system_fingerprint": "semsearch"}


def _usage(whole: Answer) -> Json:
    prompt, written = (int(whole.metrics.get(name, 0)) for name in ("prompt_tokens", "eval_tokens"))
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _model(model: Json) -> Json:
    try:
        # Ollama gives up to nine digits of a second, more than can be read.
        created = int(datetime.fromisoformat(str(model.get("modified_at"))[:19] + "+00:00").timestamp())
    except ValueError:
        created = 0
    return {"id": model.get("name"), "object": "model", "created": created, "owned_by": "library"}


def _failure(error: SearchError) -> Response:
    return _refused(ollama.status(error), error.message)


def _refused(status: int, words: str) -> Response:
    return JSONResponse(_error(words, "invalid_request_error" if status < 500 else "api_error"), status)


def _error(words: str, kind: str = "api_error") -> Json:
    return {"error": {"message": words, "type": kind, "param": None, "code": None}}
