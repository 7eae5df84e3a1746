"""The Ollama REST API, one function per endpoint: each says what to send and how to read the answer.

No I/O. `client` binds these functions to a sync and an async client, so each endpoint is declared once.
Optional fields that are None are not sent, and the server's default applies. In `options` the runner's options
(num_ctx, num_batch, num_gpu, ...) must be the same on every call: a difference loads the model again.
`keep_alive` is in seconds or a duration such as "10m"; negative for ever, 0 unloads.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from search.ollama import embeddings as vectors
from search.ollama import quick
from search.ollama.embeddings import Embeddings

if TYPE_CHECKING:
    from search.ollama import wire
    from search.ollama.thoughts import ThoughtsApart

T = TypeVar("T")

Options = Mapping[str, Any]
KeepAlive = float | str
Think = bool | Literal["low", "medium", "high", "max"]
Format = Literal["json"] | Mapping[str, Any]
Image = bytes | str
"""Raw bytes, or base64 text. A text is never taken for the path of a file."""
ChatMessage: TypeAlias = "wire.Message | Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how its answer is read.

    read      makes a T of the decoded answer (of each line, in a stream); None where the answer has no body
    model     which model is asked, for messages
    finished  tells the last line of a stream; None where the endpoint does not stream
    tidy      makes what puts the records of one answer in order, one after the other
    absent    what a 404 means, where it is an answer and not an error
    quick     answered at once, with no model to wait for
    upload    a file to send as the body
    quickly   reads an answer of the usual shape faster than by decoding it; None where it isn't one
    """

    method: str
    path: str
    read: Callable[[Any], T]
    body: Mapping[str, Any] | None = None
    model: str = ""
    finished: Callable[[T], bool] | None = None
    tidy: Callable[[], Callable[[T], T]] | None = None
    has_json: bool = True
    absent: T | None = None
    quick: bool = False
    upload: Path | None = None
    quickly: Callable[[bytes], dict[str, Any] | None] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" (model {self.model})" if self.model else "")


# ------------------------------------------------------------------ the server


def health() -> Call[bool]:
    """HEAD /: whether a server answers; the cheapest of all."""
    return Call("HEAD", "/", _true, has_json=False, quick=True)


def version() -> Call[wire.Version]:
    """Which Ollama it is."""
    return Call("GET", "/api/version", _record("Version"), quick=True)


def status() -> Call[wire.ServerStatus]:
    """Whether the server may use models of ollama.com."""
    return Call("GET", "/api/status", _record("ServerStatus"), quick=True)


def tags() -> Call[wire.Tags]:
    """The installed models."""
    return Call("GET", "/api/tags", _record("Tags"), quick=True)


def ps() -> Call[wire.Loaded]:
    """The loaded models."""
    return Call("GET", "/api/ps", _record("Loaded"), quick=True)


def show(
    model: str, *, verbose: bool | None = None, system: str | None = None, options: Options | None = None
) -> Call[wire.ShownModel]:
    """What a model is; `verbose` adds its tensors."""
    body = _body(model=model, verbose=verbose, system=system, options=options)
    return Call("POST", "/api/show", _record("ShownModel"), body, model, quick=True)


# ------------------------------------------------------------------ vectors


def embed(
    model: str,
    input: str | Sequence[str],
    *,
    truncate: bool = True,
    options: Options | None = None,
    dimensions: int | None = None,
    keep_alive: KeepAlive | None = None,
) -> Call[Embeddings]:
    """One vector per input, unit length. With `truncate` false a long input is refused instead of cut.

    An empty list (or text) loads the model and gives no vectors.
    """
    texts = input if isinstance(input, str) else list(input)
    inputs = bool(texts) if isinstance(texts, str) else len(texts)
    body = _body(
        model=model,
        input=texts,
        truncate=truncate,
        options=options,
        dimensions=dimensions,
        keep_alive=keep_alive,
    )
    read = partial(vectors.embeddings, inputs=int(inputs))
    return Call("POST", "/api/embed", read, body, model, quickly=quick.embeddings)


def embeddings(
    model: str, prompt: str, *, options: Options | None = None, keep_alive: KeepAlive | None = None
) -> Call[Embeddings]:
    """The legacy call: one text, always cut where too long, maybe not of unit length. For servers without `embed`."""
    body = _body(model=model, prompt=prompt, options=options, keep_alive=keep_alive)
    return Call("POST", "/api/embeddings", partial(vectors.embedding, inputs=int(bool(prompt))), body, model)


# ------------------------------------------------------------------ text


def generate(
    model: str,
    prompt: str = "",
    *,
    suffix: str | None = None,
    system: str | None = None,
    template: str | None = None,
    context: Sequence[int] | None = None,
    raw: bool | None = None,
    format: Format | None = None,
    images: Sequence[Image] | None = None,
    think: Think | None = None,
    truncate: bool | None = None,
    shift: bool | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    options: Options | None = None,
    keep_alive: KeepAlive | None = None,
) -> Call[wire.GenerateResponse]:
    """Completes a prompt; an empty one loads the model, or unloads it with `keep_alive` 0.

    Unset, `think` is on for models that can.
    """
    encoded = None if images is None else [_base64(image) for image in images]
    body = _body(model=model, prompt=prompt, suffix=suffix, system=system, template=template, context=context)
    body |= _body(raw=raw, format=format, images=encoded, think=think, truncate=truncate, shift=shift)
    body |= _body(logprobs=logprobs, top_logprobs=top_logprobs, options=options, keep_alive=keep_alive)
    return Call("POST", "/api/generate", _record("GenerateResponse"), body, model, _done)


