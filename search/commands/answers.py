"""`search answers`: the answers that are kept: list, show and drop them, ask again, see which are stale and why."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime
from difflib import ndiff
from typing import TYPE_CHECKING

from search import answer, archive, sentences
from search.commands import ask, options, terminal
from search.config import Settings
from search.errors import ConfigError
from search.places import place, printable
from search.replies import Difference, PassageChange, SavedAnswer, SavedEntry
from search.service import open_service
from search.store import Store
from search.store.opening import open_store

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ACTIONS = ("list", "show", "rerun", "drop", "stale")


def add(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("answers", help="list, show, rerun and drop kept answers", description=__doc__)
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="default: list")
    parser.add_argument("id", nargs="?", type=int, metavar="ID", help="the answer's number, for show, rerun and drop")
    options.add_database(parser)
    options.add_json(parser)
    options.add_examples(parser, "search answers", "search answers stale --json")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Exit code 1 where answers are stale (`stale`), or where the documents have no answer any more (`rerun`)."""
    if chosen.id is None and chosen.action in ("show", "rerun", "drop"):
        raise ConfigError(f"say which answer: `search answers {chosen.action} ID`; `search answers` lists them")
    if chosen.action == "rerun":
        return _rerun(chosen, settings)
    store = open_store(settings.database, create=False)
    try:
        return _read(chosen, store)
    finally:
        store.close()


def _read(chosen: argparse.Namespace, store: Store) -> int:
    """All that needs no model."""
    if chosen.action == "drop":
        store.answers.drop(chosen.id)
        terminal.as_json({"dropped": chosen.id}) if chosen.json else print(f"dropped answer {chosen.id}")
    elif chosen.action == "show":
        found = archive.saved(store, chosen.id)
        terminal.as_json(found) if chosen.json else _show(found)
    elif chosen.action == "stale":
        stale = [archive.saved(store, entry.id) for entry in store.answers.entries(stale=True)]
        terminal.as_json(stale) if chosen.json else _stale(stale)
        return 1 if stale else 0
    else:
        entries = store.answers.entries()
        terminal.as_json(entries) if chosen.json else _list(entries)
    return 0


def _rerun(chosen: argparse.Namespace, settings: Settings) -> int:
    with open_service(settings) as service:
        made = answer.rerun(service.answerer, chosen.id)
    if chosen.json:
        terminal.as_json(made)
    else:
        _show(made.answer)
        print()
        _compare(made.difference, chosen.id)
    return 1 if made.answer.answer.how == "refused" else 0


def _list(entries: list[SavedEntry]) -> None:
    for one in entries:
        by = one.model if one.how == "chat" and one.model else one.how
        again = f", answer {one.rerun_of} asked again" if one.rerun_of else ""
        stale = terminal.painted("stale ", terminal.RED) if one.stale else ""
        print(f"{one.id:>4}  {_when(one.created)}  {stale}{terminal.one_line(one.question)}  ({by}{again})")
    if not entries:
        print("no answers are kept: `search ask --save` keeps one")


def _show(saved: SavedAnswer) -> None:
    print(terminal.painted(terminal.one_line(saved.asked.question), terminal.BOLD))
    print(f"asked {_when(saved.created)}{f' of {saved.answer.model}' if saved.answer.model else ''}\n")
    print(f"{saved.answer.answer}\n")
    # Lines of a document are not those of the time when it was asked: none is named.
    ask.print_rest(replace(saved.answer, id=None), lambda _: None, quiet=False)
    for moved in saved.moved:
        print(f"  [{moved.n}] stands in {printable(moved.document.path)} now")
    for change in saved.changes:
        _change(change)


def _stale(stale: list[SavedAnswer]) -> None:
    for saved in stale:
        print(terminal.painted(f"answer {saved.id}: {terminal.one_line(saved.asked.question)}", terminal.BOLD))
        for change in saved.changes:
            _change(change)
    if not stale:
        print("no kept answer is stale")


def _change(change: PassageChange) -> None:
    """A passage then and now, sentence by sentence, and what leaned on it."""
    source = change.source
    if change.now is None:
        print(f"  [{source.n}] {place(source.document, source.chunk)} is gone; it said:")
        now = ""
    else:
        print(f"  [{source.n}] {place(source.document, source.chunk)} has changed:")
        now = change.now.text
    lines = [line for line in ndiff(_lines(source.chunk.text), _lines(now)) if line[0] in "-+"]
    for line in lines or ["the words are the same, what stands around them is not"]:
        print(f"      {terminal.painted(line, terminal.RED if line[0] == '-' else terminal.YELLOW)}")
    for leaning in change.sentences:
        state = "still stands there" if leaning.holds else "its words do not stand there any more"
        print(f"    rested on it ({state}): {terminal.one_line(leaning.text)}")


def _compare(difference: Difference, before: int) -> None:
    print(f"The same as answer {before}." if difference.same else f"Compared with answer {before}:")
    if difference.model[0] != difference.model[1]:
        print(f"  it was {difference.model[0] or 'no model'}, now it is {difference.model[1] or 'no model'}")
    elif difference.digest[0] != difference.digest[1]:
        print(f"  {difference.model[1]} is another one now: digest {difference.digest[1][:19]}")
    if difference.how[0] != difference.how[1]:
        print(f"  it was {difference.how[0]}, now it is {difference.how[1]}")
    for mark, some in (("-", difference.sentences_gone), ("+", difference.sentences_new)):
        for text in some:
            print(f"  {mark} {terminal.one_line(text)}")
    for word, sources in (("gone", difference.sources_gone), ("new", difference.sources_new)):
        for source in sources:
            print(f"  {word}: {place(source.document, source.chunk)}")


def _lines(text: str) -> list[str]:
    return [terminal.one_line(text[start:end]) for start, end in sentences.spans(text)]


def _when(created: float) -> str:
    return datetime.fromtimestamp(created).astimezone().strftime("%Y-%m-%d %H:%M")
