"""Words of texts and of queries, for keyword search. Pure; knows no index.

The index's own tokenizer (FTS5 `porter unicode61`) splits at spaces and punctuation. Scripts that are
written without spaces are given some here, as overlapping pairs of characters (bigrams), the same way
for texts and for queries.
"""

from __future__ import annotations

import re

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being between both but by can could
    did do does doing done down during each few for from further get had has have having he her here hers him
    his how i if in into is it its itself just me more most my no nor not now of off on once only or other our
    out over own same she should so some such than that the their them then there these they this those through
    to too under until up us very was we were what when where which while who whom why will with would you
    your yours""".split()
)

# Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar: written without spaces between words.
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"\w+")


def indexed(text: str) -> str:
    """`text` as the keyword index takes it: runs of unspaced script become bigrams."""
    return _UNSPACED.sub(lambda run: f" {' '.join(_bigrams(run[0]))} ", text)


def terms(query: str) -> list[str]:
    """The words to search for, in order, without repeats and stop words.

    A query of nothing but stop words keeps them: "to be or not to be" is a query too.
    """
    words = list(dict.fromkeys(_WORD.findall(indexed(query).lower().replace("_", " "))))
    return [word for word in words if word not in STOP_WORDS] or words


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
