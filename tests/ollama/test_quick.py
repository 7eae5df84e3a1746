"""Reading vectors with simdjson gives what the ordinary reader gives, or leaves it to that."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from search.errors import ModelGarbled
from search.ollama import quick
from search.ollama.client import Client
from search.ollama.embeddings import matrix
from tests.fake_ollama import FakeOllama

pytest.importorskip("simdjson", reason="the extra `fast` is not installed")

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-(2**40), 2**40)
ROWS = st.integers(1, 5).flatmap(lambda size: st.lists(st.lists(NUMBERS, min_size=size, max_size=size), min_size=1))
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=8,
)


@given(ROWS)
def test_an_answer_is_read_the_same(rows: list[list[float]]) -> None:
    """Every number to the last bit of float32, and every other field."""
    body = json.dumps({"model": "m", "embeddings": rows, "prompt_eval_count": 7, "new": True}).encode()
    read = quick.embeddings(body)
    assert read is not None
    assert np.array_equal(matrix(read.pop("embeddings"), len(rows)), matrix(rows, len(rows)))
    assert read == {"model": "m", "prompt_eval_count": 7, "new": True}


@given(ANYTHING)
def test_whatever_else_comes_is_not_taken_for_vectors(value: object) -> None:
    """It is read as the ordinary reader reads it, or not at all."""
    body = json.dumps({"embeddings": value}).encode()
    if (read := quick.embeddings(body)) is not None:
        usual = np.array(from_json(body)["embeddings"], np.float32)
        assert np.array_equal(read["embeddings"], usual)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b'{"embeddings":[[1,2],[3]]}',
        b'{"embeddings":[[[1],[2]]]}',
        b'{"embeddings":[[1,null]]}',
        b'{"embeddings":[[1,"2"]]}',
        b'{"embeddings":[[1,true]]}',
        b'{"embeddings":[[]]}',
        b'{"embeddings":[]}',
        b'{"embeddings":[[NaN]]}',
        b'{"embeddings":[[1]]} x',
        b'{"embeddings":[[1]],"embeddings":[[2]]}',
        b'\xef\xbb\xbf{"embeddings":[[1]]}',
        b'{"error":"x"}',
    ],
)
def test_odd_answers_are_left_to_the_ordinary_reader(body: bytes) -> None:
    """Which says what is wrong with them."""
    assert quick.embeddings(body) is None


@pytest.mark.parametrize("fast", [True, False])
def test_the_client_gives_the_same_with_and_without(
    fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    """Vectors, metrics, and the check of their number."""
    if not fast:
        monkeypatch.setattr(quick, "Parser", None)
    with Client(fake_ollama.url) as client:
        made = client.embed("all-minilm", ["one", "two three"])
        assert made.vectors.shape == (2, 256)
        assert made.vectors.dtype == np.float32
        assert made.metrics.prompt_tokens == 3
        with fake_ollama.failing("one_less"), pytest.raises(ModelGarbled, match="2 inputs were sent and 1 vectors"):
            client.embed("all-minilm", ["one", "two three"])
