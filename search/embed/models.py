"""An embedding model as its server describes it, and one call to it.

Every call, for a document or for a query, sends the same `num_ctx` and `num_batch`. Both, because a server's
physical batch is a second and lower limit; the same, because a model whose options change is loaded again.
They are what the model was trained with, as /api/show says, but at most WINDOW: no chunk needs more, and a
larger batch only takes memory. A server that does not say the length is left to its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from search.config import EMBEDDED_HOST, MULTILINGUAL_MODEL
from search.embed import prefixes
from search.embed.prefixes import Prefixes
from search.errors import ModelBusy, ModelError, ModelGarbled, ModelMissing, ModelRefused, ModelUnreachable
from search.ollama.client import Client
from search.records import Space
from search.vectors import Floats, unit

if TYPE_CHECKING:
    from search.embedded.models import EmbeddedModel

WINDOW = 2048
"""The most tokens that are asked for; a server's own limit where its batch is not set."""
BATCH = 64
"""Texts in a request where there is no ingest, whose own batches are smaller (`ingest.embedding`)."""
TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 0.25, 60.0
"""Seconds before the second try, and at most before any: a server may ask for more, and the try comes too early."""
AWAY_SECONDS = 30.0
"""How long a host that did not answer is asked after the others."""
PROBE = "dimensions"
"""A word that any model embeds: it shows the dimensions, and whether a server works at all."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model as its server describes it now, and the prefixes it is used with.

    `window` is how many tokens are asked for, in `num_ctx` and `num_batch`; 0 leaves it to the server.
    """

    client: Client
    name: str
    digest: str
    dimensions: int
    query_prefix: str = ""
    document_prefix: str = ""
    window: int = 0

    @property
    def options(self) -> dict[str, int] | None:
        """The runner's options, which every call sends."""
        return {"num_ctx": self.window, "num_batch": self.window} if self.window else None

    def space(self, chunking: str) -> Space:
        """The space that this model's vectors belong to (not yet known to any store: id 0)."""
        return Space(0, self.name, self.digest, self.dimensions, self.query_prefix, self.document_prefix, chunking)

    def fits(self, space: Space) -> bool:
        """Whether this model's vectors can be compared with those of the space."""
        return self.space(space.chunking).fingerprint == space.fingerprint


def describe(
    client: Client,
    name: str,
    wanted: Prefixes | None = None,
    known: Model | None = None,
    spaces: Sequence[Space] = (),
) -> Model:
    """Asks the first host that answers for the model's digest and window, and, by embedding a word, for its dimensions.

    `wanted` are the prefixes to use it with; None: those of its family. With `known`, how it was before, only the
    digest is asked for, and the rest if that is another one. Where one of `spaces` was made with the model, that says
    the dimensions, and the model need not be loaded. Raises ModelMissing where the server does not have it.
    """
    prefix = wanted or prefixes.of(name)
    return first_reachable(
        client, partial(_describe, whole=client, name=name, wanted=prefix, known=known, spaces=spaces)
    )


def of_space(client: Client, space: Space) -> Model | None:
    """The very model that a space was made with, with its prefixes, where the client's host has it.

    Raises ModelError where the host does not answer.
    """
    found = client.tags().find(space.model)
    if found is None or found.digest != space.digest:
        return None
    own = Prefixes(space.query_prefix, space.document_prefix)
    return describe(client, space.model, own, spaces=[space])


def documents(model: Model, texts: Sequence[str]) -> Floats:
    """Unit vectors (n, d) of texts to be found, all or none. Raises ModelError; `spread` bears with single texts."""
    vectors = [
        first_reachable(model.client, partial(with_retries, partial(_vectors, model, prefixed(model, batch))))
        for batch in (texts[i : i + BATCH] for i in range(0, len(texts), BATCH))
    ]
    return np.concatenate(vectors) if vectors else np.empty((0, model.dimensions), np.float32)


def query(model: Model, text: str) -> Floats:
    """Unit vector (d,) of a query. Raises ModelError; InputTooLong where the query doesn't fit the model."""
    vector: Floats = first_reachable(model.client, partial(_vectors, model, [model.query_prefix + text]))[0]
    return vector


