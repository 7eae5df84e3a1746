"""SVG: the words that a drawing shows, and nothing of how it is drawn."""

from __future__ import annotations

from pathlib import Path

from search.failures import remedy
from tests.ingest.documents.made import read, reason

DRAWING = """<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY blue "#00f">]>
<svg xmlns="http://www.w3.org/2000/svg" content="drawn with a program">
<title>The harbour &amp; its quays</title><style>.a { fill: red }</style><metadata>made 2024</metadata>
<desc>A plan.</desc><g><title>node 1</title><path d="M10 10 L20 20"/>
<text><tspan x="0" y="0">Long</tspan><tspan x="0" dy="10">quay</tspan></text>
<switch><foreignObject><div>Crane 7</div></foreignObject><text>Crane 7</text></switch>
<text>H<tspan dy="2">2</tspan>O</text></g></svg>"""


def test_the_words_of_a_drawing(tmp_path: Path) -> None:
    """Titles, descriptions and labels, each a line, a label's fallback left out."""
    document = read(tmp_path, "a.svg", DRAWING)
    assert (document.title, document.type, document.warnings) == ("The harbour & its quays", "svg", ())
    assert document.text.split("\n") == [
        "The harbour & its quays", "A plan.", "node 1", "Long quay", "Crane 7", "H2O",
    ]  # fmt: skip


def test_a_drawing_without_words_says_so(tmp_path: Path) -> None:
    """Its paths are no passage."""
    why = reason(tmp_path, "a.svg", '<svg><path d="M10 10"/><style>a{}</style></svg>')
    assert why == "there is no text in it: it is a drawing without words"
    assert remedy(why, "failed") == "nothing to do: it holds no words"
