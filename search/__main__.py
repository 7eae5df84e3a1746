"""The command `search`: one module of `search.commands` for each of its commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from search import __version__, config
from search.commands import ask, completions, doctor, mcp, models, query, serve, status
from search.errors import SearchError

COMMANDS = (query, ask, serve, status, doctor, models, mcp, completions)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit codes: 0 found or done, 1 nothing found, 2 an error, which is printed in words."""
    parser = argparse.ArgumentParser(prog="search", description="Search and ask your own documents.")
    parser.add_argument("--version", action="version", version=f"semsearch {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen, config.from_environment(os.environ, chosen.db)))
    except SearchError as error:
        print(f"search: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`search query ... | head -1`): not an error.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0


if __name__ == "__main__":
    sys.exit(main())
