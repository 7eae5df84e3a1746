"""The answering hub: a Question in, events out, the last of which is the whole Answer.

Nothing relevant found: no model is asked. No chat model: sentences are quoted, and it says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from search import citations, embed, extracts, prompts, query, sentences
from search.errors import InputTooLong, ModelError, ModelGarbled, ModelMissing, ModelUnreachable
from search.extracts import Extract
from search.ollama.client import Client
from search.query import Searcher
from search.records import Hit, Query, Question
from search.replies import Answer, Answered, Event, How, Sentence, SentenceChecked, Source, SourcesFound, TextWritten
from search.vectors import Floats, cosines

NEAREST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat model and the client that reaches it."""

    client: Client
    model: str


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answers questions: an index, and a chat model or none."""

    searcher: Searcher
    chat: Chat | None = None


def answer(answerer: Answerer, question: Question) -> Answer:
    """The answer as a whole. Raises SearchError."""
    for event in stream(answerer, question):
        if isinstance(event, Answered):
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def stream(answerer: Answerer, question: Question) -> Iterator[Event]:
    """The answer as it comes: sources, text and checked sentences, and at the end all of it. Raises SearchError."""
    start = time.perf_counter()
    found = query.search(answerer.searcher, _query(question))
    sources = tuple(Source(hit.rank, hit.document, hit.chunk) for hit in found.hits)
    draft = _Draft(question.question, sources, list(found.notes), start)
    quoted, relevance = _read(answerer.searcher, question.question, sources, found.hits)
    if relevance < extracts.RELEVANT:
        yield from _refuse(draft)
        return
    if answerer.chat is None:
        draft.notes.append("no chat model is set (SEARCH_CHAT_MODEL): the closest sentences, quoted")
        yield from _quote(draft, quoted)
        return
    try:
        yield from _write(answerer.chat, draft)
    except (ModelUnreachable, ModelMissing) as error:
        if draft.text:
            raise
        draft.notes.append(f"the chat model cannot be used, so these are the closest sentences, quoted: {error}")
        yield from _quote(draft, quoted)


def _query(asked: Question) -> Query:
    return Query(
        asked.question,
        asked.k,
        path=asked.path,
        type=asked.type,
        after=asked.after,
        before=asked.before,
        language=asked.language,
        where=asked.where,
    )


@dataclass(slots=True)
class _Draft:
    """An answer under way."""

    question: str
    sources: tuple[Source, ...]
    notes: list[str]
    start: float
    text: str = ""

    def finish(
        self,
        how: How,
        text: str,
        checked: list[Sentence],
        *,
        left_out: list[str] | None = None,
        model: str | None = None,
        metrics: dict[str, float] | None = None,
    ) -> Answered:
        seconds = {"total_seconds": round(time.perf_counter() - self.start, 3)}
        return Answered(
            Answer(
                self.question,
                text,
                how,
                tuple(checked),
                self.sources,
                tuple(left_out or ()),
                model,
                seconds | (metrics or {}),
                tuple(self.notes),
            )
        )


def _refuse(draft: _Draft) -> Iterator[Event]:
    draft.sources = draft.sources[:NEAREST_SHOWN]
    yield SourcesFound(draft.sources)
    if draft.sources:
        draft.notes.append("nothing in the documents comes close enough; the sources are the nearest passages")
    yield draft.finish("refused", "The documents do not seem to answer this question.", [])


def _quote(draft: _Draft, quoted: list[Extract]) -> Iterator[Event]:
    """Answers with sentences of the sources, word for word."""
    yield SourcesFound(draft.sources)
    checked = []
    for extract in extracts.best(quoted):
        sentence = Sentence(f"{extract.text} [{extract.citation.source}]", "supported", (extract.citation,))
        checked.append(sentence)
        yield SentenceChecked(sentence)
    text = "Closest passages, quoted:\n" + "\n".join(f"- {' '.join(sentence.text.split())}" for sentence in checked)
    yield draft.finish("extracts", text, checked)


def _write(chat: Chat, draft: _Draft) -> Iterator[Event]:
    """Has the chat model answer from the sources; each sentence is checked when it is finished."""
    checked: list[Sentence] = []
    dropped: list[int] = []
    left_out: list[str] = []
    metrics: dict[str, float] = {}
    taken = 0
    for event in _chatted(chat, draft, left_out, metrics):
        yield event
        if isinstance(event, TextWritten):
            draft.text += event.text
        end = taken + sentences.finished(draft.text[taken:])
        for sentence in _check(draft, taken, end, dropped):
            checked.append(sentence)
            yield SentenceChecked(sentence)
        taken = end
    for sentence in _check(draft, taken, len(draft.text), dropped):
        checked.append(sentence)
        yield SentenceChecked(sentence)
    if not draft.text.strip():
        raise ModelGarbled(f"{chat.model} at {chat.client.host.url} answered with nothing: ask again")
    left_out += [f"citation [{n}]: no such passage was sent" for n in dict.fromkeys(dropped)]
    how: How = "refused" if prompts.NOT_STATED.rstrip(".") in draft.text else "chat"
    text = citations.read(draft.text, len(draft.sources)).text.strip()
    yield draft.finish(how, text, checked, left_out=left_out, model=chat.model, metrics=metrics)


def _chatted(chat: Chat, draft: _Draft, left_out: list[str], metrics: dict[str, float]) -> Iterator[Event]:
    """The model's text piece by piece; where the sources don't fit its window, the last ones are left out."""
    while True:
        messages = prompts.messages(draft.question, draft.sources)
        try:
            # truncate and shift off: the server says so when the prompt is too long instead of cutting it.
            with chat.client.chat_stream(chat.model, messages, think=False, truncate=False, shift=False) as replies:
                yield SourcesFound(draft.sources)
                for reply in replies:
                    if reply.message.content:
                        yield TextWritten(reply.message.content)
                    if reply.done:
                        metrics.update(reply.metrics.figures())
            return
        except InputTooLong:
            if len(draft.sources) <= 1:
                raise
            last = draft.sources[-1]
            left_out.append(f"passage [{last.n}] of {last.document.path}: it does not fit the model's window")
            draft.sources = draft.sources[:-1]


def _check(draft: _Draft, start: int, end: int, dropped: list[int]) -> Iterator[Sentence]:
    text = draft.text[start:end]
    for begin, stop in sentences.spans(text):
        sentence, unknown = citations.check(text[begin:stop], draft.sources)
        dropped.extend(unknown)
        if sentence.text and prompts.NOT_STATED.rstrip(".") not in sentence.text:
            yield sentence


def _read(
    searcher: Searcher, question: str, sources: tuple[Source, ...], hits: tuple[Hit, ...]
) -> tuple[list[Extract], float]:
    """The sources' sentences by closeness, and how relevant the sources are; by words alone without a model."""
    seen = [hit.scores.vector for hit in hits[: extracts.SOURCES_READ] if hit.scores.vector is not None]
    if not seen:
        quoted = extracts.find(question, sources, lambda _: None, 0.0)
        return quoted, extracts.relevance(quoted, None, 0.0)

    def near(texts: list[str]) -> Floats | None:
        try:
            space = searcher.store.active()
            assert space is not None, "hits with cosines come from a space"
            return cosines(embed.documents(searcher.model(), texts), searcher.vector(space, question))
        except ModelError:
            return None

    background = searcher.background(question) or 0.0
    quoted = extracts.find(question, sources, near, background)
    return quoted, extracts.relevance(quoted, max(seen), background)
