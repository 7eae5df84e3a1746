"""Fusion: scores are put on one scale by how unusual they are, and each hit keeps what each part said of it."""

from __future__ import annotations

import numpy as np
import pytest

from search import rank
from search.store import EMPTY, Ranking


def ranking(
    ids: list[int], scores: list[float], mean: float = 0.0, deviation: float = 1.0, known: float = 1.0
) -> Ranking:
    return Ranking(np.array(ids, np.int64), np.array(scores, np.float32), mean, deviation, known)


def test_the_sum_is_seven_tenths_vector_and_three_tenths_keyword() -> None:
    """The arithmetic as it is documented: BM25 over 200 places, zeros where fewer are listed."""
    keyword = ranking([1, 3], [8.0, 4.0])
    mean, deviation = np.mean([8, 4, *[0] * 198]), np.std([8, 4, *[0] * 198])
    vector = ranking([2, 1], [0.9, 0.5], mean=0.1, deviation=0.2)
    ids = rank.candidates(keyword, vector)
    fused = rank.fuse(keyword, vector, ids, np.array([0.5, 0.9, 0.3], np.float32))
    assert ids.tolist() == [1, 2, 3]
    expected = {
        1: 0.7 * (0.5 - 0.1) / 0.2 + 0.3 * (8 - mean) / deviation,
        2: 0.7 * (0.9 - 0.1) / 0.2 + 0.3 * (0 - mean) / deviation,
        3: 0.7 * (0.3 - 0.1) / 0.2 + 0.3 * (4 - mean) / deviation,
    }
    assert fused.ids.tolist() == sorted(expected, key=lambda id_: -expected[id_])
    assert np.allclose(fused.scores, sorted(expected.values(), reverse=True))


def test_the_scale_of_bm25_does_not_depend_on_how_many_are_listed() -> None:
    """The same first 200, and more asked for: the same scale, so the same order in a small and a large index."""
    scores = np.linspace(20, 1, 1000, dtype=np.float32)
    assert rank.keyword_scale_of(scores) == rank.keyword_scale_of(scores[: rank.WINDOW])


def test_what_is_not_listed_where_many_are_is_two_deviations_down() -> None:
    """It may have a score just below the last one: 0 would be unfair."""
    keyword = ranking(list(range(200)), list(np.linspace(20, 15, 200)))
    fused = rank.fuse(keyword, ranking([200], [0.5]), np.arange(201), np.full(201, 0.5, np.float32))
    assert np.isclose(fused.scores[fused.ids == 200], 0.7 * 0.5 - 0.3 * 2)


def test_a_rare_identifier_outweighs_every_meaning() -> None:
    """One passage in all has the word: it comes first, however near in meaning others are."""
    keyword, vector = ranking([7], [9.0]), ranking([1, 2], [0.6, 0.55], 0.1, 0.12)
    fused = rank.fuse(keyword, vector, np.array([1, 2, 7]), np.array([0.6, 0.55, 0.05], np.float32))
    assert fused.ids[0] == 7


def test_words_that_the_collection_lacks_take_weight_from_those_it_has() -> None:
    """By the cube of the share that is known; what the keyword ranking loses, the vectors gain."""
    scores = list(np.linspace(6, 4, 200))
    weights = rank.weigh(ranking(list(range(200)), scores, known=0.8))
    assert np.isclose(weights.keyword, 0.3 * 0.8**3)
    assert np.isclose(weights.vector, 1 - weights.keyword)
    assert np.isclose(weights.phrases, 0.5 * 0.8**3)
    assert rank.weigh(ranking(list(range(200)), scores)) == rank.Weights(0.7, 0.3, 0.5)


def test_a_chunk_that_stands_out_keeps_the_weight_of_its_words() -> None:
    """An identifier that one chunk has is looked for among words that none has."""
    weights = rank.weigh(ranking([7], [3.5], known=0.2))
    assert np.isclose(weights.keyword, 0.3)
    assert rank.weigh(EMPTY).keyword > 0


def test_a_foreign_query_is_ranked_by_its_words_above_all() -> None:
    """The cosines of a model that does not know the language are near to chance."""
    weights = rank.weigh(ranking([1], [2.0]), is_foreign=True)
    assert weights.vector < weights.keyword == rank.KEYWORD_WEIGHT


