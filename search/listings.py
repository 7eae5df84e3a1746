"""Where code stands in a passage: in a fence, or by the look of its lines. Pure; knows no format.

A passage may begin and end in the midst of a fence, and what was a listing on a page or in a notebook has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = re.compile(r"^[ \t>]*(?P<sign>```+|~~~+)[ \t]*(?P<language>\S*)[^\n`]*$", re.MULTILINE)
_ITEM = re.compile(r"\s*(?:[-*+•]\s|\d{1,3}[.)]\s|\|)")
_LINE = re.compile(
    r"\s*(?:"
    r".*[;{}]|[)\]}]+[;,.?]*"  # as statements and blocks end
    r"|(?:import|use|package)\s+[\w.:*]+(?:\s+as\s+\w+)?|from\s+[\w.]+\s+import\s.+|#include\s.+"
    r"|(?:pub\s+|async\s+|export\s+)*(?:def|fn|func|function|class|struct|enum|impl)\s+\w+.*[:({]"
    r"|(?:(?:let|const|var|mut|static|final)\s+)*[\w.]+(?:\[[^\]]*\])?(?::\s*[\w\[\]., |&<>]+)?\s[-+*/|]?=\s.+"
    r"|(?:return|yield|await)\s+[\w.]+(?:\(.*\))?|@\w[\w.]*(?:\(.*\))?|(?:[\w]+(?:\.|::))*\w+!?\(.*\)\??[,.]?|//.*"
    r")\s*"
)

_WORD = r"[\"“‘(\[]*[^\W_][\w'’./-]*[)”\"’\]%]*[,;:]?"
_CLAUSE = re.compile(rf"\s*(?:\(\w{{1,4}}\)\s+)?(?:{_WORD}\s+){{3,}}{_WORD}(?<=;)\s*")
"""A line of nothing but words, to a semicolon: a contract's clauses end in one too."""


def spans(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of each fence, its marks included; the first may have begun and the last may end elsewhere."""
    marks = list(_MARK.finditer(text))
    inside = _begins_inside(text, marks)
    start, sign = 0, marks[0]["sign"] if marks else ""
    for mark in marks:
        if not inside:
            inside, start, sign = True, mark.start(), mark["sign"]
        elif not mark["language"] and mark["sign"].startswith(sign):
            inside = False
            yield start, mark.end()
    if inside:
        yield start, len(text)


def _begins_inside(text: str, marks: list[re.Match[str]]) -> bool:
    """Whether the first mark ends a fence: another that names its language begins next, code stands before or nothing
    behind."""
    if not marks or marks[0]["language"]:
        return False
    if len(marks) > 1 and marks[1]["language"]:
        return True
    return is_code(text[: marks[0].start()]) or not text[marks[0].end() :].strip()


def is_code(text: str) -> bool:
    """Whether most lines look like a program's; an item of a list and a row of a table do not."""
    lines = [line for line in text.split("\n") if line.strip()]
    statements = [line for line in lines if _LINE.fullmatch(line) and not _CLAUSE.fullmatch(line)]
    return not _ITEM.match(text) and 2 * len(statements) > len(lines)
