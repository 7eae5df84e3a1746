"""Whether a host chats as it should, and whether embedding and chat model have room beside each other."""

from __future__ import annotations

from functools import partial

from search.doctor.findings import Finding, tried
from search.embed.models import Model
from search.ollama.client import Client
from search.ollama.wire import ChatResponse, Tags

SAYING = "Answer with the one word: yes"
MOST_TOKENS = 16
NARROW = 4096


def check(
    client: Client, name: str, tags: Tags, embedder: Model | None, found: list[Finding], *, num_ctx: int | None = None
) -> None:
    """All checks of one chat model at one host; `embedder` is the embedding model of the same host, if any.

    `num_ctx` is the window that is asked of the model.
    """
    listed = tags.find(name)
    if listed is None:
        fix = f"run `ollama pull {name}` there"
        found.append(Finding("chat", "wrong", f"{client.host} has no model {name!r}", fix))
        return
    # /api/tags calls an imported encoder a model that completes; /api/show reads the whole file.
    shown = tried("chat", found, partial(client.show, name))
    if shown is None:
        return
    if shown.capabilities and "completion" not in shown.capabilities:
        fix = "name a chat model in SEARCH_CHAT_MODEL"
        found.append(Finding("chat", "wrong", f"{name} cannot chat (it can {', '.join(shown.capabilities)})", fix))
        return
    if embedder is not None:
        tried("memory", found, lambda: client.embed(embedder.name, ["word"], options=embedder.options))
    last = tried("chat", found, partial(_said, client, name, num_ctx))
    if last is None:
        return
    speed = last.metrics.tokens_per_second
    words = f"{name} answers" + (f", {speed:,.0f} tokens a second" if speed else "")
    found.append(Finding("chat", "ok", f"{words}; loading it took {last.metrics.load_seconds:.1f} s"))
    _loaded(client, name, embedder, found)


def _said(client: Client, name: str, num_ctx: int | None) -> ChatResponse:
    """The last line of a short streamed answer, asked for as `search ask` does."""
    message = [{"role": "user", "content": SAYING}]
    options = {"num_predict": MOST_TOKENS} | ({"num_ctx": num_ctx} if num_ctx else {})
    with client.chat_stream(name, message, think=False, truncate=False, shift=False, options=options) as lines:
        *_, last = lines
    return last


def _loaded(client: Client, name: str, embedder: Model | None, found: list[Finding]) -> None:
    """The chat model's window in fact, and whether both models stayed loaded."""
    loaded = tried("memory", found, client.ps)
    if loaded is None:
        return
    running = loaded.find(name)
    if running is not None and running.context_length:
        narrow = running.context_length <= NARROW
        fix = "set SEARCH_NUM_CTX, such as to 16384, for longer answers" if narrow else ""
        text = f"{name} is loaded with a window of {running.context_length} tokens"
        found.append(Finding("context", "note" if narrow else "ok", text, fix))
    if embedder is None:
        return
    if loaded.find(embedder.name) is None:
        found.append(
            Finding(
                "memory",
                "wrong",
                f"{name} and {embedder.name} evict each other: each question loads both models anew",
                "choose a smaller one of them, or raise OLLAMA_MAX_LOADED_MODELS on the server",
            )
        )
    else:
        found.append(Finding("memory", "ok", f"{name} and {embedder.name} stay loaded together"))
