"""The contract of a store, held by every one there is, against an oracle of plain lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.errors import StoreError
from search.records import LedgerRow, Space
from search.store import Account, FileState, Filter, Store
from search.store.sqlite import SqliteStore
from tests.store.oracle import STATE, Oracle, document, vector

SPACE = Space(0, "model", "digest", 16, "", "", "test:1")
WORDS = ["alpha", "bravo", "charlie", "delta"]
NONE = (np.empty(0, np.int64), np.empty((0, 16), np.float32))


KINDS = {"sqlite": {}, "sqlite-codes": {"exact_rows": 2, "segment": 3}}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store, empty; the second ranks by codes from the third vector on."""
    made = SqliteStore(tmp_path / "index.db", **KINDS[request.param])
    yield made
    made.close()


def put(store: Store, path: str, texts: list[str], kind: str = "text") -> None:
    store.put("/root", path, STATE, [document(path, texts, kind)])


def embed_all(store: Store, space: Space, batch: int = 3) -> list[str]:
    """Gives every chunk that lacks one its vector; returns the texts that were embedded."""
    embedded = []
    for ids, texts in store.missing(space, batch):
        store.add(space, ids, np.stack([vector(text.removeprefix("Title\n")) for text in texts]))
        embedded += texts
    return embedded


def texts_of(store: Store, ids: np.ndarray, only: Filter = Filter()) -> list[str]:  # noqa: B008
    places = store.occurrences(ids, only)
    return [places[int(id_)][0].chunk.text for id_ in ids]


def test_a_chunk_in_two_documents_is_kept_and_embedded_once(store: Store) -> None:
    """Content-addressed: one text, one vector, two places."""
    put(store, "a", ["same text", "other text"])
    put(store, "b", ["same text"])
    space = store.space(SPACE)
    assert sorted(embed_all(store, space)) == ["Title\nother text", "Title\nsame text"]
    (ranked,) = store.nearest(space, vector("same text"), 1, Filter()).ids
    assert [place.document.path for place in store.occurrences(np.array([ranked]), Filter())[int(ranked)]] == ["a", "b"]


def test_a_rename_embeds_nothing(store: Store) -> None:
    """Put under the new name, then dropped under the old one: the vector stays."""
    put(store, "old", ["some text"])
    space = store.space(SPACE)
    embed_all(store, space)
    put(store, "new", ["some text"])
    assert store.drop("/root", ["old"]) == 1
    assert embed_all(store, space) == []
    assert store.waiting(space) == 0


def test_an_edit_embeds_what_changed(store: Store) -> None:
    """The other chunks keep their vectors, and what was cut out is not found any more."""
    put(store, "a", ["first alpha", "second bravo"])
    space = store.space(SPACE)
    embed_all(store, space)
    put(store, "a", ["first alpha", "second charlie"])
    assert embed_all(store, space) == ["Title\nsecond charlie"]
    assert not len(store.matching(["bravo"], 10, Filter()).ids)
    assert store.counts().chunks == 2


def test_dropped_files_are_gone_from_every_ranking(store: Store) -> None:
    """A reader that has loaded the vectors forgets them too."""
    put(store, "a", ["alpha"])
    put(store, "b", ["bravo"])
    space = store.space(SPACE)
    embed_all(store, space)
    assert len(store.nearest(space, vector("alpha"), 9, Filter()).ids) == 2
    store.drop("/root", ["a"])
    assert texts_of(store, store.nearest(space, vector("alpha"), 9, Filter()).ids) == ["bravo"]
    assert not len(store.matching(["alpha"], 9, Filter()).ids)
    with pytest.raises(StoreError, match="is not in the index"):
        store.text("/root", "a")


