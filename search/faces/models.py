"""Models that answer from the documents, as clients of Ollama and OpenAI see them: llama3+docs is llama3 with them.

`extracts+docs` needs no model: it quotes the closest sentences. Knows names and answers; speaks no protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search import answer, conversation
from search.answer import Chat
from search.errors import QueryError
from search.ollama.stopping import Stop
from search.places import place
from search.queries import Turn
from search.records import Question
from search.replies import Answer, Answered, TextWritten
from search.service import Service
from search.slots import Slots

SUFFIX = "+docs"
EXTRACTS = "extracts"

DOUBTS = {"partly": "Only partly in the sources: ", "not found": "Not found in the sources: "}
SOURCES, NEAREST, NOTE = "Sources:", "Nearest passages:", "Note: "
_CLOSING = re.compile(r"\n\n(?:" + "|".join((*DOUBTS.values(), SOURCES + "\n", NEAREST + "\n", NOTE)) + ")")

Json = dict[str, Any]


def base(name: str) -> str | None:
    """The model that answers from the documents under this name: llama3 for llama3+docs, llama3+docs:latest and
    llama3:latest+docs; None for a plain model.
    """
    before, suffix, after = name.partition(SUFFIX)
    return before + after if suffix else None


def is_extracts(model: str) -> bool:
    """Whether a base is no model but quotations."""
    return model.partition(":")[0].lower() == EXTRACTS


def question(messages: Sequence[Mapping[str, Any]]) -> Question:
    """What is asked in a conversation: its last message, which has to be the user's, after as many turns as are read.

    Raises QueryError.
    """
    last = messages[-1]
    asked = _text(last)
    if last.get("role") != "user" or asked is None:
        raise QueryError("the last message has to be a text of the user: it is what the documents are asked")
    return Question(asked, conversation=conversation.recent(_turns(messages[:-1]), answer.HISTORY_CHARACTERS))


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """The questions of the user before, each with what was answered; without what was added to the answers here."""
    turns: list[Turn] = []
    for message in messages:
        text = (_text(message) or "").strip()
        if text and message.get("role") == "user":
            turns.append(Turn(text))
        elif text and message.get("role") == "assistant" and turns:
            said = _CLOSING.split(text, maxsplit=1)[0]
            turns[-1] = Turn(turns[-1].question, f"{turns[-1].answer}\n{said}".strip())
    return turns


def _text(message: Mapping[str, Any]) -> str | None:
    """A message's text; None for what is none."""
    content = message.get("content")
    if isinstance(content, list):  # OpenAI's parts: only text can be asked
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else None


@dataclass(frozen=True, slots=True)
class Documented:
    """Answers from the documents by any chat model of the server behind, or by quotation."""

    service: Service
    slots: Slots

    def tell(self, model: str, asked: Question, stop: Stop) -> Iterator[str | Answer]:
        """An answer as text, piece by piece: what is written, then its doubts and sources; at the end the record.

        `stop` breaks it off. Raises ModelBusy at once, and SearchError on the way.
        """
        answerer = self.service.answerer
        chat = None
        if not is_extracts(model):
            # Without a chat model in the settings, the server behind is the one that embeds.
            chat = replace(
                answerer.chat or Chat(answerer.searcher.client, model, self.service.settings.num_ctx), model=model
            )
        speaking = replace(answerer, chat=chat).stopped_by(stop)
        events = self.slots.hold(answer.stream(speaking, asked))
        return _told(events)


def _told(events: Iterator[Any]) -> Iterator[str | Answer]:
    written = False
    for event in events:
        if isinstance(event, TextWritten):
            written = True
            yield event.text
        elif isinstance(event, Answered):
            if not written:
                yield event.answer.answer
            if closing := _closing(event.answer):
                yield closing
            yield event.answer


def citations(whole: Answer) -> list[Json]:
    """Each sentence's places in the documents, for programs: which source, where, and how well it is supported."""
    by_number = {source.n: source for source in whole.sources}
    return [
        {
            "n": citation.source,
            "path": source.document.path,
            "root": source.document.root,
            "title": source.document.title,
            "page": source.chunk.page,
            "heading": list(source.chunk.heading),
            "rows": source.chunk.rows,
            "start": citation.start,
            "end": citation.end,
            "sentence": sentence.text,
            "support": sentence.support,
        }
        for sentence in whole.sentences
        for citation in sentence.citations
        for source in [by_number[citation.source]]
    ]


def _closing(whole: Answer) -> str:
    """What a client that shows only text has to be told: doubtful sentences, sources, and what was left out."""
    parts = [f"{DOUBTS[sentence.support]}{sentence.text}" for sentence in whole.sentences if sentence.support in DOUBTS]
    sources = [f"[{source.n}] {place(source.document, source.chunk)}" for source in whole.shown]
    if sources:
        parts.append("\n".join([NEAREST if whole.how == "refused" else SOURCES, *sources]))
    parts += [f"{NOTE}{line}" for line in (*whole.left_out, *whole.notes)]
    return "".join(f"\n\n{part}" for part in parts)
