"""What an assistant can do with the index, without any protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.errors import DocumentMissing, QueryError
from search.faces import tools
from search.faces.tools import Tools
from search.records import Chunk, Document
from search.store import FileState
from tests import index
from tests.fake_ollama import FakeOllama

PARTS = [f"Part {number} of the long report." for number in range(2_000)]


@pytest.fixture
def made(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Tools]:
    with index.service(tmp_path, fake_ollama.url) as service:
        index.fill(service.store, {"long.md": PARTS})  # type: ignore[arg-type]
        again = Document("/other", "guide/storage.md", "", "md", "Twice.")
        state = FileState(1, 2, "h", "indexed", "", index.CHUNKING)
        service.store.put("/other", "guide/storage.md", state, [(again, [Chunk("Twice.", 0, 6)])])
        service.store.put("/docs", "scan.pdf", FileState(1, 2, "", "failed", "it is a scan"), [])
        yield Tools(service)


def test_pages_of_a_search_follow_each_other(made: Tools) -> None:
    """The same hits as one long list, none twice, and the last page says that it is."""
    whole = made.search("umbrella Lisbon vectors", k=4, path="[gm]*", mode="keyword")["hits"]
    first = made.search("umbrella Lisbon vectors", k=2, path="[gm]*", mode="keyword")
    second = made.search("umbrella Lisbon vectors", k=2, page=2, path="[gm]*", mode="keyword")
    assert first["next_page"] == 2
    assert first["hits"] + second["hits"] == whole
    assert "next_page" not in second


def test_filters_hold_for_search_and_list(made: Tools) -> None:
    """Dates, language and metadata beside path and type."""
    document = Document("/docs", "ada.md", "", "md", "Umbrella.", modified=1e9, metadata={"author": "Ada Lovelace"})
    state = FileState(1, 2, "h", "indexed", "", index.CHUNKING)
    made.service.store.put("/docs", "ada.md", state, [(document, [Chunk("Umbrella.", 0, 9)])])
    for filters in ({"where": {"author": "*lovelace"}}, {"after": "2001", "before": "2002"}):
        assert [hit["path"] for hit in made.search("umbrella", mode="keyword", **filters)["hits"]] == ["ada.md"]  # type: ignore[arg-type]
        assert [entry["path"] for entry in made.list(**filters)["documents"]] == ["ada.md"]  # type: ignore[arg-type]
    assert "hits" not in made.search("umbrella", mode="keyword", language="fr")
    with pytest.raises(QueryError, match="is not a date"):
        made.ask("umbrella", after="yesterday")


def test_a_hit_can_be_read_with_its_neighbours(made: Tools) -> None:
    """A hit's own fields are what `read` takes."""
    hit = made.search("Part 1000 of the long report", mode="keyword", k=1)["hits"][0]
    place = {name: hit[name] for name in ("path", "root", "start", "end")}
    assert made.read(**place)["text"] == hit["text"]
    around = made.read(**place, neighbours=1)
    number = PARTS.index(hit["text"])
    assert around["text"] == "\n\n".join(PARTS[number - 1 : number + 2])
    assert around["start"] < hit["start"]
    assert around["end"] > hit["end"]


def test_a_long_document_is_read_in_parts(made: Tools) -> None:
    """All of it, nothing twice, and no part too long for a model."""
    text, start = "", 0
    while start is not None:
        part = made.read("long.md", start=start)
        assert len(part["text"]) <= tools.READ_CHARACTERS
        text += part["text"]
        start = part.get("next_start")
    assert text == "\n\n".join(PARTS)
    assert len(made.read("long.md", end=10**9)["text"]) == tools.MOST_READ_CHARACTERS


def test_a_path_in_two_folders_asks_for_the_folder(made: Tools) -> None:
    """Never the wrong document."""
    with pytest.raises(QueryError, match="/docs, /other"):
        made.read("guide/storage.md")
    assert made.read("guide/storage.md", root="/other")["text"] == "Twice."
    with pytest.raises(DocumentMissing, match="list gives the paths"):
        made.read("guide/[a-z]*.md")


def test_lists_and_status(made: Tools) -> None:
    """What there is, in parts, and what is not searchable."""
    first = made.list(limit=3)
    assert (first["total"], first["next_offset"], first["types"]) == (5, 3, {"md": 4, "eml": 1})
    assert "next_offset" not in made.list(offset=3)
    status = made.status()
    assert status["not_searchable"] == ["scan.pdf: it is a scan"]
    assert status["answers_by"] == "sentences quoted from the documents"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda made: made.search("x", k=0),
        lambda made: made.search("x", k=21),
        lambda made: made.search("x", page=0),
        lambda made: made.search("x", page=10**9),
        lambda made: made.search(" "),
        lambda made: made.read("long.md", start=5, end=4),
        lambda made: made.read("long.md", neighbours=-1),
        lambda made: made.list(limit=101),
        lambda made: made.list(offset=-1),
    ],
)
def test_what_cannot_be_asked_is_refused(made: Tools, wrong: object) -> None:
    """In words, as everywhere."""
    with pytest.raises(QueryError):
        wrong(made)  # type: ignore[operator]
