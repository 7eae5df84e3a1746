"""Thoughts that a chat model wrote into its text: `<think>...</think>` at the beginning goes to `thinking`.

Models whose template Ollama knows have their thoughts apart already; imported ones often don't.
"""

from __future__ import annotations

from search.ollama.wire import ChatResponse

OPEN = "<think>"
CLOSE = "</think>"


class ThoughtsApart:
    """Takes the lines of one answer in order and gives them back with the thoughts out of the text.

    Text is held back only as long as it may be half of a tag; nothing is lost.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._over = False

    def __call__(self, line: ChatResponse) -> ChatResponse:
        if self._over:
            return line
        message = line.message
        thinking, content = self._split(message.content, line.done)
        if (thinking, content) == ("", message.content):
            return line
        changed = {"thinking": message.thinking + thinking, "content": content}
        return line.model_copy(update={"message": message.model_copy(update=changed)})

    def _split(self, text: str, done: bool) -> tuple[str, str]:
        """What of the text so far is thought and what is said; at the end nothing is held back."""
        self._held += text
        if not self._inside:
            begun = self._held.lstrip()
            if OPEN.startswith(begun[: len(OPEN)]) and len(begun) < len(OPEN) and not done:
                return "", ""
            if not begun.startswith(OPEN):
                self._over = True
                return "", self._release(len(self._held))
            self._inside = True
            self._held = begun[len(OPEN) :]
        thought, closed, said = self._held.partition(CLOSE)
        if closed:
            self._over, self._held = True, ""
            return thought, said
        return self._release(len(self._held) - (0 if done else _half_tag(self._held))), ""

    def _release(self, end: int) -> str:
        given, self._held = self._held[:end], self._held[end:]
        return given


def _half_tag(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(CLOSE) - 1, 0, -1) if text.endswith(CLOSE[:size])), 0)
