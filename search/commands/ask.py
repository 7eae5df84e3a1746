"""`search ask TEXT`: an answer from the documents, with the places it rests on; without TEXT, a conversation."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from search import answer
from search.commands import conversations, options, terminal
from search.config import Settings
from search.errors import SearchError, StoreError
from search.places import place
from search.queries import EFFORTS, Turn
from search.records import Question
from search.replies import Answer, Answered, Source, TextWritten, Thought
from search.service import open_service
from search.status import unused_ollama
from search.store import Store

if TYPE_CHECKING:
    from argparse import _SubParsersAction


AS_IN_THE_FILE = frozenset("markdown text code json xml yaml toml ini rst org asciidoc typst wiki latex".split())
"""Types of documents whose text is that of their file, line for line."""

MARKS = {"partly": "only partly in", "not found": "not found in"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("ask", help="answer a question from the documents", description=__doc__)
    options.add_text(parser, "the question")
    parser.add_argument(
        "--conversation",
        type=Path,
        metavar="FILE",
        help="go on with the conversation in FILE, and add this question and its answer",
    )
    parser.add_argument("-k", type=int, default=8, metavar="N", help="how many passages to answer from (default 8)")
    options.add_filters(parser)
    parser.add_argument("--think", action="store_true", help="let the chat model think first; shown on standard error")
    parser.add_argument("--effort", choices=EFFORTS, help="think with so much effort, where the model knows efforts")
    parser.add_argument("--save", action="store_true", help="keep the answer in the index, see `search answers`")
    options.add_database(parser)
    options.add_output(parser, line="an event of the answer, as it comes")
    options.add_examples(
        parser,
        "search ask Which model is used without Ollama?",
        'search ask "What does exit code 1 mean?" --json',
        "echo Where is the index kept? | search ask --files",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 0 where there is an answer, 1 where the documents have none; 0 at the end of a conversation."""
    turns = conversations.read(chosen.conversation)
    with open_service(settings) as service:
        if not chosen.text and sys.stdin.isatty():
            _hint(chosen, settings)
            return _converse(service.answerer, chosen, turns)
        whole = _told(service.answerer, chosen, terminal.text(chosen.text), turns)
        _hint(chosen, settings)
    return 1 if whole.how == "refused" else 0


def _converse(answerer: answer.Answerer, chosen: argparse.Namespace, turns: list[Turn]) -> int:
    """Answers one question after the other; what fails, or is stopped with Ctrl-C, ends that answer only."""
    for asked in conversations.questions():
        if asked == conversations.CLEARING:
            turns.clear()
            continue
        try:
            _told(answerer, chosen, asked, turns)
        except SearchError as error:
            print(f"search: {error}", file=sys.stderr)
        except KeyboardInterrupt:
            print("\n(stopped)", file=sys.stderr)
        print(flush=True)
    return 0


def _told(answerer: answer.Answerer, chosen: argparse.Namespace, asked: str, turns: list[Turn]) -> Answer:
    """Prints an answer in the form that was chosen; it becomes a turn of the conversation."""
    question = Question(
        asked,
        chosen.k,
        **options.filters(chosen),
        conversation=tuple(turns),
        save=chosen.save,
        think=chosen.effort or chosen.think,
    )
    if chosen.json:
        whole = answer.answer(answerer, question)
        terminal.as_json(whole)
    elif chosen.jsonl:
        whole = _lines(answerer, question)
    elif chosen.files:
        whole = answer.answer(answerer, question)
        documents = [source.document for source in whole.sources if source.n in whole.cited]
        terminal.files(documents)
    else:
        whole = _stream(answerer, question, quiet=chosen.quiet)
    turns.append(Turn(asked, whole.answer))
    if chosen.conversation:
        conversations.keep(chosen.conversation, turns[-1])
    return whole


def _hint(chosen: argparse.Namespace, settings: Settings) -> None:
    """A line for people whose Ollama is not used."""
    for_people = not (chosen.json or chosen.jsonl or chosen.files or chosen.quiet)
    if for_people and not settings.chat_model and (line := unused_ollama(settings)):
        print(f"note: {line}", file=sys.stderr)


def _lines(answerer: answer.Answerer, question: Question) -> Answer:
    """Prints each event as a line of JSON, as POST /ask streams them."""
    for event in answer.stream(answerer, question):
        terminal.as_json(event, indent=None)
        if isinstance(event, Answered):
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def _stream(answerer: answer.Answerer, question: Question, *, quiet: bool) -> Answer:
    """Prints the answer as it comes, then what is known about it."""
    text, thoughts = _Line(sys.stdout), _Line(sys.stderr)
    try:
        for event in answer.stream(answerer, question):
            if isinstance(event, Thought) and not quiet:
                thoughts.write(terminal.painted(event.text, terminal.DIM, sys.stderr))
            elif isinstance(event, TextWritten):
                thoughts.end()
                text.write(event.text)
            elif isinstance(event, Answered):
                print("\n" if text.begun else f"{event.answer.answer}\n")
                text.begun = False
                print_rest(event.answer, partial(_line, answerer.searcher.store, event.answer), quiet=quiet)
                return event.answer
    finally:
        # What is printed after an answer that broke off begins on a line of its own.
        thoughts.end()
        text.end()
    raise AssertionError("an answer's events end with Answered")


class _Line:
    """Text that comes in pieces."""

    def __init__(self, stream: TextIO) -> None:
        self.begun = False
        self._stream = stream

    def write(self, piece: str) -> None:
        self.begun = True
        print(piece, end="", file=self._stream, flush=True)

    def end(self) -> None:
        if self.begun:
            print(file=self._stream, flush=True)
        self.begun = False


def print_rest(whole: Answer, line_of: Callable[[Source], int | None], *, quiet: bool) -> None:
    """What there is to know of an answer beside its text: doubtful sentences, sources, notes.

    `line_of` gives the line of a source's document on which what is cited begins, where that is known.
    """
    for sentence in whole.sentences:
        if sentence.support != "supported":
            missing = f" (not there: {', '.join(sentence.missing)})" if sentence.missing else ""
            print(terminal.painted(f"{MARKS[sentence.support]} the passages{missing}: {sentence.text}", terminal.RED))
    shown = [source for source in whole.sources if whole.how == "refused" or source.n in _named(whole)]
    if shown:
        print("Nearest passages:" if whole.how == "refused" else "Sources:")
    for source in shown:
        line = line_of(source)
        at = f", line {line}" if line is not None else ""
        print(f"  [{source.n}] {place(source.document, source.chunk)}{at}")
    if whole.id is not None:
        print(f"Kept as answer {whole.id}.")
    terminal.tell((*whole.left_out, *whole.notes), quiet=quiet)


def _named(whole: Answer) -> frozenset[int]:
    """The numbers of the sources that sentences of the answer cite, whether they stand there or not."""
    return whole.cited | {int(n) for sentence in whole.sentences for n in re.findall(r"\[(\d+)\]", sentence.text)}


def _line(store: Store, whole: Answer, source: Source) -> int | None:
    """The line, from 1, on which the first sentence of the source that is cited begins; None without its document, and
    where that has other lines than its file."""
    if source.document.type not in AS_IN_THE_FILE:
        return None
    starts = [one.start for sentence in whole.sentences for one in sentence.citations if one.source == source.n]
    try:
        text = store.text(source.document.root, source.document.path)
    except StoreError:
        return None
    return text.count("\n", 0, min(starts, default=source.chunk.start)) + 1
