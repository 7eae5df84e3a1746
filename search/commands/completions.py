"""`search completions SHELL`: a script that completes commands and options in bash, zsh or fish."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.commands import options
from search.config import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

FILES = {"DB", "FILE", "QUESTIONS"}
FOLDERS = {"FOLDER"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "completions", help="print a script that completes commands in your shell", description=__doc__
    )
    parser.add_argument("shell", choices=sorted(SHELLS), help="which shell")
    options.add_examples(parser, "search completions bash > ~/.local/share/bash-completion/completions/search")
    parser.set_defaults(run=run, commands=commands, db=None)


def run(chosen: argparse.Namespace, _: Settings) -> int:
    """Prints the script."""
    print(SHELLS[chosen.shell](list(_walk("", chosen.commands.choices))), end="")
    return 0


@dataclass(frozen=True, slots=True)
class _Option:
    """An option: its names, what it is for, and what follows it: some words, "file", "folder", "text" or nothing."""

    names: tuple[str, ...]
    help: str
    follows: tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class _Command:
    """A command: its words after the program's name (each behind a blank), commands below it, options, arguments."""

    path: str
    below: dict[str, str]
    options: tuple[_Option, ...]
    arguments: tuple[tuple[str, ...] | str, ...]


def _walk(path: str, choices: dict[str, argparse.ArgumentParser]) -> Iterator[_Command]:
    """The commands and those below them, the program itself first."""
    if not path:
        yield _Command("", {name: _first(parser.description) for name, parser in choices.items()}, (), ())
    for name, parser in choices.items():
        below: dict[str, argparse.ArgumentParser] = {}
        found, arguments = [], []
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                below = action.choices
            elif action.option_strings:
                found.append(_Option(tuple(action.option_strings), _first(action.help), _follows(action)))
            else:
                arguments.append(_follows(action))
        command = f"{path} {name}"
        named = {word: _first(one.description) for word, one in below.items()}
        yield _Command(command, named, tuple(found), tuple(arguments))
        if below:
            yield from _walk(command, below)


def _follows(action: argparse.Action) -> tuple[str, ...] | str:
    if action.choices:
        return tuple(map(str, action.choices))
    if action.nargs == 0:
        return ""
    name = str(action.metavar or action.dest).upper()
    return "folder" if name in FOLDERS else "file" if name in FILES else "text"


def _first(words: str | None) -> str:
    """The first sentence of a description, without what a shell would read as its own."""
    line = " ".join((words or "").split()).partition(": ")
    text = line[2] if line[0].startswith("`") else line[0]
    return text.split(". ")[0].rstrip(".").replace("'", "").replace("`", "").replace('"', "").replace(":", ",")


def _scan(commands: list[_Command]) -> str:
    """Shell patterns of all commands, for finding which one is being typed."""
    return "|".join(f'"{command.path}"' for command in commands if command.path)


def _cases(commands: list[_Command], actions: dict[str, str]) -> Iterator[str]:
    """A shell's `case` lines for the value of an option: words, or one of the actions for files and folders."""
    for command in commands:
        for option in command.options:
            if not option.follows:
                continue
            patterns = "|".join(f'"{command.path}:{name}"' for name in option.names)
            if isinstance(option.follows, tuple):
                yield f"    {patterns}) {actions['words'].replace('@', ' '.join(option.follows))} ;;"
            else:
                yield f"    {patterns}) {actions[option.follows]} ;;"


def _bash(commands: list[_Command]) -> str:
    actions = {
        "words": 'COMPREPLY=($(compgen -W "@" -- "$cur")); return',
        "file": 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return',
        "folder": 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return',
        "text": "return",
    }
    lines = [
        "_search() {",
        "  local IFS=$' \\t\\n' at= word cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}",
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        f'    case "$at $word" in {_scan(commands)}) at="$at $word" ;; esac',
        "  done",
        '  case "$at:$prev" in',
        *_cases(commands, actions),
        "  esac",
        '  case "$at" in',
    ]
    for command in commands:
        names = [name for option in command.options for name in option.names]
        lines.append(
            f'    "{command.path}") COMPREPLY=($(compgen -W "{" ".join([*command.below, *names])}" -- "$cur"))'
        )
        for argument in command.arguments:
            if isinstance(argument, tuple):
                lines.append(f'      COMPREPLY+=($(compgen -W "{" ".join(argument)}" -- "$cur"))')
            elif argument in ("file", "folder"):
                kind = "-d" if argument == "folder" else "-f"
                lines.append(f'      compopt -o filenames; COMPREPLY+=($(compgen {kind} -- "$cur"))')
        lines[-1] += " ;;"
    return "\n".join([*lines, "  esac", "}", "complete -F _search search", ""])


def _zsh(commands: list[_Command]) -> str:
    actions = {"words": "compadd @; return", "file": "_files; return", "folder": "_files -/; return", "text": "return"}
    lines = [
        "#compdef search",
        "_search() {",
        "  local at= word; local -a found",
        "  for word in ${words[2,CURRENT-1]}; do",
        f'    case "$at $word" in {_scan(commands)}) at="$at $word" ;; esac',
        "  done",
        '  case "$at:${words[CURRENT-1]}" in',
        *_cases(commands, actions),
        "  esac",
        '  case "$at" in',
    ]
    for command in commands:
        described = [f"'{name}:{help_}'" for name, help_ in command.below.items()]
        described += [f"'{name}:{option.help}'" for option in command.options for name in option.names]
        lines.append(f'    "{command.path}") found=({" ".join(described)}); _describe search found')
        for argument in command.arguments:
            if isinstance(argument, tuple):
                lines.append(f"      compadd {' '.join(argument)}")
            elif argument in ("file", "folder"):
                lines.append(f"      {actions[argument].removesuffix('; return')}")
        lines[-1] += " ;;"
    ending = 'if [ "${funcstack[1]}" = "_search" ]; then _search "$@"; else compdef _search search; fi'
    return "\n".join([*lines, "  esac", "}", ending, ""])


def _fish(commands: list[_Command]) -> str:
    lines = ["complete -c search -f"]
    for command in commands:
        words = command.path.split()
        when = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in words) or "__fish_use_subcommand"
        for name, help_ in command.below.items():
            lines.append(f"complete -c search -n '{when}' -a {name} -d {shlex.quote(help_)}")
        for option in command.options:
            names = " ".join(f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')}" for name in option.names)
            value = {"": "", "text": "-x", "file": "-rF", "folder": "-xa '(__fish_complete_directories)'"}
            follows = (
                f"-xa '{' '.join(option.follows)}'" if isinstance(option.follows, tuple) else value[option.follows]
            )
            lines.append(f"complete -c search -n '{when}' {names} {follows} -d {shlex.quote(option.help)}")
        for argument in command.arguments:
            if isinstance(argument, tuple):
                lines.append(f"complete -c search -n '{when}' -a '{' '.join(argument)}'")
            elif argument != "text":
                lines.append(f"complete -c search -n '{when}' {'-F' if argument == 'file' else _FISH_FOLDERS}")
    return "\n".join([*lines, ""])


_FISH_FOLDERS = "-a '(__fish_complete_directories)'"
SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
