"""What comes over the wire, as records. Knows JSON that is decoded already; no HTTP.

Fields that a server adds are kept (`record.model_extra`), fields that it leaves out or sends as null have
their defaults: Ollama omits zeros. Durations are nanoseconds on the wire and seconds in `metrics`; times stay
text, because they have up to nine digits of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from search.vectors import Floats

NANOSECONDS = 1e9
NullIsEmpty = BeforeValidator(lambda value: () if value is None else value)
"""For lists that must be there: an answer without them is none of Ollama's."""
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Unusable(ValueError):
    """An answer that cannot be used, in plain words."""


class UnusableRows(Unusable):
    """Vectors with NaN or infinity in them; `rows` says which."""

    def __init__(self, words: str, rows: tuple[int, ...]) -> None:
        super().__init__(words)
        self.rows = rows


class Record(BaseModel):
    """A JSON object: unknown fields are kept, null means the default."""

    # Schemas are built when they are first used: a search reads two of thirty kinds of answers.
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=(), defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
            return {name: value for name, value in data.items() if value is not None or name not in optional}
        return data


# ------------------------------------------------------------------ metrics


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an answer cost, in seconds and tokens; what the server left out is 0."""

    total_seconds: float = 0.0
    load_seconds: float = 0.0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    eval_tokens: int = 0
    eval_seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """How fast the answer was written."""
        return self.eval_tokens / self.eval_seconds if self.eval_seconds else 0.0

    @property
    def prompt_tokens_per_second(self) -> float:
        """How fast the prompt was read."""
        return self.prompt_tokens / self.prompt_seconds if self.prompt_seconds else 0.0

    def figures(self) -> dict[str, float]:
        """All of it by name, for a report."""
        return {
            "total_seconds": self.total_seconds,
            "load_seconds": self.load_seconds,
            "prompt_tokens": self.prompt_tokens,
            "prompt_seconds": self.prompt_seconds,
            "prompt_tokens_per_second": self.prompt_tokens_per_second,
            "eval_tokens": self.eval_tokens,
            "eval_seconds": self.eval_seconds,
            "tokens_per_second": self.tokens_per_second,
        }


class Timed(Record):
    """An answer that says what it cost."""

    total_duration: Int64 = 0
    load_duration: Int64 = 0
    prompt_eval_count: Int64 = 0
    prompt_eval_duration: Int64 = 0
    eval_count: Int64 = 0
    eval_duration: Int64 = 0

    @property
    def metrics(self) -> Metrics:
        return Metrics(
            self.total_duration / NANOSECONDS,
            self.load_duration / NANOSECONDS,
            self.prompt_eval_count,
            self.prompt_eval_duration / NANOSECONDS,
            self.eval_count,
            self.eval_duration / NANOSECONDS,
        )


# ------------------------------------------------------------------ models


class Version(Record):
    """GET /api/version."""

    version: str


class Cloud(Record):
    """Whether models of ollama.com may be used, and what says so."""

    disabled: bool = False
    source: str = ""


class ServerStatus(Record):
    """GET /api/status."""

    cloud: Cloud = Cloud()


class Details(Record):
    """What a model is made of; older servers leave the two lengths out (0)."""

    parent_model: str = ""
    format: str = ""
    family: str = ""
    families: tuple[str, ...] = ()
    parameter_size: str = ""
    quantization_level: str = ""
    context_length: int = 0
    embedding_length: int = 0


class InstalledModel(Record):
    """A model in /api/tags; `size` in bytes. Older servers leave `capabilities` out."""

    name: str = ""
    model: str = ""
    remote_model: str = ""
    remote_host: str = ""
    modified_at: str = ""
    size: int = 0
    digest: str = ""
    details: Details = Details()
    capabilities: tuple[str, ...] = ()


class Tags(Record):
    """GET /api/tags: the installed models."""

    models: Annotated[tuple[InstalledModel, ...], NullIsEmpty]

    def find(self, name: str) -> InstalledModel | None:
        """The installed model that a server takes for this name: `latest` if no tag is named, in any case."""
        wanted = full_name(name)
        return next((model for model in self.models if full_name(model.name or model.model) == wanted), None)


class LoadedModel(Record):
    """A model in /api/ps; sizes in bytes, `context_length` is its live window in tokens (0: not said)."""

    name: str = ""
    model: str = ""
    size: int = 0
    digest: str = ""
    details: Details = Details()
    expires_at: str = ""
    size_vram: int = 0
    context_length: int = 0

    @property
    def gpu_share(self) -> float:
        """Which part of it is in the memory of a GPU, 0 to 1."""
        return self.size_vram / self.size if self.size else 0.0


class Loaded(Record):
    """GET /api/ps: the loaded models."""

    models: Annotated[tuple[LoadedModel, ...], NullIsEmpty]

    def find(self, name: str) -> LoadedModel | None:
        """The loaded model of this name, as in Tags.find."""
        wanted = full_name(name)
        return next((model for model in self.models if full_name(model.name or model.model) == wanted), None)


class ShownModel(Record):
    """POST /api/show."""

    license: str | tuple[str, ...] = ""
    modelfile: str = ""
    parameters: str = ""
    template: str = ""
    system: str = ""
    renderer: str = ""
    parser: str = ""
    details: Details = Details()
    messages: tuple[Message, ...] = ()
    remote_model: str = ""
    remote_host: str = ""
    model_info: dict[str, Any] = Field(default_factory=dict)
    projector_info: dict[str, Any] = Field(default_factory=dict)
    tensors: tuple[dict[str, Any], ...] = ()
    capabilities: tuple[str, ...] = ()
    modified_at: str = ""
    requires: str = ""

    @property
    def context_length(self) -> int:
        """The window it was trained with, in tokens; 0 where the server doesn't say."""
        return self._number("context_length") or self.details.context_length

    @property
    def embedding_length(self) -> int:
        """How many numbers its vectors have; 0 where the server doesn't say."""
        return self._number("embedding_length") or self.details.embedding_length

    def _number(self, name: str) -> int:
        found = self.model_info.get(f"{self.model_info.get('general.architecture')}.{name}")
        return found if isinstance(found, int) else 0


