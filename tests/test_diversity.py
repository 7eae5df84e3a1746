"""The page of results: near copies are one, and a long document leaves room for short ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search import diversity
from search.records import ChunkRef, DocumentRef
from search.store import Occurrence

WORDS = [f"word{number}" for number in range(200)]


def place(path: str, text: str) -> Occurrence:
    return Occurrence(0, ChunkRef("id", text, 0, len(text), None, ()), DocumentRef("/root", path, "", "text"))


def ranked(*places: tuple[float, Occurrence]) -> list[tuple[float, int, Occurrence]]:
    return [(score, number, found) for number, (score, found) in enumerate(places)]


def paths(choices: list[diversity.Choice]) -> list[str]:
    return [choice.place.document.path for choice in choices]


def test_a_near_copy_is_listed_with_what_it_repeats() -> None:
    """Three words of 200 were changed, and the case of all: the same passage, found once, nothing forgotten."""
    edited = " ".join(["other", *WORDS[1:100], "new", *WORDS[101:199], "end"]).upper()
    found = ranked((3.0, place("a", " ".join(WORDS))), (2.9, place("b", edited)), (1.0, place("c", "something else")))
    choices = diversity.choose(found, 2, 0.0)
    assert paths(choices) == ["a", "c"]
    assert [copy.document.path for copy in choices[0].copies] == ["b"]


def test_a_short_passage_with_another_amount_is_another_passage() -> None:
    """One word of ten is what it is about."""
    text = "The deposit for the flat in Lisbon is {} euros"
    found = ranked((2.0, place("a", text.format(900))), (1.9, place("b", text.format(750))))
    assert paths(diversity.choose(found, 5, 0.0)) == ["a", "b"]


def test_text_without_spaces_has_copies_too() -> None:
    """Bigrams are its words."""
    text = "向量保存在一个文件中，只要没有人写入，就可以复制该文件。搜索时按照含义和关键字对段落进行排序"
    found = ranked((2.0, place("a", text)), (1.9, place("b", text + "。")), (1.8, place("c", "完全不同的内容")))
    assert paths(diversity.choose(found, 5, 0.0)) == ["a", "c"]


def test_an_empty_passage_is_no_problem() -> None:
    """Signs only: no word to compare."""
    assert paths(diversity.choose(ranked((1.0, place("a", "...")), (0.9, place("b", "x y"))), 5, 0.1)) == ["a", "b"]


def test_a_long_document_leaves_room() -> None:
    """Its second passage comes after one that is nearly as good, its best one stays where it is."""
    found = ranked(
        (3.0, place("long", "one")), (2.99, place("long", "two")), (2.98, place("long", "three")),
        (2.95, place("short", "four")), (2.0, place("far", "five")),
    )  # fmt: skip
    choices = diversity.choose(found, 5, 0.1)
    assert paths(choices) == ["long", "short", "long", "long", "far"]
    assert [round(choice.score, 2) for choice in choices] == [3.0, 2.95, 2.89, 2.78, 2.0]
    assert [round(choice.crowding, 1) for choice in choices] == [0, 0, 0.1, 0.2, 0]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abcde")), max_size=30),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.1, 5.0]),
)
def test_the_order_is_that_of_picking_the_best_each_time(
    made: list[tuple[int, str]], count: int, crowding: float
) -> None:
    """The same as the slow and obvious way; documents keep the order of their best passages."""
    scores = sorted((number / 10, path) for number, path in made)[::-1]
    found = ranked(*((score, place(path, f"text {number}")) for number, (score, path) in enumerate(scores)))
    left, expected, taken = list(enumerate(scores)), [], dict.fromkeys("abcde", 0)
    while left and len(expected) < count:
        best = max(left, key=lambda entry: entry[1][0] - crowding * taken[entry[1][1]])
        left.remove(best)
        expected.append(round(best[1][0] - crowding * taken[best[1][1]], 6))
        taken[best[1][1]] += 1
    choices = diversity.choose(found, count, crowding)
    assert [round(choice.score, 6) for choice in choices] == expected
    if crowding == 0.0:
        assert [choice.position for choice in choices] == list(range(len(choices)))
