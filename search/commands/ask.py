"""`search ask TEXT`: an answer from the documents, with the places it rests on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

import pydantic_core

from search import answer
from search.commands import options, terminal
from search.config import Settings
from search.errors import StoreError
from search.places import place
from search.queries import EFFORTS
from search.records import Question
from search.replies import Answer, Answered, Source, TextWritten, Thought
from search.service import open_service
from search.status import unused_ollama
from search.store import Store

if TYPE_CHECKING:
    from argparse import _SubParsersAction


MARKS = {"partly": "only partly in", "not found": "not found in"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("ask", help="answer a question from the documents", description=__doc__)
    options.add_text(parser, "the question")
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
    """Exit code 0 where there is an answer, 1 where the documents have none."""
    think = chosen.effort or chosen.think
    question = Question(terminal.text(chosen.text), chosen.k, **options.filters(chosen), save=chosen.save, think=think)
    with open_service(settings) as service:
        if chosen.json:
            whole = answer.answer(service.answerer, question)
            print(pydantic_core.to_json(whole, indent=2).decode())
        elif chosen.jsonl:
            whole = _lines(service.answerer, question)
        elif chosen.files:
            whole = answer.answer(service.answerer, question)
            for path in dict.fromkeys(str(PurePath(one.document.root, one.document.path)) for one in _cited(whole)):
                print(path)
        else:
            whole = _stream(service.answerer, question, quiet=chosen.quiet)
            if not chosen.quiet and not settings.chat_model and (line := unused_ollama(settings)):
                print(f"note: {line}", file=sys.stderr)
    return 1 if whole.how == "refused" else 0


def _lines(answerer: answer.Answerer, question: Question) -> Answer:
    """Prints each event as a line of JSON, as POST /ask streams them."""
    for event in answer.stream(answerer, question):
        print(pydantic_core.to_json(event).decode(), flush=True)
        if isinstance(event, Answered):
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def _stream(answerer: answer.Answerer, question: Question, *, quiet: bool) -> Answer:
    """Prints the answer as it comes, then what is known about it."""
    written = thinking = False
    for event in answer.stream(answerer, question):
        if isinstance(event, Thought) and not quiet:
            thinking = True
            print(terminal.painted(event.text, terminal.DIM, sys.stderr), end="", file=sys.stderr, flush=True)
        elif isinstance(event, TextWritten):
            if thinking:
                print("\n", file=sys.stderr, flush=True)
            written, thinking = True, False
            print(event.text, end="", flush=True)
        elif isinstance(event, Answered):
            print("\n" if written else f"{event.answer.answer}\n")
            print_rest(event.answer, partial(_line, answerer.searcher.store, event.answer), quiet=quiet)
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def print_rest(whole: Answer, line_of: Callable[[Source], int | None], *, quiet: bool) -> None:
    """What there is to know of an answer beside its text: doubtful sentences, sources, notes.

    `line_of` gives the line of a source's document on which what is cited begins, where that is known.
    """
    for sentence in whole.sentences:
        if sentence.support != "supported":
            missing = f" (not there: {', '.join(sentence.missing)})" if sentence.missing else ""
            print(terminal.painted(f"{MARKS[sentence.support]} the passages{missing}: {sentence.text}", terminal.RED))
    shown = [source for source in whole.sources if whole.how == "refused"] or _cited(whole)
    if shown:
        print("Nearest passages:" if whole.how == "refused" else "Sources:")
    for source in shown:
        line = line_of(source)
        at = f", line {line}" if line is not None else ""
        print(f"  [{source.n}] {place(source.document, source.chunk)}{at}")
    if whole.id is not None:
        print(f"Kept as answer {whole.id}.")
    terminal.tell((*whole.left_out, *whole.notes), quiet=quiet)


def _cited(whole: Answer) -> list[Source]:
    """The sources that sentences of the answer rest on."""
    cited = {citation.source for sentence in whole.sentences for citation in sentence.citations}
    return [source for source in whole.sources if source.n in cited]


def _line(store: Store, whole: Answer, source: Source) -> int | None:
    """The line, from 1, on which the first sentence of the source that is cited begins; None without its document."""
    starts = [one.start for sentence in whole.sentences for one in sentence.citations if one.source == source.n]
    try:
        text = store.text(source.document.root, source.document.path)
    except StoreError:
        return None
    return text.count("\n", 0, min(starts, default=source.chunk.start)) + 1
