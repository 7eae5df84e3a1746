"""onnxruntime, with its telemetry off. The one place that imports it, and itself only imported to load a model.

Recent packages for Linux and macOS report to their maker, as those for Windows do: from the import on, a device
identifier is kept in the user's cache folder and events are sent. Nothing leaves this machine, so both
environment variables that stop it are set before the import, and the call for Windows follows after it
(onnxruntime's docs/Privacy.md; pull requests 27379 and 29843 there).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedded import weights

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["ORT_TELEMETRY_DISABLED"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["Session", "onnxruntime", "saturates"]

# This fusion slowed an earlier form of the graph; on this one it gains nothing (within 1 %, onnxruntime 1.32).
_DISABLED_OPTIMIZERS = ["SkipLayerNormFusion"]
_PROVIDERS = ["CPUExecutionProvider"]
_ERRORS_ONLY = 3
# Turns int8 weights into uint8 at load: the same products, exact where int8 ones overflow, and slower.
# https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html (when to use U8U8)
_EXACT_INTEGERS = "session.x64quantprecision"


class Session:
    """A graph with its weights, for single-threaded runs. Safe to share between threads."""

    def __init__(self, graph: bytes, initializers: dict[str, NDArray[Any]]) -> None:
        self._weights = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(tensor) for name, tensor in initializers.items()
        }
        options = _options()
        options.add_external_initializers(list(self._weights), list(self._weights.values()))
        if saturates():
            options.add_session_config_entry(_EXACT_INTEGERS, "1")
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=_PROVIDERS, disabled_optimizers=_DISABLED_OPTIMIZERS
        )

    def run(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The graph's first output."""
        output: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return output


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
