"""Who is answered over HTTP, and who may change the index.

The service answers requests whose Host header is one of its own names. A page of another site can have the browser look
its name up anew as an address of this machine (DNS rebinding), but the browser goes on sending that name. The index may
be changed by whoever sends SEARCH_TOKEN; where none is set, by programs of this machine, as long as the service listens
on loopback alone.
"""

from __future__ import annotations

import hmac
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from search.ollama.hosts import is_loopback

ANY = "*"


@dataclass(frozen=True, slots=True)
class Writers:
    """Who may write: those with the token or, where there is none, programs of this machine if `local`."""

    token: str = ""
    local: bool = True

    def check(self, request: Request) -> None:
        """Raises HTTPException: 401 for a wrong token, 403 for who may not."""
        given = request.headers.get("authorization", "")
        if self.token:
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                raise HTTPException(401, "send SEARCH_TOKEN as a bearer token", {"WWW-Authenticate": "Bearer"})
            return
        if not self.local:
            raise HTTPException(403, "the service listens beyond this machine: set SEARCH_TOKEN to allow changes")
        if not is_from_here(request):
            raise HTTPException(
                403, "only programs and pages of this machine may change the index; or set SEARCH_TOKEN"
            )


def is_from_here(request: Request) -> bool:
    """Whether a program or a page of this machine asks.

    A name that leads to this machine, or a page of another site, is how a browser is made to write here.
    """
    origin = request.headers.get("origin")
    named = is_loopback(request.url.hostname or "")
    return named and (not origin or is_loopback(urlsplit(origin).hostname or ""))


LOCAL = Writers()
"""Programs of this machine, nobody else."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that the service is asked by: this machine's own, and `more` (lower case; `ANY` for all).

    Where it listens beyond this machine (`public`), addresses count too: no one can make these lead elsewhere.
    """

    more: frozenset[str] = frozenset()
    public: bool = False

    def have(self, host: str) -> bool:
        """Whether a Host header, with or without a port, names the service."""
        name = _name(host)
        if not name or is_loopback(name) or ANY in self.more or name in self.more:
            return True
        return self.public if _is_address(name) else name in _own_names()


LOOPBACK = Names()
"""Those of a service that listens on loopback."""


def names_of(listening: str, known: tuple[str, ...] = ()) -> Names:
    """The names of a service that listens on an address or a name, and of those in the setting SEARCH_HOSTS."""
    more = frozenset(_name(name) for name in (listening, *known))
    return Names(more, public=not is_loopback(listening))


class OnlyByName:
    """Refuses what is asked of another host than this one, with 403; passes all else on to the application.

    The address that a connection came to is a name of this host in any case.
    """

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        came_to, _ = scope.get("server") or ("", None)
        foreign = next((host for host in hosts if not self._names.have(host) and _name(host) != came_to), None)
        if foreign is None:
            await self._app(scope, receive, send)
            return
        words = f"{_name(foreign)!r} is no name of this service: put it into SEARCH_HOSTS if it should be one"
        await JSONResponse({"error": {"type": "HTTPError", "message": words}}, 403)(scope, receive, send)


def _name(host: str) -> str:
    """A host without its port and brackets, in lower case."""
    host = host.strip()
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return (host if host.count(":") > 1 else host.partition(":")[0]).lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> tuple[str, str]:
    """The machine's own name, as it is and as others find it in a local network."""
    name = socket.gethostname().lower()
    return name, f"{name.partition('.')[0]}.local"
