"""Texts to unit vectors, through `POST /api/embed`. Nothing is cut: `truncate` is always false.

The same options go with every call, documents and queries alike: a server reloads a model whose options change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from search.errors import ModelBusy, ModelGarbled, ModelMissing, ModelUnreachable
from search.ollama.client import Client
from search.records import Space
from search.vectors import Floats, unit

BATCH = 64
TRIES = 5
FIRST_WAIT = 0.25

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model as its server describes it now, and the prefixes it is used with."""

    client: Client
    name: str
    digest: str
    dimensions: int
    query_prefix: str = ""
    document_prefix: str = ""

    def space(self, chunking: str) -> Space:
        """The space that this model's vectors belong to (not yet known to any store: id 0)."""
        return Space(0, self.name, self.digest, self.dimensions, self.query_prefix, self.document_prefix, chunking)

    def fits(self, space: Space) -> bool:
        """Whether this model's vectors can be compared with those of the space."""
        return self.space(space.chunking).fingerprint == space.fingerprint


def describe(client: Client, name: str) -> Model:
    """Asks the server for the model's digest and, by embedding a word, for its dimensions.

    Raises ModelMissing where the server does not have the model.
    """
    installed = client.tags().find(name)
    if installed is None:
        raise ModelMissing(
            f"the model {name!r} is not installed at {client.host.url}: run `ollama pull {name}` there, "
            "or name another model in SEARCH_EMBED_MODEL"
        )
    dimensions = _embed(client, name, ["dimensions"]).shape[1]
    return Model(client, name, installed.digest, dimensions)


def documents(model: Model, texts: Sequence[str]) -> Floats:
    """Unit vectors (n, d) of texts to be found. Raises ModelError."""
    vectors = [
        _checked(model, _patiently(partial(_embed, model.client, model.name, _prefixed(model.document_prefix, batch))))
        for batch in (texts[i : i + BATCH] for i in range(0, len(texts), BATCH))
    ]
    return np.concatenate(vectors) if vectors else np.empty((0, model.dimensions), np.float32)


def query(model: Model, text: str) -> Floats:
    """Unit vector (d,) of a query. Raises ModelError; InputTooLong where the query doesn't fit the model."""
    vector: Floats = _checked(model, _embed(model.client, model.name, [model.query_prefix + text]))[0]
    return vector


def _embed(client: Client, name: str, texts: Sequence[str]) -> Floats:
    return unit(client.embed(name, list(texts), truncate=False).vectors)


def _prefixed(prefix: str, texts: Sequence[str]) -> list[str]:
    return [prefix + text for text in texts]


def _checked(model: Model, vectors: Floats) -> Floats:
    if vectors.shape[1] != model.dimensions:
        raise ModelGarbled(
            f"{model.name} at {model.client.host.url} answered with {vectors.shape[1]} dimensions, "
            f"before it had {model.dimensions}: the model has changed; run the ingest again"
        )
    return vectors


def _patiently(call: Callable[[], _T]) -> _T:
    """Repeats a call while the server is busy or gone for a moment, waiting twice as long each time."""
    wait = FIRST_WAIT
    for _ in range(TRIES - 1):
        try:
            return call()
        except ModelBusy as error:
            time.sleep(error.retry_after or wait)
        except ModelUnreachable:
            time.sleep(wait)
        wait *= 2
    return call()
