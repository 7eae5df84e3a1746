"""How many passages fit a chat model's window, with room for the answer; and whether the model read them all.

The window that counts is the live one, which `/api/ps` gives once the model is loaded: it is often far smaller than
the one the model was trained with. Tokens of a foreign tokenizer are estimated, on the high side, and the estimate
is held against what the server counted afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from search import prompts
from search.errors import ModelError
from search.ollama.client import Client
from search.queries import Turn
from search.replies import Source

DEFAULT_WINDOW = 4096
"""Ollama's own default, for a model that is not loaded yet: one that has less refuses, and is loaded then."""
ANSWER_SHARE, ANSWER_LEAST, ANSWER_MOST = 4, 256, 1024
"""Room for the answer: a quarter of the window, within these bounds, in tokens."""
THINKING_SHARE, THINKING_MOST = 2, 8192
"""The same where the model thinks first: its thoughts take room of the window too."""
HEADROOM = 1.15
"""An estimate of tokens times this is planned with: a model's tokenizer may cut finer than `estimate` does."""
TEMPLATE = 32
"""Tokens that a model's template adds to a conversation, about."""
READ_SHARE = 0.6
"""A prompt of which the server counts less than this share of the estimate was cut, or is an old server's cache."""

_TOKEN = re.compile(r"[\u0e00-\u0eff\u2e80-\U0003ffff]|\w{1,6}|[^\w\s]|\n+")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent: the sources that fit, those that don't, the estimated tokens and the window they must fit."""

    sources: tuple[Source, ...]
    left_out: tuple[Source, ...]
    tokens: int
    window: int


def window(client: Client, model: str, wanted: int | None = None) -> int:
    """The window of a chat model in tokens: the live one, or the one that is `wanted` of it with each call.

    A model has no larger one than it was trained with. Ollama's default before it is loaded, or where nobody can say.
    """
    try:
        if wanted:
            return min(wanted, client.show(model).context_length or wanted)
        loaded = client.ps().find(model)
    except ModelError:
        return wanted or DEFAULT_WINDOW
    return loaded.context_length if loaded and loaded.context_length else DEFAULT_WINDOW


def plan(
    question: str, sources: Sequence[Source], window: int, turns: Sequence[Turn] = (), *, thinks: bool = False
) -> Plan:
    """As many of the sources as fit, best first; at least one, which the server may then refuse."""
    share, most = (THINKING_SHARE, THINKING_MOST) if thinks else (ANSWER_SHARE, ANSWER_MOST)
    room = window - min(max(window // share, ANSWER_LEAST), most)
    kept = len(sources)
    while kept > 1 and _size(question, sources[:kept], turns) > room:
        kept -= 1
    return Plan(tuple(sources[:kept]), tuple(sources[kept:]), _size(question, sources[:kept], turns), window)


def unread(plan: Plan, counted: int) -> tuple[Source, ...]:
    """The sources that the server cannot have read whole, by the tokens it counted; none where it counts nothing.

    A server that cuts in silence keeps the end of a conversation: what is lost is lost from the beginning.
    """
    if not 0 < counted < READ_SHARE * plan.tokens:
        return ()
    lost = plan.tokens / HEADROOM - counted - estimate(prompts.SYSTEM)
    unread: list[Source] = []
    for source in plan.sources:
        if lost <= 0:
            break
        unread.append(source)
        lost -= estimate(prompts.passage(source))
    return tuple(unread)


def estimate(text: str) -> int:
    """About how many tokens a text has, rather more than fewer."""
    return len(_TOKEN.findall(text))


def _size(question: str, sources: Sequence[Source], turns: Sequence[Turn]) -> int:
    messages = prompts.messages(question, sources, turns)
    return round(HEADROOM * sum(estimate(message["content"]) for message in messages)) + TEMPLATE
