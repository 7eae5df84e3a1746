"""Text to word pieces, as BERT (uncased) has them: ids, how many, and where each begins.

The vocabulary is `vocabulary.txt` beside this file (origin and licence: README.md there). Special tokens are
never in what these functions return, and a text that spells one ("[SEP]") is plain text.
A word of more than 100 characters is one piece, [UNK], as the model was trained.

A word is cut the same wherever it stands, and most come again: `starts` remembers how, which takes a third of the
tokenizer's time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

VOCABULARY = Path(__file__).with_name("vocabulary.txt")
CLS, SEP = 101, 102
MAX_WORD_CHARACTERS = 100

# The tokenizer slows down on long texts (2.6 million characters a second at 100,000 of them, 1.3 at
# 2,000,000), so they are cut where no word piece can span.
_SEGMENT_CHARACTERS = 16_384
_SURROGATES = re.compile("[\ud800-\udfff]")

# White space and ASCII punctuation are borders for the tokenizer too. Of white space, the rest is left out: some of
# it the tokenizer drops as a control character, and joins what stands beside it.
_RUN = re.compile(r"[^ \n\t\r!-/:-@\[-`{-~]+|[!-/:-@\[-`{-~]+|[ \n\t\r]+")
_RUNS_KEPT = 1 << 16
_known: dict[str, tuple[int, ...]] = {}  # where the word pieces of a run begin in it
_remembering = Lock()


def ids(text: str, limit: int | None = None) -> list[int]:
    """The word pieces' numbers in the vocabulary. With a limit, reading may stop once there are more."""
    found: list[int] = []
    for _, encoding in _encodings(text):
        found += encoding.ids
        if limit is not None and len(found) > limit:
            break
    return found


def count(text: str) -> int:
    """How many word pieces the text has."""
    return sum(len(encoding) for _, encoding in _encodings(text))


def starts(text: str) -> list[int]:
    """Where in `text` each word piece begins, in code points, ascending.

    As many numbers as word pieces: where one character gives several (a Hangul syllable), it repeats.
    """
    runs = _RUN.findall(text)  # all of the text
    with _remembering:
        new = set(runs).difference(_known)
        if len(_known) + len(new) > _RUNS_KEPT:
            _known.clear()
            new = set(runs)
        _known.update(_learned(new))
        begins = accumulate(map(len, runs), initial=0)
        return [begin + offset for begin, run in zip(begins, runs, strict=False) for offset in _known[run]]


def _learned(runs: Collection[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each run with where its word pieces begin in it, all found at once."""
    joined = "\n".join(runs)
    found = deque(start + offset for start, encoding in _encodings(joined) for offset, _ in encoding.offsets)
    begin = 0
    for run in runs:
        end = begin + len(run)
        inside = []
        while found and found[0] < end:
            inside.append(found.popleft() - begin)
        yield run, tuple(inside)
        begin = end + 1


def _encodings(text: str) -> Iterator[tuple[int, Encoding]]:
    """Where each segment of the text begins, and its word pieces."""
    tokenizer = _tokenizer()
    for start, end in _segments(text):
        # Lone surrogates are not Unicode; the tokenizer refuses them. U+FFFD is as long, and is ignored.
        segment = _SURROGATES.sub("\ufffd", text[start:end])
        yield start, tokenizer.encode(segment, add_special_tokens=False)


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """The text in spans of about _SEGMENT_CHARACTERS, each but the first beginning at a space or line feed."""
    start = 0
    while start < len(text):
        end = _cut(text, start)
        yield start, end
        start = end


def _cut(text: str, start: int) -> int:
    """The last space or line feed within a segment's length of `start`, else the first behind it."""
    limit = start + _SEGMENT_CHARACTERS
    if limit >= len(text):
        return len(text)
    before = max(text.rfind(" ", start + 1, limit), text.rfind("\n", start + 1, limit))
    if before > start:
        return before
    behind = [at for mark in " \n" if (at := text.find(mark, limit)) >= 0]
    return min(behind, default=len(text))


@cache
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 (an ingest of what is unchanged needs none of it)
    from tokenizers.models import WordPiece  # noqa: PLC0415
    from tokenizers.normalizers import BertNormalizer  # noqa: PLC0415
    from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: PLC0415

    vocabulary = {piece: at for at, piece in enumerate(VOCABULARY.read_text("utf-8").splitlines())}
    model = WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARACTERS)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer
