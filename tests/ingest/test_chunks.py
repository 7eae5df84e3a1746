"""Chunking: exact spans, nothing lost, nothing over the limit, structure kept; with a tokenizer one can see."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest import chunks
from ingest.documents import formats
from ingest.documents.content import Unreadable
from search.records import Block, Chunk, Document

TOKEN = re.compile(r"[a-zA-Z]{1,4}|[^\W\d_a-zA-Z]|\d{1,3}|[^\s\w]|_")


def starts(text: str) -> list[int]:
    """A tokenizer whose tokens are up to four letters, one letter of other scripts, up to three digits, a sign."""
    return [found.start() for found in TOKEN.finditer(text)]


def document(text: str, *blocks: Block, title: str = "") -> Document:
    return Document("/r", "a", title, "text", text, blocks)


def read(name: str, text: str) -> Document:
    content = formats.read(text.encode("utf-8"), name)
    return Document("/r", name, content.title, content.type, content.text, tuple(content.blocks))


def split(name: str, text: str, size: int = 40, overlap: int = 0) -> list[Chunk]:
    return chunks.split(read(name, text), starts, size=size, overlap=overlap)


def check(source: Document, found: list[Chunk], size: int, overlap: int = 0) -> None:
    """What holds for any document: exact spans in order, none blank, nothing lost, none too long."""
    covered = bytearray(len(source.text))
    for chunk in found:
        assert chunk.text == source.text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert len(starts(chunk.embedded)) <= size
        assert len(chunk.text) <= chunks.CHARACTERS_PER_TOKEN * size
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
    for before, after in pairwise(found):
        assert before.start < after.start
        assert before.end < after.end
        assert overlap or before.end <= after.start
    lost = "".join(character for character, seen in zip(source.text, covered, strict=True) if not seen)
    assert not lost.strip()


# ------------------------------------------------------------------ properties

WORDS = st.sampled_from(
    ["a", "word", "Sentence.", "two\n", "\n\n", "# Head\n", "## Sub\n\n", "- item\n", "| a | b |\n", "|---|---|\n",
     "```\n", "    deep\n", " ", "中文句子。", "ไทย", "שלום", "e\u0301", "x" * 70, "A1/b" * 60, "\t", "1,2\n",
     "def f():\n", "👩\u200d👧"]
)  # fmt: skip
NAMES = st.sampled_from(["a.md", "a.txt", "a.py", "a.js", "a.csv", "a.html", "a.rst", "a.json"])


@settings(max_examples=300, deadline=None)
@given(words=st.lists(WORDS, max_size=120), name=NAMES, size=st.integers(16, 80), part=st.integers(0, 2))
@example(words=["x" * 70] * 60, name="a.txt", size=16, part=0)
@example(words=["中文句子。"] * 40, name="a.txt", size=16, part=2)
def test_every_document(words: list[str], name: str, size: int, part: int) -> None:
    """For any document of any format, size and overlap, what a chunk is holds."""
    try:
        source = read(name, "".join(words))
    except Unreadable:
        return
    overlap = size * part // 4
    check(source, chunks.split(source, starts, size=size, overlap=overlap), size, overlap)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(st.sampled_from("ab .\n\u3000é中"), max_size=200),
    spans=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=8),
    kinds=st.lists(st.sampled_from(["heading", "header", "rows", "paragraph", "code"]), min_size=8, max_size=8),
)
def test_any_blocks(text: str, spans: list[tuple[int, int]], kinds: list[str]) -> None:
    """Blocks that leave gaps, or are blank, lose nothing either."""
    position = 0
    blocks = []
    for (gap, length), kind in zip(spans, kinds, strict=False):
        start = min(position + gap % 7, len(text))
        position = min(start + length, len(text))
        blocks.append(Block(start, position, kind, (kind,), None, "a b" if kind == "rows" else ""))
    source = document(text, *blocks)
    check(source, chunks.split(source, starts, size=16, overlap=0), 16)


def test_a_tokenizer_is_asked_once() -> None:
    """Counting is one call for a document, headings and contexts included."""
    calls = []

    def counting(text: str) -> list[int]:
        calls.append(text)
        return starts(text)

    chunks.split(read("a.md", "# Title\n\n## Part\n\n" + "Words of a sentence. " * 200), counting, size=40, overlap=0)
    assert len(calls) == 1


# ------------------------------------------------------------------ structure


def test_small_neighbours_are_merged() -> None:
    """Paragraphs under one heading make one chunk as long as they fit."""
    (chunk,) = split("a.md", "# Title\n\n## Part\n\nOne.\n\nTwo.\n\nThree.\n")
    assert chunk.heading == ("Title", "Part") or chunk.text.startswith("# Title")
    assert chunk.text.endswith("Three.")


def test_a_heading_goes_with_its_text() -> None:
    """No chunk ends in a heading that has text under it, and each knows its path."""
    text = "# Title\n\n" + "".join(f"## Part {n}\n\n" + "Some words here. " * 4 + "\n\n" for n in range(4))
    found = split("a.md", text)
    assert [chunk.heading for chunk in found] == [("Title", f"Part {n}") for n in range(4)]
    assert all(chunk.text.rstrip().endswith("here.") for chunk in found)
    assert found[0].text.startswith("# Title\n\n## Part 0")


def test_long_text_is_cut_at_sentences() -> None:
    """A paragraph that is too long is cut after sentences, into parts of about one length."""
    found = split("a.txt", "This is one sentence of it. " * 30)
    assert all(chunk.text.endswith("it.") for chunk in found)
    lengths = [len(chunk.text) for chunk in found]
    assert min(lengths) * 2 > max(lengths)


@pytest.mark.parametrize("sentence", ["今日はとても良い天気です。", "这是一个很好的句子，不是吗？", "यह एक वाक्य है। "])
def test_sentences_of_other_scripts(sentence: str) -> None:
    """Sentences end with their own script's signs, spaces or none."""
    assert all(chunk.text[-1] in "。？।" for chunk in split("a.txt", sentence * 30))


