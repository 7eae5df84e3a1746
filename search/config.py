"""Settings, read from the environment once, in the two `__main__` modules only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search.errors import ConfigError

EMBEDDED_HOST = "embedded://"
EMBEDDED_MODEL = "all-minilm"
MULTILINGUAL_MODEL = "multilingual-e5-small"
DEFAULT_OLLAMA_HOST = "http://127.0.0.1:11434"
LEAST_NUM_CTX, MOST_NUM_CTX = 512, 100_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How this program is set up.

    database      a path (SEARCH_DB or --db); by default a file in the user's data folder
    ollama_host   OLLAMA_HOST as given, or Ollama's own default
    api_key       OLLAMA_API_KEY, sent as a bearer token; "" for none
    embed_model   SEARCH_EMBED_MODEL: a model of ollama_host, or embedded://NAME for one that needs no server;
                  None: the embedded model
    chat_model    SEARCH_CHAT_MODEL; None: answers are extracts
    query_prefix, document_prefix   SEARCH_QUERY_PREFIX, SEARCH_DOCUMENT_PREFIX: what is put before a query and
                  before a passage that is embedded, "" for nothing; None: what the model's family wants
    num_ctx       SEARCH_NUM_CTX: the window in tokens that the chat model is loaded with; None: the server's choice
    hosts         SEARCH_HOSTS: further names under which the service may be asked, "*" for any
    token         SEARCH_TOKEN, which changes over HTTP ask for; "" for none: only this machine may make them
    """

    database: str
    ollama_host: str = DEFAULT_OLLAMA_HOST
    api_key: str = ""
    embed_model: str | None = None
    chat_model: str | None = None
    query_prefix: str | None = None
    document_prefix: str | None = None
    token: str = ""
    num_ctx: int | None = None
    hosts: tuple[str, ...] = ()

    @property
    def embedder(self) -> str:
        """The name of the model that embeds."""
        return (self.embed_model or "").removeprefix(EMBEDDED_HOST) or EMBEDDED_MODEL

    @property
    def embed_host(self) -> str:
        """Where embeddings come from: this process, unless an Ollama model was named."""
        named = self.embed_model and not self.embed_model.startswith(EMBEDDED_HOST)
        return self.ollama_host if named else EMBEDDED_HOST

    @property
    def embeds_here(self) -> bool:
        """Whether this process embeds, and no server is asked to."""
        return self.embed_host == EMBEDDED_HOST


def from_environment(environment: Mapping[str, str], database: str | None = None) -> Settings:
    """Settings from environment variables; `database` (the --db option) wins over SEARCH_DB.

    Raises ConfigError for a SEARCH_NUM_CTX that is no number of tokens.
    """
    return Settings(
        database=database or environment.get("SEARCH_DB") or str(default_database()),
        ollama_host=environment.get("OLLAMA_HOST", "").strip() or DEFAULT_OLLAMA_HOST,
        api_key=environment.get("OLLAMA_API_KEY", "").strip(),
        embed_model=environment.get("SEARCH_EMBED_MODEL", "").strip() or None,
        chat_model=environment.get("SEARCH_CHAT_MODEL", "").strip() or None,
        query_prefix=_prefix(environment.get("SEARCH_QUERY_PREFIX")),
        document_prefix=_prefix(environment.get("SEARCH_DOCUMENT_PREFIX")),
        token=environment.get("SEARCH_TOKEN", "").strip(),
        hosts=tuple(name.strip() for name in environment.get("SEARCH_HOSTS", "").split(",") if name.strip()),
        num_ctx=_tokens("SEARCH_NUM_CTX", environment.get("SEARCH_NUM_CTX", "")),
    )


def default_database() -> Path:
    """The index that is used when none is named: one file in the user's data folder."""
    from platformdirs import user_data_path  # noqa: PLC0415 (who names an index needs none of it)

    return user_data_path("semsearch", appauthor=False) / "index.db"


def _prefix(given: str | None) -> str | None:
    r"""A prefix as given, with its spaces; \n stands for a line break."""
    return None if given is None else given.replace("\\n", "\n")


def _tokens(name: str, given: str) -> int | None:
    """A number of tokens; None where none is given."""
    text = given.strip().replace(",", "").replace("_", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not LEAST_NUM_CTX <= int(text) <= MOST_NUM_CTX:
        raise ConfigError(f"{name} is {given!r}: give a number of tokens from {LEAST_NUM_CTX} on, such as 16384")
    return int(text)
