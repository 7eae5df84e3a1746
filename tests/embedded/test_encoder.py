"""The model itself: pinned numbers, agreement with the reference, threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from search.embedded import encoder, packages, runtime, tokens
from search.embedded.encoder import Encoder
from search.embedded.models import ENGLISH, EmbeddedModel
from search.errors import ModelMissing

SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
LIMIT = ENGLISH.most_pieces

# all-MiniLM-L6-v2 in float32 (the published weights) on the same sentences.
REFERENCE_FIRST = [
    [0.0192, 0.1201, 0.1596, 0.0671],
    [-0.0187, 0.0415, 0.0743, 0.0784],
    [0.1365, 0.0823, -0.0253, 0.0305],
]
REFERENCE_COSINES = {(0, 1): 0.6660, (0, 2): 0.1046, (1, 2): 0.1411}
# This encoder; equal on processors with and without integer dot products.
PINNED_FIRST = [
    [0.01590, 0.11180, 0.16007, 0.06907],
    [-0.02327, 0.04435, 0.07740, 0.08250],
    [0.13761, 0.08503, -0.02125, 0.02607],
]


@pytest.fixture(scope="module")
def one() -> Encoder:
    return Encoder(threads=1)


@pytest.fixture(scope="module")
def two() -> Encoder:
    return Encoder(threads=2)


def test_the_first_numbers_are_pinned(one: Encoder) -> None:
    vectors = one.encode(one.tokenize(SENTENCES, LIMIT))
    np.testing.assert_allclose(vectors[:, :4], PINNED_FIRST, atol=2e-3)


def test_the_vectors_agree_with_the_reference(one: Encoder) -> None:
    """Cosines between the sentences within 0.01 of float32's, first numbers within 0.01 too."""
    vectors = one.encode(one.tokenize(SENTENCES, LIMIT))
    np.testing.assert_allclose(vectors[:, :4], REFERENCE_FIRST, atol=0.01)
    for (a, b), cosine in REFERENCE_COSINES.items():
        assert float(vectors[a] @ vectors[b]) == pytest.approx(cosine, abs=0.01)


def test_vectors_are_float32_of_length_one(one: Encoder) -> None:
    vectors = one.encode([[], [7592], [7592] * LIMIT])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_results_come_in_the_order_of_the_inputs(one: Encoder, two: Encoder) -> None:
    """With texts of many lengths, on two threads, each vector is bit for bit what its text alone gives."""
    texts = [("word " * length + str(length)) for length in (3, 90, 1, 40, 200, 2, 7, 120)]
    alone = np.vstack([one.encode(one.tokenize([text], LIMIT)) for text in texts])
    np.testing.assert_array_equal(two.encode(two.tokenize(texts, LIMIT)), alone)


def test_no_inputs_give_no_vectors(two: Encoder) -> None:
    assert two.encode(two.tokenize([], LIMIT)).shape == (0, encoder.DIMENSIONS)


def test_more_than_the_window_is_refused_not_cut(one: Encoder) -> None:
    with pytest.raises(ValueError, match="255 word pieces do not fit"):
        one.encode([[7592] * (LIMIT + 1)])


def test_many_threads_may_share_one_encoder(two: Encoder) -> None:
    texts = [f"sentence number {number} of a few" for number in range(8)]
    expected = two.encode([tokens.ids(text) for text in texts])

    def work(_: int) -> bool:
        return bool((two.encode(two.tokenize(texts, LIMIT)) == expected).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))


def test_the_shared_encoder_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads ask for it at the same moment."""
    monkeypatch.setattr(encoder, "_shared", {})
    loads: list[Encoder] = []

    class Counted(Encoder):
        def __init__(self, model: EmbeddedModel) -> None:
            super().__init__(1, model)
            loads.append(self)

    monkeypatch.setattr(encoder, "Encoder", Counted)
    barrier = threading.Barrier(8)

    def ask(_: int) -> Encoder:
        barrier.wait()
        return encoder.shared()

    assert not encoder.loaded()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(ask, range(8)))
    assert len(loads) == 1
    assert all(found is loads[0] for found in got)
    assert encoder.loaded() == [ENGLISH]


def test_a_failed_load_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing the package while the program runs is enough."""
    monkeypatch.setattr(encoder, "_shared", {})
    with monkeypatch.context() as missing:
        missing.setattr(packages, "find_spec", lambda _: None)
        with pytest.raises(ModelMissing):
            encoder.shared()
        assert not encoder.loaded()
    assert encoder.shared().encode([[7592]]).shape == (1, encoder.DIMENSIONS)


def test_exact_integers_give_the_same_vectors(one: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen on processors whose byte products overflow computes the same numbers."""
    if runtime.saturates():
        pytest.skip("this processor's byte products overflow, so there is nothing to compare with")
    monkeypatch.setattr(runtime, "saturates", lambda: True)
    pieces = one.tokenize(SENTENCES, LIMIT)
    np.testing.assert_array_equal(Encoder(threads=1).encode(pieces), one.encode(pieces))
