"""No fault of a server or of a text costs anything but that text, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from search import embed
from search.embed import batches
from search.embed.batches import Embedded
from search.embed.ledger import Ledger
from search.embed.models import Model
from search.errors import ModelError, ModelUnreachable
from search.ollama.client import Client
from search.vectors import unit
from tests import fake_models
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama

TEXTS = [f"text number {number} of the batch" for number in range(8)]
LONG = " ".join(f"word{number}." for number in range(60))


@pytest.fixture
def model(fake_ollama: FakeOllama) -> Iterator[Model]:
    with Client(fake_ollama.url) as client:
        yield embed.describe(client, "all-minilm")


@pytest.fixture
def narrow(fake_ollama: FakeOllama) -> Iterator[Model]:
    """A model whose window is 34 tokens."""
    fake_ollama.models["all-minilm:latest"] = FakeModel("all-minilm", context=34)
    with Client(fake_ollama.url) as client:
        yield embed.describe(client, "all-minilm")


def run(model: Model, texts: list[str], accounts: Ledger | None = None) -> Embedded:
    return batches.embed(model, model.client, texts, accounts or Ledger(), {})


def vector(text: str) -> np.ndarray:
    return np.array(fake_models.vector(text), np.float32)


def test_every_text_gets_its_own_vector(model: Model) -> None:
    """In order, and the row says what was sent and counted."""
    made = run(model, TEXTS)
    assert made.places == list(range(8))
    assert np.allclose(made.vectors, [vector(text) for text in TEXTS], atol=1e-6)
    assert (made.row.sent, made.row.counted, made.row.note) == (8, 8 * 6, "")


def test_documents_and_queries_are_sent_the_same_options(fake_ollama: FakeOllama) -> None:
    """Window and batch, as long as the model was trained and at most 2048, so that nothing loads it again."""
    with Client(fake_ollama.url) as client:
        model = embed.describe(client, "all-minilm")
        embed.query(model, "question")
        run(model, TEXTS)
    sent = [body["options"] for body in fake_ollama.sent("/api/embed")]
    assert sent == [{"num_ctx": 2048, "num_batch": 2048}] * 3
    assert fake_ollama.loads["all-minilm:latest"] == 1
    assert all(body["truncate"] is False for body in fake_ollama.sent("/api/embed"))


@pytest.mark.parametrize(
    "fault", ["nan", "nan_values", "error", "runner", "runner_refused", "null_values", "text_values"]
)
def test_a_text_that_the_model_fails_on_costs_only_itself(fake_ollama: FakeOllama, model: Model, fault: str) -> None:
    """It is found by halving, and given up with the server's words."""
    texts = [*TEXTS]
    texts[5] = "this is the BAD one"
    fake_ollama.fault(fault, marker="BAD")
    made = run(model, texts)
    assert made.places == [0, 1, 2, 3, 4, 6, 7]
    assert list(made.refused) == [5]
    assert len(made.refused[5]) > 20
    assert np.allclose(made.vectors, [vector(text) for text in texts if "BAD" not in text], atol=1e-6)


@pytest.mark.parametrize("fault", ["nan", "error", "runner", "one_less", "other_dimensions", "sign_in", "no_route"])
def test_a_server_that_fails_on_everything_blames_no_text(fake_ollama: FakeOllama, model: Model, fault: str) -> None:
    """Otherwise one bad evening of a server would empty the index."""
    fake_ollama.fault(fault)
    with pytest.raises(ModelError):
        run(model, TEXTS)


def test_a_long_text_is_embedded_in_parts(fake_ollama: FakeOllama, narrow: Model) -> None:
    """Its vector is the mean of its parts' vectors; no word of it is left out."""
    made = run(narrow, [TEXTS[0], LONG, TEXTS[1]])
    assert made.places == [0, 1, 2]
    assert made.parts == {1: 4}
    whole = {word for text in fake_ollama.texts for word in text.split()}
    assert set(LONG.split()) <= whole
    parts = [text for text in fake_ollama.texts if text in LONG]
    assert "".join(parts) == LONG
    mean = sum(len(part) * vector(part) for part in parts)
    assert np.allclose(made.vectors[1], unit(np.array([mean], np.float32))[0], atol=1e-6)


