"""What the tests of the multilingual model share; they skip aloud where the extra is not installed."""

from __future__ import annotations

import importlib.util

import pytest

from search.embedded import encoder, models
from search.embedded.encoder import Encoder
from search.embedded.multilingual import weights
from search.embedded.multilingual.tokens import Tokenizer
from search.embedded.multilingual.weights import Packed


@pytest.fixture(scope="session")
def packed() -> Packed:
    if not importlib.util.find_spec(weights.FILE.package):
        pytest.skip("the extra `multilingual` is not installed")
    return weights.load()


@pytest.fixture(scope="session")
def tokenizer(packed: Packed) -> Tokenizer:
    return Tokenizer(packed)


@pytest.fixture(scope="session")
def multilingual(packed: Packed) -> Encoder:
    """The process's shared one, so that it is in memory once."""
    del packed
    return encoder.shared(models.MULTILINGUAL)
