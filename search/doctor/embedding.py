"""Whether a host embeds as it should: speed, dimensions, order, and how much of a text it really reads."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from search.doctor.findings import Finding, tried
from search.embed import ledger, models
from search.embed.models import Model
from search.embed.prefixes import Prefixes
from search.errors import InputTooLong, ModelError
from search.ollama.client import Client
from search.ollama.wire import Tags
from search.vectors import Floats, unit

SLOW_SECONDS = 2.0
"""For one sentence, with the model loaded."""
SAME = 0.99
"""Cosine from which two vectors of the same text count as the same: batches round differently."""
STEP = 8
"""The window is found to within this many tokens."""
SENTENCES = (
    "The harbour was closed because of the storm.",
    "Compilers translate programs into machine code.",
    "She planted tomatoes and basil in April.",
    "Interest rates were raised by half a point.",
)


def check(client: Client, name: str, tags: Tags, wanted: Prefixes, found: list[Finding]) -> Model | None:
    """All checks of one embedding model at one host; the model where it can be worked with at all."""
    if not _installed(client, name, tags, found):
        return None
    model = tried("embedding", found, partial(models.describe, client, name, wanted))
    if model is None:
        return None
    if not _load(model, client, found):
        return None
    _dimensions(model, client, found)
    _order(model, client, found)
    _window(model, client, found)
    _effective(model, client, found)
    _prefixes(model, wanted, found)
    return model


def _installed(client: Client, name: str, tags: Tags, found: list[Finding]) -> bool:
    listed = tags.find(name)
    if listed is None:
        found.append(_missing(client, name))
        return False
    # /api/tags calls an imported encoder a model that completes; /api/show reads the whole file.
    shown = tried("embedding", found, partial(client.show, name))
    if shown is None:
        return False
    if shown.capabilities and "embedding" not in shown.capabilities:
        can = ", ".join(shown.capabilities)
        found.append(
            Finding(
                "embedding",
                "wrong",
                f"{name} is not made for embedding (it can {can}): what it finds is poor",
                "name an embedding model in SEARCH_EMBED_MODEL, such as bge-m3 or nomic-embed-text",
            )
        )
    return True


def _missing(client: Client, name: str) -> Finding:
    if client.host.embedded:
        try:
            client.show(name)
        except ModelError as error:  # says what to install
            return Finding("embedding", "wrong", str(error))
    return Finding("embedding", "wrong", f"{client.host} has no model {name!r}", f"run `ollama pull {name}` there")


def _load(model: Model, client: Client, found: list[Finding]) -> bool:
    """Unloads the model, and times one sentence cold and one warm."""
    cold = tried("loading", found, partial(_timed, model, client, unload=True))
    warm = tried("speed", found, partial(_timed, model, client, unload=False)) if cold is not None else None
    if cold is None or warm is None:
        return False
    found.append(Finding("loading", "ok", f"{model.name} answers {cold:.2f} s after it was unloaded"))
    slow = warm > SLOW_SECONDS
    found.append(
        Finding(
            "speed",
            "wrong" if slow else "ok",
            f"one sentence takes {warm * 1000:,.0f} ms with the model loaded" + (": that is slow" if slow else ""),
            "see in `ollama ps` whether the model runs on the GPU; use a smaller model" if slow else "",
        )
    )
    return True


def _timed(model: Model, client: Client, *, unload: bool) -> float:
    if unload:
        client.embed(model.name, [], options=model.options, keep_alive=0)
    start = time.perf_counter()
    client.embed(model.name, SENTENCES[:1], truncate=False, options=model.options)
    return time.perf_counter() - start


def _dimensions(model: Model, client: Client, found: list[Finding]) -> None:
    shown = tried("dimensions", found, lambda: client.show(model.name))
    named = shown.embedding_length if shown else 0
    if named and named != model.dimensions:
        found.append(
            Finding(
                "dimensions",
                "wrong",
                f"{model.name} answers with {model.dimensions} dimensions and is said to have {named}",
                "pull the model again; update Ollama",
            )
        )
    else:
        found.append(Finding("dimensions", "ok", f"{model.name} has {model.dimensions} dimensions"))


def _order(model: Model, client: Client, found: list[Finding]) -> None:
    """Whether the vectors of a batch come in the order of its texts."""

    def compare() -> Floats:
        batch = unit(client.embed(model.name, SENTENCES, truncate=False, options=model.options).vectors)
        alone = [client.embed(model.name, [text], truncate=False, options=model.options).vectors for text in SENTENCES]
        return np.asarray(unit(np.concatenate(alone)) @ batch.T, np.float32)

    cosines = tried("batches", found, compare)
    if cosines is None:
        return
    if (np.diag(cosines) > SAME).all():
        found.append(Finding("batches", "ok", "the vectors of a batch are those of its texts, in their order"))
        return
    shuffled = (cosines.max(axis=1) > SAME).all()
    found.append(
        Finding(
            "batches",
            "wrong",
            "the vectors of a batch come in another order than its texts: each passage would get another's vector"
            if shuffled
            else f"a text's vector depends on what it is sent with (cosine {np.diag(cosines).min():.2f})",
            "update Ollama; do not ingest with this server",
        )
    )


def _window(model: Model, client: Client, found: list[Finding]) -> None:
    """The longest text that is read whole, found by sending longer and longer ones."""
    longest = tried("window", found, partial(_longest, model, client))
    if longest is None:
        return
    tokens, cut = longest
    if cut:
        found.append(
            Finding(
                "window",
                "wrong",
                f"{client.host} cuts texts silently after {cut} tokens, though it is told not to",
                "update Ollama. An ingest notices it and embeds longer passages in parts",
            )
        )
        return
    asked = f"; {model.window} are asked for in num_ctx and num_batch" if model.window else ""
    found.append(Finding("window", "ok", f"the longest text that it takes has about {tokens} tokens{asked}"))


def _longest(model: Model, client: Client) -> tuple[int, int]:
    """About how many tokens are taken, and after how many they are cut silently (0: never)."""
    low, high, most = 0, (model.window or models.WINDOW) + 2 * STEP, 0
    attempt = max(high - 3 * STEP, STEP)
    while high - low > STEP:
        counted = _taken(model, client, attempt)
        if 0 < counted < attempt - ledger.MARKS:
            return counted, counted
        if counted:
            low, most = attempt, counted
        else:
            high = attempt
        attempt = (low + high) // 2
    return most, 0


def _taken(model: Model, client: Client, words: int) -> int:
    """How many tokens the server counts of so many one-letter words; 0 where it refuses them, as too many."""
    try:
        answer = client.embed(model.name, [" ".join(["a"] * words)], truncate=False, options=model.options)
    except InputTooLong:
        return 0
    return answer.metrics.prompt_tokens or words


def _effective(model: Model, client: Client, found: list[Finding]) -> None:
    """The window that the loaded model has in fact, and where it runs."""
    loaded = tried("context", found, client.ps)
    running = loaded.find(model.name) if loaded else None
    if running is None:
        if loaded is not None:
            found.append(Finding("context", "note", f"{model.name} is not among the loaded models: it was unloaded"))
        return
    share = f", {running.gpu_share:.0%} on the GPU" if running.size else ""
    if model.window and running.context_length and running.context_length < model.window:
        found.append(
            Finding(
                "context",
                "note",
                f"{model.name} is loaded with a window of {running.context_length} tokens instead of {model.window}",
                "free memory on the server, or live with it: longer passages are embedded in parts",
            )
        )
        return
    window = f"a window of {running.context_length} tokens" if running.context_length else "its window"
    found.append(Finding("context", "ok", f"{model.name} is loaded with {window}{share}"))


def _prefixes(model: Model, wanted: Prefixes, found: list[Finding]) -> None:
    if wanted.query or wanted.document:
        text = f"query {model.query_prefix!r}, document {model.document_prefix!r}, from {wanted.source}"
        found.append(Finding("prefixes", "ok", text))
    elif wanted.source:
        found.append(Finding("prefixes", "ok", f"none, as {wanted.source}"))
    else:
        found.append(
            Finding(
                "prefixes",
                "note",
                f"the family of {model.name} is not known, so nothing is put before queries and passages",
                "if its model card names instructions, set SEARCH_QUERY_PREFIX and SEARCH_DOCUMENT_PREFIX",
            )
        )