def test_parts_have_the_prefix_of_documents(fake_ollama: FakeOllama, narrow: Model) -> None:
    """As whole texts have."""
    wanted = embed.Prefixes("find: ", "text: ")
    with_prefix = embed.describe(narrow.client, "all-minilm", wanted)
    fake_ollama.texts.clear()
    run(with_prefix, [LONG])
    assert all(text.startswith("text: ") for text in fake_ollama.texts)
    embed.query(with_prefix, "x")
    assert fake_ollama.texts[-1] == "find: x"


def test_a_text_that_no_part_of_fits_is_given_up(fake_ollama: FakeOllama, model: Model) -> None:
    """After a bounded number of tries."""
    fake_ollama.fault("too_long", marker="aa")
    before = fake_ollama.calls["/api/embed"]
    made = run(model, ["a" * 500, "...", "!!!"])
    assert list(made.refused) == [0]
    assert fake_ollama.calls["/api/embed"] - before < 40


def test_an_old_server_that_dies_of_a_long_text_gets_it_in_parts(fake_ollama: FakeOllama, model: Model) -> None:
    """Its answer is a bare EOF, which is also what a crash looks like."""
    fake_ollama.fault("runner", marker=LONG, words="EOF")
    made = run(model, [TEXTS[0], LONG])
    assert made.parts == {1: 2}
    assert made.refused == {}


@pytest.mark.parametrize("fault", ["busy", "runner", "rate"])
def test_a_trouble_that_passes_is_waited_out(fake_ollama: FakeOllama, model: Model, fault: str) -> None:
    """The whole batch is sent again."""
    fake_ollama.fault(fault, times=3)
    assert run(model, TEXTS).places == list(range(8))


def test_a_server_that_asks_for_an_hour_gets_less(
    fake_ollama: FakeOllama, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is not held up by what may be a misunderstanding."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    fake_ollama.fault("busy", times=1, retry_after=3600)
    assert run(model, TEXTS).places == list(range(8))
    assert slept == [60]


def test_a_host_that_is_gone_is_told_at_once(fake_ollama: FakeOllama, model: Model) -> None:
    """So that another host can take the batch."""
    fake_ollama.stop()
    with pytest.raises(ModelUnreachable):
        run(model, TEXTS)


def test_a_server_that_cuts_silently_is_caught(fake_ollama: FakeOllama, narrow: Model) -> None:
    """It reads 32 tokens of a text and says nothing; from then on it gets no longer one."""
    fake_ollama.fault("silent_cut")
    limits: dict[str, int] = {}
    made = batches.embed(narrow, narrow.client, [*TEXTS, LONG, LONG + " end"], Ledger(), limits)
    assert limits == {fake_ollama.url: 32}
    assert made.places == list(range(10))
    assert set(made.parts) == {8, 9}
    assert "cuts texts at 32 tokens" in made.row.note
    fake_ollama.texts.clear()
    again = batches.embed(narrow, narrow.client, [LONG], Ledger(), limits)
    whole = [text for text in fake_ollama.texts if len(fake_models.tokens(text)) < 32]
    assert "".join(whole) == LONG
    assert again.parts == {0: len(whole)}


def test_an_honest_server_with_another_tokenizer_is_not_accused(fake_ollama: FakeOllama, model: Model) -> None:
    """It counts a third of what was expected, once looked into, then expected."""
    accounts = Ledger()
    accounts.learn(1, 9)
    made = run(model, [LONG, LONG], accounts)
    assert made.row.counted * 3 < made.row.expected
    assert (made.row.note, made.parts) == ("", {})
    calls = fake_ollama.calls["/api/embed"]
    run(model, [LONG, LONG], accounts)
    assert fake_ollama.calls["/api/embed"] - calls <= 4
