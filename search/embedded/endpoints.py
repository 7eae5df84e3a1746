"""What each endpoint of the embedded model answers, as Ollama does: shapes, statuses and wordings.

Functions from a request's decoded body to the answer's; what is refused is raised as Refused. Wordings and
their order are those of Ollama's server/routes.go, about version 0.33. A model never leaves memory once it is
loaded, so `keep_alive` is accepted and changes nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from search.embedded import encoder, models, names
from search.embedded.models import EmbeddedModel
from search.errors import ModelMissing
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
    """GET /api/tags: the models whose weights are installed. Raises ModelMissing where none's are."""
    listed = [
        _listing(model) | {"modified_at": _modified(model), "capabilities": ["embedding"]}
        for model in models.ALL
        if _installed(model)
    ]
    if not listed:
        models.ENGLISH.file.path()  # raises, with the command that installs it
    return {"models": listed}


def ps() -> Json:
    """GET /api/ps: the models that are loaded, in main memory, for good."""
    running = {"expires_at": _NEVER, "size_vram": 0}
    return {
        "models": [_listing(model) | running | {"context_length": model.context_length} for model in encoder.loaded()]
    }


def show(body: Json) -> Json:
    """POST /api/show: what a model is. Raises ModelMissing where its weights are not installed."""
    asked = _field(body, "model", str, "ShowRequest") or _field(body, "name", str, "ShowRequest")
    if not asked:
        raise Refused(400, "model is required")
    if (model := _find(_parse(asked))) is None:
        raise Refused(404, f"model '{asked}' not found")
    return {
        "license": model.licence,
        "modelfile": f"# A model that runs inside this program.\nFROM {model.file.path()}\n",
        "parameters": f"{'num_ctx':<30} {model.context_length}",
        "template": "{{ .Prompt }}",
        "details": _details(model),
        "model_info": _model_info(model),
        "capabilities": ["embedding"],
        "modified_at": _modified(model),
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
    found = _require(name, model)
    limit = _window(body, "EmbedRequest", found) - models.SPECIAL_TOKENS
    running = encoder.shared(found)
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
        "embeddings": embeddings,
        "total_duration": time.perf_counter_ns() - started,
        "load_duration": loaded - started,
        "prompt_eval_count": sum(len(text) + models.SPECIAL_TOKENS for text in pieces),
    }


def embeddings(body: Json) -> Json:
    """POST /api/embeddings (legacy): the vector of one prompt; too long a prompt is refused with 500."""
    model = _field(body, "model", str, "EmbeddingRequest")
    prompt = _field(body, "prompt", str, "EmbeddingRequest")
    if not model:
        raise Refused(400, "model is required")
    found = _require(_parse(model), model)
    limit = _window(body, "EmbeddingRequest", found) - models.SPECIAL_TOKENS
    running = encoder.shared(found)
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
    """POST pull, push, create, copy and DELETE delete: refused, since models are installed with pip."""
    del body
    raise Refused(
        400,
        f"{' and '.join(model.name for model in models.ALL)} are the embedded models of this program: models cannot be "
        "pulled, pushed, created, copied or deleted here; use an Ollama server for others",
    )


_TOO_LONG = "the input length exceeds the context length"
_MIN_WINDOW = 4
# What Ollama says of a model with keep_alive -1: now, and the longest duration that Go can name.
_NEVER = "2318-01-01T00:00:00Z"
_GO_TYPES: dict[type, str] = {str: "string", bool: "bool", int: "int", dict: "map[string]interface {}"}
_JSON_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}


def _details(model: EmbeddedModel) -> Json:
    return {
        "parent_model": "",
        "format": "onnx",
        "family": "bert",
        "families": ["bert"],
        "parameter_size": f"{model.parameters / 1e6:.1f}M",
        "quantization_level": model.quantization,
        "context_length": model.context_length,
        "embedding_length": models.DIMENSIONS,
    }


def _model_info(model: EmbeddedModel) -> Json:
    return {
        "general.architecture": "bert",
        "general.parameter_count": model.parameters,
        "bert.attention.causal": False,
        "bert.attention.head_count": 12,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.block_count": model.layers,
        "bert.context_length": model.context_length,
        "bert.embedding_length": models.DIMENSIONS,
        "bert.feed_forward_length": 1536,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": model.tokenizer,
    }


def _listing(model: EmbeddedModel) -> Json:
    """What /api/tags and /api/ps both say of a model."""
    name, size = _name(model).short, model.file.path().stat().st_size
    return {"name": name, "model": name, "size": size, "digest": model.digest, "details": _details(model)}


def _modified(model: EmbeddedModel) -> str:
    return datetime.fromtimestamp(model.file.path().stat().st_mtime, UTC).isoformat().replace("+00:00", "Z")


def _name(model: EmbeddedModel) -> names.Name:
    return names.Name("registry.ollama.ai", "library", model.name, "latest")


def installed(model: str) -> EmbeddedModel | None:
    """The model of this name whose weights are installed: what `tags` and `show` say of it is in it."""
    name = names.parse(model)
    found = None if name is None else _find(name)
    return found if found and _installed(found) else None


def _find(name: names.Name) -> EmbeddedModel | None:
    return next((model for model in models.ALL if name.matches(_name(model))), None)


def _installed(model: EmbeddedModel) -> bool:
    try:
        model.file.path()
    except ModelMissing:
        return False
    return True


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


def _require(name: names.Name, model: str) -> EmbeddedModel:
    if (found := _find(name)) is None:
        raise Refused(404, f'model "{model}" not found, try pulling it first')
    return found


def _incapable(model: str, what: str) -> Refused:
    if _find(_parse(model)) is None:
        return Refused(404, f"model '{model}' not found")
    return Refused(400, f'"{model}" does not support {what}')


def _window(body: Json, request: str, model: EmbeddedModel) -> int:
    """How many tokens fit: the option num_ctx, at most the model's own."""
    options = _field(body, "options", dict, request) or {}
    asked = options.get("num_ctx")
    if asked is None:
        return model.context_length
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        raise Refused(500, 'option "num_ctx" must be of type integer')
    return int(min(max(asked, _MIN_WINDOW), model.context_length))


def _checked(vectors: Floats) -> Floats:
    if not np.isfinite(vectors).all():
        raise Refused(400, "embedding contains NaN or Inf values")
    return vectors


def _cut(vectors: Floats, dimensions: int) -> Floats:
    """The first `dimensions` of each vector, to unit length again; all of them for 0 or too many."""
    return unit(vectors[:, :dimensions]) if 0 < dimensions < models.DIMENSIONS else vectors