def test_words_stay_whole() -> None:
    """Without sentences, a cut is between words."""
    text = " ".join(["abcdefgh"] * 200)
    assert {word for chunk in split("a.txt", text) for word in chunk.text.split()} == {"abcdefgh"}


def test_letters_keep_their_marks() -> None:
    """A cut inside a word parts no letter from its marks."""
    found = split("a.txt", "ก็" * 300)
    assert all(chunk.text.startswith("ก") for chunk in found)


def test_a_long_word_is_bounded_in_characters() -> None:
    """A word of 10,000 characters that a tokenizer counts as one token is cut all the same."""
    source = document("x" * 10_000)
    found = chunks.split(source, lambda text: [0] if text else [], size=40, overlap=0)
    assert "".join(chunk.text for chunk in found) == source.text
    assert max(len(chunk.text) for chunk in found) <= 40 * chunks.CHARACTERS_PER_TOKEN


def test_rows_carry_their_header() -> None:
    """Each chunk of a table knows the header: in its text or as its context, never both."""
    text = "name,year\n" + "".join(f"Ada {n},18{n}\n" for n in range(60))
    found = split("a.csv", text)
    assert len(found) > 5
    assert found[0].text.startswith("name,year")
    assert [chunk.context for chunk in found] == ["", *["name,year"] * (len(found) - 1)]
    assert all(re.fullmatch(r"(Ada \d+,18\d+\n?)+", chunk.text) for chunk in found[1:])


def test_a_wide_header_leaves_room_for_rows() -> None:
    """A header with a hundred columns is cut, not the rows."""
    header = ",".join(f"column{n}" for n in range(100))
    found = split("a.csv", f"{header}\n" + "".join(f"{n},b,c\n" for n in range(50)))
    assert all(len(chunk.context) < len(header) / 2 for chunk in found)


def test_code_is_cut_between_statements() -> None:
    """A function that is too long is cut where its indentation is least."""
    body = "".join(f"    if a{n}:\n        run(a{n})\n        stop()\n" for n in range(20))
    found = split("a.py", f"def f():\n{body}")
    assert {chunk.heading for chunk in found} == {("f",)}
    assert all(chunk.text.startswith("    if") for chunk in found[1:])


def test_pages_are_not_mixed() -> None:
    """A chunk is on one page, unless both pages have next to nothing."""
    first, second = "Some words here. " * 8, "Other words there. " * 8
    text = f"{first}\n\n{second}"
    middle = len(first) + 2
    source = document(text, Block(0, len(first), page=1), Block(middle, len(text), page=2))
    assert [chunk.page for chunk in chunks.split(source, starts, size=200, overlap=0)] == [1, 2]


