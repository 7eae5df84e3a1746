"""The fake server keeps to its own rules, so that what is tested with it means something."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import fake_models
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama


def embed(fake: FakeOllama, *texts: str, **fields: object) -> httpx.Response:
    body = {"model": "all-minilm", "input": list(texts), **fields}
    return httpx.post(f"{fake.url}/api/embed", json=body, trust_env=False)


def test_a_vector_is_the_hashed_bag_of_words() -> None:
    """CRC-32 of "cat" is 2656977832, so its place among 8 is 0."""
    assert fake_models.vector("Cat cat", 8) == [1.0, 0, 0, 0, 0, 0, 0, 0]
    assert fake_models.vector("the cat sat") == fake_models.vector("Sat the, CAT!")
    assert fake_models.vector("...", 8) == fake_models.vector("", 8) == [1.0, 0, 0, 0, 0, 0, 0, 0]


@given(st.text(), st.integers(1, 50))
def test_cutting_keeps_the_first_or_the_last_tokens(text: str, limit: int) -> None:
    tokens = fake_models.tokens(text)
    assert fake_models.tokens(fake_models.cut(text, limit)) == tokens[:limit]
    assert fake_models.tokens(fake_models.tail(text, limit)) == tokens[-limit:]


@given(st.text())
def test_a_stream_has_all_of_the_text(text: str) -> None:
    assert "".join(fake_models.pieces(text)) == text


def test_a_reply_quotes_the_first_passage() -> None:
    prompt = "Sources:\n[1] One thing.\nIt goes on.\n[2] Another. [1]\n\nWhat?"
    assert fake_models.passages(prompt) == {1: "One thing.\nIt goes on.", 2: "Another. [1]"}
    messages = [{"role": "user", "content": prompt}]
    assert fake_models.reply(messages) == "One thing. [1]"
    assert fake_models.reply([{"role": "user", "content": "hi"}]) == fake_models.NO_PASSAGES
    assert fake_models.reply(messages, "scripted") == "scripted"
    assert fake_models.reply(messages, lambda seen: str(len(seen))) == "1"


def test_calls_texts_and_requests_are_counted(fake_ollama: FakeOllama) -> None:
    """Failed calls are calls, but their texts were not embedded."""
    with fake_ollama.failing("busy", times=1):
        assert embed(fake_ollama, "a").status_code == 503
        assert embed(fake_ollama, "b", "c").status_code == 200
    assert fake_ollama.calls["/api/embed"] == 2
    assert fake_ollama.texts == ["b", "c"]
    assert [body["input"] for body in fake_ollama.sent("/api/embed")] == [["a"], ["b", "c"]]


def test_a_fault_waits_its_turn_and_looks_for_its_mark(fake_ollama: FakeOllama) -> None:
    fake_ollama.fault("nan", marker="BAD")
    fake_ollama.fault("busy", skip=1, times=1)
    statuses = [embed(fake_ollama, text).status_code for text in ("a", "BAD", "b", "c")]
    assert statuses == [200, 400, 503, 200]
    fake_ollama.heal()
    assert embed(fake_ollama, "BAD").status_code == 200
    with pytest.raises(ValueError, match="no fault is named"):
        fake_ollama.fault("typo")


def test_a_silent_cut_shows_in_the_count_only(fake_ollama: FakeOllama) -> None:
    """Which is what a ledger has to catch."""
    fake_ollama.models["all-minilm:latest"] = FakeModel("all-minilm", context=12)
    text = "one two three four five six seven eight nine ten eleven"
    assert embed(fake_ollama, text, truncate=False).status_code == 400
    fake_ollama.fault("silent_cut")
    answer = embed(fake_ollama, text, truncate=False)
    assert answer.status_code == 200
    assert answer.json()["prompt_eval_count"] == 10
    assert fake_ollama.texts == ["one two three four five six seven eight nine ten"]


def test_other_runner_options_load_the_model_again(fake_ollama: FakeOllama) -> None:
    for options in ({"num_ctx": 512}, {"num_ctx": 512, "seed": 1}, {"num_ctx": 256}, {}):
        embed(fake_ollama, "a", options=options)
    assert fake_ollama.loads["all-minilm:latest"] == 3


def test_the_runner_works_on_one_request_at_a_time() -> None:
    """Requests side by side take as long as one after the other: only a second server is faster."""
    with FakeOllama(seconds_per_text=0.02) as fake, ThreadPoolExecutor(3) as pool:
        begun = time.monotonic()
        statuses = list(pool.map(lambda texts: embed(fake, *texts).status_code, [("a", "b")] * 3))
        assert statuses == [200] * 3
        assert time.monotonic() - begun >= 6 * 0.02  # a lower bound: no slow machine breaks it


def test_stopping_closes_connections_and_starting_takes_the_same_port(fake_ollama: FakeOllama) -> None:
    url = fake_ollama.url
    with httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/").text == "Ollama is running"
        fake_ollama.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)
        fake_ollama.start()
        assert fake_ollama.url == url
        assert client.get("/api/version").status_code == 200
