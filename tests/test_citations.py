"""Citations: markers are read in every form, unknown numbers are dropped, and each sentence is checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import citations
from search.records import ChunkRef, DocumentRef
from search.replies import Source

TEXT = "The index is one SQLite file. It keeps 384 numbers for each chunk."


def source(n: int = 1, text: str = TEXT, start: int = 100) -> Source:
    return Source(
        n, DocumentRef("/r", "a.md", "", "markdown"), ChunkRef("id", text, start, start + len(text), None, ())
    )


@pytest.mark.parametrize(
    ("text", "kept", "dropped"),
    [
        ("So [1].", (1,), ()),
        ("So [1, 2].", (1, 2), ()),
        ("So [1][2].", (1, 2), ()),
        ("So 【2】.", (2,), ()),
        ("So [1][7].", (1,), (7,)),
        ("So [0].", (), (0,)),
        ("An array a[i] and [note] stay.", (), ()),
        ("So [1-2].", (1, 2), ()),
        ("So [1–2].", (1, 2), ()),
        ("So [1 and 2].", (1, 2), ()),
        ("So [^1] it is.", (1,), ()),
        ("So [Passage 2].", (2,), ()),
        ("So [1:14-16].", (1,), ()),
        ("So 【1†L3-L5】.", (1,), ()),
        ("So it is (1).", (1,), ()),
        ("So it is (1, 2), and so on.", (1, 2), ()),
        ("There are two: (1) this, (2) that.", (), ()),
        ("In May (5) or so (2024).", (), ()),
        ("See [2](https://example.org).", (), ()),
        ("So [1].\n```\nprint(x[2])\n```\n", (1,), ()),
        ("Write `x[2]` for it [1].", (1,), ()),
        ("```\nx[2] without an end", (), ()),
    ],
)
def test_markers_are_read(text: str, kept: tuple[int, ...], dropped: tuple[int, ...]) -> None:
    """Only numbers of passages that were sent are kept."""
    cited = citations.read(text, (1, 2))
    assert (cited.sources, cited.dropped) == (kept, dropped)


@given(st.text(alphabet="[]【】()`~1234,;-– \n.ab", max_size=60))
def test_code_and_every_other_character_survive(text: str) -> None:
    """Whatever a model writes, only markers change: with all of them taken out the text is the same."""
    cited = citations.read(text, range(1, 100))
    marks = "[]【】(), ;-–\n1234"
    assert [c for c in cited.text if c not in marks] == [c for c in text if c not in marks]
    assert all(1 <= number <= 99 for number in cited.sources)
    assert len(citations.without_code(text)) == len(text)


def test_numbers_that_were_not_sent_leave_the_text() -> None:
    """A reader never sees a citation that leads nowhere."""
    assert citations.read("It is so [9]. And so [1, 9].", (1, 2)).text == "It is so. And so [1]."


def test_a_true_sentence_is_supported_with_its_exact_span() -> None:
    """The span is in the document, not in the passage."""
    sentence, _ = citations.check("The index is a single SQLite file [1].", [source()])
    assert sentence.support == "supported"
    (citation,) = sentence.citations
    assert (citation.source, citation.start, citation.end) == (1, 100, 100 + len("The index is one SQLite file."))


def test_a_wrong_number_is_not_supported() -> None:
    """Numbers are compared as they stand."""
    sentence, _ = citations.check("It keeps 512 numbers for each chunk [1].", [source()])
    assert sentence.support != "supported"


def test_an_invented_sentence_is_marked_not_found_and_kept() -> None:
    """Nothing is hidden."""
    sentence, _ = citations.check("Bananas grow in warm countries [1].", [source()])
    assert sentence.support == "not found"
    assert sentence.text == "Bananas grow in warm countries [1]."
    assert sentence.citations == ()


def test_a_sentence_without_a_marker_is_looked_for_in_all_sources() -> None:
    """A model that forgets to cite may still be right."""
    sentence, _ = citations.check("The index is one SQLite file.", [source(1, "Other words entirely."), source(2)])
    assert (sentence.support, sentence.citations[0].source) == ("supported", 2)
