"""The MCP server, asked by the official client over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from search.app import create_app
from search.commands import mcp as command
from search.errors import ConfigError
from search.faces import mcp as face
from tests import index
from tests.fake_ollama import FakeOllama
from tests.test_app import running

sdk = pytest.importorskip("mcp", reason="the MCP SDK is not installed")

PROJECT = Path(__file__).parents[2]
TOOLS = {"search", "ask", "read", "list", "status"}


@pytest.fixture
def address(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[str]:
    """A service with /mcp."""
    with index.service(tmp_path, fake_ollama.url) as service:
        app = create_app(service.searcher, service.answerer, service.status)
        face.add(app, service, "127.0.0.1")
        with running(app) as client:
            yield str(client.base_url)


@asynccontextmanager
async def connected(where: Any) -> AsyncIterator[Any]:
    async with sdk.Client(where) as client:
        yield client


def stdio(db: Path) -> Any:
    """The command as an assistant starts it."""
    environment = {"SEARCH_DB": str(db), "OLLAMA_HOST": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}
    return sdk.StdioServerParameters(
        command=sys.executable, args=["-m", "search", "mcp"], env=environment, cwd=str(PROJECT)
    )


async def call(client: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    (content,) = result.content
    return json.loads(content.text)


async def journey(where: Any, words: str) -> None:
    """Looks at the tools, searches, reads around a hit, asks, lists."""
    async with connected(where) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        for tool in tools:
            assert tool.annotations.read_only_hint
            assert len(tool.description) > 60
            described = tool.input_schema["properties"].values()
            assert all(one.get("description") for one in described), tool.name
        found = await call(client, "search", query=words, k=2)
        hit = found["hits"][0]
        assert found["next_page"] == 2
        around = await call(client, "read", path=hit["path"], start=hit["start"], end=hit["end"], neighbours=1)
        assert hit["text"] in around["text"]
        answer = await call(client, "ask", question=words)
        assert answer["sources"][0]["path"]
        listed = await call(client, "list", limit=1)
        assert listed["next_offset"] == 1
        assert (await call(client, "status"))["documents"] == listed["total"]
        refused = await client.call_tool("read", {"path": "../../etc/passwd"})
        assert refused.is_error
        assert "no document has the path" in refused.content[0].text


def test_over_http(address: str) -> None:
    """On the port of the service."""
    asyncio.run(journey(f"{address}/mcp", "Where are vectors kept?"))


def test_over_stdio(handbook: Path) -> None:
    """As a process of the assistant, with the embedded model."""
    asyncio.run(journey(stdio(handbook), "Where are vectors kept?"))


def test_a_foreign_name_is_refused(address: str) -> None:
    """A web page whose name leads to this machine cannot read the documents."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Host": "evil.example", "Accept": "application/json, text/event-stream"}
    assert httpx.post(f"{address}/mcp", json=body, headers=headers).status_code in (403, 421)


def test_without_the_sdk_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_ollama: FakeOllama
) -> None:
    """An optional part that is missing is named."""
    monkeypatch.setattr(face, "find_spec", lambda _: None)
    with index.service(tmp_path, fake_ollama.url) as service, pytest.raises(ConfigError, match=r"semsearch\[mcp\]"):
        face.server(service)
    assert command.__doc__
