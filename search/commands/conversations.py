"""Conversations in a shell: the questions of a person at a terminal, and turns that are kept in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pydantic_core
from pydantic import TypeAdapter

from search.errors import ConfigError
from search.queries import Turn

LEAVING = ("/bye", "/exit", "/quit")
CLEARING = "/clear"
PROMPT = "> "


def read(file: Path | None) -> list[Turn]:
    """The turns in a file, a JSON object a line; none where there is no file yet. Raises ConfigError."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n") if file and file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as a conversation: {error}") from error
    turns = TypeAdapter(Turn)
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(turns.validate_json(line))
            except ValueError as error:
                form = '{"question": "...", "answer": "..."}'
                raise ConfigError(f"{file}, line {number} is no turn of a conversation, such as {form}") from error
    return found


def keep(file: Path, turn: Turn) -> None:
    """Adds a turn to the end of a file, which is made where it is missing. Raises ConfigError."""
    try:
        with file.open("a", encoding="utf-8") as end:
            end.write(pydantic_core.to_json(turn).decode() + "\n")
    except OSError as error:
        raise ConfigError(f"the answer was not added to {file}: {error}") from error


def questions() -> Iterator[str]:
    """What a person types, line by line, until they have had enough; blank lines are left out."""
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 (gives `input` a history and editing; not on every system)
    print(f"Ask your documents; Ctrl-D or {LEAVING[0]} ends, {CLEARING} begins anew.", file=sys.stderr)
    while True:
        try:
            asked = _line().strip()
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            print(f"\n(Ctrl-D or {LEAVING[0]} ends)", file=sys.stderr)
            continue
        if asked.lower() in LEAVING:
            return
        if asked:
            yield asked


def _line() -> str:
    """The prompt is no part of an output that goes into a file or a pipe."""
    if sys.stdout.isatty():
        return input(PROMPT)
    print(PROMPT, end="", file=sys.stderr, flush=True)
    return input()
