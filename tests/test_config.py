"""Which model embeds and where, by the settings."""

from __future__ import annotations

import pytest

from search.config import from_environment

HERE, OLLAMA = "embedded://", "http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("environment", "embedder", "host"),
    [
        ({}, "all-minilm", HERE),
        ({"SEARCH_EMBED_MODEL": "all-minilm"}, "all-minilm", OLLAMA),
        ({"SEARCH_EMBED_MODEL": "multilingual-e5-small"}, "multilingual-e5-small", OLLAMA),
        ({"SEARCH_EMBED_MODEL": "embedded://multilingual-e5-small"}, "multilingual-e5-small", HERE),
        ({"SEARCH_EMBED_MODEL": "embedded://", "OLLAMA_HOST": "gpu"}, "all-minilm", HERE),
        ({"SEARCH_EMBED_MODEL": "embedded://all-minilm", "OLLAMA_HOST": "gpu"}, "all-minilm", HERE),
        ({"SEARCH_EMBED_MODEL": "multilingual-e5-small", "OLLAMA_HOST": HERE}, "multilingual-e5-small", HERE),
        ({"OLLAMA_HOST": "gpu"}, "all-minilm", HERE),
    ],
)
def test_a_model_is_asked_of_ollama_unless_it_is_named_as_embedded(
    environment: dict[str, str], embedder: str, host: str
) -> None:
    """Never guessed from the name: an Ollama may have a model of the same one."""
    settings = from_environment(environment)
    assert (settings.embedder, settings.embed_host) == (embedder, host)
    assert settings.embeds_here == (host == HERE)
