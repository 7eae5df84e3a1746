"""Tables, notebooks, and text that is kept as it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.documents.made import read, reason, shown


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(tmp_path: Path, separator: str) -> None:
    """The header row is the context of the others; the text stays as it is."""
    text = "name,year\nAda,1815\nAlan,1912\n".replace(",", separator)
    document = read(tmp_path, "a.csv", text)
    assert (document.type, document.text) == ("csv", text)
    assert [block.kind for block in document.blocks] == ["header", "rows"]
    assert document.blocks[1].context == text.split("\n", 1)[0]


def test_csv_without_a_header(tmp_path: Path) -> None:
    """A first row with numbers names no columns."""
    assert [block.context for block in read(tmp_path, "a.csv", "1,2\n3,4\n").blocks] == [""]


def test_notebook(tmp_path: Path) -> None:
    """Cells in order, headings over what follows them, and what the code printed."""
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Intro"]},
        {"cell_type": "markdown", "source": "## Part"},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["1\n"]}, {"data": {"text/plain": "2"}}]},
    ]
    document = read(tmp_path, "a.ipynb", json.dumps({"cells": cells, "metadata": {}}))
    assert (document.type, document.title) == ("notebook", "Title")
    assert shown(document) == [
        ("heading", (), "# Title"),
        ("paragraph", (), "Intro"),
        ("heading", ("Part",), "## Part"),
        ("code", ("Part",), "print(1)"),
        ("output", ("Part",), "1"),
        ("output", ("Part",), "2"),
    ]
    assert "no valid JSON" in reason(tmp_path, "b.ipynb", "{")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [("a.json", '{"a": 1}', "json"), ("a.xml", "<a>b</a>", "xml"), ("a.yaml", "a: b", "yaml"),
     ("LICENSE", "Words", "text"), ("Makefile", "all:\n", "code"), ("run", "#!/bin/sh\necho\n", "code")],
)  # fmt: skip
def test_other_text_is_kept_as_it_stands(tmp_path: Path, name: str, text: str, kind: str) -> None:
    """Text of any other kind is its own text, with a type."""
    document = read(tmp_path, name, text)
    assert (document.type, document.text) == (kind, text)
