"""Kept answers over HTTP: asked with `save`, listed, shown, asked again, dropped; by whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from search.access import Writers
from search.app import create_app
from search.service import Service
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import running
from tests.test_archive import put

ASK = {"question": "Where are vectors kept?", "k": 4, "path": "guide/*", "save": True}


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as made:
        yield made


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with running(create_app(service.searcher, service.answerer, service.status)) as made:
        yield made


def test_an_answer_is_kept_listed_shown_and_dropped(client: httpx.Client) -> None:
    """Its number is in the answer."""
    whole = client.post("/ask", json=ASK).json()
    (entry,) = client.get("/answers").json()
    assert (entry["id"], entry["question"], entry["stale"]) == (whole["id"], ASK["question"], False)
    shown = client.get(f"/answers/{whole['id']}").json()
    assert shown["answer"] == whole
    assert (shown["asked"]["k"], shown["asked"]["path"], shown["asked"]["save"]) == (4, "guide/*", False)
    assert shown["digest"]
    assert shown["space"]["model"] == "all-minilm"
    assert client.get("/status").json()["answers"] == 1
    assert client.delete(f"/answers/{whole['id']}").json() == {"dropped": whole["id"]}
    assert client.get("/answers").json() == []


def test_the_last_event_of_a_stream_has_the_number(client: httpx.Client) -> None:
    """In both forms of stream."""
    lines = client.post("/ask", json=ASK | {"stream": True}).text.splitlines()
    assert json.loads(lines[-1])["answer"]["id"] == 1
    events = client.post("/ask", json=ASK, headers={"Accept": "text/event-stream"}).text.strip().split("\n\n")
    assert json.loads(events[-1].split("data: ")[1])["answer"]["id"] == 2


def test_a_stale_answer_shows_the_difference(client: httpx.Client, service: Service) -> None:
    """The passage then and now."""
    number = client.post("/ask", json=ASK).json()["id"]
    put(service.store, "guide/storage.md", ["Vectors are kept in one PostgreSQL table."])
    assert [entry["id"] for entry in client.get("/answers", params={"stale": True}).json()] == [number]
    (change,) = client.get(f"/answers/{number}").json()["changes"]
    assert change["source"]["chunk"]["text"] == "Vectors are kept in one SQLite file."
    assert change["now"]["text"] == "Vectors are kept in one PostgreSQL table."
    assert change["sentences"][0]["holds"] is False
    assert client.get("/status").json()["stale_answers"] == 1


def test_asking_again_compares(client: httpx.Client) -> None:
    """A new answer that names the old one."""
    number = client.post("/ask", json=ASK).json()["id"]
    again = client.post(f"/answers/{number}/rerun").json()
    assert again["answer"]["rerun_of"] == number
    assert again["answer"]["id"] != number
    assert again["difference"]["same"] is True


def test_an_answer_that_is_not_kept_is_404(client: httpx.Client) -> None:
    """For each route; what is no number is 422."""
    for method, path in (("GET", "/answers/7"), ("POST", "/answers/7/rerun"), ("DELETE", "/answers/7")):
        response = client.request(method, path)
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "AnswerMissing"
    assert client.get("/answers/seven").status_code == 422


def test_keeping_asking_again_and_dropping_are_for_those_who_may_write(service: Service) -> None:
    """As all that changes the index; asking without keeping is not."""
    changing = [("POST", "/ask", ASK), ("POST", "/answers/1/rerun", None), ("DELETE", "/answers/1", None)]
    with running(create_app(service.searcher, service.answerer, service.status)) as client:
        for method, path, body in changing:
            foreign = client.request(method, path, json=body, headers={"Origin": "https://evil.example"})
            assert foreign.status_code == 403
    writers = Writers("geheim", local=False)
    with running(create_app(service.searcher, service.answerer, service.status, writers=writers)) as client:
        for method, path, body in changing:
            assert client.request(method, path, json=body).status_code == 401
        assert client.post("/ask", json=ASK | {"save": False}).status_code == 200
        assert client.post("/ask", json=ASK, headers={"Authorization": "Bearer geheim"}).json()["id"] == 1
    assert service.store.answers.counts() == (1, 0)
