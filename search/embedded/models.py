"""The models that need no server: what each is, and what is loaded of it.

all-minilm comes with the program; multilingual-e5-small is there when the extra `multilingual` is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.config import EMBEDDED_MODEL, MULTILINGUAL_MODEL
from search.embedded import tokens, weights
from search.embedded.multilingual import tokens as unigram
from search.embedded.multilingual import weights as multilingual
from search.embedded.packages import WeightsFile

DIMENSIONS = 384
SPECIAL_TOKENS = 2
"""Of both models: one in front, one at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model in memory, before a session runs it.

    graph, initializers   what the session is made of
    ids                   a text's word pieces without special tokens; with a limit, those of one that has more may
                          be incomplete
    inputs                the graph's input for one text, from its word pieces
    """

    graph: bytes
    initializers: dict[str, NDArray[Any]]
    ids: Callable[[str, int | None], list[int]]
    inputs: Callable[[Sequence[int]], dict[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """What a model is. `load` raises ModelMissing and ModelGarbled as `WeightsFile.checked` does."""

    name: str
    file: WeightsFile
    digest: str
    context_length: int
    layers: int
    parameters: int
    quantization: str
    tokenizer: str
    licence: str
    load: Callable[[], Loaded]

    @property
    def dimensions(self) -> int:
        """How many numbers its vectors have."""
        return DIMENSIONS

    @property
    def most_pieces(self) -> int:
        """How many word pieces of a text fit."""
        return self.context_length - SPECIAL_TOKENS


def _load_minilm() -> Loaded:
    def inputs(pieces: Sequence[int]) -> dict[str, NDArray[Any]]:
        return {"input_ids": np.array([[tokens.CLS, *pieces, tokens.SEP]], np.int64)}

    return Loaded(weights.GRAPH.read_bytes(), weights.load(), tokens.ids, inputs)


def _load_multilingual() -> Loaded:
    packed = multilingual.load()

    def inputs(pieces: Sequence[int]) -> dict[str, NDArray[Any]]:
        ids = np.array([unigram.BEGIN, *pieces, unigram.END], np.int64)
        return {"words": multilingual.words(packed, ids)[None]}

    return Loaded(
        multilingual.GRAPH.read_bytes(), multilingual.initializers(packed), unigram.Tokenizer(packed).ids, inputs
    )


# all-MiniLM-L6-v2 was trained on at most 256 word pieces, [CLS] and [SEP] among them.
ENGLISH = EmbeddedModel(
    name=EMBEDDED_MODEL,
    file=weights.FILE,
    digest=weights.DIGEST,
    context_length=256,
    layers=6,
    parameters=22_565_376,
    quantization="INT8",
    tokenizer="bert",
    licence=(
        "Apache-2.0: all-MiniLM-L6-v2 of sentence-transformers, int8 weights of the package "
        f"{weights.FILE.package} {weights.FILE.version}; vocabulary of bert-base-uncased (Apache-2.0)"
    ),
    load=_load_minilm,
)
MULTILINGUAL = EmbeddedModel(
    name=MULTILINGUAL_MODEL,
    file=multilingual.FILE,
    digest=multilingual.DIGEST,
    context_length=512,
    layers=12,
    parameters=117_505_920,
    quantization="Q4_0",
    tokenizer="t5",
    licence=(
        "MIT: multilingual-e5-small of intfloat, 4-bit weights and vocabulary of the package "
        f"{multilingual.FILE.package} {multilingual.FILE.version} (MIT)"
    ),
    load=_load_multilingual,
)
ALL = (ENGLISH, MULTILINGUAL)
