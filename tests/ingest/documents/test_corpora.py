"""Real folders full of traps: each file is read or has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import documents
from ingest.documents import text as texts
from ingest.documents.content import Unreadable
from search.errors import DocumentError
from tests.ingest.documents.made import check

CORPORA = Path(__file__).parents[4] / "shared" / "corpora"


def corpus(name: str) -> Path:
    folder = CORPORA / name
    if not folder.is_dir():
        pytest.skip(f"the document folder {name} is not beside the project")
    return folder


@pytest.mark.external
@pytest.mark.parametrize("name", ["mixed_office", "pdf_hard", "emails", "text_encodings"])
def test_real_files_are_read_or_have_a_reason(name: str) -> None:
    """Every second file of a folder full of traps, 120 at the most, becomes text or an error with a reason."""
    folder = corpus(name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())[::2][:120]
    reasons = []
    for path in files:
        try:
            found = documents.read(path, str(folder), path.relative_to(folder).as_posix())
        except DocumentError as error:
            reasons.append(error.reason)
            continue
        for document in found:
            check(document.text, document.blocks)
            assert document.text.strip()
    assert all(reasons)
    assert len(reasons) <= 0.4 * len(files)


@pytest.mark.external
def test_real_encodings() -> None:
    """The folder or the file's name says the true encoding: at least 98 of 100 are read to its characters."""
    folder = corpus("text_encodings")
    right = wrong = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent != folder):
        encoding = path.stem.split("_", 1)[1] if path.parent.name == "generated" else path.parent.name
        truth = texts.clean(path.read_bytes().decode(encoding, "replace"))
        try:
            text = texts.clean(texts.decode(path.read_bytes())[0])
        except Unreadable:
            text = ""
        right, wrong = right + (text == truth), wrong + (text != truth)
    assert right >= 0.98 * (right + wrong)
