"""What a store should answer, computed the slow and obvious way from plain lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from search.records import Chunk, Document
from search.store import FileState, Filter
from search.vectors import Floats

STATE = FileState(1, 2, "hash", "indexed", "", "test:1")


def document(path: str, texts: list[str], kind: str = "text") -> tuple[Document, list[Chunk]]:
    """A document that holds the texts, one a line, each a chunk."""
    chunks, start = [], 0
    for text in texts:
        chunks.append(Chunk(text, start, start + len(text), ("Title",)))
        start += len(text) + 1
    return Document("/root", path, "Title", kind, "\n".join(texts)), chunks


def vector(text: str, dimensions: int = 16) -> Floats:
    """A unit vector that depends on the text alone."""
    made = np.random.default_rng(list(text.encode())).standard_normal(dimensions).astype(np.float32)
    return made / np.linalg.norm(made)


@dataclass
class Oracle:
    """Files of one root: path -> (type, texts)."""

    files: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def texts(self, only: Filter = Filter()) -> set[str]:  # noqa: B008
        return {
            text
            for path, (kind, texts) in self.files.items()
            if (only.path is None or fnmatchcase(path, only.path)) and (only.type is None or kind == only.type.lower())
            for text in texts
        }

    def nearest(self, query: Floats, count: int, only: Filter) -> list[str]:
        return sorted(self.texts(only), key=lambda text: -float(vector(text) @ query))[:count]

    def matching(self, word: str, only: Filter) -> set[str]:
        return {text for text in self.texts(only) if word in text.split()}
