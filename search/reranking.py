"""The first hits in a better order: a chat model reads the passages and grades how well each answers the query.

One call for all of them, in a form that the server holds the model to, with a limit on its time. Whatever goes wrong,
the hits stay in the order that they had, and a note says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Timer

from search import budget, prompts
from search.errors import ModelError, ModelGarbled, Stopped
from search.ollama.stopping import Stop
from search.records import Hit
from search.replies import Source
from search.writing import LONGEST, Chat

READ = 20
"""How many of the first hits are read."""

SECONDS = 60.0
"""How long the model may take; loading it counts too."""


def rerank(chat: Chat, query: str, hits: tuple[Hit, ...], *, seconds: float = SECONDS) -> tuple[tuple[Hit, ...], str]:
    """The hits by grade, best first, and a note where not all could be graded ("" where all were).

    Hits of the same grade stay in their order. Those that were not read, which are the last, follow in theirs.
    """
    if len(hits) < 2:
        return hits, ""
    sources = [Source(n, hit.document, hit.chunk) for n, hit in enumerate(hits[:READ], 1)]
    try:
        plan = budget.plan(query, sources, chat.window)
        grades = _grades(chat, query, plan, seconds)
    except ModelError as error:
        return hits, f"not reranked: {error}"
    graded = [
        replace(hit, grade=grade, why=f"grade {grade} of {prompts.BEST_GRADE} by {chat.model}; {hit.why}")
        for hit, grade in zip(hits, grades, strict=False)
    ]
    graded.sort(key=lambda hit: -(hit.grade or 0))
    note = f"{len(plan.left_out)} of {len(sources)} hits were not reranked: they do not fit the window of {chat.model}"
    return (*graded, *hits[len(graded) :]), note if plan.left_out else ""


def _grades(chat: Chat, query: str, plan: budget.Plan, seconds: float) -> list[int]:
    """The model's grade of each source. Raises ModelError."""
    stop = Stop()
    timer = Timer(seconds, stop)
    timer.start()
    try:
        reply = chat.client.stopped_by(stop).chat(
            chat.model,
            prompts.grading(query, plan.sources),
            format=prompts.grades(len(plan.sources)),
            think=False,
            **chat.sending(LONGEST),
        )
    except Stopped:
        raise Stopped(f"{chat.model} took longer than {seconds:g} seconds: ask again when it is loaded") from None
    finally:
        timer.cancel()
    if budget.unread(plan, reply.metrics.prompt_tokens):
        raise ModelGarbled(f"the server has cut the passages for {chat.model}: set a larger context length there")
    return _read(reply.message.content, plan.sources, chat.model)


def _read(text: str, sources: Sequence[Source], model: str) -> list[int]:
    """The grades in a reply. Raises ModelGarbled unless each passage has one."""
    found = prompts.replied(text)
    grades = [found.get(str(source.n), -1) for source in sources]
    if any(type(grade) is not int or not 0 <= grade <= prompts.BEST_GRADE for grade in grades):
        raise ModelGarbled(f"{model} did not grade each passage: {' '.join(text.split())[:80]!r}")
    return grades
