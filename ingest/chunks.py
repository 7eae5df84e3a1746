"""Document -> Chunks: by structure first, sized in tokens of the model, with exact offsets. Pure.

Blocks are packed together up to the size; one that is longer is cut at the best place near the middle of
what is left: an empty line, a sentence's or a line's end, a word's, and only then anywhere.
Knows no model: it is given a function that says where each token of a text begins.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from operator import sub
from zlib import crc32

from ingest.rows import Rows
from search.records import Block, Chunk, Document

# Measured with benchmarks/chunking.py on Chroma's chunking evaluation, hybrid search, first five hits. At 140, 160,
# 180, 200, 220 tokens: recall .843, .844, .862, .858, .880, precision .086, .077, .070, .063, .059, and omega .379,
# .351, .323, .292, .277. So 180 is the smallest size with a recall of .85. An overlap of 30: .850, .075.
SIZE = 180
OVERLAP = 0
CHUNKING = f"structure-2:{SIZE}:{OVERLAP}"

# A word piece tokenizer may count any long "word" (base64, a URL) as one token, so length is bounded too.
CHARACTERS_PER_TOKEN = 6
# Beyond this many characters without a token's start, tokens are assumed, this many characters each.
LONG_WORD = 64
LONG_WORD_STEP = 1
# Shares of the size: what a heading path and a repeated context may take, and what counts as small.
HEADING_SHARE = 4
CONTEXT_SHARE = 3
SMALL_SHARE = 4
# A section of more than so many chunks is parted at anchors: one in so many of the places where it could be.
STRETCH = 6
ANCHORS = 8

_EMPTY_LINE = re.compile(r"\n[ \t]*\n\s*")
_ENDED_LINE = re.compile(r"[.!?…:。！？][\"'”’»)\]」』）]*[ \t]*\n\s*")
_SENTENCE = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？｡．；]+[\"”’」』）]*\s*|[؟۔।॥]+\s*")
_LINE = re.compile(r"\n")
_STATEMENT = re.compile(r"\n+(?=[ \t]*[^\s)\]}])")
_SPACE = re.compile(r"\s+")
_PROSE = (_EMPTY_LINE, _ENDED_LINE, _SENTENCE, _LINE, _SPACE)
_SIGNS = {
    "code": (_STATEMENT, _LINE, _SPACE),
    **dict.fromkeys(("rows", "list", "metadata", "output"), (_EMPTY_LINE, _LINE, _SENTENCE, _SPACE)),
}
# What a stretch may begin behind: the first that occurs.
_PROSE_STARTS = (re.compile(f"{_EMPTY_LINE.pattern}|{_ENDED_LINE.pattern}|{_SENTENCE.pattern}"), _LINE, _SPACE)
_LINE_STARTS = (_LINE, _SPACE)
_STARTS = {
    "code": (re.compile(r"\n+(?=[^\s)\]}])"), _LINE),
    **dict.fromkeys(("rows", "list", "metadata", "output"), _LINE_STARTS),
}
_GLUE_KINDS = frozenset({"heading", "header"})

Starts = Callable[[str], Sequence[int]]


def split(document: Document, starts: Starts, *, size: int = SIZE, overlap: int = OVERLAP) -> list[Chunk]:
    """The document's chunks in order; together they hold every character that isn't blank.

    `starts(text)` gives the offset of each token's first character, ascending; it is called once.
    `size` is the most tokens of a chunk with its heading path and repeated context, `overlap` how many
    of them may repeat the end of the chunk before.
    Raises ValueError where the sizes make no sense.
    """
    if size < 16 or not 0 <= overlap <= size // 2:
        raise ValueError(f"a chunk of {size} tokens with an overlap of {overlap}: at least 16, at most half of it")
    text = document.text
    if not text.strip():
        return []
    measure = _Measure(document, starts, size)
    units = list(_glued(_covering(text, document.blocks)))
    pieces = [piece for unit in units for piece in _cut(text, measure, unit, size - overlap)]
    groups = _packed(text, measure, pieces, size - overlap)
    if overlap:
        groups = list(_overlapping(text, measure, groups, overlap))
    rows = Rows(document)
    return [_chunk(document, measure, group, rows) for group in groups]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A span that is packed as one. `context` is needed unless the span begins with it (`whole`)."""

    start: int
    end: int
    kind: str
    heading: tuple[str, ...]
    page: int | None
    context: str
    whole: bool = True


