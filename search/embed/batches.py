"""One batch at one host: each text gets its vector, or a reason why it has none; never is one cut.

A server refuses a batch as a whole, whichever text was the cause. So a batch that is refused is sent again in
halves, down to the text that is refused alone. That one is parted and its vector is the mean of its parts', or
it is given up with the server's words. Before a text is blamed, the server has to embed a plain word.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from search.embed import ledger, models
from search.embed.ledger import Ledger
from search.embed.models import Model
from search.errors import (
    InputTooLong,
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelMissing,
    ModelRefused,
    ModelUnreachable,
    RouteMissing,
    RunnerFailed,
)
from search.ollama.client import Client
from search.records import LedgerRow
from search.vectors import Floats, unit

TRIES_WHEN_PARTED = 2
"""Tries of a half of a batch, or a part of a text: the whole had `models.TRIES` already."""
MOST_PARTS, MOST_PARTS_AFTER_CRASH = 64, 4
"""Of one text. After a crash each try may cost the server a new start of its runner."""


@dataclass(slots=True, eq=False)
class Embedded:
    """What became of the texts of a batch, by their place in it.

    places   of the texts that have a vector, ascending
    vectors  (places, dimensions), unit length
    parts    in how many parts a text was embedded, where these were more than one
    refused  why a text has no vector
    row      what was sent and what the server counted
    """

    places: list[int]
    vectors: Floats
    parts: dict[int, int]
    refused: dict[int, str]
    row: LedgerRow


def embed(model: Model, client: Client, texts: Sequence[str], accounts: Ledger, limits: dict[str, int]) -> Embedded:
    """Embeds documents at one host. `limits` has the hosts that were caught cutting, with their number of tokens.

    Raises ModelError for what is no text's fault: the server gone, busy, without the model, or useless.
    """
    start = time.perf_counter()
    work = _Work(model, client, texts, accounts, limits)
    work.run(list(range(len(texts))), models.TRIES)
    places = sorted(work.vectors)
    found = [work.vectors[place] for place in places]
    matrix = np.stack(found) if found else np.empty((0, model.dimensions), np.float32)
    row = LedgerRow(
        host=client.host.url,
        sent=len(texts),
        counted=work.counted,
        expected=work.expected,
        seconds=round(time.perf_counter() - start, 3),
        note=f"the server cuts texts at {work.limit} tokens and says nothing" if work.limit else "",
    )
    return Embedded(places, matrix, work.parts, work.refused, row)


@dataclass(slots=True)
class _Work:
    """A batch under way."""

    model: Model
    client: Client
    texts: Sequence[str]
    accounts: Ledger
    limits: dict[str, int]
    vectors: dict[int, Floats] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    counted: int = 0
    expected: int = 0

    @property
    def limit(self) -> int:
        """After how many tokens this host is known to cut; 0 for an honest one."""
        return self.limits.get(self.client.host.url, 0)

    def run(self, places: list[int], tries: int) -> None:
        """Embeds these texts in one request if that is possible, else in halves."""
        if self.limit and len(places) > 1:
            for place in places:
                self.run([place], tries)
            return
        try:
            vectors = self.ask([self.texts[place] for place in places], tries)
        except _Cut:
            self.run(places, tries)
        except ModelError as error:
            if not _of_a_text(error):
                raise
            if len(places) == 1:
                self.alone(places[0], error)
            else:
                middle = len(places) // 2
                self.run(places[:middle], TRIES_WHEN_PARTED)
                self.run(places[middle:], TRIES_WHEN_PARTED)
        else:
            self.vectors.update(zip(places, vectors, strict=True))

    def ask(self, texts: list[str], tries: int) -> Floats:
        """One request, held against the ledger. Raises _Cut where the server is first caught cutting."""
        sent = models.prefixed(self.model, texts)
        vectors, counted = self.with_retries(sent, tries)
        estimated = sum(map(ledger.estimate, sent))
        expected = self.accounts.expected(estimated)
        if self.limit and counted >= self.limit:
            raise InputTooLong(f"{self.client.host.url} reads {self.limit} tokens and cuts what is longer, silently")
        if not self.limit and self.accounts.short(counted, expected) and (limit := ledger.limit(sent, self.count)):
            self.limits[self.client.host.url] = limit
            raise _Cut
        self.accounts.learn(estimated, counted)
        self.counted += counted
        self.expected += expected
        return vectors

    def with_retries(self, sent: list[str], tries: int) -> tuple[Floats, int]:
        """Vectors and token count of texts, asked for again while the server is busy or its runner fails."""
        call = partial(models.counted, self.model, texts=sent)
        return models.with_retries(call, self.client, tries, (ModelBusy, RunnerFailed))

    def count(self, text: str) -> int:
        """How many tokens of a text the server reads; 0 where it refuses it, as it should."""
        try:
            return models.counted(self.model, self.client, texts=[text])[1]
        except InputTooLong:
            return 0

    def alone(self, place: int, error: ModelError) -> None:
        """A text that is refused by itself: in parts where it may be too long, else given up."""
        if isinstance(error, InputTooLong | RunnerFailed):
            most = MOST_PARTS if isinstance(error, InputTooLong) else MOST_PARTS_AFTER_CRASH
            try:
                return self.keep(place, self.parted(self.texts[place], most))
            except ModelError as inner:
                if not _of_a_text(inner):
                    raise
        self.with_retries([models.PROBE], TRIES_WHEN_PARTED)  # raises where it isn't the text that is to blame
        self.refused[place] = str(error)
        return None

    def keep(self, place: int, parts: list[tuple[str, Floats]]) -> None:
        """The text's vector: the mean of its parts', weighted by their lengths."""
        weights = np.array([len(text) for text, _ in parts], np.float32)
        mean = weights @ np.stack([vector for _, vector in parts])
        self.vectors[place], self.parts[place] = unit(mean[None, :])[0], len(parts)

    def parted(self, text: str, most: int) -> list[tuple[str, Floats]]:
        """The text's parts with their vectors: as few as the server takes, at most `most`.

        Raises ModelError for a part that it doesn't take.
        """
        if len(text) < 2 or most < 2:
            raise InputTooLong(f"{self.client.host.url} does not take a part of {len(text)} characters")
        done: list[tuple[str, Floats]] = []
        for half in ledger.halves(text):
            try:
                done.append((half, self.ask([half], TRIES_WHEN_PARTED)[0]))
            except (InputTooLong, RunnerFailed):
                done += self.parted(half, most // 2)
        return done


class _Cut(Exception):
    """The server was caught cutting texts; what it answered is not used."""


def _of_a_text(error: ModelError) -> bool:
    """Whether a text may have caused the error, rather than the server's state."""
    if isinstance(error, ModelMissing | RouteMissing):
        return False
    if isinstance(error, ModelUnreachable):
        return isinstance(error, RunnerFailed)
    return isinstance(error, ModelRefused | ModelGarbled)
