"""The keyword index: scores are those of the formula, whatever was put, edited, dropped and folded."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from search import keywords
from search.records import Chunk, Document
from search.store import FileState, Filter, bm25, postings, sqlite
from search.store.migrations import migrations
from search.store.sqlite import SqliteStore
from tests.index import fill
from tests.store.oracle import STATE, document

WORDS = ["alpha", "bravo", "charlie", "delta"]
PATHS = ["a/x", "a/y", "b/x", "b/y"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=4)
STEPS = st.lists(st.tuples(st.sampled_from(PATHS), st.none() | TEXTS), min_size=1, max_size=12)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of eight chunks, folded when four ids wait: a few documents go through all that a million do."""
    monkeypatch.setattr(postings, "PENDING", 4)
    for module in (postings, bm25):
        monkeypatch.setattr(module, "SLOTS", 8)


def expected(files: dict[str, list[str]], query: list[str]) -> dict[str, float]:
    """The formula, from plain lists: files in the order they were put, each chunk under the heading "Title"."""
    words = {text: Counter(["title", *text.split()]) for texts in files.values() for text in texts}
    holding = {word: sum(word in counts for counts in words.values()) for word in query}
    weight = {word: math.log(1 + (len(words) - n + 0.5) / (n + 0.5)) for word, n in holding.items()}
    average = sum(counts.total() for counts in words.values()) / len(words)
    window = average * max(1.0, 5 - 6 * len(files) / len(words))

    def score(counts: Counter[str], mean: float) -> float:
        norm = bm25.K1 * (1 - bm25.B + bm25.B * counts.total() / mean)
        return sum(weight[word] * counts[word] / (counts[word] + norm) for word in query)

    scores: dict[str, float] = {}
    for texts in files.values():
        for at, text in enumerate(texts):
            if text in scores or not any(words[text][word] for word in query):
                continue
            beside = [texts[i] for i in range(at - 2, at + 3) if 0 <= i < len(texts)]
            together = sum((words[one] for one in beside), Counter())
            share = bm25.NEIGHBOURS_SHARE
            scores[text] = (1 - share) * score(words[text], average) + share * score(together, window)
    return scores


@pytest.mark.usefixtures("_small")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True))
def test_scores_are_the_formulas(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[str] | None]], query: list[str]
) -> None:
    """Statistics too are those of the chunks that are there, not of those that were."""
    store = SqliteStore(tmp_path_factory.mktemp("index") / "i.db")
    files: dict[str, list[str]] = {}
    for path, texts in steps:
        files.pop(path, None)
        if texts is None:
            store.drop("/root", [path])
        else:
            unique = list(dict.fromkeys(texts))
            store.put("/root", path, STATE, [document(path, unique)])
            files[path] = unique
        store.matching(query, 2, Filter())
    ranking = store.matching(query, 100, Filter())
    places = store.occurrences(ranking.ids, Filter())
    found = {places[id_][0].chunk.text: score for id_, score in zip(ranking.ids.tolist(), ranking.scores, strict=True)}
    assert found == pytest.approx(expected(files, query) if files else {}, rel=1e-4)
    assert np.all(np.diff(ranking.scores) <= 0)
    store.close()


@pytest.mark.usefixtures("_small")
def test_the_best_few_are_the_best_of_all(tmp_path: Path) -> None:
    """Segments are ranked one after another with a rising floor; equal scores come in the order of their ids."""
    store = SqliteStore(tmp_path / "i.db")
    numbers = np.random.default_rng(7)
    for number in range(60):
        text = " ".join([*numbers.choice(WORDS, 6), f"word{number}"])
        store.put("/root", f"{number}", STATE, [document(f"{number}", [text])])
    everything = store.matching(WORDS, 100, Filter())
    assert len(everything.ids) == 60
    few = store.matching(WORDS, 7, Filter())
    assert few.ids.tolist() == everything.ids[:7].tolist()
    some = store.matching(WORDS, 3, Filter(path="1*"))
    within = {id_ for id_, (place, *_) in store.occurrences(everything.ids, Filter(path="1*")).items() if place}
    assert some.ids.tolist() == [id_ for id_ in everything.ids.tolist() if id_ in within][:3]
    store.close()


@pytest.mark.usefixtures("_small")
def test_segments_are_cleared_of_what_is_gone(tmp_path: Path) -> None:
    """An index that is edited every day doesn't grow for ever."""
    store = SqliteStore(tmp_path / "i.db")
    for day in range(40):
        store.put("/root", "diary", STATE, [document("diary", [f"alpha {day}", f"bravo {day}", "charlie"])])
    with sqlite3.connect(tmp_path / "i.db") as connection:
        chunks = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
        held = connection.execute("SELECT coalesce(sum(length(counts)), 0) FROM keyword_postings").fetchone()[0]
        segments = connection.execute("SELECT count(*) FROM keyword_segments").fetchone()[0]
    connection.close()
    assert chunks == 3
    assert segments <= 3
    assert held <= 2 * segments * 8 * 3
    assert len(store.matching(["alpha"], 9, Filter()).ids) == 1
    store.close()


