"""Whether the embedded English model suits an index is said in one line."""

from __future__ import annotations

import pytest

from search.embed import suitability


@pytest.mark.parametrize("languages", [{}, {"en": 1}, {"en": 2, "de": 1}, {"en": 2, "de": 1, "zh": 1}])
def test_an_index_that_is_half_english_or_more_gives_no_doubt(languages: dict[str, int]) -> None:
    assert suitability.doubt("all-minilm", languages) is None


@pytest.mark.parametrize("model", ["bge-m3", "multilingual-e5-small", "a-model-that-nobody-knows"])
def test_a_model_that_is_not_known_as_english_gives_no_doubt(model: str) -> None:
    assert suitability.doubt(model, {"de": 9}) is None


def test_other_languages_are_counted_and_what_fits_is_named() -> None:
    line = suitability.doubt("all-minilm", {"en": 2, "de": 1, "zh": 1200, "ar": 4, "ru": 3})
    assert line
    assert "1,208 of 1,210 documents are in other languages (1,200 zh, 4 ar, 3 ru, ...)" in line
    for name in ("embedded://multilingual-e5-small", "semsearch[multilingual]", "bge-m3", "embeddinggemma"):
        assert name in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("model", "query", "understood"),
    [
        ("all-minilm", "where is the index kept", True),
        ("all-minilm", "wo ist der Index und die Datei", False),
        ("embedded://all-minilm", "где хранится индекс", False),
        ("embedded://multilingual-e5-small", "где хранится индекс", True),
        ("nomic-embed-text:v1.5", "где хранится индекс", False),
        ("nomic-embed-text-v2-moe", "где хранится индекс", True),
        ("bge-m3", "索引在哪里", True),
        ("one-nobody-knows", "索引在哪里", True),
    ],
)
def test_an_english_model_does_not_understand_other_languages(model: str, query: str, understood: bool) -> None:
    """Where the model is known to be English and the query shows that it isn't."""
    assert suitability.understands(model, query) is understood


ENGLISH_QUERY = "where is the index kept"


@pytest.mark.parametrize(
    ("model", "query", "languages", "crosses"),
    [
        ("multilingual-e5-small", ENGLISH_QUERY, {"de": 3}, True),
        ("embedded://multilingual-e5-small", ENGLISH_QUERY, {"de": 30, "es": 19, "": 1}, True),
        ("bge-m3", "где хранится индекс", {"de": 3}, True),
        ("bge-m3", "где хранится индекс", {"uk": 3}, False),  # it may be Ukrainian
        ("bge-m3", ENGLISH_QUERY, {"de": 48, "en": 2}, False),
        ("bge-m3", ENGLISH_QUERY, {"de": 48, "": 2}, False),  # code, or tables: English as likely as not
        ("bge-m3", ENGLISH_QUERY, {}, False),
        ("bge-m3", "index", {"de": 3}, False),
        ("all-minilm", ENGLISH_QUERY, {"de": 3}, False),
        ("one-nobody-knows", ENGLISH_QUERY, {"de": 3}, False),
    ],
)
def test_a_query_crosses_languages_only_where_that_is_sure(
    model: str, query: str, languages: dict[str, int], crosses: bool
) -> None:
    """Of the model, of the query and of nearly all documents."""
    assert suitability.crosses(model, query, lambda: languages) is crosses
