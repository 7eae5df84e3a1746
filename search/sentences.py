"""Where sentences begin and end. Pure; knows no model.

Plain rules that hold for prose, lists and code comments alike: a line break ends a sentence where the next
line begins something new, `.!?` end one where a space and something that can begin a sentence follow, and
the full stops of Chinese, Japanese, Hindi and Arabic end one anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    "e.g i.e etc vs cf al fig no nr vol pp p st mr mrs ms dr prof inc ltd co jr sr approx dept est u.s u.k a.m p.m"
    " z.b d.h bzw usw ca abb bspw ggf".split()
)
# A citation behind the full stop ("So it is. [1]") belongs to the sentence before it.
_CITED = r"(?:\s*(?:\[[\d,; ]+\]|【[\d,; ]+】))*"
# What begins something new on the next line, in a quotation too. A larger number is no list's: a wrapped line has it;
# nor are two signs, but for a rule's: an option (--release) or bold words stand there. `{"` begins a record.
_NEW = r"\s*\n|[\s>]*(?:[-*+](?![-*+])|(?:-{3,}|\*{3,}|\+{3,})\s|[•#|]|```|~~~|\{\"|\d{1,2}[.)]\s|>\s*\n)"
_END = re.compile(
    rf"[.!?…]+[\"'”’)\]]*{_CITED}(?=\s|$)|[。！？｡।؟۔]+[”’」』）]*{_CITED}|\n(?={_NEW})|(?P<quote>\n(?=\s*>))"
)
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?){1,2}(?!>)", re.MULTILINE)
_LAST_WORD = re.compile(r"[\w.]+$")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")


ROWS = frozenset({"csv", "tsv", "xlsx", "xls", "ods", "jsonl", "log"})
"""Types of documents in which each line says something of its own."""


def spans(text: str, *, rows: bool = False) -> Iterator[tuple[int, int]]:
    """[start, end) of each sentence, without the white space around it, in order; blank ones are left out.

    With `rows` every line is one, whatever it holds.
    """
    start = 0
    if rows:
        for line in text.splitlines(keepends=True):
            yield from _trimmed(text, start, start + len(line))
            start += len(line)
        return
    for match in _END.finditer(text):
        if _ends(text, start, match):
            yield from _trimmed(text, start, match.end())
            start = match.end()
    yield from _trimmed(text, start, len(text))


def unquoted(text: str) -> str:
    """The text without the signs of a quotation (`>`) before its lines, as Markdown and mail have them."""
    return _QUOTE.sub("", text)


def finished(text: str) -> int:
    """How much of a text that is still being written is whole sentences: the end of the last one.

    A sentence is whole when the next one has begun: until then a citation may still follow.
    """
    end = 0
    for match in _END.finditer(text):
        following = text[match.end() :].lstrip()
        if following and following[0] not in "[【" and _ends(text, end, match):
            end = match.end()
    return end


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a possible end is one: not after an abbreviation, initials, or a list's number."""
    if match["quote"]:  # the next line of a quotation goes on with this one
        return not _QUOTE.match(text, text.rfind("\n", 0, match.start()) + 1)
    if not match[0].startswith("."):
        return True
    following = text[match.end() : match.end() + 40].lstrip()
    if following[:1].islower():
        return False
    before = _LAST_WORD.search(text, max(start, match.start() - 20), match.start())
    if before is None:
        return True
    word = before[0].lower()
    if word.isdigit() and not text[start : before.start()].strip():
        return False
    return word not in _ABBREVIATIONS and not _INITIALS.fullmatch(word)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    stripped = text[start:end].strip()
    if stripped:
        begin = start + len(text[start:end]) - len(text[start:end].lstrip())
        yield begin, begin + len(stripped)
