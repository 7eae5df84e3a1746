"""Write the graphs of both embedded models without their weights, and `saturation.onnx`, a probe.

A developer's tool, never imported at run time; it needs the `graph` extra (the `onnx` package):

    python -m search.embedded.build_graph

A graph is BERT (12 heads of 32, width 384) with mean pooling, on one text or on texts of one length: there is no
padding, so there is no mask. all-MiniLM-L6-v2 has 6 layers and begins with the ids of word pieces,
multilingual-e5-small has 12 and begins with the word embeddings, which stay outside in their 4 bits. Every linear
layer multiplies integers: its weights are int8, for MiniLM those of the package, byte for byte, and its input is
quantised per call (DynamicQuantizeLinear) or, before the last of a layer, per token. What Gelu gives has the widest
spread: a scale for each token brings MiniLM's mean cosine to its float32 weights from 0.9944 to 0.9974 (texts of
about 200 word pieces), the other's to its 4-bit weights from 0.9971 to 0.9991, and costs 3 and 7 % of the speed.
The same before the layer's second last would bring MiniLM 0.9985 and cost 12 % more.
All arithmetic between (softmax, LayerNormalization, Gelu) is float32.

Initializers are named like the packages' tensors and are external: the modules `weights` read them and the session
is given them at load. What is derived from them (scales times 1/sqrt(32), MiniLM's position plus token type) is a
constant expression, which onnxruntime folds once at load.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from search.embedded import weights
from search.embedded.multilingual import weights as multilingual

HIDDEN, HEADS = 384, 12
MINILM_LAYERS, MULTILINGUAL_LAYERS = 6, 12
LAYER_NORM_EPSILON = 1e-12
OPSET, IR_VERSION = 20, 9
EMBEDDINGS = "inner.embeddings."
LINEARS_PER_LAYER = 6
BIASES = (
    "attention.self.query.bias",
    "attention.self.key.bias",
    "attention.self.value.bias",
    "attention.output.dense.bias",
    "intermediate.dense.bias",
    "output.dense.bias",
)
MULTILINGUAL_LINEARS = ("q", "k", "v", "ao", "fi", "fo")


# Gelu's least value, and the uint8 that stands for its zero.
GELU_LEAST, GELU_ZERO_POINT = 0.17, 10
PROBE_SIZE = 64


def main() -> None:
    """Write the files and say how large they are."""
    for path, content in (
        (weights.GRAPH, build(weights.tensors(weights.read()))),
        (multilingual.GRAPH, build_multilingual(multilingual.initializers(multilingual.load()))),
        (weights.PROBE, build_probe()),
    ):
        path.write_bytes(content)
        print(f"{path}: {len(content):,} bytes")


def build(tensors: weights.Tensors) -> bytes:
    """all-MiniLM-L6-v2 as a serialized ONNX model, from the names and shapes of the package's tensors."""
    graph = _Graph(tensors)
    names = _linear_names(tensors)
    states = _embeddings(graph)
    for layer in range(MINILM_LAYERS):
        prefix = f"inner.encoder.layer.{layer}."
        of_layer = names[layer * LINEARS_PER_LAYER :][:LINEARS_PER_LAYER]
        linears = [
            _Linear(name + "_q", name + "_scale", prefix + bias) for name, bias in zip(of_layer, BIASES, strict=True)
        ]
        norms = (prefix + "attention.output.LayerNorm.{}", prefix + "output.LayerNorm.{}")
        states = _layer(graph, states, linears, *(_Norm(*map(norm.format, ("weight", "bias"))) for norm in norms))
    given = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])
    return _finished(graph, states, given, weights.GRAPH_VERSION)


def build_multilingual(tensors: weights.Tensors) -> bytes:
    """multilingual-e5-small as a serialized ONNX model, from the names and shapes of its initializers."""
    graph = _Graph(tensors)
    zero, length = graph.constant("zero", [0]), graph.add("Shape", "words", start=1, end=2)
    positions = graph.add("Slice", graph.weight("positions"), zero, length, zero)
    states = _normalise(graph, graph.add("Add", "words", positions), _Norm("emb.ln.w", "emb.ln.b"))
    for layer in range(MULTILINGUAL_LAYERS):
        names = [f"l{layer}.{name}." for name in MULTILINGUAL_LINEARS]
        linears = [_Linear(name + "w", name + "scale", name + "b") for name in names]
        norms = [_Norm(f"l{layer}.{name}.w", f"l{layer}.{name}.b") for name in ("aln", "oln")]
        states = _layer(graph, states, linears, *norms)
    given = helper.make_tensor_value_info("words", TensorProto.FLOAT, ["texts", "tokens", HIDDEN])
    return _finished(graph, states, given, multilingual.GRAPH_VERSION)


