"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake_ollama import FakeOllama


@pytest.fixture
def fake_ollama() -> Iterator[FakeOllama]:
    """A fake Ollama on a free port, with one embedding model and two chat models."""
    with FakeOllama() as fake:
        yield fake
