"""The completion scripts, run by the shells they are for; a shell that is not installed is skipped aloud."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from search.__main__ import load, main


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completions", shell]) == 0
    return capsys.readouterr().out


def run(shell: str, code: str) -> str:
    """What a shell prints; its warnings fail the test."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run([shell, *options, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "compopt" in done.stderr or done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("search ", {"query", "ask", "serve", "status", "completions"}),
        ("search qu", {"query"}),
        ("search query --mo", {"--mode"}),
        ("search query --mode ", {"hybrid", "keyword", "vector"}),
        ("search query --mode k", {"keyword"}),
        ("search query words --mode k", {"keyword"}),
        ("search completions z", {"zsh"}),
        ("search serve fol", {"folder"}),
        ("search query --db i", {"index.db"}),
        ("search query --path ", set()),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_what_is_offered(
    shell: str, typed: str, expected: set[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Commands, options, their values, and files where a file is meant."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "index.db").touch()
    (tmp_path / "search").write_text(script(shell, capsys))
    if shell == "bash":
        words = typed.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        code = (
            f"cd {tmp_path}; source ./search; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1};"
            ' _search 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
        )
    else:
        code = f"cd {tmp_path}; source ./search; complete -C '{typed}'"
    offered = {line.split("\t")[0].rstrip("/") for line in run(shell, code).splitlines()} - {""}
    assert expected <= offered if typed == "search " else offered == expected


def test_zsh_takes_the_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It defines the completion of `search`, and offers the commands."""
    (tmp_path / "search").write_text(script("zsh", capsys))
    offer = "_describe() { print -l ${(P)2}; }; compadd() { print -l $*; }"
    code = f"autoload -Uz compinit; compinit -D -u; source {tmp_path}/search; print $_comps[search]; {offer}"
    printed = run(
        "zsh", f"{code}; words=(search q); CURRENT=2; _search; words=(search query --mode x); CURRENT=4; _search"
    )
    assert printed.startswith("_search\n")
    assert "query:" in printed
    assert printed.endswith("hybrid\nkeyword\nvector\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script is made from the parsers, so none is forgotten."""
    made = script(shell, capsys)
    for command in load():
        assert command.__name__.rpartition(".")[2] in made
