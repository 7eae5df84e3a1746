"""Vectors while text is still being read: a thread that embeds what is in the index and has no vector.

Text comes first: a batch is made only when it is full, or when all text is there, so batches are the same whichever
is faster. Knows no file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np

from search import embed
from search.embed import spreading
from search.embed.spreading import Batch
from search.records import Space
from search.store import Account, Store

BATCH = 32
TICK = 0.2
"""Seconds after which a waiting thread looks around: a wait without end cannot be interrupted everywhere."""
PAUSE = 0.02
"""Seconds between two looks whether there is enough text for a batch."""

NOTHING_YET: Batch = (np.empty(0, np.int64), [])


@dataclass(slots=True)
class Made:
    """What became of chunks at the model; `waiting` have no vector yet when it is over."""

    embedded: int = 0
    parted: int = 0
    quarantined: int = 0
    waiting: int = 0
    notes: list[str] = field(default_factory=list)


class Embedding:
    """Embeds in the background from when it is entered; what it did, and what went wrong, `finish` says.

    Leaving it without that ends it after the batches that are at the model.
    """

    def __init__(
        self,
        store: Store,
        model: Callable[[], embed.Model],
        chunking: str,
        *,
        retry: bool,
        paused: Callable[[], bool],
        tell: Callable[[int, int], None],
    ) -> None:
        self._store = store
        self._model = model
        self._chunking = chunking
        self._retry = retry
        self._paused = paused
        self._tell = tell
        self._made = Made()
        self._at_model = 0
        self._all_read = threading.Event()
        self._left = threading.Event()
        self._space: Space | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-embedding", daemon=True)

    def __enter__(self) -> Embedding:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        # One that waits for a slow server is not waited for: what it gets is not kept, and embedded again.
        self._thread.join(TICK)

    def finish(self) -> Made:
        """To be called when all text is in the index: waits until all has its vector, or it is paused.

        The space becomes the active one when all have. A chunk of which the model makes none is in quarantine with
        the reason, and is not sent again until `retry`. Raises StoreError, and ModelError where the model fails.
        """
        self._all_read.set()
        while self._thread.is_alive():
            self._thread.join(TICK)
        if self._error:
            raise self._error
        if (space := self._space) is not None:
            self._made.waiting = self._store.waiting(space)
            if not space.active and not self._made.waiting:
                self._store.activate(space)
            if self._made.embedded and (doubt := embed.doubt(space.model, self._store.counts().languages)):
                self._made.notes.append(doubt)
        return self._made

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._embed()
        except BaseException as error:
            self._error = error

    def _embed(self) -> None:
        model, store, made = self._model(), self._store, self._made
        space = self._space = store.space(model.space(self._chunking))
        if self._retry:
            store.release(space)
        for ids, batch in spreading.spread(model, self._batches(space), self._stopped):
            parted = {int(ids[place]): parts for place, parts in batch.parts.items()}
            refused = {int(ids[place]): reason for place, reason in batch.refused.items()}
            store.add(space, ids[batch.places], batch.vectors, Account(batch.row, parted, refused))
            self._at_model -= len(ids)
            made.embedded += len(batch.places)
            made.parted += len(parted)
            made.quarantined += len(refused)
            if batch.row.note and (note := f"{batch.row.host}: {batch.row.note}") not in made.notes:
                made.notes.append(note)
            if self._all_read.is_set():
                done = made.embedded + made.quarantined
                self._tell(done, done + store.waiting(space))

    def _batches(self, space: Space) -> Iterator[Batch]:
        """What waits for a vector, in full batches; NOTHING_YET where there will be more."""
        last = 0
        while True:
            is_all = self._all_read.is_set()
            is_full = is_all or self._store.waiting(space) - self._at_model >= BATCH
            batch = next(self._store.missing(space, BATCH, last), None) if is_full else None
            if batch is not None:
                last = int(batch[0][-1])
                self._at_model += len(batch[0])
                yield batch
            elif is_all:
                return
            else:  # what was counted may have gone again by the time it was looked for
                self._all_read.wait(PAUSE)
                yield NOTHING_YET

    def _stopped(self) -> bool:
        """Whether to begin no more. A pause waits for the first batch: else, where it comes often, none was made."""
        return self._left.is_set() or (self._paused() and bool(self._made.embedded + self._made.quarantined))
