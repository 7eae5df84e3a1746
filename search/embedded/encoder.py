"""An embedded model in memory: texts to word pieces, word pieces to unit vectors.

Texts are run one at a time, each on one thread: on a CPU, padding costs more than batching gains, and a
text's vector then never depends on what it was sent with (the graph quantises per call). Several threads
take the texts of a call, the longest first.
This module knows no HTTP; `search.embedded.transport` is its REST face.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from search.embedded import models, weights
from search.embedded.models import DIMENSIONS, ENGLISH, EmbeddedModel
from search.embedded.runtime import onnxruntime

# This fusion slowed an earlier form of the graph; on this one it gains nothing (within 1 %, onnxruntime 1.32).
_DISABLED_OPTIMIZERS = ["SkipLayerNormFusion"]
_PROVIDERS = ["CPUExecutionProvider"]
_ERRORS_ONLY = 3
# Turns int8 weights into uint8 at load: the same products, exact where int8 ones overflow, and slower.
# https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html (when to use U8U8)
_EXACT_INTEGERS = "session.x64quantprecision"


class Encoder:
    """A model, loaded. Safe to share between threads.

    Raises ModelMissing and ModelGarbled as `search.embedded.packages.WeightsFile.checked` does.
    """

    def __init__(self, threads: int | None = None, model: EmbeddedModel = ENGLISH) -> None:
        self.threads = threads or available_cores()
        self.model = model
        loaded = model.load()
        self._ids, self._inputs = loaded.ids, loaded.inputs
        self._weights = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(tensor) for name, tensor in loaded.initializers.items()
        }
        self._session = _session(loaded.graph, self._weights)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="embedded-model")

    def tokenize(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """Each text's word pieces without special tokens; those with more than `limit` may be incomplete."""
        if self.threads == 1 or len(texts) <= 1:
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

        if self.threads == 1 or len(pieces) <= 1:
            for at in range(len(pieces)):
                run(at)
        else:
            longest_first = sorted(range(len(pieces)), key=lambda at: -len(pieces[at]))
            list(self._pool.map(run, longest_first))
        return vectors

    def _run(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._session.run(None, self._inputs(pieces))[0][0]
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


def available_cores() -> int:
    """The processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _session(graph: bytes, tensors: dict[str, onnxruntime.OrtValue]) -> onnxruntime.InferenceSession:
    """The graph with its weights, for single-threaded runs."""
    onnxruntime.disable_telemetry_events()
    options = _options()
    options.add_external_initializers(list(tensors), list(tensors.values()))
    if saturates():
        options.add_session_config_entry(_EXACT_INTEGERS, "1")
    return onnxruntime.InferenceSession(graph, options, providers=_PROVIDERS, disabled_optimizers=_DISABLED_OPTIMIZERS)


def saturates() -> bool:
    """Whether this processor's product of bytes overflows in onnxruntime: x86 without VNNI (before about 2020).

    It is found by multiplying, since there is no portable way to ask.
    """
    session = onnxruntime.InferenceSession(weights.PROBE.read_bytes(), _options(), providers=_PROVIDERS)
    states = np.full(session.get_inputs()[0].shape, 255, np.uint8)
    product = session.run(None, {"states": states})[0]
    return bool((product != 255 * 127 * states.size).any())


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
