"""The command `search`: one module of `search.commands` for each of its commands."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from search import __version__, config
from search.errors import SearchError

COMMANDS = ("query", "ask", "answers", "serve", "status", "spaces", "eval", "doctor", "models", "mcp", "completions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit codes: 0 found or done, 1 nothing found, 2 an error, which is printed in words."""
    parser = argparse.ArgumentParser(prog="search", description="Search and ask your own documents.")
    parser.add_argument("--version", action="version", version=f"semsearch {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    arguments = sys.argv[1:] if arguments is None else arguments
    # Only the module of the command that is asked for: those of the service take longer to import than a search takes.
    # `completions` lists all of them.
    asked = [name for name in COMMANDS if name in arguments[:1] and name != "completions"]
    for command in load(asked or COMMANDS):
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        code = int(chosen.run(chosen, config.from_environment(os.environ, chosen.db)))
        print(end="", flush=True)  # a full disk is noticed here, not by the interpreter when it ends
        return code
    except SearchError as error:
        print(f"search: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`search query ... | head -1`): not an error.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (what waits to be written would fail once more)
        print(f"search: {error}: see that there is space where its output goes", file=sys.stderr)
        return 2


def run() -> None:
    """The command as a process of its own."""
    if sys.argv[1:2] in (["query"], ["ask"]):
        # One search has no use for numpy's OpenBLAS to have threads, and they spin while they wait for work.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = main()
    # Taking the interpreter down looks for garbage time and again, which takes as long as a stage of a search.
    gc.freeze()
    sys.exit(code)


def load(names: Sequence[str] = COMMANDS) -> list[ModuleType]:
    """The modules of commands."""
    return [import_module(f"search.commands.{name}") for name in names]


if __name__ == "__main__":
    run()
