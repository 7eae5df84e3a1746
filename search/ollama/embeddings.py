"""Vectors, and what an answer cost, as they come over the wire. Knows JSON that is decoded already; no HTTP.

These are apart from the records of `wire`: those are pydantic's, which takes as long to import as a search takes, and
a search that embeds its query in this process needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from search.vectors import Floats

NANOSECONDS = 1e9
MOST = 2**63
TIMING = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
"""The fields of an answer that say what it cost: nanoseconds and tokens."""


class Unusable(ValueError):
    """An answer that cannot be used, in plain words."""


class UnusableRows(Unusable):
    """Vectors with NaN or infinity in them; `rows` says which."""

    def __init__(self, words: str, rows: tuple[int, ...]) -> None:
        super().__init__(words)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an answer cost, in seconds and tokens; what the server left out is 0."""

    total_seconds: float = 0.0
    load_seconds: float = 0.0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    eval_tokens: int = 0
    eval_seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """How fast the answer was written."""
        return self.eval_tokens / self.eval_seconds if self.eval_seconds else 0.0

    @property
    def prompt_tokens_per_second(self) -> float:
        """How fast the prompt was read."""
        return self.prompt_tokens / self.prompt_seconds if self.prompt_seconds else 0.0

    def figures(self) -> dict[str, float]:
        """All of it by name, for a report."""
        return {
            "total_seconds": self.total_seconds,
            "load_seconds": self.load_seconds,
            "prompt_tokens": self.prompt_tokens,
            "prompt_seconds": self.prompt_seconds,
            "prompt_tokens_per_second": self.prompt_tokens_per_second,
            "eval_tokens": self.eval_tokens,
            "eval_seconds": self.eval_seconds,
            "tokens_per_second": self.tokens_per_second,
        }


def metrics(data: Mapping[str, Any]) -> Metrics:
    """What an answer cost; what is left out or null is 0. Raises Unusable for what is no whole number of 64 bits."""
    numbers = [0 if data.get(name) is None else data[name] for name in TIMING]
    for name, number in zip(TIMING, numbers, strict=True):
        if type(number) is not int or not -MOST <= number < MOST:
            raise Unusable(f"{name}: {number!r} is no whole number of 64 bits")
    total, load, prompt_tokens, prompt, tokens, written = numbers
    return Metrics(
        total / NANOSECONDS, load / NANOSECONDS, prompt_tokens, prompt / NANOSECONDS, tokens, written / NANOSECONDS
    )


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """POST /api/embed: `vectors` is float32 (inputs, dimensions) in the order of the inputs, all finite.

    `metrics.prompt_tokens` is the sum over all inputs, after any cutting by the server.
    """

    vectors: Floats
    model: str = ""
    metrics: Metrics = Metrics()
    extra: Mapping[str, Any] = field(default_factory=dict)


def embeddings(data: Any, inputs: int) -> Embeddings:
    """Reads the answer to /api/embed. Raises Unusable unless there is one finite vector per input."""
    vectors = matrix(data.get("embeddings"), inputs)
    known = {"embeddings", "model", *TIMING}
    extra = {name: value for name, value in data.items() if name not in known}
    return Embeddings(vectors, data.get("model") or "", metrics(data), extra)


def embedding(data: Any, inputs: int) -> Embeddings:
    """Reads the answer to the legacy /api/embeddings, which takes one input and gives no metrics."""
    row = data.get("embedding")
    extra = {name: value for name, value in data.items() if name != "embedding"}
    return Embeddings(matrix([row] if row else [], inputs), extra=extra)


def matrix(rows: Any, inputs: int) -> Floats:
    """Lists of numbers, or a matrix, as float32 (inputs, dimensions). Raises Unusable, which says what is wrong."""
    rows = [] if rows is None else rows
    if not isinstance(rows, list | np.ndarray) or len(rows) != inputs:
        found = len(rows) if isinstance(rows, list | np.ndarray) else "no list of"
        raise Unusable(f"{inputs} inputs were sent and {found} vectors came back")
    if not len(rows):
        return np.zeros((0, 0), dtype=np.float32)
    lengths = [] if isinstance(rows, np.ndarray) else [len(row) if isinstance(row, list) else 0 for row in rows]
    for row, length in enumerate(lengths):
        if not length or length != lengths[0]:
            raise Unusable(f"vector {row} has {length} numbers, vector 0 has {lengths[0]}")
    try:
        with np.errstate(over="ignore"):  # too big for float32 becomes infinity, which is refused below
            vectors = np.array(rows, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unusable(f"the vectors hold something that is no number: {error}") from error
    if vectors.ndim != 2:
        raise Unusable("the vectors hold something that is no number")
    bad = tuple(int(row) for row in np.flatnonzero(~np.isfinite(vectors).all(axis=1)))
    if bad:
        raise UnusableRows(f"vector {bad[0]} of {inputs} holds NaN or infinity", bad)
    return vectors
