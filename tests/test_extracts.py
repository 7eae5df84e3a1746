"""Sentences quoted in place of an answer: the right one first, word for word, rows as sentences of their own."""

from __future__ import annotations

import pytest

from search import extracts
from search.records import ChunkRef, DocumentRef
from search.replies import Source

TABLE = "model,dimensions,licence\nalpha-small,384,MIT\nbeta-large,1024,Apache-2.0\ngamma-base,768,MIT"
PROSE = (
    "# Ships\n\nThe museum shows ships. The oldest of them was built in 1502 by Nuno Paz. Does it float? "
    "It is made of oak and lies in the great hall."
)


def source(text: str, type_: str = "markdown", n: int = 1) -> Source:
    return Source(n, DocumentRef("/r", f"a.{type_}", "", type_), ChunkRef("id", text, 50, 50 + len(text), None, ()))


def test_a_row_is_quoted_and_not_the_table() -> None:
    """A line of a CSV says something of its own."""
    (first, *_) = extracts.find("How many dimensions does beta-large have?", [source(TABLE, "csv")]).extracts
    assert first.text == "beta-large,1024,Apache-2.0"
    assert TABLE[first.citation.start - 50 : first.citation.end - 50] == first.text


def test_headings_and_questions_are_not_quoted() -> None:
    """They ask or announce, and answer nothing."""
    quoted = [extract.text for extract in extracts.find("Does the oldest ship float?", [source(PROSE)]).extracts]
    assert quoted
    assert not any("# Ships" in text or "Does it float?" in text for text in quoted)


def test_tags_and_comments_are_not_quoted() -> None:
    """Anchors of old headings are full of a question's words, and no reader sees them."""
    text = (
        "# Threads\n\n<!-- Old headings of shared threads. Do not remove shared threads or links break. -->\n\n"
        '<a id="how-threads-share-a-mutex"></a>\n\nA `Mutex<T>` is shared by several threads.'
    )
    quoted = [extract.text for extract in extracts.find("How do threads share a mutex?", [source(text)]).extracts]
    assert quoted == ["A `Mutex<T>` is shared by several threads."]


FENCED = (
    "# Threads\n\nA new thread begins with `thread::spawn`, which takes a closure.\n\n"
    "```rust\nfn main() {\n    // begin a new thread\n\n    thread::spawn(new_thread);\n\n    join(thread);\n}\n```\n"
)


def test_prose_is_quoted_and_not_the_code_beside_it() -> None:
    """Code that has the question's words, in a fence or on a page that has none, is no sentence that answers."""
    for text, type_ in ((FENCED, "markdown"), (FENCED.replace("```rust\n", "").replace("```\n", ""), "html")):
        best = extracts.best(extracts.find("How do I spawn a new thread?", [source(text, type_)]).extracts)
        assert [extract.text for extract in best] == [
            "A new thread begins with `thread::spawn`, which takes a closure."
        ]


def test_code_is_quoted_where_nothing_else_answers() -> None:
    """And by itself; a program's lines are what a program has."""
    only = source("# Threads\n\nSee below.\n\n```rust\n\nthread::spawn(new_thread);\n\n```\n")
    best = extracts.best(extracts.find("How do I spawn a new thread?", [only]).extracts)
    assert [(extract.text, extract.code) for extract in best] == [("thread::spawn(new_thread);", True)]
    program = source("# spawns a new thread\n\nthread::spawn(new_thread);\n", "code")
    assert not any(extract.code for extract in extracts.find("How do I spawn a new thread?", [program]).extracts)


def test_a_heading_is_not_quoted_however_it_is_written() -> None:
    """What stands over a passage announces it."""
    text = "Ships of the museum\n\n**The oldest ship**\n\nThe oldest ship of the museum is made of oak."
    chunk = ChunkRef("id", text, 0, len(text), None, ("Ships of the museum", "The oldest ship"))
    found = extracts.find("Which is the oldest ship?", [Source(1, DocumentRef("/r", "a.html", "", "html"), chunk)])
    assert [extract.text for extract in found.extracts] == ["The oldest ship of the museum is made of oak."]


def test_the_kind_that_is_asked_for_comes_first() -> None:
    """Of two sentences with the same words the one with a date answers "when"."""
    text = "The oldest ship was built in Porto by many hands. The oldest ship was built in 1502 in Porto."
    (first, *_) = extracts.find("When was the oldest ship built?", [source(text)]).extracts
    assert "1502" in first.text


def test_what_is_asked_for_and_nowhere_there_is_said() -> None:
    """None of the sentences has a number."""
    found = extracts.find("How many ships does the museum show?", [source("The museum shows ships. They are old.")])
    assert found.missing == "number"
    assert extracts.find("Which ships?", [source(PROSE)]).missing is None


@pytest.mark.parametrize(
    ("question", "unsaid"),
    [
        ("Who built the oldest ship for Gomes in 1502?", ("Gomes",)),
        ("Which ships were not built by Nuno Paz in 1502?", ("not",)),
        ("When did Nuno Paz build the oldest ship?", ()),
        ("Who built the oldest ship in the great hall in 1502?", ()),
    ],
)
def test_what_a_question_takes_for_granted_is_looked_up(question: str, unsaid: tuple[str, ...]) -> None:
    """A name that nobody mentions, and the opposite of what is said, are doubts; what stands elsewhere is none."""
    found = extracts.find(question, [source(PROSE)])
    assert found.unsaid == unsaid
    assert len(found.doubts()) == bool(unsaid)


def test_repeats_are_shown_once() -> None:
    """The same sentence of two documents is one extract."""
    twice = [source("The museum shows ships.", n=1), source("The museum  shows ships.", n=2)]
    assert len(extracts.best(extracts.find("What does the museum show?", twice).extracts)) == 1


def test_nothing_to_quote_is_no_evidence() -> None:
    """Without a sentence there is nothing to say."""
    assert extracts.find("Why?", [source("# Ships")]) == extracts.Found((), extracts.Evidence(None, None, 0.0))