class _Measure:
    """Counts tokens and characters of spans, and of the heading paths and contexts in front of them."""

    def __init__(self, document: Document, starts: Starts, size: int) -> None:
        self.size = size
        self.title = (document.title,) if document.title.strip() else ()
        self.limit = CHARACTERS_PER_TOKEN * size
        parts = {part for block in document.blocks for part in (*block.heading, block.context)} | {*self.title}
        ordered = sorted(parts - {""})
        probe = "\n".join([document.text, *ordered])
        found = _filled(array("q", starts(probe)), len(probe))
        edge = bisect_left(found, len(document.text) + 1)
        self._tokens = found[:edge]
        self._parts: dict[str, list[int]] = {}
        offset = len(document.text) + 1
        for part in ordered:
            low, high = bisect_left(found, offset), bisect_left(found, offset + len(part))
            self._parts[part] = [position - offset for position in found[low:high]]
            offset += len(part) + 1
        # Asked for each block, and the same for most.
        self.heading = cache(self._heading)
        self.context = cache(self._context)
        self.cost = cache(self._cost)

    def index(self, offset: int) -> int:
        """How many tokens begin before `offset`."""
        return bisect_left(self._tokens, offset)

    def offset(self, index: int) -> int:
        """Where the token of this index begins; the text's end beyond the last."""
        return self._tokens[index] if index < len(self._tokens) else self._end

    @property
    def _end(self) -> int:
        return self._tokens[-1] + 1 if self._tokens else 0

    def tokens(self, start: int, end: int) -> int:
        return self.index(end) - self.index(start)

    def fits(self, start: int, end: int, tokens: int) -> bool:
        return end - start <= self.limit and self.tokens(start, end) <= tokens

    def _heading(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The title and the path, without its outermost parts where it would take too much of a chunk."""
        full = path if path[:1] == self.title else self.title + path
        room = self.size // HEADING_SHARE
        while len(full) > 1 and self.cost(full, "") > room:
            full = full[1:]
        return (self._shortened(full[0], room), *full[1:]) if full else ()

    def _context(self, context: str) -> str:
        return self._shortened(context, self.size // CONTEXT_SHARE) if context else ""

    def _cost(self, heading: tuple[str, ...], context: str) -> int:
        """Tokens in front of a chunk's text, the signs between the headings included."""
        return sum(len(self._starts(part)) + 2 for part in heading) + len(self._starts(context))

    def _shortened(self, part: str, tokens: int) -> str:
        found = self._starts(part)
        return part if len(found) <= tokens else part[: found[tokens]].rstrip()

    def _starts(self, part: str) -> list[int]:
        if part and part not in self._parts:
            longer = next(known for known in self._parts if known.startswith(part))
            return [position for position in self._parts[longer] if position < len(part)]
        return self._parts.get(part, [])


def _filled(starts: array[int], end: int) -> array[int]:
    """The starts, with assumed ones inside words that are too long to be one token in truth."""
    if max(map(sub, (*starts, end), (0, *starts))) <= LONG_WORD:
        return starts
    filled, before = array("q"), 0
    for start in (*starts, end):
        if start - before > LONG_WORD:
            filled.extend(range(before + LONG_WORD_STEP, start, LONG_WORD_STEP))
        filled.append(start)
        before = start
    return filled[:-1]


# ------------------------------------------------------------------ units


def _covering(text: str, blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks in order, with blocks for what stands between them, none blank, trimmed."""
    position = 0
    last = Block(0, 0)
    for block in sorted(blocks, key=lambda one: (one.start, one.end)):
        start = max(block.start, position)
        yield from _trimmed(text, last, position, start, gap=True)
        yield from _trimmed(text, block, start, block.end)
        position, last = max(position, block.end), block
    yield from _trimmed(text, last, position, len(text), gap=True)


def _trimmed(text: str, block: Block, start: int, end: int, *, gap: bool = False) -> Iterator[Block]:
    """The span under the block's headings, without blanks at its ends; nothing where it is blank."""
    start, end = _trim(text, start, end)
    if start < end:
        kind = "paragraph" if gap else block.kind
        yield Block(start, end, kind, block.heading, block.page, block.context)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    if start < end and not text[start].isspace() and not text[end - 1].isspace():
        return start, end
    while end > start and text[end - 1].isspace():
        end -= 1
    first = start
    while first < end and text[first].isspace():
        first += 1
    line = text.rfind("\n", start, first)
    return (line + 1 if line >= 0 else start), end


def _glued(blocks: Iterable[Block]) -> Iterator[_Unit]:
    """Blocks as units; headings and table headers go with what follows them."""
    held: Block | None = None
    for block in blocks:
        if held is not None and not _goes_with(held, block):
            yield _unit(held, held.start, "")
            held = None
        if block.kind in _GLUE_KINDS:
            held = block if held is None else replace(block, start=held.start)
        else:
            start = held.start if held is not None else block.start
            yield _unit(block, start, block.context, whole=held is not None)
            held = None
    if held is not None:
        yield _unit(held, held.start, "")


def _goes_with(held: Block, block: Block) -> bool:
    return block.heading[: len(held.heading)] == held.heading and block.page == held.page


def _unit(block: Block, start: int, context: str, *, whole: bool = True) -> _Unit:
    return _Unit(start, block.end, block.kind, block.heading, block.page, context, whole or not context)


# ------------------------------------------------------------------ cutting


def _cut(text: str, measure: _Measure, unit: _Unit, size: int) -> Iterator[_Unit]:
    """The unit, or its parts where it is too long."""
    heading = measure.heading(unit.heading)
    room = size - measure.cost(heading, measure.context(unit.context))
    for part in _stretches(text, measure, unit, room):
        start, whole = part.start, part.whole
        while not measure.fits(start, part.end, room):
            end = _boundary(text, measure, start, part, room)
            low, high = _trim(text, start, end)
            if low < high:
                yield replace(part, start=low, end=high, whole=whole)
                whole = not part.context
            start = end
        low, high = _trim(text, start, part.end)
        if low < high:
            yield part if low == part.start else replace(part, start=low, end=high, whole=whole)


def _stretches(text: str, measure: _Measure, unit: _Unit, room: int) -> Iterator[_Unit]:
    """A long unit in stretches that begin at anchors, so that an insert or what is appended changes few chunks."""
    start, whole = unit.start, unit.whole
    signs = _STARTS.get(unit.kind, _PROSE_STARTS)
    while (low := measure.offset(measure.index(start) + STRETCH * room)) < unit.end:
        near = measure.offset(measure.index(low) + room)
        sign = next((sign for sign in signs if sign.search(text, low, near)), signs[-1])
        ends = (found.end() for found in sign.finditer(text, low, unit.end))
        end = next((end for end in ends if _is_anchor(text, end)), unit.end)
        if end == unit.end:
            break
        yield replace(unit, start=start, end=end, whole=whole)
        start, whole = end, not unit.context
    yield unit if start == unit.start else replace(unit, start=start, whole=whole)


def _is_anchor(text: str, start: int) -> bool:
    """Whether a new chunk begins here, whatever stands before: told by the text behind it."""
    return crc32(text[start : start + 64].encode("utf-8", "replace")) % ANCHORS == 0


def _boundary(text: str, measure: _Measure, start: int, unit: _Unit, room: int) -> int:
    """Where to cut: after the strongest sign that stands near an even share of what is left."""
    first = measure.index(start)
    left = measure.index(unit.end) - first
    high = min(measure.offset(first + room), start + measure.limit, unit.end)
    parts = max(-(-left // room), -(-(unit.end - start) // measure.limit), 2)
    share = min(measure.offset(first + left // parts), start + (unit.end - start) // parts + 1, high)
    if share <= start:
        share = high
    low = start + (share - start) // 2
    for sign in _SIGNS.get(unit.kind, _PROSE):
        ends = [found.end() for found in sign.finditer(text, low, high)]
        if sign is _STATEMENT and ends:
            return min(ends, key=lambda end: (_indent(text, end), abs(end - share)))
        if ends:
            return min(ends, key=lambda end: abs(end - share))
    return _before_marks(text, start, max(high, start + 1))


def _indent(text: str, start: int) -> int:
    """How many blanks a line begins with: the fewer, the more of the code ends before it."""
    end = start
    while end < min(len(text), start + 200) and text[end] in " \t":
        end += 1
    return end - start


def _before_marks(text: str, start: int, end: int) -> int:
    """A place at or before `end` that doesn't part a letter from its marks or a joined emoji."""
    for place in range(end, max(start, end - 32), -1):
        if place >= len(text) or not (_joins(text[place]) or text[place - 1] == "\u200d"):
            return place
    return end


def _joins(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character == "\u200d"


# ------------------------------------------------------------------ packing


def _packed(text: str, measure: _Measure, pieces: Iterable[_Unit], size: int) -> list[_Unit]:
    """Neighbours joined as long as they fit and belong together, in long sections begun anew at anchors."""
    groups: list[_Unit] = []
    begun, section = 0, None
    for piece in pieces:
        if (piece.heading, piece.page) != section:
            begun, section = piece.start, (piece.heading, piece.page)
        anew = measure.tokens(begun, piece.start) > STRETCH * size and _is_anchor(text, piece.start)
        if anew:
            begun = piece.start
        joined = _joined(measure, groups[-1], piece, size) if groups and not anew else None
        if joined is None:
            groups.append(piece)
        else:
            groups[-1] = joined
    return groups


def _joined(measure: _Measure, group: _Unit, piece: _Unit, size: int) -> _Unit | None:
    """Both as one; None where they don't fit or belong to different parts of the document."""
    if not piece.whole and (group.context != piece.context):
        return None
    if (group.heading, group.page) != (piece.heading, piece.page) and not _both_small(measure, group, piece):
        return None
    heading = _common(group.heading, piece.heading)
    context = "" if group.whole else measure.context(group.context)
    room = size - measure.cost(measure.heading(heading), context)
    if not measure.fits(group.start, piece.end, room):
        return None
    return replace(group, end=piece.end, heading=heading, kind=piece.kind, context=piece.context or group.context)


def _both_small(measure: _Measure, group: _Unit, piece: _Unit) -> bool:
    """Whether two sections are so short that each alone says little."""
    small = measure.size // SMALL_SHARE
    return measure.tokens(group.start, group.end) <= small and measure.tokens(piece.start, piece.end) <= small


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _overlapping(text: str, measure: _Measure, groups: list[_Unit], overlap: int) -> Iterator[_Unit]:
    """Each group begun earlier, at a sentence's start within `overlap` tokens, in the same section."""
    yield groups[0]
    for before, group in pairwise(groups):
        same = (before.heading, before.page) == (group.heading, group.page) and group.whole
        earliest = max(measure.offset(max(measure.index(group.start) - overlap, 0)), before.start)
        ends = [found.end() for found in _SENTENCE.finditer(text, earliest, group.start)] if same else []
        yield replace(group, start=ends[0]) if ends else group


def _chunk(document: Document, measure: _Measure, group: _Unit, rows: Rows) -> Chunk:
    return Chunk(
        text=document.text[group.start : group.end],
        start=group.start,
        end=group.end,
        heading=measure.heading(group.heading),
        page=group.page,
        context="" if group.whole else measure.context(group.context),
        rows=rows.of(group.start, group.end),
    )