def test_a_passage_that_a_cut_parted_is_found_with_its_neighbour(tmp_path: Path) -> None:
    """Of two equal chunks, the one whose neighbour has the other words comes first."""
    store = SqliteStore(tmp_path / "i.db")
    store.put("/root", "a", STATE, [document("a", ["the engine failed on monday", "the gearbox is new"])])
    store.put("/root", "b", STATE, [document("b", ["the engine failed on sunday", "because the oil was low"])])
    ids = store.matching(["engine", "oil"], 9, Filter()).ids
    places = store.occurrences(ids, Filter())
    assert [places[int(id_)][0].document.path for id_ in ids] == ["b", "b", "a"]
    store.close()


def test_an_index_of_the_first_schema_is_brought_up(tmp_path: Path) -> None:
    """Opening it is enough: what was found by keyword before is found after, without ingesting again."""
    path = tmp_path / "i.db"
    old = Database(path)
    migrations.apply(old, stop_before="m005_keywords")
    with old.conn:
        old.execute("INSERT INTO files VALUES (1, '/r', 'a', 1, 2, 'h', 'indexed', '', 't')")
        old.execute("INSERT INTO documents VALUES (1, 1, '/r', 'a', '', 'text', 'h', 1, 0, 'utf-8', '{}', 'en')")
        for number in (1, 2):
            old.execute(
                "INSERT INTO chunks VALUES (?, ?, '[\"Heading\"]', '', ?)",
                [number, bytes([number]), f"text number{number} with alpha"],
            )
            old.execute("INSERT INTO spans VALUES (1, ?, ?, 0, 5, NULL)", [number, number])
    old.close()
    store = SqliteStore(path)
    assert store.matching(["number2"], 9, Filter()).ids.tolist() == [2]
    assert sorted(store.matching(["headings"], 9, Filter()).ids.tolist()) == [1, 2]
    store.close()


def test_an_index_of_another_analysis_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A newer stemmer finds by new stems; the old ones are gone. Who waits long for it is told why."""
    monkeypatch.setattr(sqlite, "WORTH_A_WORD", 1)
    store = SqliteStore(tmp_path / "i.db")
    store.put("/root", "a", STATE, [document("a", ["alpha"])])
    store.close()
    monkeypatch.setattr(keywords, "ANALYSIS", "another")
    monkeypatch.setattr(keywords, "keys", lambda word, _languages: frozenset({f"{word}!"}))
    monkeypatch.setattr(
        keywords, "analyse", lambda text: keywords.Analysis(Counter(f"{word}!" for word in text.split()), 1, "english")
    )
    assert not caplog.messages
    store = SqliteStore(tmp_path / "i.db")
    assert caplog.messages == [f"{tmp_path / 'i.db'}: making the keyword index anew from 1 passages, once"]
    assert len(store.matching(["alpha"], 9, Filter()).ids) == 1
    store.close()


def test_two_languages_in_one_index_are_each_found_by_their_own_stems(tmp_path: Path) -> None:
    """And a long document is folded in the transaction that brings it."""
    store = SqliteStore(tmp_path / "i.db")
    texts = ["Die Häuser sind in der Stadt und nicht alt", "the houses of the town are not old"]
    texts += [f"filler number {number}" for number in range(postings.PENDING + 10)]
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)]).tolist()
    chunks = [Chunk(text, start, start + len(text), ()) for text, start in zip(texts, starts, strict=False)]
    made = Document("/root", "a", "", "text", "\n".join(texts))
    store.put("/root", "a", FileState(1, 2, "h", "indexed", "", "t"), [(made, chunks)])
    assert store.matching(["haus"], 9, Filter()).ids.tolist() == [1]
    assert store.matching(["house"], 9, Filter()).ids.tolist() == [2]
    assert store.matching(["fillers", "9"], 1, Filter()).ids.tolist() == [12]
    with sqlite3.connect(tmp_path / "i.db") as connection:
        assert connection.execute("SELECT count(*) FROM keyword_pending").fetchone() == (0,)
    connection.close()
    store.close()


def test_the_share_of_known_words_is_said(tmp_path: Path) -> None:
    """Of the words of a query, those that stand in some chunk, in whatever form."""
    store = SqliteStore(tmp_path / "index.db")
    fill(store, {"a.md": ["Lighthouses need keepers."], "b.md": ["A lamp is lit."]})
    ranking = store.matching(["lighthouse", "lamps", "giraffe", "umbrella"], 10, Filter())
    assert ranking.known == 0.5
    assert store.matching(["keeper"], 10, Filter()).known == 1.0
    store.close()
