"""The records of answering: an answer with its sentences, sources and checks, and the events it comes in.

The HTTP schema too, as `search.records` is; offsets are counted as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.records import ChunkRef, DocumentRef

How = Literal["chat", "extracts", "refused"]
Support = Literal["supported", "partly", "not found"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence stands: source number, and the span in that source's document."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and what was found of it in the sources.

    `missing` are its numbers, dates and names that the sources don't have in this place, and "not" where one
    denies what the other says.
    """

    text: str
    support: Support
    citations: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered passage."""

    n: int
    document: DocumentRef
    chunk: ChunkRef


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a Question.

    `how`: `chat` (a model wrote it from the sources), `extracts` (sentences quoted from the sources) or
    `refused` (nothing relevant; `sources` are then the nearest passages). `left_out` names passages that
    were found but not read, and citations that were dropped.
    """

    question: str
    answer: str
    how: How
    sentences: tuple[Sentence, ...]
    sources: tuple[Source, ...]
    left_out: tuple[str, ...]
    model: str | None
    metrics: dict[str, float]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """First event of an answer under way: the passages it will rest on."""

    sources: tuple[Source, ...]
    type: Literal["sources"] = "sources"


@dataclass(frozen=True, slots=True)
class TextWritten:
    """A piece of the answer as the model wrote it, not yet checked."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class SentenceChecked:
    """A finished sentence and what was found of it in the sources."""

    sentence: Sentence
    type: Literal["sentence"] = "sentence"


@dataclass(frozen=True, slots=True)
class Answered:
    """Last event: the whole answer."""

    answer: Answer
    type: Literal["answer"] = "answer"


Event = SourcesFound | TextWritten | SentenceChecked | Answered
