"""What embedding models want in front of a query and of a document, by the names that Ollama models go by.

A model that was trained with instructions ranks worse without them, and nothing tells. Pure; asks no server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_BGE = "Represent this sentence for searching relevant passages: "
_WEB_SEARCH = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
_MODELS = "https://huggingface.co/"


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What is put before a query and before a document; `source` says who wants it so, "" where nobody does."""

    query: str = ""
    document: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Models whose names match, and the model card that names their prefixes.

    `is_english`: made for English alone, as the card says.
    """

    names: str
    query: str
    document: str
    card: str
    is_english: bool = False


# The first that matches counts, so the exceptions of a family stand before it.
FAMILIES = (
    Family(r"nomic-embed-code", "Represent this query for searching relevant code: ", "", "nomic-ai/nomic-embed-code"),
    Family(r"nomic-embed.*-v2", "search_query: ", "search_document: ", "nomic-ai/nomic-embed-text-v2-moe"),
    Family(r"nomic-embed", "search_query: ", "search_document: ", "nomic-ai/nomic-embed-text-v1.5", is_english=True),
    Family(r"mxbai-embed", _BGE, "", "mixedbread-ai/mxbai-embed-large-v1", is_english=True),
    Family(r"bge-m3", "", "", "BAAI/bge-m3"),
    Family(r"bge-(small|base|large)-zh", "为这个句子生成表示以用于检索相关文章：", "", "BAAI/bge-large-zh-v1.5"),
    Family(r"bge-(small|base|large)", _BGE, "", "BAAI/bge-large-en-v1.5", is_english=True),
    Family(r"e5-mistral|e5-large-instruct", _WEB_SEARCH + " ", "", "intfloat/multilingual-e5-large-instruct"),
    Family(r"\be5-(small|base|large)", "query: ", "passage: ", "intfloat/multilingual-e5-large"),
    Family(r"arctic-embed2|arctic-embed-[ml]-v2", "query: ", "", "Snowflake/snowflake-arctic-embed-l-v2.0"),
    Family(r"arctic-embed", _BGE, "", "Snowflake/snowflake-arctic-embed-l", is_english=True),
    Family(r"embedding-?gemma", "task: search result | query: ", "title: none | text: ", "google/embeddinggemma-300m"),
    Family(r"qwen3-embedding", _WEB_SEARCH, "", "Qwen/Qwen3-Embedding-0.6B"),
    Family(
        r"jina-embeddings-v3",
        "Represent the query for retrieving evidence documents: ",
        "Represent the document for retrieval: ",
        "jinaai/jina-embeddings-v3",
    ),
    Family(r"all-minilm", "", "", "sentence-transformers/all-MiniLM-L6-v2", is_english=True),
    Family(r"paraphrase-multilingual", "", "", "sentence-transformers/paraphrase-multilingual-mpnet-base-v2"),
    Family(r"granite-embedding", "", "", "ibm-granite/granite-embedding-278m-multilingual"),
    Family(r"gte-(small|base|large)", "", "", "thenlper/gte-large", is_english=True),
)


# Made for many languages, as their cards say.
_MULTILINGUAL = (
    r"multilingual|nomic-embed.*-v2|bge-m3|arctic-embed2|arctic-embed-[ml]-v2|embedding-?gemma|qwen3-embedding"
    r"|jina-embeddings-v3|granite-embedding:278m"
)


def of(model: str) -> Prefixes:
    """The prefixes of the family that a model's name belongs to; none for a name that is not known."""
    family = _family(model)
    return Prefixes(family.query, family.document, _MODELS + family.card) if family else Prefixes()


def is_english(model: str) -> bool:
    """Whether a model was made for English alone, as far as its name is known."""
    family = _family(model)
    return family is not None and family.is_english


def is_multilingual(model: str) -> bool:
    """Whether a model was made for many languages, as far as its name is known."""
    return re.search(_MULTILINGUAL, model, re.IGNORECASE) is not None


def chosen(model: str, query: str | None, document: str | None) -> Prefixes:
    """The model's prefixes, with those that the settings name in their place; None leaves the known one."""
    known = of(model)
    if query is None and document is None:
        return known
    source = "SEARCH_QUERY_PREFIX, SEARCH_DOCUMENT_PREFIX"
    return replace(
        known,
        query=known.query if query is None else query,
        document=known.document if document is None else document,
        source=source,
    )


def _family(model: str) -> Family | None:
    return next((family for family in FAMILIES if re.search(family.names, model, re.IGNORECASE)), None)
