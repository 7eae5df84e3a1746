"""What each endpoint of the embedded model answers, as Ollama does: shapes, statuses and wordings.

Functions from a request's decoded body to the answer's; what is refused is raised as Refused. Wordings and
their order are those of Ollama's server/routes.go, about version 0.33. The one model never leaves memory
once it is loaded, so `keep_alive` is accepted and changes nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from search.config import EMBEDDED_MODEL
from search.embedded import encoder, names, weights
from search.vectors import Floats, unit

VERSION = "0.33.0+embedded"

Json = dict[str, Any]


class Refused(Exception):
    """A request that is answered with an HTTP error status and Ollama's words for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def version() -> Json:
    """GET /api/version: the Ollama version that is followed, marked as embedded."""
    return {"version": VERSION}


def tags() -> Json:
    """GET /api/tags: the one model. Raises ModelMissing where its weights are not installed."""
    return {"models": [_listing() | {"modified_at": _modified(), "capabilities": ["embedding"]}]}


def ps() -> Json:
    """GET /api/ps: the model once it is loaded, in main memory, for good."""
    if not encoder.loaded():
        return {"models": []}
    running = {"expires_at": _NEVER, "size_vram": 0, "context_length": encoder.CONTEXT_LENGTH}
    return {"models": [_listing() | running]}


def show(body: Json) -> Json:
    """POST /api/show: what the model is."""
    model = _field(body, "model", str, "ShowRequest") or _field(body, "name", str, "ShowRequest")
    if not model:
        raise Refused(400, "model is required")
    if not _parse(model).matches(_MODEL):
        raise Refused(404, f"model '{model}' not found")
    return {
        "license": _LICENSE,
        "modelfile": f"# The model that comes with this program.\nFROM {weights.path()}\n",
        "parameters": f"{'num_ctx':<30} {encoder.CONTEXT_LENGTH}",
        "template": "{{ .Prompt }}",
        "details": _DETAILS,
        "model_info": _MODEL_INFO,
        "capabilities": ["embedding"],
        "modified_at": _modified(),
    }


def embed(body: Json) -> Json:
    """POST /api/embed: unit vectors in the order of the inputs. One that is too long refuses all."""
    started = time.perf_counter_ns()
    model = _field(body, "model", str, "EmbedRequest")
    dimensions = _field(body, "dimensions", int, "EmbedRequest") or 0
    truncate = _field(body, "truncate", bool, "EmbedRequest") is not False
    if not model:
        raise Refused(404, "model '' not found")
    name = _parse(model)
    texts = _texts(body.get("input"))
    _require(name, model)
    limit = _window(body, "EmbedRequest") - encoder.SPECIAL_TOKENS
    running = encoder.shared()
    loaded = time.perf_counter_ns()
    if not texts:
        return {"model": model, "embeddings": []}
    pieces = running.tokenize(texts, limit)
    if not truncate and any(len(text) > limit for text in pieces):
        raise Refused(400, _TOO_LONG)
    pieces = [text[:limit] for text in pieces]
    embeddings = _cut(_checked(running.encode(pieces)), dimensions)
    return {
        "model": model,
        "embeddings": embeddings.tolist(),
        "total_duration": time.perf_counter_ns() - started,
        "load_duration": loaded - started,
        "prompt_eval_count": sum(len(text) + encoder.SPECIAL_TOKENS for text in pieces),
    }


def embeddings(body: Json) -> Json:
    """POST /api/embeddings (legacy): the vector of one prompt; too long a prompt is refused with 500."""
    model = _field(body, "model", str, "EmbeddingRequest")
    prompt = _field(body, "prompt", str, "EmbeddingRequest")
    if not model:
        raise Refused(400, "model is required")
    _require(_parse(model), model)
    limit = _window(body, "EmbeddingRequest") - encoder.SPECIAL_TOKENS
    running = encoder.shared()
    if not prompt:
        return {"embedding": []}
    pieces = running.tokenize([prompt], limit)
    if len(pieces[0]) > limit:
        raise Refused(500, _TOO_LONG)
    return {"embedding": _checked(running.encode(pieces))[0].tolist()}


def generate(body: Json) -> Json:
    """POST /api/generate: refused, since the model only embeds."""
    model = _field(body, "model", str, "GenerateRequest")
    if not model:
        raise Refused(404, "model '' not found")
    raise _incapable(model, "generate")


def chat(body: Json) -> Json:
    """POST /api/chat: refused, since the model only embeds."""
    model = _field(body, "model", str, "ChatRequest")
    if not model:
        raise Refused(400, "model is required")
    raise _incapable(model, "chat")


