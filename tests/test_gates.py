"""The gates before an answer: is it about this at all, and is there something of the kind that was asked for."""

from __future__ import annotations

import pytest

from search import gates, literals
from search.gates import Background, Evidence


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was the museum founded?", "time"),
        ("In what year did it open?", "time"),
        ("How many ships are there?", "number"),
        ("What percentage of them sank?", "number"),
        ("Who founded the museum?", "name"),
        ("What is done when a file is broken?", None),
        ("How do I ask someone who knows?", None),
        ("Why?", None),
    ],
)
def test_the_kind_of_answer_is_read_from_the_question(question: str, kind: str | None) -> None:
    """Only where its words tell."""
    assert gates.expected(question) == kind


def test_a_kind_counts_only_beside_what_the_question_says() -> None:
    """The number of the question is not the answer to it."""
    asked = frozenset(word.form for word in literals.read("How many of the 12 ships sank in Porto?"))
    assert not gates.answers("number", literals.read("All 12 ships sank."), asked)
    assert gates.answers("number", literals.read("Five of the 12 ships sank."), asked)
    assert not gates.answers("name", literals.read("It sank in Porto."), asked)
    assert gates.answers("time", literals.read("It sank in May 1907."), asked)


def test_more_evidence_is_more_probable() -> None:
    """Each part of it counts, and without a model words alone."""
    low, high = Evidence(0.0, 0.0, 0.1), Evidence(0.6, 0.6, 0.9)
    assert gates.probability(low) < gates.REFUSED < gates.UNSURE < gates.probability(high)
    assert gates.probability(Evidence(0.3, 0.3, 0.3, unknown=True)) < gates.probability(Evidence(0.3, 0.3, 0.3))
    assert gates.probability(Evidence(None, None, 0.1)) < gates.REFUSED < gates.probability(Evidence(None, None, 0.8))


def test_the_background_is_sampled_once_and_is_the_median() -> None:
    """A collection that answers one of the probes is still itself."""
    asked: list[str] = []

    def closest(text: str) -> float | None:
        asked.append(text)
        return 0.9 if text == gates.PROBES[0] else 0.2

    background = Background()
    assert background.of(1, closest) == 0.2
    assert background.of(1, closest) == 0.2
    assert asked == list(gates.PROBES)
    assert Background().of(2, lambda _: None) == 0.0
