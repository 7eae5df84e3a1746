"""The kernel and the reading side: records, models, store, ranking, answers, HTTP.

from search import open_index

with open_index("index.db") as index:
    index.search("where are vectors kept?")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.library import Index, open_index

__all__ = ["Index", "__version__", "open_index"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The library face is loaded when it is asked for, so that `import search` loads nothing."""
    if name in ("Index", "open_index"):
        from search import library  # noqa: PLC0415

        return getattr(library, name)
    raise AttributeError(f"module 'search' has no attribute {name!r}")