def manage(body: Json) -> Json:
    """POST pull, push, create, copy and DELETE delete: refused, since there is one model and it stays."""
    del body
    raise Refused(
        400,
        f'"{EMBEDDED_MODEL}" is the embedded model of this program: models cannot be pulled, pushed, created, '
        "copied or deleted here; use an Ollama server for others",
    )


_MODEL = names.Name("registry.ollama.ai", "library", EMBEDDED_MODEL, "latest")
_TOO_LONG = "the input length exceeds the context length"
_MIN_WINDOW = 4
_LICENSE = (
    "Apache-2.0: all-MiniLM-L6-v2 of sentence-transformers, int8 weights of the package "
    f"{weights.PACKAGE} {weights.PACKAGE_VERSION}; vocabulary of bert-base-uncased (Apache-2.0)"
)
# What Ollama says of a model with keep_alive -1: now, and the longest duration that Go can name.
_NEVER = "2318-01-01T00:00:00Z"
_DETAILS: Json = {
    "parent_model": "",
    "format": "onnx",
    "family": "bert",
    "families": ["bert"],
    "parameter_size": "22.6M",
    "quantization_level": "INT8",
    "context_length": encoder.CONTEXT_LENGTH,
    "embedding_length": encoder.DIMENSIONS,
}
_MODEL_INFO: Json = {
    "general.architecture": "bert",
    "general.parameter_count": 22_565_376,
    "bert.attention.causal": False,
    "bert.attention.head_count": 12,
    "bert.attention.layer_norm_epsilon": 1e-12,
    "bert.block_count": 6,
    "bert.context_length": encoder.CONTEXT_LENGTH,
    "bert.embedding_length": encoder.DIMENSIONS,
    "bert.feed_forward_length": 1536,
    "bert.pooling_type": 1,
    "tokenizer.ggml.model": "bert",
}
_GO_TYPES: dict[type, str] = {str: "string", bool: "bool", int: "int", dict: "map[string]interface {}"}
_JSON_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}


def _listing() -> Json:
    """What /api/tags and /api/ps both say of the model."""
    size = weights.path().stat().st_size
    return {"name": _MODEL.short, "model": _MODEL.short, "size": size, "digest": weights.DIGEST, "details": _DETAILS}


def _modified() -> str:
    return datetime.fromtimestamp(weights.path().stat().st_mtime, UTC).isoformat().replace("+00:00", "Z")


def _field(body: Json, name: str, kind: type, request: str) -> Any:
    """A field's value; None where it is absent or null. Raises Refused, in Go's words, for another type."""
    value = body.get(name)
    if value is None or type(value) is kind:
        return value
    found, wanted = _JSON_TYPES[type(value)], _GO_TYPES[kind]
    raise Refused(400, f"json: cannot unmarshal {found} into Go struct field {request}.{name} of type {wanted}")


def _parse(model: str) -> names.Name:
    if (name := names.parse(model)) is None:
        raise Refused(400, "invalid model name")
    return name


def _texts(given: Any) -> list[str]:
    """The inputs of an embed request: none for null, "" and []."""
    if given is None or given == "":
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(400, "invalid input type")
    return texts


def _require(name: names.Name, model: str) -> None:
    if not name.matches(_MODEL):
        raise Refused(404, f'model "{model}" not found, try pulling it first')


def _incapable(model: str, what: str) -> Refused:
    if not _parse(model).matches(_MODEL):
        return Refused(404, f"model '{model}' not found")
    return Refused(400, f'"{model}" does not support {what}')


def _window(body: Json, request: str) -> int:
    """How many tokens fit: the option num_ctx, at most the model's own."""
    options = _field(body, "options", dict, request) or {}
    asked = options.get("num_ctx")
    if asked is None:
        return encoder.CONTEXT_LENGTH
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        raise Refused(500, 'option "num_ctx" must be of type integer')
    return int(min(max(asked, _MIN_WINDOW), encoder.CONTEXT_LENGTH))


def _checked(vectors: Floats) -> Floats:
    if not np.isfinite(vectors).all():
        raise Refused(400, "embedding contains NaN or Inf values")
    return vectors


def _cut(vectors: Floats, dimensions: int) -> Floats:
    """The first `dimensions` of each vector, to unit length again; all of them for 0 or too many."""
    return unit(vectors[:, :dimensions]) if 0 < dimensions < encoder.DIMENSIONS else vectors
