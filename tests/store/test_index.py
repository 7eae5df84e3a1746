"""Ranking over many vectors: recall, filters, what is deleted, damaged, or written meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from search.records import Space
from search.store import Filter, candidates, codes, held, segments
from search.store.sqlite import SqliteStore
from search.vectors import Floats, Integers, unit
from tests.store.oracle import STATE, document

DIMENSIONS = 96
SPACE = Space(0, "model", "digest", DIMENSIONS, "", "", "test:1")
PER_DOCUMENT = 500


def rows(count: int, seed: int = 0) -> Floats:
    """Vectors in clusters, as those of texts are."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIMENSIONS))
    made = centres[random.integers(40, size=count)] + 0.8 * random.standard_normal((count, DIMENSIONS))
    return unit(made.astype(np.float32))


def fill(store: SqliteStore, vectors: Floats, prefix: str = "d") -> Integers:
    """Gives the store a chunk for each vector, 500 a document; returns the chunks' ids in order."""
    space = store.space(SPACE)
    for start in range(0, len(vectors), PER_DOCUMENT):
        texts = [f"{prefix} {number}" for number in range(start, min(start + PER_DOCUMENT, len(vectors)))]
        store.put(
            "/root", f"{prefix}{start // PER_DOCUMENT}", STATE, [document(f"{prefix}{start // PER_DOCUMENT}", texts)]
        )
    filled = []
    for ids, _ in store.missing(space, 1_000):
        store.add(space, ids, vectors[len(filled) : len(filled) + len(ids)])
        filled += ids.tolist()
    return np.array(filled, np.int64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


def small(path: Path) -> SqliteStore:
    """A store that ranks by codes from 1,000 vectors on, in segments of 700."""
    return SqliteStore(path, exact_rows=1_000, segment=700)


def top(store: SqliteStore, query: Floats, count: int = 10, only: Filter = Filter()) -> list[int]:  # noqa: B008
    return [int(id_) for id_ in store.nearest(store.space(SPACE), query, count, only).ids]


def test_codes_find_what_is_nearest(path: Path) -> None:
    """Ten nearest of 6,000, filtered and not, with their exact cosines and the collection's mean and deviation."""
    vectors, queries = rows(6_000), rows(20, 1)
    store = small(path)
    ids = fill(store, vectors)
    hits = 0
    for query in queries:
        exact = vectors @ query
        ranking = store.nearest(store.space(SPACE), query, 10, Filter())
        hits += len(set(ranking.ids.tolist()) & set(ids[np.argsort(-exact)[:10]].tolist()))
        assert np.allclose(ranking.scores, exact[np.searchsorted(ids, ranking.ids)], atol=1e-6)
        assert ranking.mean == pytest.approx(exact.mean(), abs=0.05)
        assert ranking.deviation == pytest.approx(exact.std(), abs=0.05)
        for glob, where in (("d1*", [*range(500, 1_000), *range(5_000, 6_000)]), ("d[1-9]*", range(500, 6_000))):
            found = store.nearest(store.space(SPACE), query, 5, Filter(path=glob)).scores
            assert found[0] == pytest.approx(exact[list(where)].max(), abs=1e-6)
    assert hits >= 198
    store.close()


def test_a_filter_that_leaves_few_is_exact(path: Path) -> None:
    """All that it leaves, in exact order."""
    vectors, query = rows(3_000), rows(1, 1)[0]
    store = small(path)
    ids = fill(store, vectors)
    store.put("/root", "three", STATE, [document("three", ["d 7", "d 8", "d 2999"])])
    expected = sorted([7, 8, 2999], key=lambda at: -float(vectors[at] @ query))
    assert top(store, query, 10, Filter(path="three")) == ids[expected].tolist()
    store.close()


def test_a_second_opening_reads_segments_and_finds_the_same(path: Path) -> None:
    """Codes that were written are codes that are made."""
    vectors, queries = rows(3_000), rows(5, 1)
    first = small(path)
    fill(first, vectors)
    found = [top(first, query) for query in queries]
    first.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*), sum(count) FROM segments").fetchone() == (4, 2_800)
    connection.close()
    second = small(path)
    assert [top(second, query) for query in queries] == found
    second.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE segments SET codes = zeroblob(length(codes))",
        "UPDATE segments SET codes = substr(codes, 9)",
        "UPDATE segments SET codes = CAST(substr(codes, 1, length(codes) - 1) || x'ff' AS BLOB)",
        "UPDATE segments SET count = count - 1",
        "UPDATE segments SET count = count + 1",
        "UPDATE segments SET vectors = chunks, chunks = vectors, checksum = checksum + 1",
        "DELETE FROM segments",
        "DELETE FROM scans",
    ],
)
def test_the_rows_are_the_truth(path: Path, damage: str) -> None:
    """Segments that are damaged or gone are made again from the vectors."""
    vectors, queries = rows(3_000), rows(5, 1)
    store = small(path)
    fill(store, vectors)
    found = [top(store, query) for query in queries]
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    again = small(path)
    assert [top(again, query) for query in queries] == found
    again.close()


