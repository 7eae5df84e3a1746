"""An answer written by a chat model: planned to fit its window, streamed, each sentence checked when it is finished.

Nothing that a model was not sent, or cannot have read, is cited; what is shown of its text does nothing by itself.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TypedDict

from search import budget, citations, prompts, sentences
from search.errors import InputTooLong, ModelError, ModelGarbled, ModelRefused
from search.inert import Inert
from search.ollama.api import Options, Think
from search.ollama.client import Client
from search.queries import Turn
from search.repetition import circles
from search.replies import (
    Answer,
    Answered,
    Event,
    How,
    Sentence,
    SentenceChecked,
    Source,
    SourcesFound,
    TextWritten,
    Thought,
)
from search.support import Cosines

LONGEST_REWRITTEN = 1_000

TRIES = 2
"""How often a model is asked before an empty answer is an error."""


LONGEST = 2048
"""Tokens of an answer: some small models go on for ever. A model that thinks first may fill the window."""
LONGEST_FORM = 256
"""Tokens of a reply in a given form, which is a line: held to JSON, some models write blanks for ever."""

NO_THINKING = "does not support thinking"
"""How Ollama refuses to have a model think that cannot."""


class Sending(TypedDict):
    """Arguments of a call."""

    truncate: bool
    shift: bool
    options: Options | None


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat model, the client that reaches it, and the window in tokens to ask of it (None: the server's choice)."""

    client: Client
    model: str
    num_ctx: int | None = None

    @property
    def window(self) -> int:
        """The window that a call has."""
        return budget.window(self.client, self.model, self.num_ctx)

    def sending(self, longest: int | None) -> Sending:
        """What goes with each call; the window is the same with each, as another one loads the model anew.

        `longest` is where the reply is stopped, in tokens. truncate and shift off: the server says so when the prompt
        is too long instead of cutting it.
        """
        options = {"num_ctx": self.num_ctx, "num_predict": longest}
        return {
            "truncate": False,
            "shift": False,
            "options": {name: value for name, value in options.items() if value},
        }


@dataclass(slots=True)
class Draft:
    """An answer under way."""

    question: str
    sources: tuple[Source, ...]
    notes: list[str]
    start: float
    turns: tuple[Turn, ...] = ()
    think: Think = False
    text: str = ""
    checked: list[Sentence] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def finish(self, how: How, text: str, *, model: str | None = None) -> Answered:
        """The last event, of all that is known by now."""
        total = {"total_seconds": round(time.perf_counter() - self.start, 3)}
        left_out = [*self.left_out, *(f"citation [{n}]: no such passage was sent" for n in dict.fromkeys(self.dropped))]
        return Answered(
            Answer(
                self.question,
                text,
                how,
                tuple(self.checked),
                self.sources,
                tuple(left_out),
                model,
                total | self.metrics,
                tuple(self.notes),
            )
        )


def digest(chat: Chat) -> str:
    """The digest of the model that answers, the loaded one if it is; "" where the server does not say."""
    with suppress(ModelError):
        if found := chat.client.ps().find(chat.model) or chat.client.tags().find(chat.model):
            return found.digest
    return ""


def states(chat: Chat, question: str, sources: Sequence[Source]) -> bool:
    """Whether the model finds the answer in the passages, asked for a yes or no; yes where it says neither.

    Raises ModelError.
    """
    plan = budget.plan(question, sources, chat.window)
    reply = chat.client.chat(
        chat.model,
        prompts.sufficiency(question, plan.sources),
        format=prompts.SUFFICIENCY,
        think=False,
        **chat.sending(LONGEST_FORM),
    )
    return prompts.replied(reply.message.content).get("stated") is not False


def rewritten(chat: Chat, question: str, turns: Sequence[Turn]) -> str | None:
    """A follow-up as a question of its own, by the model; None where it gives none. Raises ModelError."""
    reply = chat.client.chat(
        chat.model,
        prompts.rewriting(question, turns),
        format=prompts.REWRITTEN,
        think=False,
        **chat.sending(LONGEST_FORM),
    )
    text = prompts.replied(reply.message.content).get("question")
    return text.strip()[:LONGEST_REWRITTEN] or None if isinstance(text, str) else None


def write(chat: Chat, draft: Draft, cosines: Cosines | None) -> Iterator[Event]:
    """Has the chat model answer from the sources. Raises ModelError."""
    _fit(draft, chat.window)
    for _ in range(TRIES):
        yield from _told(chat, draft, cosines)
        if draft.text.strip():
            break
        if draft.think:
            draft.think = False
            draft.notes.append(f"{chat.model} thought and said nothing: it was asked again without thinking")
    else:
        raise ModelGarbled(f"{chat.model} at {chat.client.host.url} answered with nothing, twice: ask again")
    _hold_against_count(draft, cosines)
    how: How = "refused" if prompts.NOT_STATED.rstrip(".") in draft.text else "chat"
    text = citations.read(draft.text, [source.n for source in draft.sources]).text.strip()
    yield draft.finish(how, text, model=chat.model)


