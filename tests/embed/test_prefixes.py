"""Which model wants what in front of its texts."""

from __future__ import annotations

import pytest

from search.embed import prefixes


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("nomic-embed-text-v2-moe:latest", "search_query: ", "search_document: "),
        ("hf.co/nomic-ai/nomic-embed-text-v1.5-GGUF:Q8_0", "search_query: ", "search_document: "),
        ("mxbai-embed-large", "Represent this sentence for searching relevant passages: ", ""),
        ("bge-m3", "", ""),
        ("bge-large", "Represent this sentence for searching relevant passages: ", ""),
        ("quentinz/bge-large-zh-v1.5", "为这个句子生成表示以用于检索相关文章：", ""),
        ("jeffh/intfloat-multilingual-e5-large:f16", "query: ", "passage: "),
        ("snowflake-arctic-embed:335m", "Represent this sentence for searching relevant passages: ", ""),
        ("snowflake-arctic-embed2", "query: ", ""),
        ("embeddinggemma:300m", "task: search result | query: ", "title: none | text: "),
        (
            "Qwen3-Embedding:0.6b",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
            "",
        ),
        ("all-minilm", "", ""),
        ("llama3.2", "", ""),
    ],
)
def test_a_family_is_known_by_its_names(model: str, query: str, document: str) -> None:
    """As they are called in Ollama's library, and by people who upload them."""
    found = prefixes.of(model)
    assert (found.query, found.document) == (query, document)


def test_every_family_has_a_source() -> None:
    """Each prefix can be looked up where the model's makers name it."""
    assert all("/" in family.card for family in prefixes.FAMILIES)
    assert prefixes.of("bge-m3").source == "https://huggingface.co/BAAI/bge-m3"
    assert prefixes.of("no-such-model").source == ""


def test_settings_win_over_the_table() -> None:
    """An empty one means none; one that is not given leaves the known one."""
    assert prefixes.chosen("nomic-embed-text", None, None) == prefixes.of("nomic-embed-text")
    changed = prefixes.chosen("nomic-embed-text", "", None)
    assert (changed.query, changed.document) == ("", "search_document: ")
    assert "SEARCH_QUERY_PREFIX" in changed.source


@pytest.mark.parametrize(
    ("model", "is_multilingual"),
    [
        ("multilingual-e5-small", True),
        ("jeffh/intfloat-multilingual-e5-large:f16", True),
        ("jeffh/intfloat-e5-base-v2:f16", False),
        ("snowflake-arctic-embed2", True),
        ("snowflake-arctic-embed", False),
        ("nomic-embed-text", False),
        ("nomic-embed-text-v2-moe", True),
        ("bge-m3:567m", True),
        ("granite-embedding:30m", False),
        ("embeddinggemma", True),
        ("one-nobody-knows", False),
    ],
)
def test_models_for_many_languages_are_known_by_name(model: str, is_multilingual: bool) -> None:
    assert prefixes.is_multilingual(model) is is_multilingual
    assert not (is_multilingual and prefixes.is_english(model))
