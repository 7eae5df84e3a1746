"""What comes over the wire, as records. Knows JSON that is decoded already; no HTTP.

Fields that a server adds are kept (`record.model_extra`), fields that it leaves out or sends as null have
their defaults: Ollama omits zeros. Durations are nanoseconds on the wire and seconds in `metrics`; times stay
text, because they have up to nine digits of a second.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from search.ollama import embeddings
from search.ollama.embeddings import Metrics

NullIsEmpty = BeforeValidator(lambda value: () if value is None else value)
"""For lists that must be there: an answer without them is none of Ollama's."""
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


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
        return embeddings.metrics({name: getattr(self, name) for name in embeddings.TIMING})


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

    def plain(self) -> dict[str, Any]:
        """As it is sent: without the fields that are empty."""
        return self.model_dump(exclude_defaults=True) | {"role": self.role, "content": self.content}


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


def full_name(model: str) -> str:
    """A model's name as Ollama compares it: in lower case, with the tag `latest` if it has none, without the host and
    namespace that it stands for if it names none."""
    name = model.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"