def chat(
    model: str,
    messages: Sequence[ChatMessage] = (),
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    format: Format | None = None,
    think: Think | None = None,
    truncate: bool | None = None,
    shift: bool | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    options: Options | None = None,
    keep_alive: KeepAlive | None = None,
) -> Call[wire.ChatResponse]:
    """Goes on with a conversation; no messages load the model, or unload it with `keep_alive` 0.

    With `truncate` and `shift` both false a prompt that doesn't fit the window is refused (InputTooLong) instead
    of cut. Unset, `think` is on for models that can.
    """
    sent = [_message(message) for message in messages]
    body = _body(model=model, messages=sent, tools=tools, format=format, think=think)
    body |= _body(truncate=truncate, shift=shift, logprobs=logprobs, top_logprobs=top_logprobs)
    body |= _body(options=options, keep_alive=keep_alive)
    return Call("POST", "/api/chat", _record("ChatResponse"), body, model, _done, _thoughts_apart)


# ------------------------------------------------------------------ managing models


def copy(source: str, destination: str) -> Call[None]:
    """Gives a model a second name."""
    body = _body(source=source, destination=destination)
    return Call("POST", "/api/copy", _none, body, source, has_json=False)


def delete(model: str) -> Call[None]:
    """Removes a model."""
    return Call("DELETE", "/api/delete", _none, _body(model=model), model, has_json=False)


def pull(model: str, *, insecure: bool | None = None) -> Call[wire.Progress]:
    """Downloads a model; goes on where an interrupted pull stopped."""
    body = _body(model=model, insecure=insecure)
    return Call("POST", "/api/pull", _record("Progress"), body, model, _succeeded)


def push(model: str, *, insecure: bool | None = None) -> Call[wire.Progress]:
    """Uploads a model to its registry."""
    body = _body(model=model, insecure=insecure)
    return Call("POST", "/api/push", _record("Progress"), body, model, _succeeded)


def create(
    model: str,
    *,
    from_: str | None = None,
    files: Mapping[str, str] | None = None,
    adapters: Mapping[str, str] | None = None,
    template: str | None = None,
    license: str | Sequence[str] | None = None,
    system: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    messages: Sequence[ChatMessage] | None = None,
    renderer: str | None = None,
    parser: str | None = None,
    quantize: str | None = None,
    draft_quantize: str | None = None,
    draft_files: Mapping[str, str] | None = None,
    requires: str | None = None,
    remote_host: str | None = None,
    info: Mapping[str, Any] | None = None,
) -> Call[wire.Progress]:
    """Makes a model `from_` another, or of `files` (name to "sha256:..." of an uploaded blob)."""
    sent = None if messages is None else [_message(message) for message in messages]
    body = _body(model=model, files=files, adapters=adapters, template=template, license=license, system=system)
    body |= _body(parameters=parameters, messages=sent, renderer=renderer, parser=parser, quantize=quantize)
    body |= _body(draft_quantize=draft_quantize, draft_files=draft_files, requires=requires)
    body |= _body(remote_host=remote_host, info=info)
    if from_ is not None:
        body["from"] = from_
    return Call("POST", "/api/create", _record("Progress"), body, model, _succeeded)


def blob_exists(digest: str) -> Call[bool]:
    """Whether the server has a file of this digest ("sha256:" and 64 hex digits)."""
    return Call("HEAD", f"/api/blobs/{digest}", _true, has_json=False, absent=False, quick=True)


def blob_upload(digest: str, file: Path) -> Call[None]:
    """Sends a file, read from disk piece by piece; the server checks the digest."""
    return Call("POST", f"/api/blobs/{digest}", _none, has_json=False, upload=file)


def _record(name: str) -> Callable[[Any], Any]:
    """Reads an answer as the record of this name in `wire`, which is imported with the first such answer: it takes as
    long as a search, and one that embeds its query in this process has none."""

    def read(data: Any) -> Any:
        from search.ollama import wire  # noqa: PLC0415 (see above)

        return getattr(wire, name).model_validate(data)

    return read


def _thoughts_apart() -> ThoughtsApart:
    from search.ollama.thoughts import ThoughtsApart  # noqa: PLC0415 (as `wire`, which it needs)

    return ThoughtsApart()


def _body(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _message(message: ChatMessage) -> dict[str, Any]:
    sent = dict(message) if isinstance(message, Mapping) else message.plain()
    if sent.get("images"):
        sent["images"] = [_base64(image) for image in sent["images"]]
    return sent


def _base64(image: Image) -> str:
    return b64encode(image).decode("ascii") if isinstance(image, bytes) else image


def _done(line: wire.Written) -> bool:
    return line.done


def _succeeded(line: wire.Progress) -> bool:
    return line.status == "success"


def _true(_nothing: Any) -> bool:
    return True


def _none(_nothing: Any) -> None:
    return None
