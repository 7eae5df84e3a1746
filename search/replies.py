"""The records of answering: an answer with its sentences, sources and checks, and the events it comes in.

The HTTP schema too, as `search.records` is; offsets are counted as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.queries import Question
from search.records import ChunkRef, DocumentRef, Space

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
    were found but not read, and citations that were dropped. `id` is its number where it is kept in the index.
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
    id: int | None = None

    @property
    def cited(self) -> frozenset[int]:
        """The numbers of the sources in which sentences of it stand."""
        return frozenset(citation.source for sentence in self.sentences for citation in sentence.citations)

    @property
    def rests_on(self) -> frozenset[int]:
        """The numbers of the sources that its sentences cite; of all, where they cite none, as in a refusal."""
        return self.cited or frozenset(source.n for source in self.sources)

    @property
    def shown(self) -> tuple[Source, ...]:
        """The sources to show with it: those that are cited; of a refusal, the nearest passages."""
        return tuple(source for source in self.sources if source.n in self.cited or self.how == "refused")


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
class Thought:
    """A piece of what the model thinks before it answers; no part of the answer, and not checked."""

    text: str
    type: Literal["thinking"] = "thinking"


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


Event = SourcesFound | Thought | TextWritten | SentenceChecked | Answered


# ------------------------------------------------------------------ kept answers


@dataclass(frozen=True, slots=True)
class SavedEntry:
    """A kept answer in a list. `created` is in seconds since the epoch; `stale` as in SavedAnswer."""

    id: int
    created: float
    question: str
    how: How
    model: str | None
    rerun_of: int | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Leaning:
    """A sentence that leaned on a passage, and whether the words that it cites still stand in the document."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class PassageNow:
    """What stands today where a passage of an answer stood."""

    text: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PassageChange:
    """A passage that an answer rests on and that is not in the index any more as it was read.

    `source` is the passage as it was; `now` the one of the same document that is most like it, None where there is
    none. `sentences` are those of the answer that leaned on it.
    """

    source: Source
    now: PassageNow | None
    sentences: tuple[Leaning, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A source whose passage stands in another document today, unchanged: the file was renamed or moved."""

    n: int
    document: DocumentRef


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """A kept answer with what it was made of: `answer.sources` holds the passages as they were read.

    `asked` is the question with its settings, `digest` the chat model's ("" where none was asked or it did not say),
    `space` the vector space that was searched, `version` this program's; `rerun_of` is the answer that was asked again.
    `stale`: of the passages that it rests on, one is not in the index any more; `changes` says which. `moved` are those
    that stand elsewhere now.
    """

    id: int
    created: float
    asked: Question
    answer: Answer
    digest: str
    space: Space | None
    version: str
    rerun_of: int | None = None
    stale: bool = False
    changes: tuple[PassageChange, ...] = ()
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """How a later answer differs from an earlier one: sentences compared without their citations, sources by content.

    `same`: the same kind of answer, with the same sentences. `how`, `model` and its `digest` before and after.
    """

    same: bool
    how: tuple[How, How]
    model: tuple[str | None, str | None]
    digest: tuple[str, str]
    sentences_gone: tuple[str, ...]
    sentences_new: tuple[str, ...]
    sources_gone: tuple[Source, ...]
    sources_new: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Rerun:
    """A kept answer to a question that was asked again, and how it differs from the one before."""

    answer: SavedAnswer
    difference: Difference
