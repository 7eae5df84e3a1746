"""Words that the end of a line has cut in two, put together again. Pure.

In a PDF's text layer they stand as `exam-ple`, or with CUT where the extractor knows that a line ended. Whether
the hyphen belongs to the word is decided by the rest of the document.
"""

from __future__ import annotations

import re

CUT = "\x02"

_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(rf"\b([^\W\d_]+)([-{CUT}])([a-zà-öø-ÿ]+)\b")


def join(pages: list[str], flowing: str) -> list[str]:
    """The pages with whole words; `flowing` is the same text as the extractor made paragraphs of it.

    `a-b` becomes `ab` where `a` and `b` are not both words of the document, if a line ended there or the flowing
    text has `ab`; every other CUT is a hyphen.
    """
    words = {word for page in pages for word in _WORD.findall(_HYPHENATED.sub(" ", page).lower())}
    known = set(_WORD.findall(flowing.lower()))

    def whole(found: re.Match[str]) -> str:
        first, sign, second = found.groups()
        compound = first.lower() in words and second.lower() in words
        cut = sign == CUT or (first + second).lower() in known
        return first + second if cut and not compound else f"{first}-{second}"

    return [_HYPHENATED.sub(whole, page).replace(CUT, "-") for page in pages]
