"""Code is told from prose, in a fence and without one."""

from __future__ import annotations

import pytest

from search import listings


def fenced(text: str) -> list[str]:
    return [text[start:end] for start, end in listings.spans(text)]


def test_fences() -> None:
    """Marks of three signs or more, each closed by its like; an info string opens only."""
    text = "Do this:\n\n```rust\nuse a;\n\nb();\n```\nor\n~~~~\n```\n~~~\n~~~~\nand `c`."
    assert fenced(text) == ["```rust\nuse a;\n\nb();\n```", "~~~~\n```\n~~~\n~~~~"]
    assert fenced("> ```\n> a\n> ```\nb") == ["> ```\n> a\n> ```"]
    assert fenced("Prose with ```code``` in it.") == []


def test_a_passage_may_begin_and_end_in_a_fence() -> None:
    """Told by the code before the first mark, by a language at the second, or by nothing behind the only one."""
    assert fenced("b();\n}\n```\nThen words.\n```rust\nc();") == ["b();\n}\n```", "```rust\nc();"]
    assert fenced("running 1 test\n```\nThen words.\n```rust\nc();\n```") == [
        "running 1 test\n```",
        "```rust\nc();\n```",
    ]
    assert fenced("running 1 test\n```\n") == ["running 1 test\n```"]
    assert fenced("Words first.\n```\nrunning 1 test") == ["```\nrunning 1 test"]


@pytest.mark.parametrize(
    "text",
    [
        "use std::thread;\nuse std::time::Duration;",
        "fn main() {\n    let handle = thread::spawn(|| {",
        "});",
        "import numpy as np",
        "from search import open_index",
        "def read(path: Path) -> str:",
        "results: list[str] = find(1)",
        "println!(\"{x}\")",
        "// a comment",
        "#include <stdio.h>",
        "@pytest.fixture",
        "unsigned int value;",
        "let label = words of one kind;",
    ],
)  # fmt: skip
def test_lines_of_code(text: str) -> None:
    """As programs write them, in several languages."""
    assert listings.is_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "Use the `thread::spawn` function.",
        "To make a variable mutable, we add `mut` before the variable name:",
        "- apples;",
        "| a | b = 2; |",
        "3. f(x)",
        "From here import duties are paid.",
        "The rate is 5 % (in 2024).",
        "He came; he saw; he\nconquered.",
        "Return to sender",
        "日本語です。",
        "Class struggle began in 1848 (or so).",
        "(a) the tenant (“Tenant”) pays 5% of the rent, on the first day of each month;",
        "the seller's costs of the court; and",
        "die Kosten des Verfahrens trägt der Mieter;",
        "",
    ],
)  # fmt: skip
def test_prose(text: str) -> None:
    """Sentences, items of lists and rows of tables are none, with code in them too."""
    assert not listings.is_code(text)
