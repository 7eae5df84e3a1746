"""What the index holds and what it is used with, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from search import __version__, embed
from search.config import EMBEDDED_MODEL, Settings
from search.embed import prefixes, suitability
from search.errors import ModelError
from search.ollama.client import Client, Timeouts
from search.records import Status
from search.store import Store
from search.store.database import is_read_only

PROBE_SECONDS = 0.5


def status(store: Store, settings: Settings) -> Status:
    """Counts from the index, models from the settings; `notes` say what a user should know of them."""
    counts = store.counts()
    space = store.active()
    kept, stale = store.answers.counts()
    name = settings.embedder
    wanted = prefixes.chosen(name, settings.query_prefix, settings.document_prefix)
    return Status(
        version=__version__,
        database=store.location,
        size_bytes=counts.size_bytes,
        roots=counts.roots,
        documents=counts.documents,
        chunks=counts.chunks,
        embedded=counts.embedded,
        waiting=counts.chunks - counts.embedded - counts.quarantined,
        failures=counts.failures,
        space=space,
        embed_model=name,
        embed_host=settings.embed_host,
        chat_model=settings.chat_model,
        chat_host=settings.ollama_host if settings.chat_model else None,
        notes=tuple(_notes(store, settings, counts.languages)),
        quarantined=counts.quarantined,
        parted=counts.parted,
        query_prefix=wanted.query,
        document_prefix=wanted.document,
        prefix_source=wanted.source,
        answers=kept,
        stale_answers=stale,
    )


def unused_ollama(settings: Settings) -> str | None:
    """A line for people who have an Ollama running and don't use it; None where there is none."""
    if settings.embed_model and settings.chat_model:
        return None
    try:
        with Client(
            settings.ollama_host,
            api_key=settings.api_key,
            timeouts=Timeouts(connect=PROBE_SECONDS, quick=PROBE_SECONDS),
        ) as client:
            if client.host.embedded:
                return None
            version = client.version().version
    except ModelError:
        return None
    uses = {
        "embeddings": ("SEARCH_EMBED_MODEL", settings.embed_model),
        "answers": ("SEARCH_CHAT_MODEL", settings.chat_model),
    }
    unused = {use: name for use, (name, value) in uses.items() if not value}
    return (
        f"an Ollama {version} answers at {settings.ollama_host} and is not used for {' and '.join(unused)}: "
        f"set {' and '.join(unused.values())} to a model there to use it"
    )


def _notes(store: Store, settings: Settings, languages: Mapping[str, int]) -> list[str]:
    notes = []
    if is_read_only(Path(store.location)):
        notes.append("the index is read-only for you, or its folder is: it can be searched, not changed")
    if doubt := embed.doubt(settings.embedder, languages):
        notes.append(doubt)
    elif settings.embeds_here and settings.embedder == EMBEDDED_MODEL:
        notes.append(
            "embeddings come from the embedded model: made for English, 256 word pieces at once; for other "
            f"languages there is {suitability.OTHERS}"
        )
    if not settings.chat_model:
        notes.append("no chat model is set: answers are sentences quoted from the documents")
    if line := unused_ollama(settings):
        notes.append(line)
    return notes
