"""Answers over HTTP: clients that go away, and answers that are kept, listed, shown, asked again and dropped."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from search.access import Writers
from search.answer import Answerer
from search.app import create_app
from search.service import Service
from search.slots import Slots
from tests import index
from tests.faces.conftest import faced
from tests.fake_ollama import FakeOllama
from tests.test_app import running
from tests.test_archive import put
from tests.waiting import wait_for

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


# ------------------------------------------------------------------ clients that go away


def leave(address: httpx.URL, path: str, body: dict[str, object], after: bytes, asked: Callable[[], bool]) -> None:
    """Sends a request and closes the connection when `after` has come, or the model has been asked."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        received = b""
        while after not in received:
            received += connection.recv(65_536)
        wait_for(asked)


MESSAGES = [{"role": "user", "content": "Where are vectors kept?"}]
FOLLOW_UP = {"question": "Can it be copied?", "conversation": [{"question": "Where are vectors kept?", "answer": "x"}]}


CHAT = {"model": "llama3+docs", "messages": MESSAGES}
LEAVING = {
    "before the first word": ("/ask", ASK, 0, b""),
    "between words": ("/ask", ASK, 2, b""),
    "before the first event": ("/ask", ASK | {"stream": True}, 0, b""),
    "between events": ("/ask", ASK | {"stream": True}, 2, b'"text"'),
    "while a follow-up is rewritten": ("/ask", FOLLOW_UP, 0, b""),
    "ollama, before the first line": ("/api/chat", CHAT, 0, b""),
    "ollama, between lines": ("/api/chat", CHAT, 2, b"content"),
    "ollama, whole": ("/api/chat", CHAT | {"stream": False}, 0, b""),
    "passed on, before the first line": ("/api/chat", CHAT | {"model": "llama3"}, 0, b""),
    "passed on, between lines": ("/api/chat", CHAT | {"model": "llama3"}, 2, b"content"),
    "openai, whole": ("/v1/chat/completions", CHAT, 0, b""),
    "openai, between events": ("/v1/chat/completions", CHAT | {"stream": True}, 2, b"content"),
}


@pytest.mark.parametrize("leaving", LEAVING)
def test_a_client_that_goes_away_stops_the_model_at_once(
    service: Service, fake_ollama: FakeOllama, leaving: str
) -> None:
    """Though its next word never comes; the slot is free again, and nothing is kept."""
    path, body, words, after = LEAVING[leaving]
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]. " * 50
    with faced(service, slots=Slots(1)) as client:
        with fake_ollama.failing("stall", route="/api/chat", after=words):
            leave(client.base_url, path, body, after, lambda: fake_ollama.calls["/api/chat"] == 1)
            wait_for(lambda: fake_ollama.hung_up == 1)
        fake_ollama.reply = "Vectors are kept in one SQLite file [1]."
        wait_for(lambda: client.post("/ask", json=ASK | {"save": False}).status_code == 200)
    assert service.store.answers.counts() == (0, 0)


def test_the_faces_and_ask_share_one_set_of_slots(service: Service, fake_ollama: FakeOllama) -> None:
    """What is too many for one is too many for the other."""
    slots = Slots(1)
    with faced(service, slots=slots) as client:
        with slots.held():
            assert client.post("/ask", json=ASK).status_code == 503
            assert client.post("/answers/1/rerun").status_code == 503
            chat = {"model": "llama3+docs", "messages": MESSAGES, "stream": False}
            assert client.post("/api/chat", json=chat).status_code == 503
            assert client.post("/v1/chat/completions", json=chat).status_code == 503
        assert client.post("/ask", json=ASK).status_code == 200
    assert fake_ollama.calls["/api/chat"] == 1


def test_answers_without_a_model_have_nothing_to_stop(service: Service) -> None:
    """They are answered as ever."""
    alone = Answerer(service.searcher)
    with running(create_app(service.searcher, replace(alone), service.status)) as client:
        assert client.post("/ask", json=ASK).json()["how"] == "extracts"
