"""Answers that are kept: what goes into the record, what has become of its passages, how two answers differ."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace

from search import __version__
from search.errors import DocumentMissing
from search.keywords import terms
from search.records import ChunkRef, Question, Space
from search.replies import Answer, Difference, Leaning, Moved, PassageChange, PassageNow, SavedAnswer, Source
from search.store import Store

LIKENESS = 0.3
"""A passage of today is what became of an earlier one where they share so much of their words."""

_MARKERS = re.compile(r"\s*\[\d+\]")


def save(
    store: Store, asked: Question, answer: Answer, *, digest: str, space: Space | None, rerun_of: int | None = None
) -> SavedAnswer:
    """Keeps an answer with what it was made of. Raises StoreError."""
    question = replace(asked, stream=False, save=False)
    made = SavedAnswer(0, time.time(), question, answer, digest, space, __version__, rerun_of)
    id_ = store.answers.keep(made)
    return replace(made, id=id_, answer=replace(answer, id=id_))


def saved(store: Store, id: int) -> SavedAnswer:
    """A kept answer, with what has become of the passages that it rests on. Raises AnswerMissing."""
    found = store.answers.get(id)
    gone = store.answers.gone(id)
    rests_on = [source for source in found.answer.sources if source.n in found.answer.rests_on]
    changes = [_change(store, found.answer, source) for source in rests_on if source.n in gone]
    moved = [_moved(store, source) for source in rests_on if source.n not in gone]
    return replace(found, changes=tuple(changes), moved=tuple(one for one in moved if one))


def difference(old: SavedAnswer, new: SavedAnswer) -> Difference:
    """How a later answer to a question differs from an earlier one."""
    before, after = ([_plain(sentence.text) for sentence in one.answer.sentences] for one in (old, new))
    gone, added = (_without(before, after), _without(after, before))
    known, found = ({source.chunk.id for source in one.answer.sources} for one in (old, new))
    return Difference(
        same=old.answer.how == new.answer.how and not gone and not added,
        how=(old.answer.how, new.answer.how),
        model=(old.answer.model, new.answer.model),
        digest=(old.digest, new.digest),
        sentences_gone=gone,
        sentences_new=added,
        sources_gone=tuple(source for source in old.answer.sources if source.chunk.id not in found),
        sources_new=tuple(source for source in new.answer.sources if source.chunk.id not in known),
    )


def _moved(store: Store, source: Source) -> Moved | None:
    """Where a passage stands that is not where it was."""
    places = store.answers.places(source.chunk.id)
    name = (source.document.root, source.document.path)
    return None if not places or name in [(one.root, one.path) for one in places] else Moved(source.n, places[0])


def _change(store: Store, answer: Answer, source: Source) -> PassageChange:
    """What has become of a passage, and of what was said with it."""
    document = source.document
    try:
        whole = store.document(document.root, document.path)
    except DocumentMissing:
        text, now = "", None
    else:
        text = whole.text
        now = _likest(
            source.chunk.text,
            [PassageNow(text[one.start : one.end], one.start, one.end, one.page, one.heading) for one in whole.spans],
        )
    leaning = []
    for sentence in answer.sentences:
        cited = [one for one in sentence.citations if one.source == source.n]
        words = [_cut(source.chunk, one.start, one.end) for one in cited]
        if cited:
            leaning.append(Leaning(sentence.text, bool(text) and all(part in text for part in words)))
    return PassageChange(source, now, tuple(leaning))


def _likest(text: str, passages: Iterable[PassageNow]) -> PassageNow | None:
    """The passage that shares most of its words with a text; None where none shares enough."""
    wanted = set(terms(text))
    likeness = {passage: _shared(wanted, set(terms(passage.text))) for passage in passages}
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best if best is not None and likeness[best] >= LIKENESS else None


def _shared(one: set[str], other: set[str]) -> float:
    """How much two sets have in common, 0 to 1 (Jaccard)."""
    return len(one & other) / len(one | other) if one | other else 1.0


def _cut(chunk: ChunkRef, start: int, end: int) -> str:
    """What a citation, whose span counts in the document, has of a passage."""
    return chunk.text[max(0, start - chunk.start) : max(0, end - chunk.start)]


def _plain(text: str) -> str:
    """A sentence without the numbers of its sources, which depend on their order."""
    return " ".join(_MARKERS.sub("", text).split())


def _without(some: list[str], others: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for sentence in some if sentence not in others))
