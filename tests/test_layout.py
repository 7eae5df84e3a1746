"""The house keeps its shape: imports point one way, each third-party package has one home, nothing grows too big."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
MODULES = sorted(
    path.relative_to(PROJECT) for package in ("search", "ingest") for path in (PROJECT / package).rglob("*.py")
)

LEVELS = {
    "search.records": 0,
    "search.replies": 1,
    "search.errors": 0,
    "search.filters": 0,
    "search.measures": 0,
    "search.queries": 0,
    "search.explanations": 0,
    "search": 0,
    "search.catalog": 1,
    "search.stems": 0,
    "search.config": 1,
    "search.places": 1,
    "search.slots": 1,
    "search.vectors": 1,
    "search.keywords": 1,
    "search.languages": 1,
    "search.questions": 1,
    "search.listings": 0,
    "search.sentences": 0,
    "search.ollama": 2,
    "search.embedded": 2,
    "search.store": 2,
    "search.embed": 3,
    "search.rank": 3,
    "search.diversity": 3,
    "search.hits": 4,
    "search.archive": 3,
    "search.access": 4,
    "search.disconnects": 4,
    "search.answer_routes": 5,
    "search.prompts": 2,
    "search.citations": 3,
    "search.literals": 1,
    "search.phrases": 2,
    "search.support": 2,
    "search.alignment": 1,
    "search.opposites": 0,
    "search.gates": 2,
    "search.inert": 0,
    "search.conversation": 2,
    "search.budget": 3,
    "search.writing": 4,
    "search.extracts": 3,
    "search.query": 4,
    "search.reranking": 5,
    "search.answer": 4,
    "search.status": 4,
    "search.doctor": 4,
    "search.failures": 3,
    "search.ingesting": 4,
    "search.uploads": 1,
    "search.jobs": 5,
    "search.ingest_routes": 6,
    "search.service": 5,
    "search.evaluation": 5,
    "search.web": 4,
    "search.library": 6,
    "search.faces": 6,
    "search.app": 6,
    "search.commands": 7,
    "search.__main__": 8,
    "ingest": 0,
    "ingest.files": 1,
    "ingest.documents": 1,
    "ingest.rows": 1,
    "ingest.chunks": 2,
    "ingest.workers": 2,
    "ingest.lock": 2,
    "ingest.changes": 3,
    "ingest.embedding": 4,
    "ingest.pipeline": 5,
    "ingest.progress": 6,
    "ingest.watching": 6,
    "ingest.planning": 7,
    "ingest.failures": 7,
    "ingest.__main__": 8,
}
"""Lower levels know nothing of higher ones; a module may import its own level within its package only."""

SIDEWAYS = {
    ("search.errors", "search.queries"),
    ("search.errors", "search.filters"),
    ("search.filters", "search.queries"),
    ("search.queries", "search.records"),
    ("search.explanations", "search.records"),
    ("search.hits", "search.query"),
    ("search.query", "search.answer"),
    ("search.writing", "search.answer"),
    ("search.keywords", "search.literals"),
    ("search.literals", "search.alignment"),
    ("search.reranking", "search.service"),
    ("search.embedded", "search.ollama"),
    ("search.library", "search"),
}
"""Steps that are meant: requests check themselves, an answer begins with a search and has a model write, literals are
words and are laid beside each other, the client reaches the embedded model through its transport, and the package
loads its library face when that is asked for."""

HOMES = {
    "fastapi": {
        "search.access",
        "search.answer_routes",
        "search.app",
        "search.commands.serve",
        "search.disconnects",
        "search.faces",
        "search.ingest_routes",
        "search.web",
    },
    "starlette": {"search.access", "search.answer_routes", "search.app", "search.ingest_routes", "search.faces"},
    "mcp": {"search.faces.mcp"},
    "uvicorn": {"search.commands.serve", "search.commands.models.serving"},
    "httpx": {"search.ollama", "search.embedded"},
    "simdjson": {"search.ollama"},
    "sqlite_utils": {"search.store"},
    "sqlite3": {"search.store"},
    "kreuzberg": {"ingest.documents"},
    "charset_normalizer": {"ingest.documents"},
    "pathspec": {"ingest.files"},
    "watchfiles": {"ingest.watching"},
    "onnxruntime": {"search.embedded"},
    "tokenizers": {"search.embedded"},
    "py3langid": {"search.languages"},
    "Stemmer": {"search.stems"},
    "platformdirs": {"search.config"},
}

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40
LARGE: dict[str, str] = {}
"""Modules or functions over the limits, with the reason."""

BANNED_NAMES = {"utils", "helpers", "base", "manager", "common", "misc"}


def name_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(module: str) -> str:
    """The entry of LEVELS that a module belongs to: itself, or the package above it."""
    while module and module not in LEVELS:
        module = module.rpartition(".")[0]
    return module


def imports_of(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse((PROJECT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            known = {name_of(module) for module in MODULES}
            found += [name if name in known else node.module for name in submodules]
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_down(path: Path) -> None:
    """search never imports ingest, and each module imports only lower levels or its own package."""
    here = package_of(name_of(path))
    for imported in imports_of(path):
        if imported.split(".")[0] not in ("search", "ingest"):
            continue
        there = package_of(imported)
        assert not (here.startswith("search") and there.startswith("ingest")), f"{path} imports {imported}"
        if here != there:
            assert LEVELS[there] < LEVELS[here] or (there, here) in SIDEWAYS, f"{path} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_third_party_packages_have_one_home(path: Path) -> None:
    """A package that may be replaced one day is imported in one place."""
    module = name_of(path)
    for imported in imports_of(path):
        homes = HOMES.get(imported.split(".")[0])
        if homes:
            assert any(module == home or module.startswith(f"{home}.") for home in homes), f"{path} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_nothing_grows_too_big(path: Path) -> None:
    """A module over 400 lines or a function over 40 holds more than one subject, unless a reason is given."""
    text = (PROJECT / path).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_MODULE_LINES or str(path) in LARGE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES or f"{path}:{node.name}" in LARGE, f"{node.name}: {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_names_say_something(path: Path) -> None:
    """No drawer for everything, and no name that a reader knows from the standard library (but the one of codecs)."""
    assert path.stem not in BANNED_NAMES
    assert path.stem not in sys.stdlib_module_names - {"__main__", "encodings"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_public_things_have_docstrings(path: Path) -> None:
    """Every module, and every public function and class on its top level, says what it is."""
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    if (PROJECT / path).stat().st_size:
        assert ast.get_docstring(tree), path
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node) or node.name in ("add", "add_database", "add_json", "add_filters"), node.name