def test_roots_are_apart(store: Store) -> None:
    """The same path in two folders is two documents."""
    put(store, "a", ["alpha"])
    made, chunks = document("a", ["bravo"])
    store.put("/other", "a", STATE, [(type(made)("/other", "a", "", "text", made.text), chunks)])
    store.drop("/root", ["a"])
    assert store.text("/other", "a") == "bravo"
    assert store.known("/root") == {}
    assert store.counts().roots == ("/other",)


def test_failed_files_are_known_with_their_reason(store: Store) -> None:
    """Nothing vanishes."""
    store.put("/root", "bad.pdf", FileState(1, 2, "h", "failed", "it is damaged", "test:1"), [])
    (failure,) = store.failures()
    assert (failure.path, failure.outcome, failure.reason) == ("bad.pdf", "failed", "it is damaged")
    assert store.counts().failures == 1


def test_the_first_space_is_active_until_another_is_activated(store: Store) -> None:
    """A new model fills its space while the old one serves."""
    first = store.space(SPACE)
    second = store.space(Space(0, "other", "digest", 8, "", "", "test:1"))
    assert store.active() == first
    assert first.active
    assert not second.active
    store.activate(second)
    active = store.active()
    assert active
    assert active.model == "other"
    assert store.space(SPACE).id == first.id


def test_vectors_are_exact_and_nan_without_one(store: Store) -> None:
    """Keyword hits have their cosine too."""
    put(store, "a", ["alpha", "bravo"])
    space = store.space(SPACE)
    embed_all(store, space)
    put(store, "b", ["charlie"])
    ids = np.concatenate([store.matching([word], 1, Filter()).ids for word in ("alpha", "bravo", "charlie")])
    found = store.vectors(space, ids)
    assert np.array_equal(found[:2], [vector("alpha"), vector("bravo")])
    assert np.isnan(found[2]).all()
    assert store.vectors(space, ids[:0]).shape == (0, 16)


def test_a_passage_of_a_table_has_its_rows(store: Store) -> None:
    """Where it stands, wherever it is asked for; the same passage has other rows in another document."""
    for path, rows in (("a.csv", (2, 9)), ("b.csv", (7, 14)), ("c.txt", None)):
        made, (chunk,) = document(path, ["alpha"])
        store.put("/root", path, STATE, [(made, [replace(chunk, rows=rows)])])
    ids = store.matching(["alpha"], 9, Filter()).ids
    places = store.occurrences(ids, Filter())[int(ids[0])]
    assert [(place.document.path, place.chunk.rows) for place in places] == [
        ("a.csv", (2, 9)), ("b.csv", (7, 14)), ("c.txt", None)
    ]  # fmt: skip
    assert [span.rows for span in store.document("/root", "b.csv").spans] == [(7, 14)]
    space = store.space(SPACE)
    store.add(space, *NONE, Account(LedgerRow("http://host", 1, 1, 1, 0.1), {}, {int(ids[0]): "NaN"}))
    assert [one.chunk.rows for one in store.quarantined()] == [(2, 9), (7, 14), None]


