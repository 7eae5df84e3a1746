"""Source code: functions and classes as headings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.documents.made import read


def test_python_by_its_parser(tmp_path: Path) -> None:
    """Functions, classes and methods are sections; decorators belong to what they decorate."""
    text = (
        '"""Module."""\n\nX = 1\n\n@decorated\ndef f():\n    pass\n\nclass A:\n    """Doc."""\n\n'
        "    def m(self):\n        pass\n\nY = 2\n"
    )
    document = read(tmp_path, "a.py", text)
    assert (document.type, document.metadata) == ("code", {"language": "python"})
    assert [(block.heading, document.text[block.start : block.end].split("\n")[0]) for block in document.blocks] == [
        ((), '"""Module."""'),
        (("f",), "@decorated"),
        (("A",), "class A:"),
        (("A", "m"), "    def m(self):"),
        ((), "Y = 2"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "headings"),
    [
        ("a.py", "def broken(:\n    pass\n\nclass A:\n    def m(self):\n", [("broken",), ("A",), ("A", "m")]),
        ("a.rs", "/// A point.\npub struct Point<T> {}\n", [("Point",)]),
        ("a.rs", "impl<T> Point<T> {\n    pub fn new() {}\n}\n", [("Point",), ("Point", "new")]),
        ("a.ts", "export class A {\n  async run(x) {\n  }\n}\n", [("A",), ("A", "run")]),
        ("a.ts", "const f = (x) => {\n};\n", [("f",)]),
        ("a.go", "func (p *Point) Move(dx int) {\n}\n", [("Move",)]),
        ("a.java", "class A {\n    String get() {\n        if (x) {\n        }\n    }\n}\n", [("A",), ("A", "get")]),
        ("a.c", "static int add(int a)\n{\n    return plus(a);\n}\n", [("add",)]),
        ("a.sql", "CREATE TABLE users (\n  id int\n);\n", [("users",)]),
    ],
)  # fmt: skip
def test_code_by_its_declarations(tmp_path: Path, name: str, text: str, headings: list[tuple[str, ...]]) -> None:
    """Other languages, and Python that doesn't parse, go by the lines that declare something."""
    document = read(tmp_path, name, text)
    assert document.text == text
    assert [block.heading for block in document.blocks] == headings
