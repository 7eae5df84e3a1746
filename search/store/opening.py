"""Where an index is, to the store that reads it."""

from __future__ import annotations

from pathlib import Path

from search.errors import ConfigError, StoreUnavailable
from search.store import Store
from search.store.database import READ_ONLY, UNCHANGED, is_read_only, translated
from search.store.sqlite import SqliteStore


def open_store(location: str, *, create: bool) -> Store:
    """The store at a path. With `create` it is made where there is none; one that is there has to be writable.

    Raises StoreUnavailable where there is none to open or to write, ConfigError for a location that cannot be one.
    """
    if create:
        check_writable(location)
    elif not exists(location):
        raise StoreUnavailable(
            f"there is no index at {_path(location)} yet: run `ingest FOLDER` first, or name another with --db"
        )
    return SqliteStore(_path(location))


def exists(location: str) -> bool:
    """Whether there is an index. Raises as `open_store` does."""
    path = _path(location)
    with translated(path):
        return path.exists()


def check_writable(location: str) -> None:
    """Raises StoreUnavailable for an index that is there and can only be read."""
    path = _path(location)
    with translated(path):
        if is_read_only(path):
            raise StoreUnavailable(READ_ONLY.format(path=path, why=UNCHANGED))


def _path(location: str) -> Path:
    if "://" in location:
        raise ConfigError(f"{location}: an index is a file so far; give a path in --db or SEARCH_DB")
    path = Path(location).expanduser()
    with translated(path):
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; --db and SEARCH_DB name a file, for example {path / 'index.db'}")
    return path
