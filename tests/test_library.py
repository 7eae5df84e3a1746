"""The index from Python, as the handbook describes it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import search
from search import open_index
from search.errors import ConfigError, QueryError, StoreUnavailable
from search.library import Index
from search.records import Question
from tests import index
from tests.fake_ollama import FakeOllama

PROJECT = Path(__file__).parents[1]
HOSTILE = "<script>alert(1)</script> pineapple & more"


@pytest.fixture
def opened(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Index]:
    """An index opened as a user does."""
    with index.service(tmp_path, fake_ollama.url) as service:
        index.fill(service.store, {"<b>evil</b>.md": [HOSTILE]})  # type: ignore[arg-type]
        index.embed_all(service.store, service.searcher.client)  # type: ignore[arg-type]
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]. <\u200bi>Cheese<\u200b/i> is green [1]."
    with open_index(
        tmp_path / "index.db", embed_model="all-minilm", chat_model="llama3", ollama_host=fake_ollama.url
    ) as made:
        yield made


def test_search_gives_hits_that_show_themselves(opened: Index) -> None:
    """A sequence, readable as text and as HTML."""
    found = opened.search("vectors kept", k=2, path="guide/*")
    assert len(found) == 2
    assert found[0].document.path == "guide/storage.md"
    assert [hit.rank for hit in found] == [1, 2]
    assert repr(found).startswith("1. guide/storage.md (guide)\n   Vectors are kept in one SQLite file.")
    assert "<b>1. guide/storage.md (guide)</b>" in found._repr_html_()
    assert "nothing found" in repr(opened.search("vectors", mode="keyword", path="none/*"))


def test_filters_are_those_of_http(opened: Index) -> None:
    """All of them, in search, answers and streams; what is no filter is refused."""
    assert {hit.document.type for hit in opened.search("umbrella", type="md")} == {"md"}
    assert len(opened.search("umbrella", before="1971", path="mail/*")) == 2
    for filters in ({"after": "2020"}, {"language": "fr"}, {"where": {"author": "nobody"}}):
        assert not opened.search("umbrella", **filters)  # type: ignore[arg-type]
        assert not opened.ask("umbrella", **filters).sources  # type: ignore[arg-type]
        assert not list(opened.stream("umbrella", **filters))[-1].answer.sources  # type: ignore[arg-type, union-attr]
    with pytest.raises(TypeError):
        opened.search("umbrella", author="Ada")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "given",
    [
        *({"text": None}, {"text": b"umbrella"}, {"k": "5"}, {"k": 2.5}, {"k": True}, {"k": None}, {"mode": None}),
        *({"path": Path("guide")}, {"type": ["md"]}, {"after": 2020}, {"language": 1}, {"rerank": "no"}),
        *({"where": None}, {"where": [("author", "Ada")]}, {"where": {"year": 2020}}),
    ],
    ids=str,
)
def test_values_of_a_wrong_type_are_refused_in_words(opened: Index, given: dict[str, Any]) -> None:
    """Which field, its value, and what to give; not an error of Python's from somewhere below."""
    name, value = next(iter(given.items()))
    field = "query" if name == "text" else name
    with pytest.raises(QueryError) as refused:
        opened.search(**{"text": "umbrella", **given})
    assert str(refused.value).startswith((f"{field} is {value!r}: give ", f"{field} {value!r} is unknown: use "))


def test_a_question_is_checked_in_the_same_way(opened: Index) -> None:
    """Before anything is asked."""
    with pytest.raises(QueryError, match=r"^question is None: give a text"):
        opened.ask(None)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match=r"^k is '5': give a whole number"):
        opened.stream("umbrella", "5")  # type: ignore[arg-type]
    for conversation in (({"question": "x"},), None):
        with pytest.raises(QueryError, match=r"^conversation is .*: give the turns"):
            Question("umbrella", conversation=conversation)  # type: ignore[arg-type]


