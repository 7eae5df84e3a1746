"""Every error this program raises on purpose.

SearchError                 message: what happened, where (path, URL, model), what to do
├── ConfigError             a setting or an argument that cannot be used
├── QueryError              a question that cannot be asked: empty, too long, k out of range
├── DocumentError           one file that cannot be read; reported, the ingest goes on
├── ModelError              the model server
│   ├── ModelUnreachable    no answer: refused, timed out, cut off
│   │   └── RunnerFailed    the server answers, but the process that runs the model crashed or did not load
│   ├── ModelMissing        the model is not installed there; the message names the pull command
│   ├── ModelBusy           try again later
│   ├── ModelRefused        the server said no, in its own words
│   │   ├── InputTooLong    one input is longer than the model's window
│   │   └── RouteMissing    the server is too old for the call, or is no Ollama
│   ├── ModelGarbled        not JSON, a wrong count, a wrong dimension
│   │   └── NotFinite       the model made NaN or infinity of an input
│   └── Stopped             broken off, as whoever asked has gone
└── StoreError              the index
    ├── DocumentMissing     it has no such document
    ├── AnswerMissing       it keeps no such answer
    ├── StoreMismatch       it was built with something else; the message names the command that repairs
    └── StoreUnavailable    it cannot be opened, or somebody else holds it

Foreign exceptions are translated where they arise (`search.ollama.client` for httpx,
`search.store.sqlite` for sqlite3), so nothing above has to know them.
"""

from __future__ import annotations

__all__ = [
    "AnswerMissing",
    "ConfigError",
    "DocumentError",
    "DocumentMissing",
    "InputTooLong",
    "ModelBusy",
    "ModelError",
    "ModelGarbled",
    "ModelMissing",
    "ModelRefused",
    "ModelUnreachable",
    "NotFinite",
    "QueryError",
    "RouteMissing",
    "RunnerFailed",
    "SearchError",
    "Stopped",
    "StoreError",
    "StoreMismatch",
    "StoreUnavailable",
]


class SearchError(Exception):
    """Something that the user can be told in one sentence, with what to do about it."""

    @property
    def message(self) -> str:
        return str(self)

    @property
    def body(self) -> dict[str, dict[str, str]]:
        """The error as it goes over HTTP and into streams."""
        return {"error": {"type": type(self).__name__, "message": self.message}}


class ConfigError(SearchError):
    """A setting or a command-line argument that cannot be used."""


class QueryError(SearchError):
    """A query or question that cannot be asked as it is."""


class DocumentError(SearchError):
    """One document that cannot be read.

    `path` is as the user knows it; `reason` says why in words a person understands.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[DocumentError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class ModelError(SearchError):
    """The model server did not do what was asked."""


class ModelUnreachable(ModelError):
    """No server answers, it did not answer in time, or it went away in the middle."""


class RunnerFailed(ModelUnreachable):
    """The process that runs the model crashed, ran out of memory or did not load.

    Worth a few tries. If it fails every time on the same input, that input is what crashes it
    (old servers answer an input that is too long with a bare `EOF`).
    """


class ModelMissing(ModelError):
    """The server does not have the model."""


class ModelBusy(ModelError):
    """The server asks to come back later; `retry_after` is in seconds, where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRefused(ModelError):
    """The server refused, in its own words; `status` is the HTTP status, 0 inside a stream."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class InputTooLong(ModelRefused):
    """An input does not fit the model's window (we always ask the server not to cut it)."""


class RouteMissing(ModelRefused):
    """The server does not know the call: an old Ollama, a wrong path in the host, or no Ollama at all."""


class ModelGarbled(ModelError):
    """The server's answer cannot be used: not JSON, wrong count or dimension, not finite."""


class NotFinite(ModelGarbled):
    """The model made NaN or infinity; `rows` are the inputs it did so for (from 0), empty where it didn't say."""

    def __init__(self, message: str, rows: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.rows = rows


class Stopped(ModelError):
    """The call was broken off from here: nobody waits for its answer any more."""


class StoreError(SearchError):
    """The index cannot do what was asked."""


class DocumentMissing(StoreError):
    """The index has no document of this name."""


class AnswerMissing(StoreError):
    """The index keeps no answer with this number."""


class StoreMismatch(StoreError):
    """The index was made with another model or other settings than the ones in force."""


class StoreUnavailable(StoreError):
    """The index cannot be opened or written now."""
