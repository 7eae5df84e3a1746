"""What a check found, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from search.errors import (
    InputTooLong,
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelMissing,
    ModelRefused,
    ModelUnreachable,
    NotFinite,
    RouteMissing,
    RunnerFailed,
)

Verdict = Literal["ok", "note", "wrong"]
T = TypeVar("T")

FIXES: dict[type[ModelError], str] = {
    InputTooLong: "use a model with a larger window, or set `num_ctx` and `num_batch` in its Modelfile",
    NotFinite: "update Ollama, use another quantisation of the model, or run it on the processor (num_gpu 0)",
    RunnerFailed: "look into the server's log; use a smaller model or quantisation if the memory is too small",
    RouteMissing: "update Ollama, and check that OLLAMA_HOST has no path too many and leads to an Ollama",
    ModelMissing: "run `ollama pull` with the model's name on that machine, or name another one in the settings",
    ModelBusy: "wait, or raise OLLAMA_MAX_QUEUE on the server; look at who else uses it",
    ModelRefused: "do what the server's own words say; a key goes into OLLAMA_API_KEY",
    ModelGarbled: "update Ollama, and check what answers at this address: a proxy or a login page is not an Ollama",
    ModelUnreachable: "start Ollama there (`ollama serve`), check OLLAMA_HOST, firewall and proxies",
    ModelError: "look into the server's log",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fix` says what to do, where there is something."""

    check: str
    verdict: Verdict
    text: str
    fix: str = ""


def failed(check: str, error: ModelError) -> Finding:
    """A check that ended in an error: its words, and the fix for its kind."""
    fix = next(FIXES[kind] for kind in type(error).__mro__ if kind in FIXES)
    return Finding(check, "wrong", str(error), fix)


def tried(check: str, found: list[Finding], call: Callable[[], T]) -> T | None:
    """What the call gives; None where it failed, which is then among the findings."""
    try:
        return call()
    except ModelError as error:
        found.append(failed(check, error))
        return None