def counted(model: Model, client: Client, *, texts: Sequence[str]) -> tuple[Floats, int]:
    """Unit vectors (n, d) of texts as they are, and how many tokens the server read (0: it doesn't say).

    Raises ModelError; ModelGarbled for another number of dimensions than the model's.
    """
    answer = client.embed(model.name, list(texts), truncate=False, options=model.options)
    vectors = unit(answer.vectors)
    if vectors.shape[1] != model.dimensions:
        raise ModelGarbled(
            f"{model.name} at {client.host.url} answered with {vectors.shape[1]} dimensions, "
            f"before it had {model.dimensions}: the model has changed; run the ingest again"
        )
    return vectors, answer.metrics.prompt_tokens


def prefixed(model: Model, texts: Sequence[str]) -> list[str]:
    """Documents as the model is given them."""
    return [model.document_prefix + text for text in texts]


def installed(client: Client, name: str) -> str:
    """The digest of a model at one host. Raises ModelMissing."""
    place = f"SEARCH_EMBED_MODEL={EMBEDDED_HOST}{name}"
    here = f", or set {place}, which needs no Ollama" if name == MULTILINGUAL_MODEL else ""
    try:
        found = client.tags().find(name)
    except ModelUnreachable as error:
        if not here:
            raise
        raise ModelUnreachable(f"{error}{here}") from error
    if found is None:
        if client.host.embedded:
            client.show(name)  # raises, with what there is to install
        raise ModelMissing(
            f"the model {name!r} is not installed at {client.host.url}: run `ollama pull {name}` there, "
            f"or name another model in SEARCH_EMBED_MODEL{here}"
        )
    return found.digest


def first_reachable(client: Client, ask: Callable[[Client], _T]) -> _T:
    """What the first of the client's hosts that can be reached answers. Raises ModelError.

    One that could not is asked after the others for AWAY_SECONDS.
    """
    *others, last = sorted(client.each, key=lambda one: one.away_until > time.monotonic())
    for one in others:
        try:
            return ask(one)
        except (ModelUnreachable, ModelBusy):
            one.away_until = time.monotonic() + AWAY_SECONDS
    return ask(last)


def with_retries(
    call: Callable[[Client], _T],
    client: Client,
    tries: int = TRIES,
    transient: tuple[type[ModelError], ...] = (ModelBusy, ModelUnreachable),
) -> _T:
    """Makes a call, at most `tries` times while its error is a transient one, waiting twice as long before each.

    Raises what the last try raises, and what is not transient.
    """
    wait = FIRST_WAIT
    for _ in range(tries - 1):
        try:
            return call(client)
        except transient as error:
            time.sleep(min(getattr(error, "retry_after", None) or wait, LONGEST_WAIT))
        wait *= 2
    return call(client)


def _describe(
    client: Client, *, whole: Client, name: str, wanted: Prefixes, known: Model | None, spaces: Sequence[Space]
) -> Model:
    if here := _embedded(client, name):
        window = min(here.context_length, WINDOW)
        return Model(whole, name, here.digest, here.dimensions, wanted.query, wanted.document, window)
    digest = installed(client, name)
    if known is not None and (known.name, known.digest) == (name, digest):
        return known
    window = min(_trained_length(client, name), WINDOW)
    made = {(space.model, space.digest): space.dimensions for space in spaces}
    found = Model(whole, name, digest, made.get((name, digest), 0), wanted.query, wanted.document, window)
    if found.dimensions:
        return found
    vectors = client.embed(name, [PROBE], truncate=False, options=found.options).vectors
    return replace(found, dimensions=vectors.shape[1])


def _embedded(client: Client, name: str) -> EmbeddedModel | None:
    """A model in this process. It need not be asked: to read what it says of itself would take longer than a search."""
    if not client.host.embedded:
        return None
    from search.embedded import endpoints  # noqa: PLC0415 (who has a server needs none of it)

    return endpoints.installed(name)


def _trained_length(client: Client, name: str) -> int:
    """Tokens that the model was trained to read at once; 0 where the server doesn't say."""
    try:
        return client.show(name).context_length
    except (ModelRefused, ModelGarbled):
        return 0


def _vectors(model: Model, texts: Sequence[str], client: Client) -> Floats:
    return counted(model, client, texts=texts)[0]
