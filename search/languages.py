"""The language of a document, found from its text. Deterministic; knows no store.

py3langid has a model of 97 languages in its wheel; 0.3 ms for a page. On paragraphs of about 1,200 characters in
English, German, Spanish, Portuguese, Russian, Arabic and Chinese it was right for 96 to 100 % (xquad, faquad).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CHARACTERS = 4_000
"""How much of a text is looked at."""

LETTERS = 40
"""Fewer letters than these are not enough to tell, in scripts whose letters are not words."""

_LETTER = re.compile(r"[^\W\d_]")


def of(type: str, text: str, metadata: Mapping[str, str]) -> str:
    """The language that a document is written in: ISO 639-1 such as `en`; the programming language of code.

    What a document says of itself counts where its text is too short to tell; empty where nothing tells.
    """
    stated = metadata.get("language", "").strip().lower()
    if type == "code":
        return stated
    sample = text[:CHARACTERS]
    if len(_LETTER.findall(sample)) < LETTERS:
        return re.split(r"[-_]", stated)[0]
    # Loading the model takes half a second: only who needs it pays.
    import py3langid  # noqa: PLC0415

    return str(py3langid.classify(sample)[0])
