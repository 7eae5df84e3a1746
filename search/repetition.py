"""Whether a text goes in circles, as small models do when they find no end. Knows nothing of models."""

from __future__ import annotations

TIMES = 4
SHORTEST, LONGEST = 12, 300
"""Characters of what is repeated."""
LETTERS = 6
"""Different letters that it has at least: a row of numbers, blanks or dashes may well repeat itself."""
TABLE = "|"
"""What stands between the cells of a table, which may all be alike."""


def circles(text: str) -> bool:
    """Whether the text ends with the same words four times in a row."""
    for size in range(SHORTEST, LONGEST + 1):
        unit = text[-size:]
        if TABLE in unit:
            return False
        if text.endswith(unit * TIMES) and len({letter for letter in unit if letter.isalpha()}) >= LETTERS:
            return True
    return False
