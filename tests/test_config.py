"""Settings as people write them: which model embeds and where, and the chat model's window."""

from __future__ import annotations

import pytest

from search.config import from_environment
from search.errors import ConfigError

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


@pytest.mark.parametrize(
    ("given", "tokens"), [("", None), (" ", None), ("16384", 16_384), ("16,384", 16_384), (" 8_192 ", 8_192)]
)
def test_a_window_is_a_number_of_tokens(given: str, tokens: int | None) -> None:
    """Unset, the server decides."""
    assert from_environment({"SEARCH_NUM_CTX": given}).num_ctx == tokens


@pytest.mark.parametrize("given", ["big", "-1", "0", "16k", "1.5", "99999999999", "٣٣٣٣"])
def test_a_window_that_is_none_is_refused(given: str) -> None:
    """With the setting's name."""
    with pytest.raises(ConfigError, match="SEARCH_NUM_CTX"):
        from_environment({"SEARCH_NUM_CTX": given})
