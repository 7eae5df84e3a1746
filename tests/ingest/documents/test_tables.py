"""Tables, notebooks, and text that is kept as it stands."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.documents import tables
from search.records import Document
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


def numbered(document: Document) -> list[tuple[int | None, str]]:
    """Each block's row and text."""
    return [(block.row, document.text[block.start : block.end].strip()) for block in document.blocks]


def test_rows_of_a_csv_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    """The header is row 1, a quoted line end begins no row, an empty line is one."""
    text = 'name,what\na,1\n"two\nlines",2\n\nb,"an ""inch"""\nc,3\n'
    document = read(tmp_path, "a.csv", text)
    assert numbered(document) == [
        (1, "name,what"), (2, "a,1"), (3, '"two'), (3, 'lines",2'), (4, 'b,"an ""inch"""\nc,3')
    ]  # fmt: skip
    assert numbered(read(tmp_path, "b.csv", '5" pipe,1\n6" pipe,2\n'))[0][0] == 1


@given(st.lists(st.lists(st.text(st.sampled_from('ab,"\n'), max_size=5), min_size=2, max_size=3), min_size=1))
def test_each_row_of_a_csv_has_its_number(rows: list[list[str]]) -> None:
    """Whatever stands in the fields, the blocks cover the text and a row's lines carry the row's number."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    content = tables.read(target.getvalue())
    found: dict[int, str] = {}
    for block in content.blocks:
        for number, line in enumerate(
            content.text[block.start : block.end].removesuffix("\n").split("\n"), block.row or 0
        ):
            found[number] = f"{found[number]}\n{line}" if number in found else line
    for number, row in enumerate(rows, 1):
        # Lines without a character are in no block, and a field that ends with one loses it here.
        if (
            not any("\n\n" in f"\n{field}\n" for field in row)
            and sum(field.count("\n") for field in row) < 20
            and any(field.strip() for field in row)
        ):
            assert next(csv.reader(io.StringIO(found[number]))) == row


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
