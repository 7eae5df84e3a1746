"""`search ask TEXT`: an answer from the documents, with the places it rests on."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import pydantic_core

from search import answer
from search.commands import options
from search.config import Settings
from search.records import Answer, Answered, Question, Source, TextWritten
from search.service import open_service
from search.status import unused_ollama

if TYPE_CHECKING:
    from argparse import _SubParsersAction


MARKS = {"partly": "only partly in", "not found": "not found in"}


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("ask", help="answer a question from the documents", description=__doc__)
    parser.add_argument("text", help="the question")
    parser.add_argument("-k", type=int, default=8, metavar="N", help="how many passages to answer from (default 8)")
    options.add_filters(parser)
    options.add_database(parser)
    options.add_json(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 0 where there is an answer, 1 where the documents have none."""
    question = Question(chosen.text, chosen.k, path=chosen.path, type=chosen.type)
    with open_service(settings) as service:
        if chosen.json:
            whole = answer.answer(service.answerer, question)
            print(pydantic_core.to_json(whole, indent=2).decode())
        else:
            whole = _stream(service.answerer, question)
            if not settings.chat_model and (line := unused_ollama(settings)):
                print(f"note: {line}", file=sys.stderr)
    return 1 if whole.how == "refused" else 0


def _stream(answerer: answer.Answerer, question: Question) -> Answer:
    """Prints the answer as it comes, then what is known about it."""
    written = False
    for event in answer.stream(answerer, question):
        if isinstance(event, TextWritten):
            written = True
            print(event.text, end="", flush=True)
        elif isinstance(event, Answered):
            print("\n" if written else f"{event.answer.answer}\n")
            _print_rest(event.answer)
            return event.answer
    raise AssertionError("an answer's events end with Answered")


def _print_rest(whole: Answer) -> None:
    for sentence in whole.sentences:
        if sentence.support != "supported":
            print(f"{MARKS[sentence.support]} the passages: {sentence.text}")
    cited = {citation.source for sentence in whole.sentences for citation in sentence.citations}
    shown = [source for source in whole.sources if source.n in cited or whole.how == "refused"]
    if shown:
        print("Nearest passages:" if whole.how == "refused" else "Sources:")
    for source in shown:
        print(f"  [{source.n}] {_place(source)}")
    for line in (*whole.left_out, *whole.notes):
        print(f"note: {line}", file=sys.stderr)


def _place(source: Source) -> str:
    page = f", page {source.chunk.page}" if source.chunk.page is not None else ""
    heading = f"  ({' > '.join(source.chunk.heading)})" if source.chunk.heading else ""
    return f"{source.document.path}{page}{heading}"
