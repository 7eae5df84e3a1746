"""Under which names a service is asked, over a socket: its own, and none that a foreign page may have lead here."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from search.access import LOOPBACK, names_of
from search.app import create_app
from search.config import from_environment
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import running

OWN = socket.gethostname()


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:8000", "localhost.", "docs.localhost", "127.0.0.1:8000", "127.3.2.1", "[::1]:8000"),
        *("::1", "", OWN, f"{OWN.upper()}:80", f"{OWN.partition('.')[0]}.local"),
    ],
)
def test_the_names_of_this_machine(host: str) -> None:
    """With a port or without, in any case."""
    assert LOOPBACK.have(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"),
        *("[2001:db8::1]", "local", "evil.local", "localhost@evil.example", "evil.example:80:80"),
    ],
)
def test_other_names(host: str) -> None:
    """Those that only look like this machine, and addresses of others, while the service listens on loopback."""
    assert not LOOPBACK.have(host)


def test_where_it_listens_for_others() -> None:
    """By its addresses and by the name that it was given, but by no other name."""
    for listening in ("0.0.0.0", "::", "192.168.1.5", "Search.Lan"):
        names = names_of(listening)
        assert names.have("192.168.1.5:8000")
        assert names.have("[2001:db8::1]:8000")
        assert not names.have("evil.example")
    assert names_of("Search.Lan").have("search.lan:8000")
    assert names_of("127.0.0.1") == names_of("127.0.0.1")
    assert not names_of("127.0.0.1").have("192.168.1.5")


def test_further_names_are_set() -> None:
    """One by one, or all."""
    names = names_of("127.0.0.1", from_environment({"SEARCH_HOSTS": " Docs.Example.org , [2001:db8::1],"}).hosts)
    assert names.have("docs.example.org:443")
    assert names.have("[2001:db8::1]:8000")
    assert not names.have("example.org")
    assert names_of("127.0.0.1", ("*",)).have("anything.example")


def test_a_foreign_name_is_refused_on_every_route(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """403 in the form of all errors; under its own name it answers."""
    with (
        index.service(tmp_path, fake_ollama.url, chat_model="llama3") as service,
        running(create_app(service.searcher, service.answerer, service.status)) as client,
    ):
        for method, path in (
            ("GET", "/search?q=vectors"),
            ("POST", "/ask"),
            ("GET", "/documents"),
            ("GET", "/document?root=/docs&path=mail/trip.eml"),
            ("GET", "/answers"),
            ("GET", "/status"),
            ("GET", "/"),
            ("GET", "/openapi.json"),
        ):
            body = {"question": "Where are vectors kept?"} if method == "POST" else None
            refused = client.request(method, path, json=body, headers={"Host": f"evil.example:{client.base_url.port}"})
            assert refused.status_code == 403
            assert "SEARCH_HOSTS" in refused.json()["error"]["message"]
            assert client.request(method, path, json=body, headers={"Host": "localhost"}).status_code == 200


def test_the_address_that_a_request_came_to_is_a_name(tmp_path: Path, fake_ollama: FakeOllama) -> None:
    """Also where the application is called in the process, under whatever name."""

    async def asked(host: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside") as client:
            return (await client.get("/health", headers={"Host": host})).status_code

    with index.service(tmp_path, fake_ollama.url) as service:
        app = create_app(service.searcher, service.answerer, service.status)
        assert asyncio.run(asked("inside")) == 200
        assert asyncio.run(asked("evil.example")) == 403
