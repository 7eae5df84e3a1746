"""The HTTP face, served by uvicorn on a free port and asked over a socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from search.app import STATUSES, create_app
from search.service import Service
from search.slots import ANSWERS_AT_ONCE
from tests import index
from tests.fake_models import FakeModel
from tests.fake_ollama import FakeOllama


@contextmanager
def served(service: Service) -> Iterator[httpx.Client]:
    """A client of the service, which listens on a free port meanwhile."""
    with running(create_app(service.searcher, service.answerer, service.status)) as client:
        yield client


@contextmanager
def running(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of an app, which listens on a free port meanwhile."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[httpx.Client]:
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as service, served(service) as made:
        yield made


def test_post_and_get_search_give_the_same_hits(client: httpx.Client) -> None:
    """One search, two ways to ask for it."""
    posted = client.post("/search", json={"query": "vectors kept", "k": 2, "path": "guide/*"}).json()
    got = client.get("/search", params={"q": "vectors kept", "k": 2, "path": "guide/*"}).json()
    assert posted["hits"] == got["hits"]
    hit = posted["hits"][0]
    always = {"rank", "score", "document", "chunk", "ranks", "scores", "why", "copies"}
    assert set(hit) == {*always, "around", "explain", "grade"}
    assert set(hit["document"]) == {"root", "path", "title", "type"}
    assert set(hit["chunk"]) == {"id", "text", "start", "end", "page", "heading", "rows"}
    assert set(posted) == {"query", "mode", "hits", "took_ms", "notes", "explain"}


@pytest.mark.parametrize(
    "path", ["/health", "/status", "/search?q=vectors", "/", "/docs", "/page/main.js", "/documents"]
)
def test_head_is_answered_as_get_without_the_body(client: httpx.Client, path: str) -> None:
    """As monitors and link checkers ask."""
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"") == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert path.startswith("/search") or head.headers["content-length"] == got.headers["content-length"]


def test_head_is_no_way_around(client: httpx.Client) -> None:
    """What GET refuses it refuses, with the same status."""
    assert client.head("/search").status_code == 422
    assert client.head("/ask").status_code == 405
    assert client.head("/nothing").status_code == 404
    assert client.head("/health", headers={"Host": "evil.example"}).status_code == 403


def test_filters_are_the_same_in_post_and_get(client: httpx.Client) -> None:
    """All of them, and each is listened to."""
    posted = {"query": "vectors", "type": "md", "after": "1970", "where": {"author": "Ada"}}
    got = {"q": "vectors", "type": "md", "after": "1970", "where": ["author=Ada"]}
    assert client.post("/search", json=posted).json()["notes"] == client.get("/search", params=got).json()["notes"]
    assert client.post("/search", json=posted).json()["hits"] == []
    assert client.post("/search", json={"query": "vectors", "before": "2000", "language": "en"}).json()["hits"]
    assert not client.post("/search", json={"query": "vectors", "language": "de"}).json()["hits"]
    assert client.post("/ask", json={"question": "Where are vectors?", "language": "de"}).json()["how"] == "refused"


def test_rerank_is_asked_for_in_both_forms(client: httpx.Client) -> None:
    """With no reranker a note says what to do."""
    posted = client.post("/search", json={"query": "vectors", "rerank": True}).json()
    got = client.get("/search", params={"q": "vectors", "rerank": True}).json()
    for found in (posted, got):
        assert found["hits"][0]["grade"] is None
        assert found["notes"] == ["not reranked: no chat model is set; name one in SEARCH_CHAT_MODEL"]
        assert "rerank" in found["took_ms"]


@pytest.mark.parametrize("asked", [{"pth": "guide/*"}, {"after": "soon"}, {"where": "author"}])
def test_a_filter_that_is_none_is_refused(client: httpx.Client, asked: dict[str, str]) -> None:
    """In the address too."""
    response = client.get("/search", params={"q": "vectors", **asked})
    assert response.status_code == 422
    assert response.json()["error"]["type"] == "QueryError"


def test_ask_gives_a_whole_answer(client: httpx.Client) -> None:
    """JSON with every field of the documentation."""
    whole = client.post("/ask", json={"question": "Where are vectors kept?"}).json()
    assert whole["how"] == "chat"
    assert {"answer", "how", "sentences", "sources", "left_out", "model", "metrics", "notes"} <= set(whole)
    assert set(whole["sources"][0]) == {"n", "document", "chunk"}


def test_ask_streams_one_json_object_a_line(client: httpx.Client) -> None:
    """NDJSON: sources, text, sentences, answer."""
    with client.stream("POST", "/ask", json={"question": "Where are vectors kept?", "stream": True}) as response:
        assert response.headers["content-type"].startswith("application/x-ndjson")
        kinds = [json.loads(line)["type"] for line in response.iter_lines()]
    assert kinds[0] == "sources"
    assert kinds[-1] == "answer"
    assert "text" in kinds
    assert "sentence" in kinds


def test_ask_streams_server_sent_events_where_these_are_accepted(client: httpx.Client) -> None:
    """The same objects, each under its name, for an EventSource."""
    asked = {"question": "Where are vectors kept?"}
    with client.stream("POST", "/ask", json=asked, headers={"Accept": "text/event-stream"}) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = [part.split("\n") for part in response.read().decode().strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in events]
    bodies = [json.loads(data.removeprefix("data: ")) for _, data in events]
    assert names == [body["type"] for body in bodies]
    assert (names[0], names[-1]) == ("sources", "answer")


def test_a_failure_in_mid_stream_is_a_last_line(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """As Ollama does it."""
    fake_ollama.reply = "Vectors are kept in one SQLite file [1]. The file can be copied [2]."
    fake_ollama.fault("no_end", route="/api/chat")
    with client.stream("POST", "/ask", json={"question": "Where are vectors kept?", "stream": True}) as response:
        assert response.status_code == 200
        last = json.loads(list(response.iter_lines())[-1])
    assert last["error"]["type"] in {kind.__name__ for kind in STATUSES} | {"ModelGarbled"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "JSON"),
        (b"[]", ""),
        (b'{"query": ""}', "the query is empty"),
        (b'{"query": 5}', "query"),
        (b'{"query": "x", "k": 0}', "ask for 1 to 1,000"),
        (b'{"query": "x", "k": 1000000000}', "ask for 1 to 1,000"),
        (b'{"query": "x", "mode": "magic"}', "mode"),
        (b'{"query": "x", "tpye": "pdf"}', "tpye"),
        (json.dumps({"query": "x" * 100_000}).encode(), "at most 20,000"),
        (b'{"query": "\\ud800"}', ""),
    ],
)
def test_bad_requests_are_refused_in_words(client: httpx.Client, body: bytes, words: str) -> None:
    """422 with what is wrong; never a 500."""
    response = client.post("/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text
    error = response.json()["error"]
    assert error["type"] == "QueryError"
    assert words in error["message"]


def test_wrong_routes_and_methods_have_the_same_shape(client: httpx.Client) -> None:
    """One shape for all errors."""
    for response, status in ((client.get("/nothing"), 404), (client.delete("/search"), 405)):
        assert response.status_code == status
        assert response.json()["error"]["type"] == "HTTPError"


def test_errors_have_their_status(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """A changed model is a conflict that names the repair."""
    index.service(tmp_path, fake_ollama.url).close()
    with (
        FakeOllama([FakeModel("all-minilm", digest="f" * 64)]) as changed,
        index.service(tmp_path, changed.url, embedded=False) as service,
        served(service) as client,
    ):
        response = client.post("/search", json={"query": "vectors"})
        assert response.status_code == 409
        assert "run `ingest FOLDER` again" in response.json()["error"]["message"]


def test_vector_mode_without_the_model_is_unavailable(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """503, and hybrid goes on by keyword."""
    fake_ollama.stop()
    assert client.post("/search", json={"query": "never asked", "mode": "vector"}).status_code == 503
    assert client.post("/search", json={"query": "never asked"}).json()["mode"] == "keyword"


def test_more_answers_than_slots_are_asked_to_come_back(client: httpx.Client, fake_ollama: FakeOllama) -> None:
    """503 with Retry-After while the others go on, and a free slot afterwards."""
    ask = {"question": "Where are vectors kept?"}
    statuses: list[int] = []
    fake_ollama.fault("slow", route="/api/chat", until=lambda: statuses.count(503) == 3)

    def one() -> None:
        response = httpx.post(f"{client.base_url}/ask", json=ask, timeout=30)
        statuses.append(response.status_code)
        if response.status_code == 503:
            assert response.headers["retry-after"]

    threads = [threading.Thread(target=one) for _ in range(ANSWERS_AT_ONCE + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == ANSWERS_AT_ONCE
    assert statuses.count(503) == 3
    fake_ollama.heal()
    assert client.post("/ask", json=ask).status_code == 200


def test_health_and_status(client: httpx.Client) -> None:
    """What a monitor and a person want to know."""
    assert client.get("/health").json()["status"] == "ok"
    status = client.get("/status").json()
    assert (status["documents"], status["chunks"], status["embedded"], status["waiting"]) == (3, 6, 6, 0)
    assert status["space"]["dimensions"] == 256
    assert status["chat_model"] == "llama3"


def test_the_api_describes_itself(client: httpx.Client) -> None:
    """OpenAPI with the records of the answers."""
    described = client.get("/openapi.json").json()
    assert {"/search", "/ask", "/health", "/status"} <= set(described["paths"])
    assert {"Results", "Answer", "Status", "Query", "Question"} <= set(described["components"]["schemas"])
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b'{"query": x}', "application/json", "the body is no JSON at character 10"),
        (b'{"query": "x"}', "text/plain", "send it with the header Content-Type: application/json"),
        (b'["x"]', "application/json", "the body has to be a JSON object"),
        (b"", "application/json", "the body has to be a JSON object"),
        (b'{"query": "x", "k": []}', "application/json", "k: Input should be a valid integer"),
    ],
)
def test_a_body_that_is_none_is_refused_in_words(client: httpx.Client, content: bytes, kind: str, words: str) -> None:
    """They say what to do, not what a library calls it."""
    refused = client.post("/search", content=content, headers={"Content-Type": kind})
    assert refused.status_code == 422
    assert words in refused.json()["error"]["message"]
