"""The answering hub: a Question in, events out, the last of which is the whole Answer.

Two gates come first: where the documents do not speak of the question, no model is asked; where they speak of it and
what is asked for may be missing, the chat model is asked whether it is there. No chat model: sentences are quoted,
and it says so.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from search import archive, conversation, embed, extracts, gates, query, writing
from search.errors import ModelError, ModelMissing, ModelUnreachable, StoreError
from search.gates import Background
from search.inert import inert
from search.ollama.stopping import Stop
from search.queries import Turn
from search.query import Searcher
from search.records import Hit, Query, Question, Space
from search.replies import (
    Answer,
    Answered,
    Event,
    Rerun,
    SavedAnswer,
    Sentence,
    SentenceChecked,
    Source,
    SourcesFound,
)
from search.store import Filter
from search.vectors import Floats, cosines
from search.writing import Chat, Draft

__all__ = ["Answerer", "Chat", "answer", "rerun", "stream"]

NEAREST_SHOWN = 3
REMEMBERED_SENTENCES = 10_000
HISTORY_CHARACTERS = 4_000
"""How much of a conversation goes to the model with a question."""
KEPT_FOR_QUESTION = 3
"""How many of the hits may be those of a follow-up as it was asked."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answers questions: an index, and a chat model or none. `vectors` are those of sentences, remembered."""

    searcher: Searcher
    chat: Chat | None = None
    background: Background = field(default_factory=Background)
    vectors: OrderedDict[tuple[int, str], Floats] = field(default_factory=OrderedDict)

    def stopped_by(self, stop: Stop) -> Answerer:
        """The same, with a chat model that `stop` breaks off from another thread: Stopped is raised then."""
        if self.chat is None:
            return self
        return replace(self, chat=replace(self.chat, client=self.chat.client.stopped_by(stop)))


def answer(answerer: Answerer, question: Question) -> Answer:
    """The answer as a whole, kept in the index where that was asked for. Raises SearchError."""
    for event in stream(answerer, question):
        if isinstance(event, Answered):
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def stream(answerer: Answerer, question: Question) -> Generator[Event]:
    """The answer as it comes: sources, text and checked sentences, and at the end all of it. Raises SearchError.

    Where it is to be kept and cannot be, it comes all the same, with a note.
    """
    for event in _events(answerer, question):
        if not question.save or not isinstance(event, Answered):
            yield event
            continue
        try:
            yield Answered(_kept(answerer, question, event.answer).answer)
        except StoreError as error:
            yield Answered(replace(event.answer, notes=(*event.answer.notes, f"the answer was not kept: {error}")))


def rerun(answerer: Answerer, id: int) -> Rerun:
    """Asks the question of a kept answer again, keeps the new answer, and says what is different.

    Raises AnswerMissing and SearchError.
    """
    before = answerer.searcher.store.answers.get(id)
    whole = answer(answerer, before.asked)
    kept = _kept(answerer, before.asked, whole, rerun_of=id)
    return Rerun(kept, archive.difference(before, kept))


def _kept(answerer: Answerer, asked: Question, whole: Answer, rerun_of: int | None = None) -> SavedAnswer:
    searcher = answerer.searcher
    digest = writing.digest(answerer.chat) if answerer.chat and whole.model else ""
    return archive.save(searcher.store, asked, whole, digest=digest, space=searcher.space(), rerun_of=rerun_of)


def _events(answerer: Answerer, question: Question) -> Generator[Event]:
    start = time.perf_counter()
    turns = conversation.recent(question.conversation, HISTORY_CHARACTERS)
    asked, notes = _understood(answerer, question, turns)
    if len(turns) < len(question.conversation):
        notes.append(f"only the last {len(turns)} of {len(question.conversation)} turns of the conversation were read")
    hits, found_notes = _found(answerer.searcher, question, asked)
    sources = tuple(Source(n, hit.document, hit.chunk) for n, hit in enumerate(hits, 1))
    draft = Draft(question.question, sources, [*notes, *found_notes], start, turns, question.think)
    near = Near(answerer)
    read = near.read(asked, sources, hits)
    probability = gates.probability(read.evidence)
    draft.metrics["relevance"] = round(probability, 3)
    if probability < gates.REFUSED:
        yield from _refuse(draft, "nothing in the documents comes close enough")
    elif answerer.chat is None:
        draft.notes.append("no chat model is set (SEARCH_CHAT_MODEL): the closest sentences, quoted")
        yield from _quote(draft, read)
    else:
        try:
            unsure = probability < gates.UNSURE or read.doubts()
            if unsure and not writing.states(answerer.chat, asked, sources):
                yield from _refuse(draft, f"{answerer.chat.model} does not find the answer in the passages")
            else:
                yield from writing.write(answerer.chat, draft, near.closeness)
        except (ModelUnreachable, ModelMissing) as error:
            if draft.text:
                raise
            draft.notes.append(f"the chat model cannot be used, so these are the closest sentences, quoted: {error}")
            yield from _quote(draft, read)


