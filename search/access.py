"""Who may change the index over HTTP.

With SEARCH_TOKEN set, whoever sends it; without one, programs of this machine while the service listens on loopback
alone. A web page of another site is neither.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from search.ollama.hosts import is_loopback


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
        # A name that leads to this machine, or a page of another site, is how a browser is made to write here.
        origin = request.headers.get("origin")
        if not is_loopback(request.url.hostname or "") or (origin and not is_loopback(urlsplit(origin).hostname or "")):
            raise HTTPException(
                403, "only programs and pages of this machine may change the index; or set SEARCH_TOKEN"
            )


LOCAL = Writers()
"""Programs of this machine, nobody else."""
