"""The embedded model's routes: which endpoint answers a request, and with what status. Knows no JSON text and no HTTP.

`transport` is their face for httpx, `serving` for a port; `search.ollama.client` calls them as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from search.embedded import endpoints
from search.errors import ModelMissing, SearchError

Content = endpoints.Json | str
"""A JSON object, in which an array stands for lists of numbers; or plain text."""

Body = Callable[[], endpoints.Json]
"""Reads the request's body. Raises Refused."""


def answer(method: str, path: str, body: Body) -> tuple[int, Content]:
    """Status and content of the answer to one request, errors included; raises nothing that a request can cause."""
    if (methods := _ROUTES.get(path)) is None:
        return 404, "404 page not found"
    if (endpoint := methods.get(method)) is None:
        return 405, "" if method == "HEAD" else "405 method not allowed"
    try:
        return 200, endpoint(body)
    except endpoints.Refused as error:
        return error.status, {"error": error.message}
    except ModelMissing as error:
        return 404, {"error": error.message}
    except SearchError as error:
        return 500, {"error": error.message}


def encoded(content: Content) -> bytes:
    """Content as it is sent; float32 numbers come back as they were."""
    from pydantic_core import to_json  # noqa: PLC0415 (within this process nothing is sent)

    return content.encode() if isinstance(content, str) else to_json(content, fallback=np.ndarray.tolist)


Endpoint = Callable[[Body], Content]


def _plain(function: Callable[[], endpoints.Json]) -> Endpoint:
    """An endpoint that reads no body."""
    return lambda _: function()


def _posted(function: Callable[[endpoints.Json], endpoints.Json]) -> Endpoint:
    """An endpoint that reads a JSON object."""
    return lambda body: function(body())


def _root(_: Body) -> str:
    return "Ollama is running"


_ROUTES: dict[str, dict[str, Endpoint]] = {
    "/": {"GET": _root, "HEAD": _root},
    "/api/version": {"GET": _plain(endpoints.version), "HEAD": _plain(endpoints.version)},
    "/api/tags": {"GET": _plain(endpoints.tags), "HEAD": _plain(endpoints.tags)},
    "/api/ps": {"GET": _plain(endpoints.ps)},
    "/api/show": {"POST": _posted(endpoints.show)},
    "/api/embed": {"POST": _posted(endpoints.embed)},
    "/api/embeddings": {"POST": _posted(endpoints.embeddings)},
    "/api/generate": {"POST": _posted(endpoints.generate)},
    "/api/chat": {"POST": _posted(endpoints.chat)},
    "/api/pull": {"POST": _posted(endpoints.manage)},
    "/api/push": {"POST": _posted(endpoints.manage)},
    "/api/create": {"POST": _posted(endpoints.manage)},
    "/api/copy": {"POST": _posted(endpoints.manage)},
    "/api/delete": {"DELETE": _posted(endpoints.manage)},
}