def _understood(answerer: Answerer, question: Question, turns: tuple[Turn, ...]) -> tuple[str, list[str]]:
    """The question to search for, and a note where it is not the one that was asked."""
    if not turns or not conversation.leans(question.question):
        return question.question, []
    asked = None
    if answerer.chat is not None:
        with suppress(ModelError):  # whether the model can be used at all is said when it is to answer
            asked = writing.rewritten(answerer.chat, question.question, turns)
    asked = asked or conversation.joined(question.question, turns)
    return asked, [f"searched for: {asked}"]


def _found(searcher: Searcher, question: Question, asked: str) -> tuple[tuple[Hit, ...], tuple[str, ...]]:
    """The hits for the question as it is understood; for a follow-up some of those for its own words too."""
    found = query.search(searcher, _query(question, asked))
    if asked == question.question:
        return found.hits, found.notes
    known = {hit.chunk.id for hit in found.hits}
    own = query.search(searcher, _query(question, question.question)).hits
    more = [hit for hit in own[:KEPT_FOR_QUESTION] if hit.chunk.id not in known]
    return (*found.hits[: question.k - len(more)], *more)[: question.k], found.notes


def _query(asked: Question, text: str) -> Query:
    return Query(
        text,
        asked.k,
        path=asked.path,
        type=asked.type,
        after=asked.after,
        before=asked.before,
        language=asked.language,
        where=asked.where,
    )


def _refuse(draft: Draft, why: str) -> Iterator[Event]:
    draft.sources = draft.sources[:NEAREST_SHOWN]
    yield SourcesFound(draft.sources)
    if draft.sources:
        draft.notes.append(f"{why}; the sources are the nearest passages")
    yield draft.finish("refused", "The documents do not seem to answer this question.")


def _quote(draft: Draft, read: extracts.Found) -> Iterator[Event]:
    """Answers with sentences of the sources, word for word."""
    yield SourcesFound(draft.sources)
    draft.notes += read.doubts()
    for extract in extracts.best(read.extracts):
        sentence = Sentence(f"{inert(extract.text)} [{extract.citation.source}]", "supported", (extract.citation,))
        draft.checked.append(sentence)
        yield SentenceChecked(sentence)
    quoted = "\n".join(f"- {' '.join(sentence.text.split())}" for sentence in draft.checked)
    yield draft.finish("extracts", f"Closest passages, quoted:\n{quoted}")


class Near:
    """How close texts are to each other, by the embedding model that searched."""

    def __init__(self, answerer: Answerer) -> None:
        self._searcher = answerer.searcher
        self._background = answerer.background
        self._vectors = answerer.vectors

    def read(self, question: str, sources: tuple[Source, ...], hits: tuple[Hit, ...]) -> extracts.Found:
        """The sources' sentences by closeness to the question; by words alone without a model."""
        seen = [hit.scores.vector for hit in hits[: extracts.SOURCES_READ] if hit.scores.vector is not None]
        space = self._searcher.space()
        if not seen or space is None:
            return extracts.find(question, sources)
        asked = self._searcher.vector(space, question)

        def near(texts: list[str]) -> Floats | None:
            try:
                return cosines(self._embedded(texts, space), asked)
            except ModelError:
                return None

        try:
            background = self._background.of(space.id, self._closest)
        except ModelError:
            return extracts.find(question, sources)
        return extracts.find(question, sources, near, background, max(seen))

    def closeness(self, text: str, others: list[str]) -> Floats | None:
        """How close a text is to others, 0 (unrelated) to 1; None where no model answers."""
        space = self._searcher.space()
        if space is None:
            return None
        try:
            background = self._background.of(space.id, self._closest)
            near = cosines(self._embedded(others, space), self._embedded([text], space)[0])
        except ModelError:
            return None
        closeness: Floats = np.clip((near - background) / (1 - background), 0, 1)
        return closeness

    def _closest(self, text: str) -> float | None:
        """The cosine of the chunk that is closest to a text."""
        store = self._searcher.store
        space = self._searcher.space()
        ranking = store.nearest(space, self._searcher.vector(space, text), 1, Filter()) if space else None
        return float(ranking.scores[0]) if ranking and len(ranking.scores) else None

    def _embedded(self, texts: list[str], space: Space) -> Floats:
        """A vector for each text; sentences that were read before cost nothing. Raises ModelError."""
        known = self._vectors
        found = {text: vector for text in texts if (vector := known.get((space.id, text))) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        found |= dict(zip(new, embed.documents(self._searcher.model(), new), strict=True))
        known.update({(space.id, text): found[text] for text in new})
        while len(known) > REMEMBERED_SENTENCES:
            known.popitem(last=False)
        return np.stack([found[text] for text in texts])
