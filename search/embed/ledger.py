"""Whether a server reads all that it is sent: what it counted against what was to be expected.

Nothing in an answer says that a text was cut, but its token count is taken after the cut. The tokens of
another model's tokenizer can only be estimated, so an estimate is corrected by what the server counted so far,
and a batch that falls short of it by a fifth is looked into: a text's two halves have to count as much as
the whole. That comparison needs no tokenizer. A text that counts less was cut, and its count is the limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import Lock

SHORTFALL = 0.8
"""A batch that counts less than this share of what was expected is looked into."""

MARKS = 8
"""Tokens that two halves may count more than the whole: the marks at both ends, and a word that was parted."""

# A sign of a script without spaces, a stretch of a word, or any other visible sign.
_TOKEN = re.compile(r"[\u0e00-\u0eff\u2e80-\U0003ffff]|\w{1,7}|[^\w\s]")
_LONG_WORD = re.compile(r"[^\s\u0e00-\u0eff\u2e80-\U0003ffff]{33,}")
_PIECE = re.compile(".{1,32}", re.DOTALL)


def estimate(text: str) -> int:
    """About how many tokens a text has, in an ordinary tokenizer."""
    return len(_TOKEN.findall(text))


class Ledger:
    """What one model counts for each estimated token, learned as it goes; shared by threads."""

    def __init__(self) -> None:
        self._estimated = 0
        self._counted = 0
        self._lock = Lock()

    def expected(self, estimated: int) -> int:
        """How many tokens the server should count where so many are estimated."""
        with self._lock:
            return round(estimated * self._counted / self._estimated) if self._estimated else estimated

    def short(self, counted: int, expected: int) -> bool:
        """Whether so few were counted that the server may have cut a text; not where it counts nothing at all."""
        return 0 < counted < min(SHORTFALL * expected, expected - MARKS)

    def learn(self, estimated: int, counted: int) -> None:
        """Takes a batch that was read whole into what is expected from now on."""
        if counted:
            with self._lock:
                self._estimated += estimated
                self._counted += counted


def limit(texts: Sequence[str], count: Callable[[str], int]) -> int:
    """The number of tokens after which the server cuts; 0 where it cuts none of these texts.

    `count` asks it how many tokens it reads of a text. The longest is tried: what is cut is longest first.
    """
    longest = max(map(_spaced, texts), key=estimate)
    whole = count(longest)
    return whole if whole < sum(map(count, halves(longest))) - MARKS else 0


def _spaced(text: str) -> str:
    """The text with spaces in its longest words: a tokenizer may count one as one token, but not its halves."""
    return _LONG_WORD.sub(lambda word: " ".join(_PIECE.findall(word[0])), text)


def halves(text: str) -> tuple[str, str]:
    """The text in two, parted near the middle at the best place: an empty line, a line, a sentence, a space.

    Together they are the text. Raises ValueError for a text of one character.
    """
    if len(text) < 2:
        raise ValueError("one character cannot be parted")
    low, middle, high = len(text) // 4, len(text) // 2, len(text) - len(text) // 4
    for sign in ("\n\n", "\n", ". ", " "):
        ends = [found.end() for found in re.finditer(re.escape(sign), text[low:high])]
        if ends:
            place = low + min(ends, key=lambda end: abs(low + end - middle))
            if 0 < place < len(text):
                return text[:place], text[place:]
    return text[:middle], text[middle:]
