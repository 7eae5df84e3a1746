"""Markdown and its kin, and web pages: headings, tables and the rest as blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.documents.made import read, shown


def test_markdown(tmp_path: Path) -> None:
    """Headings of both kinds nest, a fence and a list are blocks, a table's rows know their header."""
    text = (
        "---\ntitle: The Guide\ntags: [a]\n---\n# The Guide\n\nIntro.\n\nPart One\n========\n\n"
        "## Use of `x` {#use}\n\n- first\n- second\n\n```python\n# no heading\n\nx = 1\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nEnd.\n"
    )
    document = read(tmp_path, "a.md", text)
    assert document.text == text
    assert (document.title, document.type) == ("The Guide", "markdown")
    assert document.metadata["title"] == "The Guide"
    part, use = ("Part One",), ("Part One", "Use of x")
    assert shown(document) == [
        ("metadata", (), "---\ntitle: The Guide\ntags: [a]\n---"),
        ("heading", (), "# The Guide"),
        ("paragraph", (), "Intro."),
        ("heading", part, "Part One\n========"),
        ("heading", use, "## Use of `x` {#use}"),
        ("list", use, "- first\n- second"),
        ("code", use, "```python\n# no heading\n\nx = 1\n```"),
        ("header", use, "| a | b |\n|---|---|"),
        ("rows", use, "| 1 | 2 |\n| 3 | 4 |"),
        ("paragraph", use, "End."),
    ]
    assert document.blocks[8].context == "| a | b |"


def test_what_nobody_sees_before_a_heading_belongs_to_it(tmp_path: Path) -> None:
    """An anchor has a question's words and says nothing: alone it was a passage, and found first."""
    before = '<!-- old\nheading -->\n\n<a id="threads"></a> <a name=b></a>'
    text = f"Words.\n\n{before}\n\n## Threads\n\n<!-- x -->\n\n<a>More</a>\n\n### Last"
    document = read(tmp_path, "a.md", text)
    assert [(block.kind, document.text[block.start : block.end].split("\n")[0]) for block in document.blocks] == [
        ("paragraph", "Words."),
        ("heading", "<!-- old"),
        ("paragraph", "<!-- x -->"),
        ("heading", "### Last"),
    ]
    assert document.text[document.blocks[1].start : document.blocks[1].end].endswith("</a>\n\n## Threads")


def test_markdown_with_several_first_headings_has_no_title(tmp_path: Path) -> None:
    """A heading far from the head, one of several, is no title."""
    assert read(tmp_path, "a.md", "Words.\n\n# One\n\n# Two\n").title == ""
    assert read(tmp_path, "b.md", "![badge](x.png)\n\n# One\n\n## Two\n").title == "One"


def test_an_unclosed_fence_goes_to_the_end(tmp_path: Path) -> None:
    """As in CommonMark; nothing is lost."""
    document = read(tmp_path, "a.md", "a\n\n```\n# x\n\ny")
    assert shown(document)[-1] == ("code", (), "```\n# x\n\ny")


@pytest.mark.parametrize(
    ("name", "text", "title", "headings"),
    [
        ("a.rst", "Title\n=====\n\nWords.\n\nPart\n----\n\nMore.\n", "Title", [(), ("Part",)]),
        ("a.org", "#+TITLE: Title\n\n* Part\n** Sub :tag:\nMore.\n", "Title", [("Part",), ("Part", "Sub")]),
        ("a.adoc", "= Title\n\nWords.\n\n== Part\n\nMore.\n", "Title", [(), ("Part",)]),
        ("a.tex", "\\title{Title}\n\\section{Part}\n\\subsection*{Sub}\n", "Title", [("Part",), ("Part", "Sub")]),
        ("a.wiki", "== Part ==\nMore.\n=== Sub ===\n", "", [("Part",), ("Part", "Sub")]),
    ],
)  # fmt: skip
def test_other_markup(tmp_path: Path, name: str, text: str, title: str, headings: list[tuple[str, ...]]) -> None:
    """Each language's own signs make headings; the text stays as it was written."""
    document = read(tmp_path, name, text)
    assert document.text == text
    assert document.title == title
    assert [block.heading for block in document.blocks if block.kind == "heading"] == headings


def test_html(tmp_path: Path) -> None:
    """Words, headings, lists, tables and code are kept; scripts, styles and navigation are not."""
    page = (
        "<!doctype html><html><head><title>Guide - Site</title><style>p{}</style></head><body><nav>Home</nav>"
        "<h1>Guide</h1><p>Intro &amp; <b>more</b><br>line</p><script>var x = '<p>no</p>';</script><h2>Use</h2>"
        "<ul><li>first<li>second <a href='http://x'>link</a></ul><pre>x = 1\n  y</pre>"
        "<table><tr><th>a<th>b</tr><tr><td>1<td>2</tr></table><img alt='A chart'></body></html>"
    )
    document = read(tmp_path, "a.html", page)
    assert document.title == "Guide"
    assert shown(document) == [
        ("heading", (), "Guide"),
        ("paragraph", (), "Intro & more\nline"),
        ("heading", ("Use",), "Use"),
        ("list", ("Use",), "- first"),
        ("list", ("Use",), "- second link"),
        ("code", ("Use",), "x = 1\n  y"),
        ("header", ("Use",), "a | b"),
        ("rows", ("Use",), "1 | 2"),
        ("paragraph", ("Use",), "A chart"),
    ]


def test_html_that_never_closes_its_navigation_loses_nothing(tmp_path: Path) -> None:
    """An element that is dropped ends somewhere, or it isn't dropped."""
    assert "The text." in read(tmp_path, "a.html", "<body><nav>Home<p>The text.").text


def test_html_under_another_name(tmp_path: Path) -> None:
    """A page is known by its first words where its name says nothing."""
    assert read(tmp_path, "page", "<!DOCTYPE html><p>Words").type == "html"


def test_a_page_of_nothing_but_navigation_is_read(tmp_path: Path) -> None:
    """A book's table of contents has words, and is not said to have none."""
    document = read(
        tmp_path, "nav.xhtml", "<html><body><nav><h1>Contents</h1><ol><li>One</li></ol></nav></body></html>"
    )
    assert document.text == "Contents\n\n- One"
