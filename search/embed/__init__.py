"""Texts to unit vectors, through `POST /api/embed`. Nothing is cut: `truncate` is always false.

    model = embed.describe(client, "nomic-embed-text")
    vector = embed.query(model, "where are vectors kept?")
    for ids, made in spreading.spread(model, store.missing(space, 64)): ...

`models` says what a model is and asks it once, `prefixes` what it wants in front of a text, `batches` what
becomes of a batch (each text a vector, in parts where it is too long, or a reason), `ledger` whether the server
has read all that it was sent, `spreading` takes several hosts. The same options go with every call, documents
and queries alike: a server reloads a model whose options change. What only an ingest needs, `spreading`, is not
imported with the package.
"""

from search.embed.models import Model, describe, documents, of_space, query
from search.embed.prefixes import Prefixes
from search.embed.suitability import crosses, doubt, understands

__all__ = [
    "Model",
    "Prefixes",
    "crosses",
    "describe",
    "documents",
    "doubt",
    "of_space",
    "query",
    "understands",
]