class Progress(Record):
    """A line of pull, push or create; sizes in bytes, 0 where there is nothing to count."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0


# ------------------------------------------------------------------ chat


class Function(Record):
    """Which tool a model calls, and with what."""

    index: int = 0
    name: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolCall(Record):
    """One call of a tool; comes whole, maybe not in the last line of a stream."""

    id: str = ""
    function: Function = Function()


class Message(Record):
    """One turn of a chat; `images` are base64. `thinking` is never part of the content."""

    role: str = ""
    content: str = ""
    thinking: str = ""
    images: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""


class TokenProbability(Record):
    """A token and the natural logarithm of its probability."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] = ()


class Logprob(TokenProbability):
    """A token of the answer, and what else might have stood there."""

    top_logprobs: tuple[TokenProbability, ...] = ()


class Written(Timed):
    """What chat and generate have in common. `done_reason` is stop, length, load or unload."""

    model: str = ""
    created_at: str = ""
    remote_model: str = ""
    remote_host: str = ""
    done: bool = False
    done_reason: str = ""
    logprobs: tuple[Logprob, ...] = ()


class ChatResponse(Written):
    """POST /api/chat: the whole answer, or one line of a stream."""

    message: Message = Message()


class GenerateResponse(Written):
    """POST /api/generate: the whole answer, or one line of a stream."""

    response: str = ""
    thinking: str = ""
    context: tuple[int, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()


# ------------------------------------------------------------------ vectors


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """POST /api/embed: `vectors` is float32 (inputs, dimensions) in the order of the inputs, all finite.

    `metrics.prompt_tokens` is the sum over all inputs, after any cutting by the server.
    """

    vectors: Floats
    model: str = ""
    metrics: Metrics = Metrics()
    extra: Mapping[str, Any] = field(default_factory=dict)


def embeddings(data: Any, inputs: int) -> Embeddings:
    """Reads the answer to /api/embed. Raises Unusable unless there is one finite vector per input."""
    vectors = matrix(data.get("embeddings"), inputs)
    known = {"embeddings", "model", *Timed.model_fields}
    extra = {name: value for name, value in data.items() if name not in known}
    return Embeddings(vectors, data.get("model") or "", Timed.model_validate(_timing(data)).metrics, extra)


def embedding(data: Any, inputs: int) -> Embeddings:
    """Reads the answer to the legacy /api/embeddings, which takes one input and gives no metrics."""
    row = data.get("embedding")
    extra = {name: value for name, value in data.items() if name != "embedding"}
    return Embeddings(matrix([row] if row else [], inputs), extra=extra)


def matrix(rows: Any, inputs: int) -> Floats:
    """Lists of numbers, or a matrix, as float32 (inputs, dimensions). Raises Unusable, which says what is wrong."""
    rows = [] if rows is None else rows
    if not isinstance(rows, list | np.ndarray) or len(rows) != inputs:
        found = len(rows) if isinstance(rows, list | np.ndarray) else "no list of"
        raise Unusable(f"{inputs} inputs were sent and {found} vectors came back")
    if not len(rows):
        return np.zeros((0, 0), dtype=np.float32)
    lengths = [] if isinstance(rows, np.ndarray) else [len(row) if isinstance(row, list) else 0 for row in rows]
    for row, length in enumerate(lengths):
        if not length or length != lengths[0]:
            raise Unusable(f"vector {row} has {length} numbers, vector 0 has {lengths[0]}")
    try:
        with np.errstate(over="ignore"):  # too big for float32 becomes infinity, which is refused below
            vectors = np.array(rows, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unusable(f"the vectors hold something that is no number: {error}") from error
    if vectors.ndim != 2:
        raise Unusable("the vectors hold something that is no number")
    bad = tuple(int(row) for row in np.flatnonzero(~np.isfinite(vectors).all(axis=1)))
    if bad:
        raise UnusableRows(f"vector {bad[0]} of {inputs} holds NaN or infinity", bad)
    return vectors


def _timing(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in Timed.model_fields if name in data}


def full_name(model: str) -> str:
    """A model's name as Ollama compares it: in lower case, with the tag `latest` if it has none."""
    name = model.lower()
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def plain(message: Message | Mapping[str, Any]) -> dict[str, Any]:
    """A message as it is sent: without the fields that are empty."""
    if isinstance(message, Message):
        return message.model_dump(exclude_defaults=True) | {"role": message.role, "content": message.content}
    return dict(message)
