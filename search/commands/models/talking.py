"""`search models generate`, `chat` and `embed`: what a model says, as it says it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from search.commands.conversations import LEAVING
from search.commands.models.printing import declare
from search.commands.terminal import as_json
from search.errors import ConfigError
from search.ollama import wire
from search.ollama.client import Client

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SHOWN_NUMBERS = 5


def add(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = declare(verbs, "generate", generate, "complete a prompt")
    parser.add_argument("model")
    parser.add_argument("prompt", help="the text to go on with; - reads standard input")
    parser.add_argument("--system", metavar="TEXT", help="a system message")
    parser.add_argument("--no-think", action="store_true", help="without thinking first, for models that do")
    parser = declare(verbs, "chat", chat, "talk to a model, line by line")
    parser.add_argument("model")
    parser.add_argument("--system", metavar="TEXT", help="a system message")
    parser.add_argument("--no-think", action="store_true", help="without thinking first, for models that do")
    parser = declare(verbs, "embed", embed, "turn texts into vectors, as they are, without prefixes")
    parser.add_argument("model")
    parser.add_argument("text", nargs="+", help="texts; a single - reads lines of standard input")


def generate(client: Client, chosen: argparse.Namespace) -> int:
    """Prints the answer as it comes; thoughts and speed go to standard error."""
    prompt = sys.stdin.read() if chosen.prompt == "-" else chosen.prompt
    if not prompt.strip():
        raise ConfigError("the prompt is empty: say what to go on with")
    think = False if chosen.no_think else None
    thinking = False
    with client.generate_stream(chosen.model, prompt, system=chosen.system, think=think) as lines:
        for line in lines:
            if chosen.json:
                as_json(line, indent=None)
            else:
                thinking = _write(line.thinking, line.response, thinking)
            last = line
    _end(last, chosen)
    return 0


def chat(client: Client, chosen: argparse.Namespace) -> int:
    """Answers each line of standard input until it ends, or until /bye; the whole conversation goes with each."""
    messages = [wire.Message(role="system", content=chosen.system)] if chosen.system else []
    think = False if chosen.no_think else None
    for asked in _turns():
        messages.append(wire.Message(role="user", content=asked))
        said, thinking = "", False
        with client.chat_stream(chosen.model, messages, think=think) as lines:
            for line in lines:
                said += line.message.content
                if chosen.json:
                    as_json(line, indent=None)
                else:
                    thinking = _write(line.message.thinking, line.message.content, thinking)
                last = line
        messages.append(wire.Message(role="assistant", content=said))
        _end(last, chosen)
    return 0


def embed(client: Client, chosen: argparse.Namespace) -> int:
    """Prints the vectors in JSON, or their dimensions and first numbers. A text that is too long is an error."""
    texts = [line.rstrip("\n") for line in sys.stdin] if chosen.text == ["-"] else chosen.text
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ConfigError("there is no text to embed: give one that isn't blank")
    made = client.embed(chosen.model, texts, truncate=False)
    if chosen.json:
        tokens = made.metrics.prompt_tokens
        as_json({"model": made.model, "embeddings": made.vectors.tolist(), "prompt_eval_count": tokens}, indent=None)
        return 0
    for text, vector in zip(texts, made.vectors, strict=True):
        numbers = ", ".join(f"{number:.4f}" for number in vector[:SHOWN_NUMBERS])
        print(f"[{numbers}, ...] {len(vector)} numbers: {' '.join(text.split())[:60]}")
    return 0


def _turns() -> Iterator[str]:
    """What is said to the model: lines of standard input, with a prompt on a terminal."""
    while True:
        try:
            line = input(">>> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if line in LEAVING:
            return
        if line:
            yield line


def _write(thought: str, text: str, thinking: bool) -> bool:
    """Prints a piece; whether it was a thought."""
    if thought:
        print(thought, end="", file=sys.stderr, flush=True)
        return True
    if thinking and text:
        print("\n", file=sys.stderr, flush=True)
    print(text, end="", flush=True)
    return thinking and not text


def _end(last: wire.Written, chosen: argparse.Namespace) -> None:
    if chosen.json:
        return
    print()
    metrics = last.metrics
    if metrics.eval_tokens and sys.stderr.isatty():
        print(f"({metrics.eval_tokens} tokens, {metrics.tokens_per_second:.0f} a second)", file=sys.stderr)
