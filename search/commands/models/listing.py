"""`search models list`, `ps` and `show`: what a server has."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.commands.models.printing import declare, short, size, table
from search.commands.terminal import as_json
from search.errors import ModelError
from search.ollama.client import Client

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    declare(verbs, "list", list_, "the installed models, of each server where several are set")
    declare(verbs, "ps", ps, "the loaded models, of each server where several are set")
    parser = declare(verbs, "show", show, "what a model is")
    parser.add_argument("model")
    parser.add_argument("--verbose", action="store_true", help="with its tensors, in JSON")


def list_(client: Client, chosen: argparse.Namespace) -> int:
    """Exit code 0 where there are models, 1 where there are none."""
    tags = {one.host.url: one.tags() for one in client.each}
    if chosen.json:
        as_json(next(iter(tags.values())) if len(tags) == 1 else tags)
    else:
        rows = [
            (model.name, short(model.digest), size(model.size), model.modified_at[:10], _can(one, model.name))
            for one in client.each
            for model in tags[one.host.url].models
        ]
        hosts = [host for host, answer in tags.items() for _ in answer.models]
        _print(("name", "digest", "size", "modified", "can"), rows, hosts)
    return 0 if any(answer.models for answer in tags.values()) else 1


def ps(client: Client, chosen: argparse.Namespace) -> int:
    """Exit code 0 where a model is loaded, 1 where none is."""
    loaded = {one.host.url: one.ps() for one in client.each}
    if chosen.json:
        as_json(next(iter(loaded.values())) if len(loaded) == 1 else loaded)
    else:
        rows = [
            (
                model.name,
                size(model.size),
                f"{model.gpu_share:.0%} GPU",
                f"{model.context_length or '?'} tokens",
                model.expires_at[:19].replace("T", " "),
            )
            for answer in loaded.values()
            for model in answer.models
        ]
        hosts = [host for host, answer in loaded.items() for _ in answer.models]
        _print(("name", "size", "runs on", "window", "until"), rows, hosts)
    return 0 if any(answer.models for answer in loaded.values()) else 1


def show(client: Client, chosen: argparse.Namespace) -> int:
    """Facts in lines, or all that the server says."""
    shown = client.show(chosen.model, verbose=chosen.verbose or None)
    if chosen.json or chosen.verbose:
        as_json(shown)
        return 0
    details = shown.details
    facts = {
        "family": details.family,
        "parameters": " ".join(part for part in (details.parameter_size, details.quantization_level) if part),
        "window": f"{shown.context_length:,} tokens" if shown.context_length else "",
        "dimensions": f"{shown.embedding_length:,}" if shown.embedding_length else "",
        "can": ", ".join(shown.capabilities),
        "set": "; ".join(" ".join(line.split()) for line in shown.parameters.splitlines()),
        "system": shown.system,
    }
    for name, value in facts.items():
        if value:
            print(f"{name + ':':<12}{value}")
    return 0


def _can(client: Client, name: str) -> str:
    """What it can do: /api/tags calls an imported encoder a model that completes, /api/show reads its whole file."""
    try:
        return ", ".join(client.show(name).capabilities)
    except ModelError:
        return "?"


def _print(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], hosts: Sequence[str]) -> None:
    """A table, with the host of each row where there are several."""
    if len({*hosts}) > 1:
        headings = (*headings, "host")
        rows = [(*row, host) for row, host in zip(rows, hosts, strict=True)]
    if rows:
        table(headings, rows)