def test_what_is_no_document_and_no_setting_is_refused(opened: Index, tmp_path: Path) -> None:
    """The same for what is not asked with a query."""
    with pytest.raises(QueryError, match=r"^'guide/storage.md' is no document: give"):
        opened.text("guide/storage.md")  # type: ignore[arg-type]
    for given in ({"database": 5}, {"database": b"i.db"}, {"chat_model": 5}, {"ollama_host": ("a", "b")}):
        with pytest.raises(ConfigError, match=r"^(database|chat_model|ollama_host) is .*: give"):
            open_index(**{"database": tmp_path / "index.db", **given})  # type: ignore[arg-type]


def test_rerank_is_done_by_the_chat_model(opened: Index) -> None:
    """The hits show the grades that it gave."""
    plain, read = opened.search("vectors kept"), opened.search("vectors kept", rerank=True)
    assert [hit.grade for hit in plain] == [None] * 7
    assert [hit.grade for hit in read] == [0] * 7
    assert [hit.chunk.id for hit in read] == [hit.chunk.id for hit in plain]


def test_ask_gives_an_answer_that_shows_itself(opened: Index) -> None:
    """What does not stand in the sources is marked in both forms."""
    reply = opened.ask("Where are vectors kept?")
    assert str(reply) == "Vectors are kept in one SQLite file [1]. <\u200bi>Cheese<\u200b/i> is green [1]."
    assert "Cheese<\u200b/i> is green [1]. [not found in the sources]" in repr(reply)
    assert "[1] guide/storage.md (guide)" in repr(reply)
    assert "&lt;\u200bi&gt;Cheese" in reply._repr_html_()
    assert [event.type for event in opened.stream("Where are vectors kept?")][-1] == "answer"


def test_an_answer_is_kept_where_that_is_asked_for(opened: Index, fake_ollama: FakeOllama) -> None:
    """And a model thinks where it is to."""
    assert opened.ask("Where are vectors kept?").id is None
    reply = opened.ask("Where are vectors kept?", think=True, save=True)
    assert reply.id == 1
    assert opened.status().answers == 1
    assert [body["think"] for body in fake_ollama.sent("/api/chat")] == [False, True, False]


def test_text_of_documents_is_escaped_in_a_notebook(opened: Index) -> None:
    """Neither text nor path becomes markup."""
    html = opened.search("pineapple", k=1)._repr_html_()
    assert "<script>" not in html
    assert "<b>evil" not in html
    assert "&lt;script&gt;" in html


def test_a_citation_is_a_span_of_the_text(opened: Index) -> None:
    """Offsets count into what `text` gives."""
    reply = opened.ask("Where are vectors kept?")
    citation = reply.sentences[0].citations[0]
    text = opened.text(reply.sources[citation.source - 1].document)
    assert text[citation.start : citation.end] == "Vectors are kept in one SQLite file."


def test_an_index_that_is_not_there(tmp_path: Path) -> None:
    """The error says what to do."""
    with pytest.raises(StoreUnavailable, match="ingest FOLDER"):
        open_index(tmp_path / "none.db")


def test_status_and_repr(opened: Index) -> None:
    """What is in it."""
    assert opened.status().documents == 4
    assert repr(opened).endswith("4 documents, 7 passages>")


def test_importing_search_loads_nothing() -> None:
    """A program that only wants the version does not wait for numpy and httpx."""
    code = (
        "import sys, search; print(search.__version__, [m for m in ('numpy', 'httpx', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == f"{search.__version__} []"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        search.nothing  # noqa: B018


def test_the_examples_of_the_handbook_run(
    handbook: Path, fake_ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every Python block of the page, as it stands, on an index that `ingest` made."""
    monkeypatch.chdir(handbook.parent)
    for name in ("SEARCH_EMBED_MODEL", "SEARCH_CHAT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama.url)
    page = (PROJECT / "data" / "corpus" / "guide" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        scope: dict[str, object] = {}
        exec(compile(block, "python.md", "exec"), scope)
        opened = scope["index"]
        assert isinstance(opened, Index)
        opened.close()
    printed = capsys.readouterr().out
    assert "supported | " in printed
    assert "storage-format.md" in printed
