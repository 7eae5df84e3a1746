"""httpx's clients, set up for a host: proxies, TLS, keys, and the embedded model in place of a network.

And what is sent through them, and read from what comes back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import httpx
from pydantic_core import PydanticSerializationError, to_json

from search.errors import ConfigError, ModelRefused
from search.ollama import translation
from search.ollama.api import Call
from search.ollama.hosts import Host
from search.ollama.streams import refusal

if TYPE_CHECKING:
    from search.ollama.client import Timeouts

T = TypeVar("T")

EMBEDDED_URL = "http://embedded"


def connected(
    host: Host, api_key: str, transport: httpx.BaseTransport | None = None, *, reused: bool = True
) -> httpx.Client:
    """A client for a host; `transport` replaces the network. Each call has a connection of its own unless `reused`.

    Raises ConfigError for what of the host, the key or the environment cannot be used.
    """
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20 if reused else 0)
    with _usable(host):
        return httpx.Client(transport=transport or _embedded_transport(host), limits=limits, **_settings(host, api_key))


def async_connected(host: Host, api_key: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """As `connected`, for one event loop."""
    with _usable(host):
        return httpx.AsyncClient(transport=transport or _async_embedded_transport(host), **_settings(host, api_key))


def encoded(call: Call[Any], stream: bool) -> bytes | None:
    """The body as JSON. Raises ModelRefused for what JSON cannot say."""
    if call.body is None:
        return None
    body = call.body if call.finished is None else {**call.body, "stream": stream}
    try:
        return to_json(body)
    except (PydanticSerializationError, ValueError) as error:
        raise ModelRefused(f"{call} was not sent: its fields cannot be written as JSON ({error})") from error


def request(
    http: httpx.Client | httpx.AsyncClient,
    call: Call[Any],
    content: bytes | Iterator[bytes] | AsyncIterator[bytes] | None,
    timeouts: Timeouts,
) -> httpx.Request:
    """A call as httpx sends it."""
    first_byte = timeouts.quick if call.quick else timeouts.first_byte
    return http.build_request(
        call.method,
        call.path,
        content=content,
        headers=None if call.body is None else {"Content-Type": "application/json"},
        timeout=httpx.Timeout(connect=timeouts.connect, read=first_byte, write=timeouts.idle, pool=None),
    )


def answer(call: Call[T], host: Host, response: httpx.Response) -> T:
    """What a response says. Raises ModelError."""
    if response.status_code == 404 and call.absent is not None:
        return call.absent
    if not response.is_success:
        raise refusal(call, host, response)
    data = translation.decoded(call, host, response.content) if call.has_json else None
    record = translation.read(call, host, data)
    if call.finished is not None and not call.finished(record):
        raise translation.broken_off(call, host, "before its end")
    return call.tidy()(record) if call.tidy else record


class _Settings(TypedDict):
    base_url: str
    headers: dict[str, str]
    auth: tuple[str, str] | None
    trust_env: bool
    verify: bool


def _settings(host: Host, api_key: str) -> _Settings:
    key = api_key.strip()
    if not key.isascii() or not key.isprintable():
        raise ConfigError("OLLAMA_API_KEY holds characters that cannot be sent in a header: copy it again")
    return {
        "base_url": EMBEDDED_URL if host.embedded else host.url,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "auth": host.userinfo,
        "trust_env": not host.loopback,  # a proxy from the environment cannot reach this machine's loopback
        "verify": not (host.loopback and host.url.startswith("http:")),  # no TLS there: spare 20 ms of loading roots
    }


@contextmanager
def _usable(host: Host) -> Iterator[None]:
    """What httpx raises for settings of the environment that it cannot use, as a ConfigError."""
    try:
        yield
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"no connection to {host} can be set up ({error}): check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and "
            "SSL_CERT_FILE in the environment, or put the host into NO_PROXY"
        ) from error


def _embedded_transport(host: Host) -> httpx.BaseTransport | None:
    if not host.embedded:
        return None
    from search.embedded.transport import EmbeddedTransport  # noqa: PLC0415 (loads the model's runtime)

    return EmbeddedTransport()


def _async_embedded_transport(host: Host) -> httpx.AsyncBaseTransport | None:
    if not host.embedded:
        return None
    from search.embedded.transport import AsyncEmbeddedTransport  # noqa: PLC0415 (loads the model's runtime)

    return AsyncEmbeddedTransport()
