"""httpx's clients, set up for a host: proxies, TLS, keys, and the embedded model in place of a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

import httpx

from search.errors import ConfigError
from search.ollama.hosts import Host

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
