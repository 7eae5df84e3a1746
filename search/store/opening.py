"""Where an index is, to the store that reads it."""

from __future__ import annotations

from pathlib import Path

from search.errors import ConfigError, StoreUnavailable
from search.store import Store
from search.store.sqlite import SqliteStore


def open_store(location: str, *, create: bool) -> Store:
    """The store at a path. Without `create` it has to be there already.

    Raises StoreUnavailable where there is none, ConfigError for a location that cannot be one.
    """
    if "://" in location:
        raise ConfigError(f"{location}: an index is a file so far; give a path in --db or SEARCH_DB")
    path = Path(location).expanduser()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; --db and SEARCH_DB name a file, for example {path / 'index.db'}")
    if not create and not path.exists():
        raise StoreUnavailable(f"there is no index at {path} yet: run `ingest FOLDER` first, or name another with --db")
    return SqliteStore(path)
