"""Which rows of a table a span of a document holds. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from search.records import Block, Document


class Rows:
    """The numbered rows of a document. Spans are asked for in ascending order, so that no line is counted twice."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._blocks = sorted((one for one in document.blocks if one.row is not None), key=lambda one: one.start)
        self._starts = [block.start for block in self._blocks]
        self._counted: tuple[int, int, int] = (-1, 0, 0)

    def of(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and the last row that stand in [start, end), wholly or in part.

        None where there is none, or where they are of two tables.
        """
        first = max(bisect_right(self._starts, start) - 1, 0)
        if self._blocks and self._blocks[first].end <= start:
            first += 1
        last = bisect_left(self._starts, end) - 1
        if first > last:
            return None
        begin, stop = self._blocks[first], self._blocks[last]
        if begin.heading != stop.heading:  # of two tables
            return None
        return self._row(begin, max(start, begin.start)), self._row(stop, min(end, stop.end))

    def _row(self, block: Block, place: int) -> int:
        """The number of the row of a block that `place` stands in, or that ends there."""
        of, counted, lines = self._counted
        if of != block.start or counted > place:
            counted, lines = block.start, 0
        lines += self._text.count("\n", counted, place)
        self._counted = (block.start, place, lines)
        return (block.row or 0) + lines
