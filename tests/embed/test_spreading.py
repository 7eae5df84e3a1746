"""Several hosts: all of them work, one that fails costs nothing, and none with another model is used."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import numpy as np
import pytest

from search import embed
from search.config import EMBEDDED_HOST, EMBEDDED_MODEL
from search.embed import spreading
from search.embed.models import Model
from search.embed.spreading import Batch
from search.embedded.transport import EmbeddedTransport
from search.errors import ModelMissing, ModelUnreachable
from search.ollama.client import Client
from tests import fake_models
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama

COUNT, SIZE = 24, 4


@contextmanager
def fleet(number: int, seconds: float = 0.002) -> Iterator[tuple[list[FakeOllama], Model]]:
    """So many servers of equal speed and a model on all of them."""
    with ExitStack() as stack:
        fakes = [stack.enter_context(FakeOllama(seconds_per_text=seconds)) for _ in range(number)]
        client = stack.enter_context(Client(",".join(fake.url for fake in fakes)))
        yield fakes, embed.describe(client, "all-minilm")


def texts() -> Iterator[Batch]:
    for batch in range(COUNT):
        ids = np.arange(batch * SIZE, (batch + 1) * SIZE)
        yield ids, [f"text {number}" for number in ids]


def collect(model: Model, source: Iterator[Batch] | None = None) -> dict[int, np.ndarray]:
    """The vector of each id; fails where one comes twice."""
    found: dict[int, np.ndarray] = {}
    for ids, made in spreading.spread(model, source or texts()):
        for id_, vector in zip(ids[made.places], made.vectors, strict=True):
            assert int(id_) not in found
            found[int(id_)] = vector
    return found


def check(found: dict[int, np.ndarray]) -> None:
    """Every text has its own vector."""
    assert sorted(found) == list(range(COUNT * SIZE))
    for id_, vector in found.items():
        assert np.allclose(vector, fake_models.vector(f"text {id_}"), atol=1e-6)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_every_host_works_and_every_text_is_embedded_once(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing lost, nothing twice, and no host idle."""
    monkeypatch.setattr(spreading, "LATE", math.inf)  # on a busy machine any batch may be late
    with fleet(number) as (fakes, model):
        for fake in fakes:
            fake.fault("slow", route="/api/embed", times=1, until=lambda: all(other.texts for other in fakes))
        fakes[0].texts.clear()
        check(collect(model))
        sent = Counter(text for fake in fakes for text in fake.texts if text != "dimensions")
        assert set(sent.values()) == {1}
        assert all(len(fake.texts) >= SIZE for fake in fakes)


def test_killing_a_host_in_the_middle_loses_and_duplicates_nothing() -> None:
    """Its batch goes to another."""
    with fleet(3) as (fakes, model):

        def source() -> Iterator[Batch]:
            for number, batch in enumerate(texts()):
                if number == COUNT // 2:
                    fakes[1].stop()
                yield batch

        check(collect(model, source()))


def test_a_host_that_comes_back_works_again() -> None:
    """It is drained while it is away, and its model is looked at again."""
    with fleet(2) as (fakes, model):
        fakes[1].stop()
        tags = fakes[1].calls["/api/tags"]

        def source() -> Iterator[Batch]:
            for number, batch in enumerate(texts()):
                if number == 6:
                    fakes[1].start()
                    # The other one would be done with all before this one is tried again.
                    fakes[0].fault("slow", route="/api/embed", until=lambda: fakes[1].texts)
                yield batch

        check(collect(model, source()))
        assert fakes[1].texts
        assert fakes[1].calls["/api/tags"] > tags


def test_a_host_that_hangs_keeps_nobody_waiting() -> None:
    """Its batch is done by another when it is late."""
    with fleet(2) as (fakes, model):
        fakes[1].fault("stall", route="/api/embed")
        check(collect(model))


def test_without_any_host_the_run_ends() -> None:
    """With the words of the last failure, after several tries."""
    with fleet(2) as (fakes, model):
        for fake in fakes:
            fake.stop()
        with pytest.raises(ModelUnreachable, match="no answer from"):
            collect(model)