def test_words_side_by_side_add_to_the_score() -> None:
    """By the share of the pairs; the rest of the arithmetic stays."""
    keyword, vector, ids = ranking([1, 2], [4.0, 4.0]), ranking([1, 2], [0.5, 0.5]), np.array([1, 2])
    cosines = np.array([0.5, 0.5], np.float32)
    plain = rank.fuse(keyword, vector, ids, cosines)
    fused = rank.fuse(keyword, vector, ids, cosines, phrases=np.array([0.0, 0.5], np.float32))
    assert plain.ids.tolist() == [1, 2]
    assert fused.ids.tolist() == [2, 1]
    assert np.allclose(fused.scores - plain.scores, [0.25, 0])
    assert fused.phrases is not None
    assert fused.phrases.tolist() == [0.5, 0.0]


def test_feedback_has_the_last_word_and_raw_cosines_stay() -> None:
    """What is ordered by is the moved query's cosine on the moved query's scale; what a hit says is the query's own."""
    keyword, vector, again = ranking([], []), ranking([1, 2], [0.9, 0.8]), ranking([2], [0.9], 0.5, 0.1)
    cosines, moved = np.array([0.9, 0.8], np.float32), np.array([0.5, 0.9], np.float32)
    fused = rank.fuse(keyword, vector, np.array([1, 2]), cosines, (again, moved))
    assert fused.ids.tolist() == [2, 1]
    assert np.allclose(fused.scores, [0.7 * 4, 0])
    assert np.allclose(fused.vector, [0.8, 0.9])
    assert fused.refined is not None
    assert np.allclose(fused.refined, [0.9, 0.5])


def test_a_moved_query_is_a_unit_vector_between() -> None:
    """Nearer to what was found first, and still nearest to itself."""
    query, rows = np.array([1, 0, 0], np.float32), np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    moved = rank.moved(query, rows)
    assert np.isclose(np.linalg.norm(moved), 1)
    assert moved[1] == moved[2] > 0
    assert np.isclose(moved[1] / moved[0], rank.FEEDBACK_WEIGHT / np.sqrt(2))


def test_ranks_and_raw_scores_stay_with_their_chunk() -> None:
    """A hit can say why it is there."""
    keyword, vector = ranking([7, 5], [3.0, 1.0]), ranking([5], [0.8])
    fused = rank.fuse(keyword, vector, rank.candidates(keyword, vector), np.array([0.8, np.nan], np.float32))
    by_id = {int(id_): i for i, id_ in enumerate(fused.ids)}
    assert fused.keyword_ranks[by_id[7]] == 1
    assert fused.vector_ranks[by_id[7]] == 0
    assert np.isnan(fused.vector[by_id[7]])
    assert (fused.keyword_ranks[by_id[5]], fused.vector_ranks[by_id[5]]) == (2, 1)


def test_a_chunk_without_a_vector_counts_as_near_as_its_words_say() -> None:
    """What is not embedded yet is neither lost, nor below what has a vector and no word, nor above all."""
    keyword, vector = ranking([1, 2, 3], [5.0, 5.0, 4.0]), ranking([1, 4], [0.9, 0.8], 0.0, 0.2)
    cosines = np.array([0.9, np.nan, np.nan, 0.8], np.float32)
    fused = rank.fuse(keyword, vector, np.array([1, 2, 3, 4]), cosines)
    assert fused.ids.tolist() == [1, 2, 3, 4]
    assert fused.nearness is not None
    assert fused.nearness.tolist() == pytest.approx([4.5, 4.5, 4.5, 4.0])
    nothing = rank.fuse(keyword, ranking([], []), np.array([1, 2, 3]), np.full(3, np.nan, np.float32))
    assert nothing.ids.tolist() == [1, 2, 3]


def test_a_collection_without_spread_ranks_by_the_other_part() -> None:
    """One single chunk, or all alike: no division by zero."""
    keyword, vector = ranking([1, 2], [1.0, 2.0]), ranking([1, 2], [0.5, 0.5], 0.5, 0.0)
    fused = rank.fuse(keyword, vector, np.array([1, 2]), np.array([0.5, 0.5], np.float32))
    assert fused.ids.tolist() == [2, 1]
    assert np.isfinite(fused.scores).all()


def test_nothing_and_nothing_is_nothing() -> None:
    """Two empty rankings."""
    assert not len(rank.fuse(EMPTY, EMPTY, rank.candidates(EMPTY, EMPTY), np.empty(0, np.float32)).ids)


def test_a_query_in_another_language_than_the_documents_is_ranked_by_meaning() -> None:
    """Its words count a fifth of what they would, the cosine the rest; why is said."""
    scores = list(np.linspace(6, 4, 200))
    weights = rank.weigh(ranking(list(range(200)), scores, known=0.8), is_crossing=True)
    assert np.isclose(weights.keyword, 0.2 * 0.3 * 0.8**3)
    assert np.isclose(weights.vector, 1 - weights.keyword)
    assert np.isclose(weights.phrases, 0.2 * 0.5 * 0.8**3)
    assert "another language" in weights.why
