"""all-MiniLM-L6-v2 in float32 under onnxruntime: what the embedded model is measured against.

The published weights come from a package that carries them (`model.safetensors`); the graph is written here
with the `onnx` package, in the same form as the embedded model's, with float products in place of integer ones.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from search.embedded import tokens
from search.embedded.models import ENGLISH
from search.embedded.runtime import onnxruntime

HIDDEN, HEADS, LAYERS = 384, 12, 6
Floats = NDArray[np.float32]


class Reference:
    """The float32 model, one text at a time on each of `threads` threads, as the embedded model is run."""

    def __init__(self, weights: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        graph = _Graph(read_safetensors(weights)).build()
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._pool = ThreadPoolExecutor(threads)
        self.threads = threads

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors (texts, 384), in the order of the texts."""
        if self.threads == 1:
            return np.vstack([self._run(text) for text in texts])
        return np.vstack(list(self._pool.map(self._run, texts)))

    def _run(self, text: str) -> Floats:
        pieces = tokens.ids(text)[: ENGLISH.most_pieces]
        vectors: Floats = self._session.run(None, {"ids": np.array([[tokens.CLS, *pieces, tokens.SEP]])})[0]
        return vectors


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file: a length (8 bytes), a JSON header, then the numbers."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return {
        name: np.frombuffer(content[8 + length :][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


class _Graph:
    """BERT with mean pooling as ONNX nodes; each method answers with the name of what it computes."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def build(self) -> bytes:
        states = self._embeddings()
        for layer in range(LAYERS):
            states = self._layer(states, f"encoder.layer.{layer}.")
        mean = self._add("ReduceMean", states, self._constant("one", [1]), keepdims=0)
        result = self._add("LpNormalization", mean, axis=1, p=2)
        graph = helper.make_graph(
            self._nodes,
            "float32",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["texts", HIDDEN])],
            list(self._initializers.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        content: bytes = model.SerializeToString()
        return content

    def _embeddings(self) -> str:
        table = self._weights["embeddings.position_embeddings.weight"][: ENGLISH.context_length]
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        zero = self._constant("zero", [0])
        words = self._add("Gather", self._weight("embeddings.word_embeddings.weight"), "ids")
        length = self._add("Shape", "ids", start=1, end=2)
        positions = self._add("Slice", self._constant("positions", table + kind), zero, length, zero)
        return self._normalise(self._add("Add", words, positions), "embeddings.LayerNorm")

    def _layer(self, states: str, prefix: str) -> str:
        split = self._constant("split", [0, 0, HEADS, HIDDEN // HEADS])
        factor = np.float32(1 / np.sqrt(HIDDEN // HEADS))
        query = self._add("Reshape", self._linear(states, prefix + "attention.self.query", factor), split)
        key = self._add("Reshape", self._linear(states, prefix + "attention.self.key"), split)
        value = self._add("Reshape", self._linear(states, prefix + "attention.self.value"), split)
        query, value = (self._add("Transpose", name, perm=[0, 2, 1, 3]) for name in (query, value))
        product = self._add("MatMul", query, self._add("Transpose", key, perm=[0, 2, 3, 1]))
        mixed = self._add("MatMul", self._add("Softmax", product, axis=-1), value)
        merged = self._add("Transpose", mixed, perm=[0, 2, 1, 3])
        merged = self._add("Reshape", merged, self._constant("merge", [0, 0, HIDDEN]))
        attended = self._add("Add", self._linear(merged, prefix + "attention.output.dense"), states)
        states = self._normalise(attended, prefix + "attention.output.LayerNorm")
        wide = self._add("Gelu", self._linear(states, prefix + "intermediate.dense"))
        narrow = self._add("Add", self._linear(wide, prefix + "output.dense"), states)
        return self._normalise(narrow, prefix + "output.LayerNorm")

    def _linear(self, states: str, name: str, factor: Any = 1) -> str:
        weight = self._constant(name + ".transposed", self._weights[name + ".weight"].T * factor)
        bias = self._constant(name + ".offset", self._weights[name + ".bias"] * factor)
        return self._add("Add", self._add("MatMul", states, weight), bias)

    def _normalise(self, states: str, name: str) -> str:
        weight, bias = self._weight(name + ".weight"), self._weight(name + ".bias")
        return self._add("LayerNormalization", states, weight, bias, axis=-1, epsilon=1e-12)

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, value: Any) -> str:
        self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name
