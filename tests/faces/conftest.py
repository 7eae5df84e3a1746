"""A service with all its faces, over a fake Ollama or the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from search.app import create_app
from search.faces import ollama, openai
from search.faces.models import Documented
from search.service import Service
from search.slots import Slots
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import running

REPLY = "Vectors are kept in one SQLite file [1]. The moon is made of green cheese [1]."


@contextmanager
def faced(service: Service, host: str = "127.0.0.1", slots: Slots | None = None) -> Iterator[httpx.Client]:
    """A client of the service, which is told that it listens on `host`."""
    slots = slots or Slots()
    app = create_app(service.searcher, service.answerer, service.status, slots=slots)
    made = ollama.behind(service, Documented(service, slots), host)
    ollama.add(app, made)
    openai.add(app, made)
    with running(app) as client:
        yield client


@pytest.fixture
def client(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[httpx.Client]:
    """In front of a fake Ollama with two chat models."""
    fake_ollama.reply = REPLY
    with index.service(tmp_path, fake_ollama.url, chat_model="llama3") as service, faced(service) as made:
        yield made


@pytest.fixture
def alone(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[httpx.Client]:
    """In front of the embedded model only."""
    with index.service(tmp_path, fake_ollama.url) as service:
        settings = replace(service.settings, embed_model=None, chat_model=None, ollama_host="http://127.0.0.1:9")
        with faced(replace(service, settings=settings)) as made:
            yield made
