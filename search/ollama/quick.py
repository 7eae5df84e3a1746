"""The answer to /api/embed read with simdjson, where that is installed: several times as fast as without.

    pip install 'semsearch[fast]'

Most of such an answer is numbers, and simdjson writes them into one buffer without making a Python object of each.
Only an answer of exactly the expected shape is read here; any other one is left to the ordinary reader, which says
what is wrong with it.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

Parser: Any
try:
    from simdjson import Parser
except ImportError:  # no wheel for this Python or machine, or not wanted
    Parser = None

_threads = threading.local()
_PLAIN = (str, int, float, bool, type(None))


def embeddings(body: bytes) -> dict[str, Any] | None:
    """The decoded answer with its vectors as float32 (n, d); None where it is for the ordinary reader."""
    if Parser is None or body[:1] != b"{":
        return None
    try:
        answer = _parser().parse(body)
        rows = answer["embeddings"]
        lengths = {len(row) for row in rows}
        numbers = np.frombuffer(rows.as_buffer(of_type="d"), dtype=np.float64)
        others = {name: answer[name] for name in answer if name != "embeddings"}
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError):
        return None
    # as_buffer flattens what is nested deeper, so the brackets are counted.
    brackets = np.count_nonzero(np.frombuffer(body, np.uint8) == ord("["))
    if len(lengths) != 1 or 0 in lengths or brackets != len(rows) + 1:
        return None
    if not all(isinstance(value, _PLAIN) for value in others.values()):
        return None
    with np.errstate(over="ignore"):  # becomes infinity, which the reader refuses
        matrix = numbers.astype(np.float32).reshape(len(rows), -1)
    return others | {"embeddings": matrix}


def _parser() -> Any:
    """This thread's parser: its memory is used again, which is most of the gain."""
    if not hasattr(_threads, "parser"):
        _threads.parser = Parser()
    return _threads.parser