def test_title_stands_in_front_once() -> None:
    """The title begins the heading path, not twice where the first heading says the same."""
    text = "Words enough to stand alone."
    block = Block(0, len(text), heading=("Part",))
    assert chunks.split(document(text, block, title="Title"), starts)[0].heading == ("Title", "Part")
    same = Block(0, len(text), heading=("Title", "Part"))
    assert chunks.split(document(text, same, title="Title"), starts)[0].heading == ("Title", "Part")
    assert chunks.split(document(text), starts)[0].heading == ()


def test_a_long_heading_path_leaves_room() -> None:
    """Of a path that is too long the outermost headings go first."""
    text = "Words. " * 100
    path = tuple(f"a heading of some length number {n}" for n in range(8))
    source = document(text, Block(0, len(text), heading=path), title="word " * 200)
    found = chunks.split(source, starts, size=60, overlap=0)
    check(source, found, 60)
    assert found[0].heading[-1] == path[-1]
    assert len(found[0].heading) < 9


def test_overlap_repeats_whole_sentences() -> None:
    """With an overlap a chunk begins with the sentence before it, and the size still holds."""
    source = read("a.txt", "".join(f"This is the sentence {n}. " for n in range(60)))
    found = chunks.split(source, starts, size=40, overlap=10)
    check(source, found, 40, 10)
    assert all(after.start < before.end for before, after in pairwise(found))
    assert all(chunk.text.startswith("This") for chunk in found)


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (15, 0), (40, 21), (40, -1)])
def test_sizes_that_make_no_sense(size: int, overlap: int) -> None:
    """A size or an overlap that cannot work is refused."""
    with pytest.raises(ValueError, match="tokens with an overlap"):
        chunks.split(document("words"), starts, size=size, overlap=overlap)


def test_blank_document_has_no_chunks() -> None:
    """Nothing but blanks is no chunk."""
    assert chunks.split(document(" \n\n\t"), starts) == []


# ------------------------------------------------------------------ size


@pytest.mark.parametrize(
    ("name", "unit"),
    [("a.txt", "word "), ("a.txt", "中文"), ("a.txt", "x"), ("a.csv", "a,b,c\n"), ("a.md", "# A\n\nb\n\n"),
     ("a.md", "| a | b |\n|---|---|\n"), ("a.html", "<p>word</p>"), ("a.html", "<div>"), ("a.json", '{"a":'),
     ("a.py", "x=[1]\n"), ("a.js", "f(){"), ("a.txt", "e" + "\u0301" * 50), ("a.txt", "\n"), ("a.rst", "===\n"),
     ("a.tex", "\\section{"), ("a.eml", "a: b\n")],
)  # fmt: skip
def test_long_documents_of_one_pattern(name: str, unit: str) -> None:
    """A long document of one pattern, as one line or many, is read and split in linear time: here, at all."""
    text = "x " + unit * (200_000 // len(unit))
    try:
        source = read(name, text)
    except Unreadable:
        return
    found = chunks.split(source, starts, size=200, overlap=0)
    assert sum(len(chunk.text) for chunk in found) <= len(source.text)


def test_the_fingerprint_names_version_and_sizes() -> None:
    """What decides about the chunks stands in CHUNKING, so that a change makes a new space."""
    assert re.fullmatch(rf"structure-\d+:{chunks.SIZE}:{chunks.OVERLAP}", chunks.CHUNKING)


@settings(max_examples=100, deadline=None)
@given(
    blocks=st.lists(st.lists(st.text("ab ", min_size=1, max_size=30), min_size=1, max_size=8), min_size=1, max_size=6),
    gap=st.integers(0, 3),
)
def test_a_passage_says_which_rows_it_holds(blocks: list[list[str]], gap: int) -> None:
    """Those whose lines it holds, wholly or in part."""
    text, made, of_line, number = "", [], {}, 1
    for lines in blocks:
        start, first = len(text), number
        for line in lines:
            of_line[number] = (len(text), len(text) + len(line))
            text += line + "\n"
            number += 1
        made.append(Block(start, len(text), "rows", row=first))
        number += gap
    for chunk in chunks.split(document(text, *made), starts, size=16):
        held = [row for row, (start, end) in of_line.items() if start < chunk.end and end > chunk.start]
        assert chunk.rows == (held[0], held[-1])


def test_a_passage_of_two_tables_names_no_rows() -> None:
    """They would be those of one as likely as those of the other."""
    text = "a,b\nc,d\n"
    made = [Block(0, 4, "rows", ("One",), row=1), Block(4, 8, "rows", ("Two",), row=1)]
    assert [chunk.rows for chunk in chunks.split(document(text, *made), starts)] == [None]
