"""An embedded model in memory: texts to word pieces, word pieces to unit vectors.

Texts are run one at a time, each on one thread: on a CPU, padding costs more than batching gains, and a
text's vector then never depends on what it was sent with (the graph quantises per call). Several threads
take the texts of a call, the longest first. They are the pool's own even where there is one core: Python waits for
these at its end, and a caller's daemon that it stops in the midst of native code aborts the process.
This module knows no HTTP; `search.embedded.transport` is its REST face.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.embedded import models
from search.embedded.models import DIMENSIONS, ENGLISH, EmbeddedModel

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Encoder:
    """A model, loaded. Safe to share between threads.

    Raises ModelMissing and ModelGarbled as `search.embedded.packages.WeightsFile.checked` does.
    """

    def __init__(self, threads: int | None = None, model: EmbeddedModel = ENGLISH) -> None:
        from search.embedded.runtime import Session  # noqa: PLC0415 (onnxruntime, which is long to import)

        self.threads = threads or _cores()
        self.model = model
        loaded = model.load()
        self._ids, self._inputs = loaded.ids, loaded.inputs
        self._session = Session(loaded.graph, loaded.initializers)

    def tokenize(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """Each text's word pieces without special tokens; those with more than `limit` may be incomplete."""
        if len(texts) <= 1:
            return [self._ids(text, limit) for text in texts]
        return list(self._pool.map(lambda text: self._ids(text, limit), texts))

    def encode(self, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Word pieces to unit vectors (texts, DIMENSIONS), in the order given.

        Raises ValueError for more word pieces than fit the model: cutting is the caller's.
        """
        if (longest := max(map(len, pieces), default=0)) > self.model.most_pieces:
            raise ValueError(f"{longest} word pieces do not fit a window of {self.model.context_length}")
        vectors = np.empty((len(pieces), DIMENSIONS), np.float32)

        def run(at: int) -> None:
            vectors[at] = self._run(pieces[at])

        if len(pieces) <= 1:
            for at in range(len(pieces)):
                run(at)
        else:
            longest_first = sorted(range(len(pieces)), key=lambda at: -len(pieces[at]))
            list(self._pool.map(run, longest_first))
        return vectors

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (a query alone needs none)

        return ThreadPoolExecutor(self.threads, thread_name_prefix="embedded-model")

    def _run(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._session.run(self._inputs(pieces))[0]
        return vector


_lock = Lock()
_shared: dict[str, Encoder] = {}


def shared(model: EmbeddedModel = ENGLISH) -> Encoder:
    """The process's one Encoder of a model, loaded at the first call. Raises as Encoder; the next call tries again."""
    with _lock:
        if model.name not in _shared:
            _shared[model.name] = Encoder(model=model)
        return _shared[model.name]


def loaded() -> list[EmbeddedModel]:
    """The models that `shared` has loaded."""
    return [model for model in models.ALL if model.name in _shared]


def _cores() -> int:
    """The processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
