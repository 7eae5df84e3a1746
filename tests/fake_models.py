"""What the fake Ollama's models compute: tokens, vectors and replies that a test can write down.

tokens   a run of at most 8 letters or digits, or one other visible sign, is one token
vector   each lower-cased word adds 1 to the place `crc32(word) % dimensions`; the sum is scaled to length 1,
         so texts that share words are similar and the same words give the same vector in any order
reply    the first sentence of passage [1] of the last user message, then " [1]"; without passages
         "I have no passages."
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from zlib import crc32

TOKEN = re.compile(r"\w{1,8}|[^\w\s]")
NO_PASSAGES = "I have no passages."

Json = dict[str, Any]
Reply = str | Callable[[list[Json]], str] | None


@dataclass(frozen=True)
class FakeModel:
    """One installed model. `context` and `batch` are in tokens; `batch` 0 means that no Modelfile sets it.

    `listed_as` is what /api/tags says that it can do where that is wrong, as it is for encoders made from safetensors.
    """

    name: str
    dimensions: int = 256
    context: int = 8192
    batch: int = 0
    capabilities: tuple[str, ...] = ("embedding",)
    listed_as: tuple[str, ...] = ()
    digest: str = ""
    size: int = 45_960_996

    @property
    def full_name(self) -> str:
        return self.name if ":" in self.name.rsplit("/", 1)[-1] else f"{self.name}:latest"

    @property
    def details(self) -> Json:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": "fake",
            "families": ["fake"],
            "parameter_size": "23M",
            "quantization_level": "F16",
            "context_length": self.context,
            "embedding_length": self.dimensions,
        }

    @property
    def listed(self) -> Json:
        """Its entry in /api/tags."""
        return {
            "name": self.full_name,
            "model": self.full_name,
            "modified_at": "2026-01-02T03:04:05.123456789Z",
            "size": self.size,
            "digest": self.digest or sha256(self.full_name.encode()).hexdigest(),
            "details": self.details,
            "capabilities": list(self.listed_as or self.capabilities),
        }

    @property
    def shown(self) -> Json:
        """The answer of /api/show."""
        return {
            "license": "Apache-2.0",
            "modelfile": f"FROM {self.full_name}",
            "parameters": f"num_batch {self.batch}" if self.batch else "",
            "template": "{{ .Prompt }}",
            "details": self.details,
            "model_info": {
                "general.architecture": "fake",
                "fake.context_length": self.context,
                "fake.embedding_length": self.dimensions,
                "fake.pooling_type": 1,
            },
            "capabilities": list(self.capabilities),
            "modified_at": "2026-01-02T03:04:05.123456789Z",
        }

    def limit(self, options: Json) -> int:
        """How many tokens one embedding input may have: the window less two marks, or the physical batch."""
        window = min(int(options.get("num_ctx") or self.context), self.context)
        batch = int(options.get("num_batch") or self.batch or min(2048, window))
        return min(window - 2, batch)


EMBEDDER = FakeModel("all-minilm")
CHATTER = FakeModel("llama3", context=131_072, capabilities=("completion", "tools"))
THINKER = FakeModel("qwen3", context=131_072, capabilities=("completion", "tools", "thinking"))
STANDARD = (EMBEDDER, CHATTER, THINKER)


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def cut(text: str, limit: int) -> str:
    """The text up to its token number `limit`."""
    ends = [match.end() for match in TOKEN.finditer(text)]
    return text if len(ends) <= limit else text[: ends[limit - 1]]


def tail(text: str, limit: int) -> str:
    """The last `limit` tokens of the text."""
    starts = [match.start() for match in TOKEN.finditer(text)]
    return text if len(starts) <= limit else text[starts[-limit] :]


def vector(text: str, dimensions: int = 256) -> list[float]:
    """The hashed bag of words of a text, unit length; a text without a word points along axis 0."""
    sums = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        sums[crc32(word.encode("utf-8", "replace")) % dimensions if word else 0] += 1.0
    return unit(sums)


def unit(numbers: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def passages(prompt: str) -> dict[int, str]:
    """The numbered passages of a prompt: each starts a line with "[n]" and runs to the next one or a blank line."""
    found = re.findall(r"^\s*\[(\d+)\][ \t]*(.*(?:\n(?!\s*\[\d+\]|\s*\n).*)*)", prompt, re.MULTILINE)
    return {int(number): text.strip() for number, text in found}


def first_sentence(text: str) -> str:
    """Up to the first ".", "!" or "?" that ends a word; line ends become spaces."""
    return re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]


def reply(messages: list[Json], scripted: Reply = None) -> str:
    """What a chat model says: what the test scripted, else the rule at the top of this module."""
    if callable(scripted):
        return scripted(messages)
    if scripted is not None:
        return scripted
    asked = next((m.get("content", "") for m in reversed(messages) if m.get("role") == "user"), "")
    passage = passages(asked).get(1)
    return f"{first_sentence(passage)} [1]" if passage else NO_PASSAGES


def fill(schema: Any, text: str) -> str:
    """JSON that fits a `format`: every string is `text`, every number 1, every list has one item.

    A text that is a JSON object already is what the model says.
    """
    if text.startswith("{"):
        return text
    return json.dumps({"answer": text} if schema == "json" else _filled(schema, text))


def _filled(schema: Json, text: str) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _filled(part, text) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_filled(schema.get("items", {}), text)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return text


def pieces(text: str) -> list[str]:
    """The text in pieces as a stream sends them: word by word, nothing lost."""
    return re.findall(r"\s*\S+\s*?|\s+", text)
