"""The routes beside search and ask: the page's files, documents' texts, their list, and failures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from search import web
from search.store import FileState
from search.store.sqlite import SqliteStore
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import served

PAGE = Path(str(files("search") / "page"))


@pytest.fixture
def client(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[httpx.Client]:
    with index.service(tmp_path, fake_ollama.url) as service, served(service) as made:
        assert isinstance(service.store, SqliteStore)
        service.store.put("/docs", "broken.pdf", FileState(1, 2, "", "failed", "it is encrypted"), [])
        yield made


def test_the_page_and_its_files_are_served_under_a_strict_policy(client: httpx.Client) -> None:
    """Every file of the folder, none from elsewhere; scripts and styles of its own only."""
    assert {path.name for path in PAGE.iterdir()} == {*web.FILES, "index.html", "docs.html"}
    for path in ("/", "/docs", *(f"/page/{name}" for name in web.FILES)):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_the_page_asks_nobody_else() -> None:
    """No address of another server, and nothing that makes markup of text."""
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|\bsrc=\"//|@import", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), path.name


@pytest.mark.parametrize("path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/nothing.js", "/page/"])
def test_only_the_page_is_served(client: httpx.Client, path: str) -> None:
    """No way out of the folder."""
    assert client.get(path).status_code == 404


def test_a_document_is_read_whole_or_in_part(client: httpx.Client) -> None:
    """The text and the spans of its passages; a part says where it stands in the whole."""
    name = {"root": "/docs", "path": "guide/storage.md"}
    whole = client.get("/document", params=name).json()
    text = "\n\n".join(index.DOCUMENTS["guide/storage.md"])
    assert (whole["text"], whole["start"], whole["end"], whole["length"]) == (text, 0, len(text), len(text))
    assert [text[span["start"] : span["end"]] for span in whole["spans"]] == index.DOCUMENTS["guide/storage.md"]
    assert whole["spans"][0]["heading"] == ["guide"]
    part = client.get("/document", params=name | {"start": 40, "end": 10**9}).json()
    assert part["text"] == text[40:]
    assert (part["start"], part["end"], part["length"]) == (40, len(text), len(text))
    assert [span["start"] for span in part["spans"]] == [whole["spans"][1]["start"]]


def test_documents_that_are_not_there_and_parts_that_cannot_be(client: httpx.Client) -> None:
    """404 and 422 with what is wrong; a path is a name in the index, never one of the disk."""
    for path in ("nothing.md", "../../etc/passwd", "/etc/passwd"):
        response = client.get("/document", params={"root": "/docs", "path": path})
        assert (response.status_code, response.json()["error"]["type"]) == (404, "DocumentMissing")
    backwards = client.get("/document", params={"root": "/docs", "path": "guide/storage.md", "start": 5, "end": 1})
    assert backwards.status_code == 422
    assert client.get("/documents", params={"limit": 0}).status_code == 422


def test_documents_are_listed_in_parts(client: httpx.Client) -> None:
    """By path, with counts by type, and filtered as a search is."""
    first = client.get("/documents", params={"limit": 2}).json()
    second = client.get("/documents", params={"limit": 2, "offset": 2}).json()
    paths = [entry["document"]["path"] for part in (first, second) for entry in part["documents"]]
    assert paths == sorted(index.DOCUMENTS)
    assert (first["total"], first["types"]) == (3, {"md": 2, "eml": 1})
    assert client.get("/documents", params={"path": "mail/*"}).json()["total"] == 1


def test_failures_have_their_reasons(client: httpx.Client) -> None:
    """What is not searchable, and why."""
    (failure,) = client.get("/failures").json()
    assert (failure["path"], failure["outcome"], failure["reason"]) == ("broken.pdf", "failed", "it is encrypted")
