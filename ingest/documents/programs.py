"""Source code: functions and classes as headings over their lines. Pure.

Python is read by its own parser; other languages by the lines that look like declarations, nested by
their indentation, which is how people lay them out. What it doesn't recognise stays with the block above.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from itertools import pairwise

from ingest.documents.content import Content, Outline, heading_text, lines
from search.records import Block

LANGUAGES = {
    "py": "python", "pyi": "python", "pyw": "python", "rs": "rust", "js": "javascript", "mjs": "javascript",
    "cjs": "javascript", "jsx": "javascript", "ts": "typescript", "tsx": "typescript", "go": "go",
    "java": "java", "kt": "kotlin", "kts": "kotlin", "scala": "scala", "groovy": "groovy", "gradle": "groovy",
    "c": "c", "h": "c", "cc": "c++", "cpp": "c++", "cxx": "c++", "hpp": "c++", "hh": "c++", "m": "objective-c",
    "mm": "objective-c", "cs": "c#", "fs": "f#", "swift": "swift", "rb": "ruby", "php": "php", "pl": "perl",
    "pm": "perl", "lua": "lua", "r": "r", "jl": "julia", "ex": "elixir", "exs": "elixir", "erl": "erlang",
    "hs": "haskell", "ml": "ocaml", "mli": "ocaml", "clj": "clojure", "el": "lisp", "lisp": "lisp",
    "scm": "scheme", "sh": "shell", "bash": "shell", "zsh": "shell", "fish": "shell", "ps1": "powershell",
    "bat": "batch", "cmd": "batch", "sql": "sql", "dart": "dart", "zig": "zig", "nim": "nim", "v": "verilog",
    "vhd": "vhdl", "asm": "assembly", "s": "assembly", "f90": "fortran", "f": "fortran", "pas": "pascal",
    "vb": "basic", "bas": "basic", "css": "css", "scss": "css", "less": "css", "vue": "vue", "svelte": "svelte",
    "proto": "protobuf", "graphql": "graphql", "tf": "terraform", "cmake": "cmake", "dockerfile": "docker",
    "makefile": "make", "mk": "make",
}  # fmt: skip

_WORDS = (
    "class|struct|interface|enum|union|trait|impl|namespace|module|mod|object|record|protocol|extension|"
    "function|func|fun|fn|def|defp|defmodule|sub|procedure|type|package|service|message|contract|macro_rules!"
)
_MODIFIERS = (
    r"(?:(?:pub(?:\([^)]*\))?|public|private|protected|internal|static|final|abstract|async|export|default|"
    r"declare|const|unsafe|extern(?:\s+\"[^\"]*\")?|open|override|sealed|data|inline|virtual|local|partial|"
    r"readonly|suspend|mutating|CREATE(?:\s+OR\s+REPLACE)?)\s+)*"
)
_DECLARATION = re.compile(
    rf"^(?P<indent>[ \t]*){_MODIFIERS}(?:"
    rf"(?:{_WORDS})\b(?:\s*<[^<>]*>)?(?:\s*\([^()]*\))?\s*\*?\s*"
    r"(?P<name>[\w.:$<>,&' -]*?[\w$>'])\s*(?=[({\[=;<\s]|:(?!:)|$)"
    r"|(?:const|let|var)\s+(?P<value>[\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>|\w+\s*=>)"
    r"|(?:TABLE|VIEW|INDEX|FUNCTION|PROCEDURE|TRIGGER)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<relation>[\w.\"`]+)"
    r"|(?P<typed>(?:[\w:<>,*&\[\]]+\s+)+[*&]*(?P<callee>~?[\w:]+))\s*\([^;{}]*\)?[^;{}]*(?:\{|(?<=\)))\s*$"
    r"|(?P<script>[\w-]+)\s*\(\)\s*\{"
    r")",
    re.IGNORECASE,
)
_LEADING = re.compile(r"[ \t]*(?://|#|/\*|\*|--|;|%|@\w|\[\w|///|<!--|\"\"\")")
_NOT_NAMES = frozenset("if else for while switch return catch do try with in of new case throw await".split())


@dataclass(frozen=True, slots=True)
class _Section:
    """From line `first` (from 0) on, up to the next section: level and name as in a heading."""

    first: int
    level: int
    name: str


def read(text: str, language: str) -> Content:
    """Source text as Content; the type is `code`, the language stands in the metadata."""
    sections = _python(text) if language == "python" else None
    if sections is None:
        sections = _declarations(text)
    return Content("code", text, blocks=_blocks(text, sections), metadata={"language": language})


def _blocks(text: str, sections: list[_Section]) -> list[Block]:
    starts = [offset for offset, _ in lines(text)]
    outline = Outline()
    blocks: list[Block] = []
    bounds = [starts[section.first] for section in sections] + [len(text)]
    if bounds[0] > 0 and text[: bounds[0]].strip():
        blocks.append(Block(0, bounds[0], "code"))
    for section, (start, end) in zip(sections, pairwise(bounds), strict=True):
        path = outline.open(section.level, section.name)
        if text[start:end].strip():
            blocks.append(Block(start, end, "code", path))
    return blocks


def _python(text: str) -> list[_Section] | None:
    """Classes, functions and methods by the parser; None where the text doesn't parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: list[_Section] = []
    _visit(tree.body, 1, found)
    return found


def _visit(body: list[ast.stmt], level: int, found: list[_Section]) -> None:
    after: int | None = None
    for node in body:
        first = _first_line(node)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(_Section(first, level, node.name))
            if isinstance(node, ast.ClassDef):
                _visit(node.body, level + 1, found)
            after = node.end_lineno
        elif after is not None:
            # Statements after a definition belong to the enclosing scope again.
            found.append(_Section(max(first, after), level, ""))
            after = None


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min(node.lineno, *(int(decorator.lineno) for decorator in decorators), node.lineno) - 1


def _declarations(text: str) -> list[_Section]:
    """Sections by lines that look like declarations; comments and attributes above go with them."""
    found: list[_Section] = []
    rows = text.split("\n")
    for index, row in enumerate(rows):
        if len(row) > 400 or not row.strip() or _LEADING.match(row):
            continue
        match = _DECLARATION.match(row)
        name = _name(match) if match else ""
        if match and name:
            level = 1 + len(match["indent"].expandtabs(4))
            first = _with_comments(rows, index, found[-1].first + 1 if found else 0)
            found.append(_Section(first, level, name))
    return found


def _name(match: re.Match[str]) -> str:
    declared = match["name"] or match["value"] or match["relation"]
    if declared:
        return heading_text(declared)
    name, first = match["callee"] or match["script"] or "", (match["typed"] or "").split(" ", 1)[0]
    # Without a brace behind it, only what stands at the margin is a definition and not a call.
    call = bool(match["typed"]) and bool(match["indent"]) and not match[0].rstrip().endswith("{")
    return "" if call or name in _NOT_NAMES or first in _NOT_NAMES else heading_text(name)


def _with_comments(rows: list[str], index: int, floor: int) -> int:
    while index > floor and _LEADING.match(rows[index - 1]):
        index -= 1
    return index
