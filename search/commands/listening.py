"""A socket to serve on, and its address."""

from __future__ import annotations

import socket

from search.errors import ConfigError


def listen(host: str, port: int) -> socket.socket:
    """A socket bound before anything else is done, so that a taken port is said at once. Raises ConfigError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {host} port {port} ({error}): choose another with --port or --host"
        ) from error


def address(listening: socket.socket) -> str:
    """The address of what is served on a socket, for a browser: an IPv6 one has brackets."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
