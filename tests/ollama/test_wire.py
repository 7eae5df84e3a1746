"""Answers become records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from search.ollama import embeddings, wire
from search.ollama.embeddings import Unusable, UnusableRows


def test_unknown_fields_are_kept_at_every_depth() -> None:
    tags = wire.Tags.model_validate({"models": [{"name": "a", "new": 1, "details": {"newer": 2}}], "newest": 3})
    assert (tags.model_extra, tags.models[0].model_extra) == ({"newest": 3}, {"new": 1})
    assert tags.models[0].details.model_extra == {"newer": 2}
    found = embeddings.embeddings({"embeddings": [[1.0]], "model": "m", "new": 1}, 1)
    assert found.extra == {"new": 1}


def test_null_is_the_default_and_unknown_nulls_are_kept() -> None:
    """Go sends null for an empty list."""
    model = wire.InstalledModel.model_validate({"name": "a", "capabilities": None, "new": None})
    assert (model.capabilities, model.model_extra) == ((), {"new": None})
    assert wire.Tags.model_validate({"models": None}).models == ()
    details = {"families": None, "parent_model": None}
    assert wire.Details.model_validate(details) == wire.Details()


def test_metrics_are_seconds_and_missing_ones_are_zero() -> None:
    """Ollama leaves out what is zero."""
    line = wire.ChatResponse.model_validate(
        {
            "done": True,
            "total_duration": 3_000_000_000,
            "load_duration": 500_000_000,
            "prompt_eval_count": 20,
            "prompt_eval_duration": 250_000_000,
            "eval_count": 30,
            "eval_duration": 1_500_000_000,
        }
    )
    assert line.metrics == embeddings.Metrics(3.0, 0.5, 20, 0.25, 30, 1.5)
    assert line.metrics.tokens_per_second == 20.0
    assert line.metrics.prompt_tokens_per_second == 80.0
    empty = wire.ChatResponse.model_validate({"done": True, "eval_count": None}).metrics
    assert empty == embeddings.Metrics()
    assert set(empty.figures().values()) == {0}
    assert set(empty.figures()) >= set(embeddings.Metrics.__dataclass_fields__)


def test_a_model_is_found_as_the_server_finds_it() -> None:
    """In any case, with `latest` for no tag, and not by half a name."""
    tags = wire.Tags.model_validate({"models": [{"name": "All-MiniLM:latest"}, {"model": "host:80/x/bge:m3"}]})
    assert tags.find("all-minilm") is tags.models[0]
    assert tags.find("ALL-MINILM:LATEST") is tags.models[0]
    assert tags.find("Host:80/x/bge:m3") is tags.models[1]
    assert tags.find("all") is tags.find("all-minilm:v2") is None
    assert wire.full_name("host:80/x/bge") == "host:80/x/bge:latest"
    assert tags.find("library/all-minilm") is tags.find("registry.ollama.ai/Library/all-minilm") is tags.models[0]
    assert tags.find("someone/all-minilm") is tags.find("example.org/library/all-minilm") is None
    loaded = wire.Loaded.model_validate({"models": [{"name": "a:latest", "size": 4, "size_vram": 1}]}).find("a")
    assert loaded is not None
    assert loaded.gpu_share == 0.25
    assert wire.LoadedModel().gpu_share == 0


def test_lengths_come_from_the_architecture_or_the_details() -> None:
    info = {"general.architecture": "bert", "bert.context_length": 512, "bert.embedding_length": 384}
    shown = wire.ShownModel.model_validate({"model_info": info, "license": ["a", "b"]})
    assert (shown.context_length, shown.embedding_length) == (512, 384)
    older = wire.ShownModel.model_validate({"details": {"context_length": 99}})
    assert (older.context_length, older.embedding_length) == (99, 0)


def test_vectors_are_float32_in_order_and_empty_answers_are_empty() -> None:
    found = embeddings.embeddings({"embeddings": [[1, 2], [3, 4.5]], "prompt_eval_count": 7}, 2)
    assert found.vectors.dtype == np.float32
    assert found.vectors.tolist() == [[1, 2], [3, 4.5]]
    assert found.metrics.prompt_tokens == 7
    nothing: dict[str, Any]
    for nothing in ({"embeddings": []}, {"embeddings": None}, {}):
        assert embeddings.embeddings(nothing, 0).vectors.shape == (0, 0)
    assert embeddings.embedding({"embedding": [1, 2]}, 1).vectors.tolist() == [[1, 2]]
    assert embeddings.embedding({"embedding": []}, 0).vectors.shape == (0, 0)


BAD_ROWS: list[tuple[Any, int, str]] = [
    ([[1.0]], 2, "2 inputs were sent and 1 vectors came back"),
    ([[1.0], [1.0]], 1, "1 inputs were sent and 2 vectors came back"),
    (None, 1, "1 inputs were sent and 0 vectors"),
    ({"a": 1}, 1, "no list of"),
    ([[1.0, 2.0], [1.0]], 2, "vector 1 has 1 numbers, vector 0 has 2"),
    ([[], []], 2, "vector 0 has 0 numbers"),
    ([[1.0], 2.0], 2, "vector 1 has 0 numbers"),
    ([[1.0, "x"]], 1, "no number"),
    ([[[1.0], [2.0]]], 1, "no number"),
    ([[{"a": 1}]], 1, "no number"),
    ([[10**400]], 1, "no number"),
]


@pytest.mark.parametrize(("rows", "inputs", "words"), BAD_ROWS)
def test_rows_that_are_no_matrix_are_refused_in_words(rows: Any, inputs: int, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        embeddings.matrix(rows, inputs)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None, 1e300])
def test_numbers_that_are_not_finite_are_refused_by_row(bad: float | None) -> None:
    """Not even null (which numpy takes for NaN) or a number too big for float32 gets through."""
    with pytest.raises(UnusableRows) as raised:
        embeddings.matrix([[1.0, 2.0], [1.0, bad], [bad, 1.0]], 3)
    assert raised.value.rows == (1, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.integers(0, 3))
def test_any_json_gives_finite_vectors_or_a_reason(rows: Any, inputs: int) -> None:
    try:
        vectors = embeddings.matrix(rows, inputs)
    except Unusable:
        return
    assert vectors.shape[0] == inputs
    assert np.isfinite(vectors).all()


@example({"eval_count": 1, "eval_duration": 10**400})
@given(st.dictionaries(st.sampled_from(["message", "done", "eval_count", "logprobs", "model", "x"]), JSON))
def test_any_object_gives_a_line_or_a_validation_error(data: dict[str, Any]) -> None:
    """Which the client translates: nothing else comes out of a record."""
    try:
        line = wire.ChatResponse.model_validate(data)
    except ValidationError:
        return
    assert line.metrics.tokens_per_second >= 0 or line.eval_count < 0 or line.eval_duration < 0


@pytest.mark.parametrize("value", ["12", 1.5, True, [], 2**63])
def test_what_an_embedding_cost_is_a_whole_number(value: Any) -> None:
    """Or nothing: null is 0, as everywhere."""
    with pytest.raises(Unusable, match=r"total_duration: .* is no whole number"):
        embeddings.embeddings({"embeddings": [[1.0]], "total_duration": value}, 1)
    assert embeddings.embeddings({"embeddings": [[1.0]], "total_duration": None}, 1).metrics == embeddings.Metrics()
