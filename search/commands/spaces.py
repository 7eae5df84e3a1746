"""`search spaces`: the vector spaces of an index: list them, switch between them, drop one."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from search.commands import options, terminal
from search.config import EMBEDDED_HOST, Settings
from search.errors import ConfigError
from search.records import Space
from search.store import Store
from search.store.opening import open_store

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("spaces", help="list, switch and drop vector spaces", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("list", "use", "drop"), default="list", help="default: list")
    parser.add_argument("space", nargs="?", help="the space's number, or its model where that is enough")
    parser.add_argument("--force", action="store_true", help="switch although passages have no vector in it yet")
    options.add_database(parser)
    options.add_json(parser)
    options.add_examples(parser, "search spaces", "search spaces --json")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Does one of the three, then lists what there is."""
    store = open_store(settings.database, create=False)
    try:
        if chosen.action != "list":
            space = _named(store, chosen.space)
            if chosen.action == "drop":
                store.forget(space)
            else:
                _use(store, space, force=chosen.force)
        rows = [_row(store, space) for space in store.spaces()]
    finally:
        store.close()
    if chosen.json:
        terminal.as_json(rows)
    else:
        _print(rows)
    return 0


def _named(store: Store, name: str | None) -> Space:
    """The space of this number or model. Raises ConfigError where it is none or several."""
    spaces = store.spaces()
    found = [space for space in spaces if name in (str(space.id), space.model)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{space.id} ({space.model})" for space in spaces) or "none"
    raise ConfigError(f"{'several spaces are' if found else 'no space is'} named {name!r}; there are: {known}")


def _use(store: Store, space: Space, *, force: bool) -> None:
    if (waiting := store.waiting(space)) and not force:
        raise ConfigError(
            f"{waiting:,} passages have no vector of {space.model} yet: run `ingest FOLDER` with "
            f"SEARCH_EMBED_MODEL={_setting(space)}, which also switches, or give --force"
        )
    store.activate(space)


def _setting(space: Space) -> str:
    """What SEARCH_EMBED_MODEL has to be for the model of a space."""
    from search.embedded import models  # noqa: PLC0415 (loads the tokenizer)

    here = any(model.digest == space.digest for model in models.ALL)
    return f"{EMBEDDED_HOST if here else ''}{space.model}"


def _row(store: Store, space: Space) -> dict[str, Any]:
    waiting = store.waiting(space)
    return asdict(space) | {"vectors": store.counts().chunks - waiting, "waiting": waiting}


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        state = "serves" if row["active"] else "complete" if not row["waiting"] else f"{row['waiting']:,} passages wait"
        print(
            f"{'*' if row['active'] else ' '} {row['id']}  {row['model']}  {row['dimensions']} dimensions, "
            f"digest {row['digest'][:19]}, {row['vectors']:,} vectors; {state}"
        )
    if not rows:
        print("no vector space yet: run `ingest FOLDER`")