def test_a_chunk_in_quarantine_waits_no_more(store: Store) -> None:
    """Until it is released, gets a vector, or its text goes; other spaces know nothing of it."""
    put(store, "a", ["alpha", "bravo"])
    space, other = store.space(SPACE), store.space(Space(0, "other", "digest", 16, "", "", "test:1"))
    (ids, _), *_ = store.missing(space, 9)
    row = LedgerRow("http://host", 2, 7, 8, 0.5, "a note")
    store.add(space, *NONE, Account(row, {int(ids[0]): 3, 10**6: 2}, {int(ids[1]): "NaN", 10**6: "gone"}))
    (one,) = store.quarantined()
    assert (one.root, one.path, one.chunk.text, one.reason) == ("/root", "a", "bravo", "NaN")
    assert (store.counts().quarantined, store.counts().parted) == (1, 1)
    assert store.ledger(space) == [row]
    assert [texts for _, texts in store.missing(space, 9)] == [["Title\nalpha"]]
    assert (store.waiting(space), store.waiting(other)) == (1, 2)
    assert (store.release(space), store.release(space)) == (1, 0)
    store.add(space, *NONE, Account(row, {}, {int(ids[1]): "NaN"}))
    store.add(space, ids, np.stack([vector("alpha"), vector("bravo")]))
    assert store.quarantined() == []
    store.add(space, *NONE, Account(row, {}, {int(ids[1]): "NaN"}))
    put(store, "a", ["alpha"])
    assert store.quarantined() == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["a/x", "a/y", "b/x"]),
            st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
            st.sampled_from(["text", "pdf"]),
        ),
        max_size=8,
    ),
    path=st.sampled_from([None, "a/*", "*x", "nothing*"]),
    kind=st.sampled_from([None, "text", "pdf"]),
)
def test_rankings_are_the_oracles(
    store: Store, steps: list[tuple[str, list[str] | None, str]], path: str | None, kind: str | None
) -> None:
    """Whatever was put, edited and dropped in whatever order, rankings are those of the files as they are."""
    oracle = Oracle()
    store.drop("/root", ["a/x", "a/y", "b/x"])
    space = store.space(SPACE)
    for name, texts, type_ in steps:
        if texts is None:
            store.drop("/root", [name])
            oracle.files.pop(name, None)
        else:
            put(store, name, texts, type_)
            oracle.files[name] = (type_, texts)
        embed_all(store, space)
        store.nearest(space, vector("query"), 3, Filter())
    only = Filter(path, kind)
    query = vector("query")
    assert texts_of(store, store.nearest(space, query, 3, only).ids, only) == oracle.nearest(query, 3, only)
    for word in WORDS:
        assert set(texts_of(store, store.matching([word], 9, only).ids, only)) == oracle.matching(word, only)


def test_a_space_is_dropped_unless_it_serves(store: Store) -> None:
    """With its vectors; the chunks and the other space stay."""
    put(store, "a", ["some text"])
    serving, other = store.space(SPACE), store.space(replace(SPACE, model="other"))
    for space in (serving, other):
        embed_all(store, space)
    with pytest.raises(StoreError, match="switch to another one first"):
        store.forget(serving)
    store.forget(other)
    assert store.spaces() == [serving]
    assert store.waiting(serving) == 0
    assert store.waiting(store.space(replace(SPACE, model="other"))) == 1


def test_a_new_chunker_takes_the_vectors_over(store: Store) -> None:
    """A vector depends on the model and the text alone, so text that is chunked as before is not embedded again."""
    put(store, "a", ["some text"])
    space = store.space(SPACE)
    embed_all(store, space)
    taken = store.space(replace(SPACE, chunking="test:2"))
    assert (taken.id, taken.active) == (space.id, True)
    assert store.waiting(taken) == 0
    assert store.space(replace(SPACE, digest="another", chunking="test:2")).id != space.id


def test_a_ranking_of_none_has_the_scale_of_one_of_some(store: Store) -> None:
    """Mean and deviation alone cost no search."""
    put(store, "a", ["alpha", "bravo", "charlie"])
    space = store.space(SPACE)
    embed_all(store, space)
    none, some = (store.nearest(space, vector("bravo"), count, Filter()) for count in (0, 2))
    assert (len(none.ids), len(none.scores), len(some.ids)) == (0, 0, 2)
    assert (none.mean, none.deviation) == (some.mean, some.deviation)


def test_documents_are_counted_by_language(store: Store) -> None:
    """Code, whose language is a programming one, and what tells none, are in none."""
    put(store, "en", ["the vectors of an index are kept in one file and it can be copied with it"])
    put(store, "de", ["die Vektoren stehen in einer Datei, die man kopieren kann, solange niemand hineinschreibt"])
    put(store, "table", ["12 34"])
    put(store, "code", ["the vectors of an index are kept in one file and it can be copied with it"], "code")
    assert dict(store.languages()) == {"en": 1, "de": 1, "": 2}
