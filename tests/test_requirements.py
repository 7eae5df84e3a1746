"""What the tests import is installed by README's test command."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parents[1]
OURS = {"search", "ingest", "tests"}


def test_tests_import_what_the_dev_extra_installs() -> None:
    """At the top of a module, where a missing package stops the whole run; `importorskip` is free."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    required = {_name(one) for one in project["dependencies"] + project["optional-dependencies"]["dev"]}
    required |= {
        _name(one) for package in required if _is_installed(package) for one in metadata.requires(package) or []
    }
    provided = metadata.packages_distributions()
    for path in sorted((PROJECT / "tests").rglob("*.py")):
        for module in _imported(path) - OURS - sys.stdlib_module_names:
            packages = {_name(package) for package in provided.get(module, [module])}
            assert packages & required, f"{path.relative_to(PROJECT)} imports {module}, which the extra `dev` lacks"


def _imported(path: Path) -> set[str]:
    """The first parts of the names of the modules that are imported at the top of a file."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _name(requirement: str) -> str:
    """A package's name as the index compares it."""
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
