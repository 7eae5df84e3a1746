"""The hits of a page: copies, neighbours, and the arithmetic behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search import query, rank
from search.errors import QueryError
from search.explanations import Explanation
from search.records import Query
from search.service import Service
from tests import index
from tests.fake_ollama import FakeOllama

NOTES = [f"Paragraph {number} of the notes on lighthouses says something about {word}." for number, word in
         enumerate("lamps keepers ships storms lenses".split())]  # fmt: skip


@pytest.fixture
def service(tmp_path: Path, fake_ollama: FakeOllama) -> Iterator[Service]:
    """DOCUMENTS, five paragraphs of notes, and a copy of one of them in two more places."""
    with index.service(tmp_path, fake_ollama.url, embedded=False) as made:
        index.fill(made.store, {"notes.md": NOTES, "copy.md": NOTES[3:4], "shout.txt": [NOTES[3].upper()]})  # type: ignore[arg-type]
        index.embed_all(made.store, made.searcher.client)  # type: ignore[arg-type]
        yield made


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "vector"])
def test_copies_of_a_passage_are_one_hit(service: Service, mode: query.Mode) -> None:
    """In every mode; where they stand is said."""
    results = query.search(service.searcher, Query("notes about storms", mode=mode))
    texts = [hit.chunk.text.lower() for hit in results.hits]
    assert texts.count(NOTES[3].lower()) == 1
    hit = results.hits[texts.index(NOTES[3].lower())]
    assert len({hit.document.path, *(copy.document.path for copy in hit.copies)}) == 3


def test_without_diversity_copies_are_hits_of_their_own(service: Service) -> None:
    """The flag's other side."""
    results = query.search(service.searcher, Query("notes about storms", diversify=False))
    assert [hit.chunk.text.lower() for hit in results.hits].count(NOTES[3].lower()) == 3
    assert not any(hit.copies for hit in results.hits)


def test_neighbours_are_the_text_around(service: Service) -> None:
    """Exactly as it stands in the document, and no further than its ends."""
    text = service.store.text("/docs", "notes.md")
    for neighbours, expected in ((1, "\n\n".join(NOTES[:2])), (20, text)):
        (hit,) = query.search(service.searcher, Query("notes lamps", k=1, neighbours=neighbours)).hits
        assert hit.around
        assert hit.around.text == expected == text[hit.around.start : hit.around.end]
    assert query.search(service.searcher, Query("notes lamps", k=1)).hits[0].around is None
    with pytest.raises(QueryError, match="0 to 20"):
        Query("x", neighbours=21)


def test_an_explanation_adds_up(service: Service) -> None:
    """Score = both shares less what crowding costs, and each share is what its numbers give."""
    results = query.search(service.searcher, Query("the notes about storms", explain=True))
    for hit in results.hits:
        explain = explanation(hit.explain)
        assert explain.keyword
        assert explain.vector
        assert explain.keyword.score == hit.scores.keyword
        for part in (explain.keyword, explain.vector):
            raw = part.score or 0.0
            assert part.z == pytest.approx(max((raw - part.mean) / part.deviation, -2.0 if raw == 0 else -9), abs=1e-3)
            assert part.share == pytest.approx(part.weight * part.z, abs=1e-4)
        shares = explain.keyword.share + explain.vector.share + explain.phrases
        assert shares - explain.crowding == pytest.approx(hit.score, abs=1e-3)
        assert f"= {hit.score:.3f}" in explain.arithmetic
    assert any(explanation(hit.explain).crowding for hit in results.hits)


def test_words_side_by_side_are_explained(service: Service) -> None:
    """A passage that has the query's words in the query's order says what that adds; one with other words doesn't."""
    results = query.search(service.searcher, Query("lighthouses says", explain=True, path="notes.md"))
    added = {hit.chunk.text: explanation(hit.explain).phrases for hit in results.hits}
    assert set(added.values()) == {rank.PHRASE_WEIGHT}
    assert "(words side by side)" in explanation(results.hits[0].explain).arithmetic
    results = query.search(service.searcher, Query("says lighthouses", explain=True, path="notes.md"))
    assert {explanation(hit.explain).phrases for hit in results.hits} == {0.0}


def test_an_explanation_says_what_was_searched(service: Service) -> None:
    """The words, what each ranking listed, and how much the filter left."""
    asked = Query("the notes about storms", explain=True, path="notes.md", diversify=False)
    results = query.search(service.searcher, asked)
    whole = results.explain
    assert whole
    assert whole.terms == ("notes", "storms")
    assert (whole.passing, whole.chunks, len(results.hits)) == (5, 13, 5)
    assert whole.selectivity == pytest.approx(5 / 13, abs=1e-5)
    assert (whole.vector, whole.candidates, whole.filter) == (5, 5, "path 'notes.md'")


def test_one_ranking_alone_is_its_raw_score(service: Service) -> None:
    """Nothing was fused, and nothing is explained that did not happen."""
    results = query.search(service.searcher, Query("storms", mode="keyword", explain=True))
    assert explanation(results.hits[0].explain).keyword is None
    assert results.hits[0].score == results.hits[0].scores.keyword
    assert query.search(service.searcher, Query("storms")).explain is None


def explanation(found: Explanation | None) -> Explanation:
    assert found is not None
    return found