def build_probe() -> bytes:
    """A product of uint8 "states" (1, 64) with int8 weights that are all 127.

    Processors without integer dot products add pairs of byte products in 16 bits, where 255 * 127 * 2 does not fit.
    """
    graph = _Graph({})
    weight = graph.constant("weights", np.full((PROBE_SIZE, PROBE_SIZE), 127, np.int8))
    graph.add("MatMulInteger", "states", weight, output="product")
    return graph.serialize(
        helper.make_tensor_value_info("states", TensorProto.UINT8, [1, PROBE_SIZE]),
        helper.make_tensor_value_info("product", TensorProto.INT32, [1, PROBE_SIZE]),
        weights.GRAPH_VERSION,
    )


def _finished(graph: _Graph, states: str, given: Any, version: int) -> bytes:
    """The graph with the mean over the tokens, to unit length, as its output."""
    mean = graph.add("ReduceMean", states, graph.constant("tokens_axis", [1]), keepdims=0)
    graph.add("LpNormalization", mean, output="embedding", axis=1, p=2)
    result = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", HIDDEN])
    return graph.serialize(given, result, version)


def _linear_names(tensors: weights.Tensors) -> list[str]:
    """The linear layers' names in the package: `<name>_q` and `<name>_scale`, in the order of the model."""
    return [name.removesuffix("_q") for name in tensors if name.startswith("val_") and name.endswith("_q")]


def _embeddings(graph: _Graph) -> str:
    """Word, position and token type embeddings of `input_ids` (texts, tokens), summed and normalised."""
    zero = graph.constant("zero", [0])
    words = graph.add("Gather", graph.weight(EMBEDDINGS + "word_embeddings.weight_q"), "input_ids")
    word_scales = graph.add("Gather", graph.weight(EMBEDDINGS + "word_embeddings.weight_scale"), "input_ids")
    kind = graph.add("Gather", graph.weight(EMBEDDINGS + "token_type_embeddings.weight"), zero)
    table = _dequantise(
        graph,
        graph.weight(EMBEDDINGS + "position_embeddings.weight_q"),
        graph.weight(EMBEDDINGS + "position_embeddings.weight_scale"),
    )
    length = graph.add("Shape", "input_ids", start=1, end=2)
    positions = graph.add("Slice", graph.add("Add", table, kind), zero, length, zero)
    states = graph.add("Add", _dequantise(graph, words, word_scales), positions)
    return _normalise(graph, states, _Norm(EMBEDDINGS + "LayerNorm.weight", EMBEDDINGS + "LayerNorm.bias"))


def _layer(graph: _Graph, states: str, linears: list[_Linear], attended_norm: _Norm, fed_norm: _Norm) -> str:
    """One transformer layer: attention and feed-forward, each added to its input and normalised."""
    query, key, value, out, up, down = linears
    quantised = _quantise(graph, states)
    attention = _attend(
        graph,
        _multiply(graph, quantised, query, scaled=True),
        _multiply(graph, quantised, key),
        _multiply(graph, quantised, value),
    )
    attended = _multiply(graph, _quantise(graph, attention), out)
    states = _normalise(graph, graph.add("Add", attended, states), attended_norm)
    wide = graph.add("Gelu", _multiply(graph, _quantise(graph, states), up))
    narrow = _multiply(graph, _quantise_tokens(graph, wide), down)
    return _normalise(graph, graph.add("Add", narrow, states), fed_norm)


