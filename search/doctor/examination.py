"""The whole examination: hosts, servers, embedding, chat, and the index they are used with."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

from search.config import Settings
from search.doctor import chatting, embedding, servers
from search.doctor.findings import Finding
from search.doctor.servers import Proxies
from search.embed import prefixes
from search.embed.models import Model
from search.errors import ConfigError, StoreUnavailable
from search.ollama.client import Client, Timeouts
from search.ollama.hosts import Host
from search.store.opening import open_store

PATIENT = Timeouts()


def examine(settings: Settings, timeouts: Timeouts = PATIENT, proxies: Proxies | None = None) -> Iterator[Finding]:
    """Each finding as soon as it is made. `proxies` are those of the environment unless given.

    Raises ConfigError for settings that cannot be used.
    """
    yield from servers.understood(settings)
    known = urllib.request.getproxies() if proxies is None else proxies
    embedder: Model | None = None
    with Client(settings.embed_host, api_key=settings.api_key, timeouts=timeouts) as client:
        digests: dict[str, str] = {}
        for one in client.each:
            for finding in _embedding(settings, one, known):
                if isinstance(finding, Finding):
                    yield finding
                else:
                    embedder = embedder or finding
                    digests[one.host.url] = finding.digest
        if comparison := servers.same_digest(settings.embedder, digests):
            yield comparison
    if settings.chat_model:
        with Client(settings.ollama_host, api_key=settings.api_key, timeouts=timeouts) as client:
            yield from _chatting(client, settings, settings.chat_model, embedder, known)
    yield from _index(settings, embedder)


def _embedding(settings: Settings, client: Client, proxies: Proxies) -> Iterator[Finding | Model]:
    """The findings at one host, and the model if it embeds."""
    name = settings.embedder
    wanted = prefixes.chosen(name, settings.query_prefix, settings.document_prefix)
    yield from servers.proxied(client.host, proxies, _bypassed(client.host))
    found: list[Finding] = []
    tags = servers.reached(client, found)
    yield from found
    if tags is not None:
        found = []
        model = embedding.check(client, name, tags, wanted, found)
        yield from found
        if model is not None:
            yield model


def _chatting(
    client: Client, settings: Settings, name: str, embedder: Model | None, proxies: Proxies
) -> Iterator[Finding]:
    """The findings of the chat model; a host that was looked at for embedding already is not looked at again."""
    seen = not settings.embeds_here
    found: list[Finding] = []
    if not seen:
        yield from servers.proxied(client.host, proxies, _bypassed(client.host))
    tags = servers.reached(client, found)
    if not seen or tags is None:
        yield from found
    if tags is not None:
        found = []
        shared = embedder if embedder is not None and embedder.client.host == client.host else None
        chatting.check(client, name, tags, shared, found, num_ctx=settings.num_ctx)
        yield from found


def _index(settings: Settings, model: Model | None) -> Iterator[Finding]:
    """Whether the index was made with the model in force, and what its ledger says of the servers."""
    try:
        store = open_store(settings.database, create=False)
    except (StoreUnavailable, ConfigError) as error:
        yield Finding("index", "note", str(error))
        return
    try:
        space = store.active()
        if space is not None and model is not None and not model.fits(space):
            yield Finding(
                "index",
                "wrong",
                f"{store.location} was embedded with {space.model} (digest {space.digest[:19]}, prefixes "
                f"{space.query_prefix!r} and {space.document_prefix!r}), not with the model as it is now",
                "run `ingest FOLDER` again, or set the model and the prefixes back",
            )
        elif space is not None:
            yield Finding("index", "ok", f"{store.location} was embedded with {space.model}")
        if quarantined := store.counts().quarantined:
            yield Finding(
                "index",
                "note",
                f"{quarantined:,} of the chunks got no vector, as the model makes none",
                "`search status` says why; `ingest FOLDER --retry` tries again",
            )
        for note in sorted({f"{row.host}: {row.note}" for row in store.ledger(space) if row.note} if space else ()):
            yield Finding("index", "note", f"the ledger says of {note}", "update Ollama there")
    finally:
        store.close()


def _bypassed(host: Host) -> bool:
    """Whether the environment's NO_PROXY has the host."""
    return bool(urllib.request.proxy_bypass(host.url.partition("://")[2].partition("/")[0]))
