"""How the fake Ollama's chat models speak: what they refuse, what they see of a prompt, line by line what they say."""

from __future__ import annotations

from tests import fake_models
from tests.fake_models import FakeModel, Json, Reply

THOUGHT = "Let me think."


class Refusal(Exception):
    """An error answer, raised from within a route."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check(model: FakeModel, verb: str, body: Json) -> None:
    """Raises Refusal for what the model or the request cannot do."""
    wanted = {"completion": True, "thinking": body.get("think"), "tools": body.get("tools")}
    for capability, asked in wanted.items():
        if asked and capability not in model.capabilities:
            what = verb if capability == "completion" else capability
            raise Refusal(400, f'"{body["model"]}" does not support {what}')
    if body.get("format") not in (None, "", "json") and not isinstance(body["format"], dict):
        raise Refusal(400, 'invalid format: expected "json" or a JSON schema')
    if not 0 <= (body.get("top_logprobs") or 0) <= 20:
        raise Refusal(400, "top_logprobs must be between 0 and 20")


def say(
    model: FakeModel, verb: str, messages: list[Json], body: Json, *, scripted: Reply, window: int, load: int
) -> list[Json]:
    """The lines of an answer: a thought (from models that think), the text in pieces, a tool call, the end."""
    if not messages:
        reason = "unload" if body.get("keep_alive") in (0, "0") else "load"
        return [said(verb, "", body) | {"done": True, "done_reason": reason}]
    window = int((body.get("options") or {}).get("num_ctx") or window)
    seen, count = windowed(messages, window, body)
    text = fake_models.reply(seen, scripted)
    if body.get("format"):
        text = fake_models.fill(body["format"], text)
    longest = int((body.get("options") or {}).get("num_predict") or -1)
    is_cut = 0 < longest < len(fake_models.tokens(text))
    if is_cut:
        text = fake_models.cut(text, longest)
    lines = [said(verb, piece, body) for piece in fake_models.pieces(text)]
    if "thinking" in model.capabilities and body.get("think") is not False:
        lines.insert(0, said(verb, "", body, thinking=THOUGHT))
    if body.get("tools"):
        lines.append(called(body))
    words = len(fake_models.tokens(text))
    end = said(verb, "", body) | {"done": True, "done_reason": "stop", "total_duration": load + 3_000_000}
    if is_cut:
        end["done_reason"] = "length"
    end |= {"load_duration": load, "prompt_eval_count": count, "prompt_eval_duration": 1_000_000}
    return [*lines, end | {"eval_count": words, "eval_duration": words * 20_000_000}]


def windowed(messages: list[Json], window: int, body: Json) -> tuple[list[Json], int]:
    """The messages that fit the window and the tokens evaluated, dropped and shifted as the server does."""

    def size(some: list[Json]) -> int:
        return sum(len(fake_models.tokens(message.get("content", ""))) for message in some)

    kept = list(messages)
    while size(kept) > window and body.get("truncate", True):
        dropped = next((n for n, m in enumerate(kept[:-1]) if m.get("role") != "system"), None)
        if dropped is None:
            break
        del kept[dropped]
    if size(kept) <= window:
        return kept, size(kept)
    if not body.get("shift", True):
        words = "the prompt is longer than the context length currently available to the model"
        raise Refusal(400, f"{words}; increase num_ctx or shorten the prompt")
    last = kept[-1] | {"content": fake_models.tail(kept[-1].get("content", ""), window // 2 - 2)}
    return [last], window // 2 + 2


def said(verb: str, text: str, body: Json, thinking: str = "") -> Json:
    """One line of a chat or a completion."""
    line: Json = {"model": body["model"], "created_at": "2026-01-02T03:04:05.123456789Z", "done": False}
    thoughts = {"thinking": thinking} if thinking else {}
    if verb == "chat":
        line["message"] = {"role": "assistant", "content": text, **thoughts}
    else:
        line |= {"response": text, **thoughts}
    if body.get("logprobs") and text:
        top = [{"token": text, "logprob": -0.25}] * (body.get("top_logprobs") or 0)
        line["logprobs"] = [{"token": text, "logprob": -0.25, "bytes": list(text.encode()), "top_logprobs": top}]
    return line


def called(body: Json) -> Json:
    """A line that calls the first tool with "x" for every required argument."""
    function = body["tools"][0]["function"]
    arguments = dict.fromkeys(function.get("parameters", {}).get("required", []), "x")
    call = {"id": "call_1", "function": {"index": 0, "name": function["name"], "arguments": arguments}}
    line = said("chat", "", body)
    line["message"]["tool_calls"] = [call]
    return line


def joined(objects: list[Json]) -> Json:
    """What stream false gives: the last object, with the text of all."""
    whole = dict(objects[-1])
    if "message" in whole:
        messages = [one["message"] for one in objects]
        whole["message"] = {**messages[-1], "content": "".join(m["content"] for m in messages)}
        whole["message"] |= {k: v for m in messages for k, v in m.items() if k in ("thinking", "tool_calls")}
    elif "response" in whole:
        whole["response"] = "".join(one["response"] for one in objects)
    probabilities = [item for one in objects for item in one.get("logprobs", [])]
    return whole | ({"logprobs": probabilities} if probabilities else {})