def _fit(draft: Draft, window: int) -> None:
    """Leaves out the last sources, and says so, until the rest fits the window."""
    plan = budget.plan(draft.question, draft.sources, window, draft.turns, thinks=bool(draft.think))
    _leave_out(draft, len(plan.left_out))
    draft.metrics |= {"window_tokens": plan.window, "planned_tokens": plan.tokens}


def _leave_out(draft: Draft, count: int) -> None:
    kept = len(draft.sources) - count
    draft.left_out += [f"{_named(one)}: it does not fit the model's window" for one in reversed(draft.sources[kept:])]
    draft.sources = draft.sources[:kept]


def _told(chat: Chat, draft: Draft, cosines: Cosines | None) -> Iterator[Event]:
    """The model's text, and each sentence of it as soon as the next one begins."""
    draft.text, taken, shown = "", 0, Inert()
    with closing(_streamed(chat, draft)) as events:
        for event in events:
            if not isinstance(event, str):
                yield event
                continue
            if piece := shown.feed(event):
                draft.text += piece
                yield TextWritten(piece)
                end = taken + sentences.finished(citations.without_code(draft.text)[taken:])
                yield from _checked(draft, taken, end, cosines)
                taken = end
                if circles(draft.text):
                    why = "it said the same again and again; how much it had read is not known"
                    draft.notes.append(f"{chat.model} was stopped: {why}")
                    break
    if piece := shown.rest():
        draft.text += piece
        yield TextWritten(piece)
    yield from _checked(draft, taken, len(draft.text), cosines)


def _streamed(chat: Chat, draft: Draft) -> Generator[Event | str, None, None]:
    """The sources, then the text as it comes; where the server refuses, again with fewer sources or no thinking."""
    while True:
        try:
            yield from _written(chat, draft)
            return
        except InputTooLong:
            if len(draft.sources) <= 1:
                raise
            before = len(draft.sources)
            _fit(draft, budget.window(chat.client, chat.model))
            if len(draft.sources) == before:
                _leave_out(draft, 1)
        except ModelRefused as error:
            if not draft.think or NO_THINKING not in error.message:
                raise
            draft.think = False
            draft.notes.append(f"{chat.model} cannot think: it answered at once")


def _written(chat: Chat, draft: Draft) -> Iterator[Event | str]:
    """One answer of the model. Thoughts are events, and only where they were asked for: some models always think."""
    messages = prompts.messages(draft.question, draft.sources, draft.turns)
    thoughts = Inert()
    sending = chat.sending(None if draft.think else LONGEST)
    with chat.client.chat_stream(chat.model, messages, think=draft.think, **sending) as replies:
        yield SourcesFound(draft.sources)
        for reply in replies:
            piece = thoughts.feed(reply.message.thinking) if draft.think else ""
            if reply.message.content or reply.done:
                piece += thoughts.rest()
            if piece:
                yield Thought(piece)
            if reply.message.content:
                yield reply.message.content
            if reply.done:
                draft.metrics |= reply.metrics.figures()
                if reply.done_reason == "length":
                    is_endless = not draft.think and reply.eval_count >= LONGEST
                    why = f"the answer had no end after {LONGEST:,} tokens" if is_endless else "its window was full"
                    draft.notes.append(f"{chat.model} stopped before its end: {why}")


def _checked(draft: Draft, start: int, end: int, cosines: Cosines | None) -> Iterator[SentenceChecked]:
    """The sentences of a stretch of the text, each held against the passages; code is none."""
    text = citations.without_code(draft.text)[start:end]
    for begin, stop in sentences.spans(text):
        sentence, unknown = citations.check(text[begin:stop], draft.sources, cosines)
        draft.dropped.extend(unknown)
        if sentence.text and prompts.NOT_STATED.rstrip(".") not in sentence.text:
            draft.checked.append(sentence)
            yield SentenceChecked(sentence)


def _hold_against_count(draft: Draft, cosines: Cosines | None) -> None:
    """Takes out sources that the server cannot have read, by the tokens it counted, and checks again without them."""
    plan = budget.plan(draft.question, draft.sources, int(draft.metrics["window_tokens"]), draft.turns)
    unread = budget.unread(plan, int(draft.metrics.get("prompt_tokens", 0)))
    if not unread:
        return
    draft.left_out += [f"{_named(source)}: the server cut it without saying so" for source in unread]
    draft.notes.append(
        f"the model counted {draft.metrics['prompt_tokens']:,.0f} tokens of about {plan.tokens:,}: the server has cut "
        "the prompt; set a larger context length there, or ask with a smaller k"
    )
    draft.sources = tuple(source for source in draft.sources if source not in unread)
    draft.checked = [citations.check(sentence.text, draft.sources, cosines)[0] for sentence in draft.checked]


def _named(source: Source) -> str:
    return f"passage [{source.n}] of {source.document.path}"
