"""Other programs that store texts with ready vectors in a folder that they are given, for benchmarks/ingest.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

DIMENSIONS = 384

Vectors = np.ndarray[Any, np.dtype[np.float32]]
Store = Callable[[list[str], Vectors, Path], None]


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _chroma(texts: list[str], vectors: Vectors, place: Path) -> None:
    """Stores texts with vectors in a persistent Chroma collection, in its largest batches."""
    import chromadb  # noqa: PLC0415
    from chromadb.config import Settings  # noqa: PLC0415

    client = chromadb.PersistentClient(str(place), Settings(anonymized_telemetry=False))
    collection = client.create_collection("texts", embedding_function=None)
    for at in range(0, len(texts), 5_000):
        part = texts[at : at + 5_000]
        collection.add([str(at + i) for i in range(len(part))], embeddings=vectors[at : at + len(part)], documents=part)


def _txtai(texts: list[str], vectors: Vectors, place: Path) -> None:
    """Stores texts with vectors in txtai, content and keywords too, as a hybrid index needs."""
    from txtai import Embeddings  # noqa: PLC0415

    done = 0

    def transform(batch: list[str]) -> Vectors:
        nonlocal done
        part = vectors[done : done + len(batch)]
        done += len(batch)
        return part

    made = Embeddings(method="external", transform=transform, content=True, hybrid=True)
    made.index((number, text, None) for number, text in enumerate(texts))
    made.save(str(place / "txtai"))
    made.close()


def _haiku(texts: list[str], vectors: Vectors, place: Path) -> None:
    """Stores texts with vectors in haiku.rag, as documents that were chunked and embedded elsewhere."""
    from docling_core.types.doc import DoclingDocument  # noqa: PLC0415
    from haiku.rag.client import HaikuRAG  # noqa: PLC0415
    from haiku.rag.client.documents import DocumentImport  # noqa: PLC0415
    from haiku.rag.config.models import AppConfig  # noqa: PLC0415
    from haiku.rag.store.models.chunk import Chunk  # noqa: PLC0415

    config = AppConfig()
    config.embeddings.model.vector_dim = DIMENSIONS

    async def store() -> None:
        path = place / "haiku.lancedb"
        async with HaikuRAG(path, config=config, create=True, skip_validation=True) as client:
            for at in range(0, len(texts), 500):
                part = zip(texts[at : at + 500], vectors[at : at + 500].tolist(), strict=True)
                chunks = [Chunk(content=text, order=i, embedding=vector) for i, (text, vector) in enumerate(part)]
                await client.import_documents([DocumentImport(DoclingDocument(name=str(at)), chunks, title=str(at))])

    asyncio.run(store())


NEEDS = {"haiku.rag": " (it needs Python 3.12 or newer)"}
RIVALS = {"Chroma": ("chromadb", _chroma), "txtai": ("txtai", _txtai), "haiku.rag": ("haiku.rag", _haiku)}