def test_signs_stand_cell_after_cell(path: Path) -> None:
    """Those of as many vectors as are put in order at once, and more: when they come, and when they are read again."""
    vectors = rows(held.AT_ONCE + 4_000)
    filled = SqliteStore(path, exact_rows=0, segment=2_000)
    fill(filled, vectors)
    opened = SqliteStore(path, exact_rows=0, segment=2_000)
    for store in (filled, opened):
        top(store, vectors[0])
        known = store._index._held
        assert known is not None
        assert known.coded is not None
        arranged = int(known.coded.bounds[-1])
        order = known.coded.order[:arranged]
        made = codes.encode(vectors[order], known.coding)
        assert (known.coded.cells[:arranged][order] == made.cells).all()
        assert (known.coded.signs[:, :arranged] == made.signs).all()
        assert order.tolist() == np.argsort(known.coded.cells[:arranged], kind="stable").tolist()
        assert known.coded.bounds.tolist() == [
            0,
            *np.cumsum(np.bincount(made.cells, minlength=len(known.coding.points))),
        ]
    filled.close()
    opened.close()


def test_an_index_that_grows_by_little_copies_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy takes twice the memory, and a search waits for it; what is new is found all the same."""
    monkeypatch.setattr(segments, "SEGMENT", 64)
    vectors = rows(4_200)
    store = SqliteStore(path, exact_rows=0, segment=1_000)
    fill(store, vectors[:4_000])
    store.close()
    store = SqliteStore(path, exact_rows=0, segment=1_000)
    top(store, vectors[0])
    before = store._index._held
    assert before is not None
    assert before.coded is not None
    levels = before.coded.levels
    new = fill(store, vectors[4_000:], "new")
    assert [top(store, vectors[4_000 + number], 1) for number in (0, 199)] == [[new[0]], [new[199]]]
    after = store._index._held
    assert after is not None
    assert after.coded is not None
    assert after.coded.levels is levels
    store.close()


@pytest.mark.parametrize("count", [800, 3_000])
def test_ids_may_need_more_than_32_bits(path: Path, count: int) -> None:
    """Vectors and chunks whose ids grew beyond 2**32 are found, deleted and read again, beside those before."""
    vectors = rows(count)
    store = small(path)
    ids = fill(store, vectors[: count // 2], "low")
    assert top(store, vectors[0], 1) == [ids[0]]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = seq + (1 << 33) WHERE name IN ('vectors', 'chunks')")
    connection.close()
    ids = np.concatenate([ids, fill(store, vectors[count // 2 :], "high")])
    assert ids[-1] > 1 << 33
    opened = small(path)
    for each in (store, opened):
        assert [top(each, vectors[at], 1) for at in (0, count // 2, count - 1)] == [
            [ids[0]],
            [ids[count // 2]],
            [ids[-1]],
        ]
        assert top(each, vectors[-1], 1, Filter(path="high0")) != []
    store.drop("/root", ["high0"])
    later = small(path)
    for each in (store, opened, later):
        gone = set(ids[count // 2 : count // 2 + PER_DOCUMENT].tolist())
        assert not gone & set(top(each, vectors[count // 2], count))
    for each in (store, opened, later):
        each.close()


def test_deleted_vectors_are_never_found_and_new_ones_are(path: Path) -> None:
    """In the process that deletes, in one that had read before, and in one that opens later; segments are renewed."""
    vectors, queries = rows(6_000), rows(10, 1)
    store, reader = small(path), small(path)
    ids = fill(store, vectors)
    top(reader, queries[0])
    dropped = [f"d{number}" for number in range(0, 12, 2)]
    kept = np.array([at for at in range(6_000) if at // PER_DOCUMENT % 2])
    store.drop("/root", dropped)
    fresh = rows(100, 2)
    new = fill(store, fresh, "new")
    known, numbers = np.concatenate([ids[kept], new]), np.concatenate([vectors[kept], fresh])
    later = small(path)
    for each in (store, reader, later):
        hits = 0
        for query in queries:
            found = top(each, query)
            assert set(found) <= set(known.tolist())
            hits += len(set(found) & set(known[np.argsort(-(numbers @ query))[:10]].tolist()))
        assert hits >= 98
        assert each.waiting(each.space(SPACE)) == 0
    for each in (store, reader, later):
        each.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT sum(count) FROM segments").fetchone()[0] <= 3_100
    connection.close()


def test_an_index_that_empties_finds_nothing(path: Path) -> None:
    """Every vector gone, codes or not."""
    store = small(path)
    fill(store, rows(2_000))
    query = rows(1, 1)[0]
    assert top(store, query)
    store.drop("/root", [f"d{number}" for number in range(4)])
    assert top(store, query) == []
    assert store.counts().embedded == 0
    store.close()


def test_spaces_are_searched_by_turns(path: Path) -> None:
    """Each with its own vectors, whichever was searched before."""
    store = small(path)
    vectors, query = rows(2_000), rows(1, 1)[0]
    fill(store, vectors)
    other = store.space(Space(0, "other", "digest", 32, "", "", "test:1"))
    for ids, texts in store.missing(other, 500):
        store.add(
            other, ids, unit(np.random.default_rng(len(texts)).standard_normal((len(ids), 32)).astype(np.float32))
        )
    found, elsewhere = top(store, query), store.nearest(other, query[:32], 10, Filter()).ids.tolist()
    assert found != elsewhere
    assert top(store, query) == found
    assert store.nearest(other, query[:32], 10, Filter()).ids.tolist() == elsewhere
    store.close()


@pytest.mark.parametrize("spread", [1.0, 0.02])
def test_the_index_widens_itself_until_the_recall_holds(path: Path, spread: float) -> None:
    """Vectors without any structure are the hardest; a narrow cone of them is no harder."""
    random = np.random.default_rng(0)
    cone = unit(np.ones((1, DIMENSIONS), np.float32))
    vectors, queries = (
        unit((cone + spread * random.standard_normal((count, DIMENSIONS))).astype(np.float32)) for count in (12_000, 20)
    )
    store = SqliteStore(path, exact_rows=1_000, segment=3_000)
    ids = fill(store, vectors)
    with sqlite3.connect(path) as connection:
        checked, width = connection.execute("SELECT rows, width FROM scans").fetchone()
    connection.close()
    assert checked >= 6_000
    assert width > segments.USUAL_WIDTH
    hits = sum(
        len(set(top(store, query)) & set(ids[np.argsort(-(vectors @ query))[:10]].tolist())) for query in queries
    )
    assert hits >= 192
    store.close()


def far(count: int) -> Floats:
    """Queries to which hardly anything is near."""
    return unit(np.random.default_rng(5).standard_normal((count, DIMENSIONS)).astype(np.float32))


def test_what_is_nearest_is_found_for_near_and_far_queries(path: Path) -> None:
    """However far the nearest are: the far queries have a lower best cosine than the near ones have tenth ones."""
    vectors = rows(20_000)
    store = SqliteStore(path, exact_rows=0, segment=3_000)
    ids = fill(store, vectors)
    tops = []
    for queries, least in ((rows(30, 1), 297), (unit(vectors[:30] + vectors[100:130]), 297), (far(30), 290)):
        exact = [np.argsort(-(vectors @ query))[:10] for query in queries]
        answered = list(zip(queries, exact, strict=True))
        assert sum(len(set(top(store, query)) & set(ids[found].tolist())) for query, found in answered) >= least
        tops.append([vectors[found[[0, 9]]] @ query for query, found in answered])
    assert np.mean(tops[2], axis=0)[0] < np.mean(tops[0], axis=0)[1]
    store.close()


def test_a_far_query_looks_at_more_than_a_near_one(path: Path) -> None:
    """Margins, not fixed numbers: what a near query need not look at is not looked at."""
    vectors = rows(20_000)
    store = SqliteStore(path, exact_rows=0, segment=3_000)
    fill(store, vectors)
    top(store, vectors[0])
    known = store._index._held
    assert known is not None
    kept = [
        [len(candidates.look(known, query, None).by_signs(10, segments.USUAL_WIDTH)) for query in queries]
        for queries in (vectors[:30], far(30))
    ]
    assert 2 * np.mean(kept[0]) < np.mean(kept[1]) < len(vectors) / 2
    store.close()


def test_an_index_that_was_searched_in_another_way_is_checked_when_it_is_opened(path: Path) -> None:
    """Once: an older version left a width of another meaning."""
    store = small(path)
    fill(store, rows(6_000))
    store.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "UPDATE scans SET rows = 6000, width = 4; DELETE FROM _sqlite_migrations WHERE name = 'm009_widths'"
        )
    small(path).close()
    checked = connection.execute("SELECT rows, width FROM scans").fetchone()
    connection.close()
    assert checked[0] == 6_000
    assert checked[1] >= segments.USUAL_WIDTH


def test_readers_and_a_writer_at_once(path: Path) -> None:
    """Each search sees an index that grows, never half of one."""
    store = small(path)
    fill(store, rows(1_500))
    query = rows(1, 1)[0]
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                ranking = store.nearest(store.space(SPACE), query, 10, Filter())
                assert len(set(ranking.ids.tolist())) == 10
                assert (np.diff(ranking.scores) <= 0).all()
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    ids = fill(store, rows(2_000, 3), "more")
    store.drop("/root", ["d0"])
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert set(top(store, query, 1_000)) & set(ids.tolist())
    store.close()


def test_an_index_of_an_older_version_is_given_codes(path: Path) -> None:
    """Once, when it is opened: the coding, every full segment, and the self-check."""
    vectors, queries = rows(6_000), rows(20, 1)
    store = small(path)
    ids = fill(store, vectors)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "ALTER TABLE scans RENAME COLUMN coding TO centre; UPDATE segments SET codes = x'00';"
            "DELETE FROM _sqlite_migrations WHERE name = 'm008_cells'"
        )
    connection.close()
    again = small(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT sum(count) FROM segments").fetchone() == (5_600,)
        assert connection.execute("SELECT rows FROM scans").fetchone() == (6_000,)
    connection.close()
    hits = sum(
        len(set(top(again, query)) & set(ids[np.argsort(-(vectors @ query))[:10]].tolist())) for query in queries
    )
    assert hits >= 198
    again.close()


def test_vectors_in_no_cell_are_arranged_when_they_are_many(path: Path) -> None:
    """What is added after the opening is found at once, and looked for in cells once it is an eighth."""
    vectors, queries = rows(6_000), rows(20, 1)
    store = small(path)
    ids = fill(store, vectors[:3_000], "first")
    loose = []
    for start in range(3_000, 6_000, 300):
        more = fill(store, vectors[start : start + 300], f"d{start}")
        ids = np.concatenate([ids, more])
        exact = vectors[: len(ids)] @ queries[0]
        assert len(set(top(store, queries[0])) & set(ids[np.argsort(-exact)[:10]].tolist())) >= 9
        known = store._index._held
        assert known is not None
        assert known.coded is not None
        assert sorted(known.coded.order[: known.count].tolist()) == list(range(len(ids)))
        loose.append(known.count - int(known.coded.bounds[-1]))
    assert max(loose) > 0
    assert loose.count(0) > 1
    hits = sum(
        len(set(top(store, query)) & set(ids[np.argsort(-(vectors @ query))[:10]].tolist())) for query in queries
    )
    assert hits >= 198
    store.close()


def test_cells_follow_a_collection_that_changes(path: Path) -> None:
    """What came first is all of one kind; with the fourth segment the coding is found from all there is."""
    vectors, queries = rows(6_000), rows(20, 1)
    vectors = vectors[np.argsort(vectors @ vectors[0])]
    store = small(path)
    ids = fill(store, vectors[:2_700], "first")
    with sqlite3.connect(path) as connection:
        before = segments.coding(connection, 1, DIMENSIONS)
        ids = np.concatenate([ids, fill(store, vectors[2_700:], "later")])
        after = segments.coding(connection, 1, DIMENSIONS)
    connection.close()
    assert np.linalg.norm(after.centre - vectors.mean(axis=0)) < np.linalg.norm(before.centre - vectors.mean(axis=0))
    hits = sum(
        len(set(top(store, query)) & set(ids[np.argsort(-(vectors @ query))[:10]].tolist())) for query in queries
    )
    assert hits >= 198
    store.close()
