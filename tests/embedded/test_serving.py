"""The embedded model on a port, asked by the programs that people have."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import ollama
import pytest

from search.embedded import serving
from search.ollama.client import Client

PROJECT = Path(__file__).parents[2]
TEXTS = ["where are vectors kept?", "a red umbrella"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """`search models serve` on a free port."""
    command = [sys.executable, "-m", "search", "models", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT) as process:
        try:
            assert process.stdout
            yield next(match[0] for line in process.stdout if (match := re.search(r"http://[\d.:]+", line)))
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What the transport answers to TEXTS."""
    with Client("embedded://") as client:
        return client.embed("all-minilm", TEXTS).vectors


def test_our_own_client_finds_the_same_there(url: str, expected: np.ndarray) -> None:
    """The port is one more face of the same answers."""
    with Client(url) as client:
        assert client.health()
        assert np.allclose(client.embed("all-minilm", TEXTS).vectors, expected, atol=1e-6)
        assert client.ps().models


def test_the_official_python_package(url: str, expected: np.ndarray) -> None:
    """Lists, shows, embeds and is refused, unchanged."""
    client = ollama.Client(url)
    try:
        assert client.list().models[0].model == "all-minilm:latest"
        assert client.show("all-minilm").modelinfo
        assert np.allclose(client.embed("all-minilm", TEXTS).embeddings, expected, atol=1e-6)
        assert np.allclose(client.embeddings("all-minilm", TEXTS[0]).embedding, expected[0], atol=1e-6)
        with pytest.raises(ollama.ResponseError, match="does not support chat"):
            client.chat("all-minilm", [{"role": "user", "content": "hello"}])
        with pytest.raises(ollama.ResponseError, match="cannot be pulled"):
            client.pull("bge-m3")
    finally:
        client._client.close()


def test_langchain(url: str, expected: np.ndarray) -> None:
    """Its Ollama embeddings, unchanged."""
    integration = pytest.importorskip("langchain_ollama", reason="langchain-ollama is not installed")
    embeddings = integration.OllamaEmbeddings(model="all-minilm", base_url=url)
    assert np.allclose(embeddings.embed_documents(TEXTS), expected, atol=1e-6)
    assert np.allclose(embeddings.embed_query(TEXTS[0]), expected[0], atol=1e-6)
    embeddings._client._client.close()


def test_llama_index(url: str, expected: np.ndarray) -> None:
    """Its Ollama embeddings, unchanged."""
    integration = pytest.importorskip(
        "llama_index.embeddings.ollama", reason="llama-index-embeddings-ollama is not installed"
    )
    embedding = integration.OllamaEmbedding(model_name="all-minilm", base_url=url)
    assert np.allclose(embedding.get_text_embedding_batch(TEXTS), expected, atol=1e-6)
    embedding._client._client.close()


def test_the_npm_package(url: str, expected: np.ndarray) -> None:
    """Where node and the package are: NODE_PATH says where to look for it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = """
        let ollama;
        try { ollama = require("ollama"); } catch { console.log("null"); process.exit(0); }
        const client = new ollama.Ollama({host: process.argv[1]});
        (async () => {
            const list = await client.list();
            const shown = await client.show({model: "all-minilm"});
            const made = await client.embed({model: "all-minilm", input: JSON.parse(process.argv[2])});
            console.log(JSON.stringify({names: list.models.map(m => m.name), can: shown.capabilities, made}));
        })();
    """
    done = subprocess.run(
        [node, "-e", script, url, json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
        check=True,
    )
    answer: dict[str, Any] | None = json.loads(done.stdout)
    if answer is None:
        pytest.skip("the npm package ollama is not installed (npm install ollama, and name its folder in NODE_PATH)")
    assert answer["names"] == ["all-minilm:latest"]
    assert answer["can"] == ["embedding"]
    assert np.allclose(answer["made"]["embeddings"], expected, atol=1e-6)


def test_a_foreign_host_header_is_refused(url: str) -> None:
    """A web page that has its own name point to 127.0.0.1 gets nothing."""
    assert httpx.get(f"{url}/api/tags", headers={"Host": "evil.example"}).status_code == 403
    assert httpx.get(f"{url}/api/tags", headers={"Host": "localhost:11435"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1:11435", True),
        ("localhost", True),
        ("[::1]:11435", True),
        ("::1", True),
        ("192.168.1.7:80", True),
        ("box.local", True),
        ("app.localhost:3000", True),
        ("host.docker.internal:11435", True),
        ("evil.example:11435", False),
        ("localhost.evil.example", False),
        ("8.8.8.8", False),
    ],
)
def test_local_names(host: str, local: bool) -> None:
    """As Ollama tells them apart."""
    assert serving.is_local(host) is local


def test_a_body_without_end_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the memory; what is not there is answered as Ollama does."""
    monkeypatch.setattr(serving, "MOST_BYTES", 10)
    application = serving.application(public=True)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 20, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/embed", "headers": []}
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 413
    assert httpx.get(f"{url}/nowhere").text == "404 page not found"


def test_a_port_that_is_taken_is_said(url: str) -> None:
    """In words, with what to do."""
    port = url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "search", "models", "serve", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False)
    assert done.returncode == 2
    assert "choose another with --port" in done.stderr
