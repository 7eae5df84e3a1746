"""The handbook in data/corpus and the questions in data/eval: complete, readable, and true to each other."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest import documents
from search.keywords import terms
from search.records import Document

PROJECT = Path(__file__).parent.parent
CORPUS = PROJECT / "data" / "corpus"
SOURCES = PROJECT / "data" / "sources"

# Of a paraphrase's content words at most this share may stand in the quote (data/eval/README.md says so too).
SHARED_WORDS = 0.25

FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file())
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (PROJECT / "data" / "eval" / "questions.jsonl").read_text("utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if not question["unanswerable"]]


# ------------------------------------------------------------------ the documents


def test_there_are_enough_documents_in_enough_formats() -> None:
    assert len(FILES) >= 25
    assert len({Path(name).suffix for name in FILES}) >= 6


@pytest.mark.parametrize("name", FILES)
def test_a_document_reads_completely(name: str) -> None:
    """Each file is exactly one document, with real text, and nothing of it is lost."""
    document = document_of(name)
    assert document.warnings == ()
    assert len(document.text) > 500


def test_no_two_documents_are_the_same() -> None:
    copies = [text for text, times in Counter(document_of(name).text for name in FILES).items() if times > 1]
    assert copies == []


def test_documents_that_are_mentioned_exist() -> None:
    """A path such as guide/filters.md in the text of a document leads to another one."""
    folders = "|".join(sorted(path.name for path in CORPUS.iterdir() if path.is_dir()))
    mention = re.compile(rf"\b(?:{folders})/[\w-]+\.(?:md|html|pdf|docx|pptx|xlsx|csv|ipynb|txt|py|eml)\b")
    missing = {
        (name, found)
        for name in FILES
        for found in mention.findall(document_of(name).text)
        if not (CORPUS / found).is_file()
    }
    assert missing == set()


def test_built_documents_are_up_to_date() -> None:
    """What a Markdown source says stands in the document that is built from it."""
    sources = sorted(SOURCES.rglob("*.md"))
    assert sources
    lagging = [
        (source.name, piece)
        for source in sources
        for text in [squeezed(document_of(source.relative_to(SOURCES).with_suffix("").as_posix()).text)]
        for piece in pieces(source.read_text("utf-8"))
        if squeezed(piece) not in text
    ]
    assert lagging == [], "run `python data/make_documents.py`"


def test_no_path_of_a_machine_is_left_behind() -> None:
    """Neither documents, sources nor questions name the folder or the home of whoever wrote them."""
    here = [str(place) for place in (PROJECT, Path.home()) if len(place.parts) > 1]
    texts = {name: document_of(name).text for name in FILES}
    for path in (*SOURCES.rglob("*.md"), *(PROJECT / "data" / "eval").iterdir()):
        texts[str(path.relative_to(PROJECT))] = path.read_text("utf-8")
    assert [(name, place) for name, text in texts.items() for place in here if f"{place}/" in text] == []


# ------------------------------------------------------------------ the questions


def test_there_are_enough_questions_of_each_kind() -> None:
    assert len(ANSWERABLE) >= 80
    assert len(QUESTIONS) - len(ANSWERABLE) >= 18
    assert sum(question["paraphrase"] for question in ANSWERABLE) >= len(ANSWERABLE) / 3


def test_ids_and_questions_are_unique() -> None:
    for name in ("id", "question"):
        times = Counter(question[name] for question in QUESTIONS)
        assert [value for value, count in times.items() if count > 1] == []


def test_a_question_has_its_fields() -> None:
    """An answerable question names its answer, document and quote; an unanswerable one has none of these."""
    fields = {"id", "question", "answer", "doc", "quote", "also", "paraphrase", "unanswerable"}
    for question in QUESTIONS:
        assert question.keys() == fields
        filled = [bool(question[name]) for name in ("answer", "doc", "quote")]
        assert filled == [not question["unanswerable"]] * 3, question["id"]
        assert {*question["also"]} <= {*FILES} - {question["doc"]}, question["id"]
        assert not (question["also"] and question["unanswerable"]), question["id"]


def test_every_format_and_nearly_every_document_is_asked_about() -> None:
    asked = {question["doc"] for question in ANSWERABLE}
    assert asked <= set(FILES)
    assert {Path(name).suffix for name in asked} == {Path(name).suffix for name in FILES}
    assert len(asked) >= 0.9 * len(FILES)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_a_quote_stands_in_its_document(question: dict[str, Any]) -> None:
    assert question["quote"] in document_of(question["doc"]).text


@pytest.mark.parametrize(
    "question", [question for question in ANSWERABLE if question["paraphrase"]], ids=lambda question: question["id"]
)
def test_a_paraphrase_uses_other_words(question: dict[str, Any]) -> None:
    wanted = stems(question["question"])
    assert len(wanted & stems(question["quote"])) <= SHARED_WORDS * len(wanted)


# ------------------------------------------------------------------ inside


@cache
def document_of(name: str) -> Document:
    (document,) = documents.read(CORPUS / name, str(CORPUS), name)
    return document


def stems(text: str) -> set[str]:
    """The content words of a text, each without what its forms end in (the last letters, roughly)."""
    return {word[: max(4, len(word) - 3)] if len(word) > 4 else word.rstrip("s") for word in terms(text)}


def pieces(source: str) -> list[str]:
    """The paragraphs, list items and table cells of a Markdown source; headings, code and numbers are left out."""
    prose = re.sub(r"^```.*?^```$", "", source, flags=re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("- ") for line in prose.splitlines() if not line.startswith("#")]
    cells = [cell for line in lines for cell in (line.strip("|").split(" | ") if line.startswith("|") else [line])]
    return [cell for cell in cells if re.search("[^\\W\\d_]", cell)]


def squeezed(text: str) -> str:
    """A text without blanks and inline markup: extractors break lines and escape characters as they like."""
    return re.sub(r"[\s`*\\]+", "", text)