def test_another_model_under_the_same_name_is_refused() -> None:
    """Its vectors could not be compared with the others."""
    with fleet(2) as (fakes, model):
        fakes[1].models["all-minilm:latest"] = FakeModel("all-minilm", digest="ffff")
        with pytest.raises(ModelMissing, match="has another all-minilm"):
            collect(model)
        del fakes[1].models["all-minilm:latest"]
        with pytest.raises(ModelMissing, match="ollama pull all-minilm"):
            collect(model)


def test_queries_go_to_a_host_that_answers() -> None:
    """A service with two hosts outlives one of them."""
    with fleet(2) as (fakes, model):
        fakes[0].stop()
        assert embed.query(model, "question").shape == (256,)
        fakes[0].start()
        calls = fakes[0].calls["/api/embed"]
        assert embed.query(model, "question").shape == (256,)
        assert fakes[0].calls["/api/embed"] == calls, "one that was away is asked after the others for a while"
        fakes[0].stop()
        assert embed.describe(model.client, "all-minilm").digest == model.digest


def test_leaving_early_ends_the_threads() -> None:
    """Whoever stops reading leaves nothing running."""
    with fleet(2) as (_, model):
        results = spreading.spread(model, texts())
        next(results)
        results.close()  # type: ignore[attr-defined]
        for thread in threading.enumerate():
            if "(work)" in thread.name:
                thread.join(20)
                assert not thread.is_alive()


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_stopped_is_finished_where_it_was_begun(number: int) -> None:
    """What a server has embedded is kept, and what it had not begun is not sent any more."""
    with fleet(number, seconds=0.01) as (fakes, model):
        stopped = threading.Event()
        results = spreading.spread(model, texts(), stopped.is_set)
        found = next(results)[0].tolist()
        stopped.set()
        found += [id_ for ids, _ in results for id_ in ids.tolist()]
        sent = {text for fake in fakes for text in fake.texts if text != "dimensions"}
        assert sent == {f"text {id_}" for id_ in found}
        assert len(found) < COUNT * SIZE


class Counting(httpx.BaseTransport):
    """Forwards to a server, or to the embedded model, and keeps the most requests that were under way together.

    The first batch waits so many seconds for another one to come.
    """

    def __init__(self, inner: httpx.BaseTransport, patience: float) -> None:
        self._inner = inner
        self._changed = threading.Condition()
        self._open = self.most = 0
        self._patience = patience

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._changed:
            self._open += 1
            self.most = max(self.most, self._open)
            self._changed.notify_all()
            if b"text 0" in request.content:
                self._changed.wait_for(lambda: self.most > 1, self._patience)
        try:
            response = self._inner.handle_request(request)
            response.read()
            return response
        finally:
            with self._changed:
                self._open -= 1

    def close(self) -> None:
        self._inner.close()


def test_a_server_has_one_batch_at_a_time() -> None:
    """A text that makes its runner crash would take another one down with it."""
    with FakeOllama(seconds_per_text=0.002) as fake:
        transport = Counting(httpx.HTTPTransport(), 0.2)
        with Client(fake.url, transport=transport) as client:
            check(collect(embed.describe(client, "all-minilm")))
        assert transport.most == 1


def test_the_embedded_model_has_the_next_batch_ready() -> None:
    """All cores go on while an answer is packed and unpacked in this process."""
    transport = Counting(EmbeddedTransport(), 20)
    with Client(EMBEDDED_HOST, transport=transport) as client:
        assert sorted(collect(embed.describe(client, EMBEDDED_MODEL))) == list(range(COUNT * SIZE))
    assert transport.most == 2


def test_an_error_of_the_source_is_passed_on() -> None:
    """The store may fail in the middle too."""
    with fleet(2) as (_, model):

        def source() -> Iterator[Batch]:
            yield next(texts())
            raise ValueError("the store")

        with pytest.raises(ValueError, match="the store"):
            collect(model, source())
