"""README and the handbook say what is so: commands, settings, routes and dependencies."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from ingest.__main__ import _parser as ingest_parser
from search.config import Settings, from_environment

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
HANDBOOK = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((PROJECT / "data" / "corpus").rglob("*"))
    if path.suffix in (".md", ".html", ".txt", ".csv")
)
ROUTES = ("POST /search", "GET /search", "POST /ask", "GET /health", "GET /status")
ROUTES += ("GET /answers", "GET /answers/ID", "POST /answers/ID/rerun", "DELETE /answers/ID")
ROUTES += ("GET /document", "GET /documents", "GET /failures")
ROUTES += ("PUT /documents/", "DELETE /documents/", "POST /documents/", "POST /ingest", "GET /jobs", "DELETE /jobs/")


class Recorded(dict[str, str]):
    """An environment that notes which variables are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.asked.add(key)
        return super().get(key, default)


def settings_read() -> set[str]:
    environment = Recorded()
    from_environment(environment)
    return environment.asked


def block_after(heading: str) -> list[str]:
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_headings_are_followed_by_one_command_line(heading: str) -> None:
    """Whoever copies the first block under the heading copies one line."""
    assert len(block_after(heading)[0].splitlines()) == 1


def test_the_gate_runs_the_test_command_literally() -> None:
    """.ci/run takes the command out of README instead of having one of its own."""
    gate = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert "## Test it" in gate
    assert "pytest" not in gate


@pytest.mark.parametrize("setting", sorted(settings_read()))
def test_each_setting_is_documented(setting: str) -> None:
    """A variable that the program reads stands in README and in the handbook."""
    assert f"`{setting}`" in README
    assert setting in HANDBOOK


def test_each_documented_setting_is_read() -> None:
    """README names no variable that does nothing."""
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert named == settings_read()
    assert len(named) == len(fields(Settings))


def test_each_route_is_documented() -> None:
    """Every route of the service stands in the handbook, and every one there is served."""
    for route in ROUTES:
        assert route in HANDBOOK, route


def test_each_dependency_has_its_reason() -> None:
    """README says why each package is there."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for dependency in project["dependencies"]:
        name = re.split(r"[\[<>=~! ]", dependency, maxsplit=1)[0]
        assert f"`{name}`" in README, name


def test_ingest_commands_in_the_handbook_parse() -> None:
    """Every `ingest ...` line of a console block is one that the program takes."""
    lines = [line[2:] for line in HANDBOOK.splitlines() if line.startswith("$ ingest ")]
    assert lines
    for line in lines:
        ingest_parser().parse_args(shlex.split(line.split("#")[0])[1:])