def _attend(graph: _Graph, query: str, key: str, value: str) -> str:
    """Softmax attention; the query comes already divided by sqrt(32)."""
    split = graph.constant("split_heads", [0, 0, HEADS, HIDDEN // HEADS])
    query, key, value = (graph.add("Reshape", states, split) for states in (query, key, value))
    query = graph.add("Transpose", query, perm=[0, 2, 1, 3])
    key = graph.add("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.add("Transpose", value, perm=[0, 2, 1, 3])
    shares = graph.add("Softmax", graph.add("MatMul", query, key), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.add("Reshape", mixed, graph.constant("merge_heads", [0, 0, HIDDEN]))


def _dequantise(graph: _Graph, numbers: str, scales: str) -> str:
    return graph.add("Mul", graph.add("Cast", numbers, to=TensorProto.FLOAT), scales)


def _quantise(graph: _Graph, states: str) -> _Quantised:
    """States as uint8 with one scale and one zero point for the call."""
    numbers, scale, zero_point = graph.add_many("DynamicQuantizeLinear", states, outputs=3)
    return _Quantised(numbers, scale, zero_point)


def _quantise_tokens(graph: _Graph, states: str) -> _Quantised:
    """Outputs of Gelu as uint8 with a scale for each token, so that neither its largest nor Gelu's least is cut."""
    largest = graph.add("ReduceMax", states, graph.constant("last_axis", [-1]), keepdims=1)
    scale = graph.add(
        "Max",
        graph.add("Mul", largest, graph.constant("positive_step", np.float32(1 / (255 - GELU_ZERO_POINT)))),
        graph.constant("negative_step", np.float32(GELU_LEAST / GELU_ZERO_POINT)),
    )
    scales = graph.add("Reshape", scale, graph.constant("flat", [-1]))
    zero_point = graph.constant("gelu_zero_point", np.uint8(GELU_ZERO_POINT))
    zero_points = graph.add("Expand", zero_point, graph.add("Shape", scales))
    quantised = graph.add("QuantizeLinear", states, scales, zero_points, axis=1)
    return _Quantised(quantised, scale, zero_point, per_token=True)


def _multiply(graph: _Graph, states: _Quantised, linear: _Linear, scaled: bool = False) -> str:
    """x W + b in integers. `scaled` divides the result by sqrt(32), in the weights' scale and the bias."""
    scale = graph.add("Reshape", graph.weight(linear.scale), graph.constant("flat", [-1]))
    offset = graph.weight(linear.bias)
    if scaled:
        factor = graph.constant("query_factor", np.float32(1 / np.sqrt(HIDDEN // HEADS)))
        scale, offset = graph.add("Mul", scale, factor), graph.add("Mul", offset, factor)
    product = graph.add("MatMulInteger", states.numbers, graph.weight(linear.numbers), states.zero_point)
    if states.per_token:
        result = graph.add("Mul", _dequantise(graph, product, scale), states.scale)
    else:  # the order in which onnxruntime recognises the whole as one operator
        result = _dequantise(graph, product, graph.add("Mul", states.scale, scale))
    return graph.add("Add", result, offset)


def _normalise(graph: _Graph, states: str, norm: _Norm) -> str:
    """LayerNormalization over the last axis with the package's weight and bias."""
    weight, bias = graph.weight(norm.weight), graph.weight(norm.bias)
    return graph.add("LayerNormalization", states, weight, bias, axis=-1, epsilon=LAYER_NORM_EPSILON)


class _Linear(NamedTuple):
    """Names of a linear layer's int8 weights, their scales, and its bias."""

    numbers: str
    scale: str
    bias: str


class _Norm(NamedTuple):
    """Names of a LayerNormalization's weight and bias."""

    weight: str
    bias: str


class _Quantised(NamedTuple):
    """Names of quantised states, and of the scale (one, or one for each token) and zero point to undo it."""

    numbers: str
    scale: str
    zero_point: str
    per_token: bool = False


class _Graph:
    """Nodes and initializers as they are added; every `add` answers with the name of what it computes."""

    def __init__(self, tensors: weights.Tensors) -> None:
        self._tensors = tensors
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """A node with one output."""
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def add_many(self, operator: str, *inputs: str, outputs: int) -> list[str]:
        """A node with several outputs."""
        names = [f"{operator}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names))
        return names

    def constant(self, name: str, value: Any) -> str:
        """A small initializer kept in the graph: a numpy value as it is, or a list of whole numbers."""
        array = np.array(value, np.int64) if isinstance(value, list) else np.asarray(value)
        self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def weight(self, name: str) -> str:
        """An external initializer: name, type and shape of a tensor of the package, without its numbers."""
        array = self._tensors[name]
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="given-at-load")
        self._initializers[name] = tensor
        return name

    def serialize(self, given: Any, result: Any, version: int) -> bytes:
        """The whole model, of one input and one output, as bytes; the same graph gives the same bytes."""
        graph = helper.make_graph(self._nodes, "graph", [given], [result], list(self._initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.model_version = version
        data: bytes = model.SerializeToString(deterministic=True)
        return data


if __name__ == "__main__":
    main()
