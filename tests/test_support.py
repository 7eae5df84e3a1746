"""Sentences held against passages: numbers, dates, names and negations literally, the rest by words and closeness."""

from __future__ import annotations

import numpy as np
import pytest

from search import support
from search.records import ChunkRef, DocumentRef
from search.replies import Source
from search.vectors import Floats

PASSAGE = (
    "The museum in Lisbon was founded by Ana Prado on 12 May 1931. It shows 1,250 ships and is not open on Mondays."
    " The harbour in Porto was built by Rui Costa in 1907 and has three cranes."
)


def judged(claim: str, passage: str = PASSAGE, cosines: support.Cosines | None = None) -> support.Judgement:
    chunk = ChunkRef("id", passage, 0, len(passage), None, ("Museums of Portugal",))
    return support.judge(claim, support.units(Source(1, DocumentRef("/r", "a.md", "", "md"), chunk)), cosines)


@pytest.mark.parametrize(
    "claim",
    [
        "The museum in Lisbon was founded by Ana Prado on 12 May 1931.",
        "Ana Prado founded the Lisbon museum on 1931-05-12.",
        "It shows 1250 ships.",
        "The museum isn't open on Mondays.",
        "Porto's harbour has 3 cranes and was built in 1907 by Rui Costa.",
        "In Portugal, a museum in Lisbon shows 1,250 ships.",
        "The Lisbon museum was founded on 12.5.1931 by Ana Prado.",
    ],
)
def test_what_the_passage_says_is_supported(claim: str) -> None:
    """In other words too, with numbers and dates written otherwise."""
    found = judged(claim)
    assert (found.support, found.missing) == ("supported", ())
    assert found.citations


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The museum in Lisbon was founded by Ana Prado on 12 May 1932.", "1932"),
        ("The museum in Lisbon was founded by Ana Prado on 12 June 1931.", "June"),
        ("The museum in Lisbon was founded by Ana Gomes on 12 May 1931.", "Gomes"),
        ("It shows 1,520 ships and is not open on Mondays.", "1,520"),
        ("It shows 1,250 ships and is not open on Fridays.", "Fridays"),
        ("It shows 1,250 ships and is open on Mondays.", "not"),
        ("The harbour in Porto was not built by Rui Costa in 1907.", "not"),
        ("The harbour in Porto was built by Rui Costa in 1907 and has seven cranes.", "seven"),
        # words of the same passage in the wrong place
        ("The museum in Lisbon was founded by Ana Prado on 12 May 1907.", "1907"),
        ("The museum in Porto was founded by Ana Prado on 12 May 1931.", "Porto"),
    ],
)
def test_one_changed_thing_is_seen_and_named(claim: str, missing: str) -> None:
    """A number, a date, a name, a negation: never supported, and it says what is missing."""
    found = judged(claim)
    assert found.support != "supported"
    assert found.missing == (missing,)


RULES = (
    "Dogs are not allowed in the hall, but guide dogs may come in. Cameras are permitted in the garden. "
    "Groups of at least 10 visitors pay 5 euros. Guides are unavailable in winter, nor does the shop open then. "
    "Visitors who have no ticket cannot enter before noon. The French school taught the French language."
)


@pytest.mark.parametrize(
    "claim",
    [
        "Dogs are forbidden in the hall.",
        "Taking cameras into the garden is not forbidden.",
        "Groups of 10 or more visitors, and no fewer than 10 visitors, pay 5 euros.",
        "In winter guides are not available.",
        "The shop does not open in winter.",
        "Without a ticket, visitors cannot enter before noon.",
    ],
)
def test_what_is_denied_may_be_denied_in_other_words(claim: str) -> None:
    """Opposites, and where a negation reaches to."""
    assert judged(claim, RULES).missing == ()


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("Dogs are permitted in the hall.", "not"),
        ("Cameras are prohibited in the garden.", "not"),
        ("Groups of at most 10 visitors pay 5 euros.", "not"),
        ("Guides are available in winter.", "not"),
        ("Visitors who have no ticket cannot enter after noon.", "not"),
        ("Guide dogs may not come in.", "not"),
        ("Groups of at least 10 visitors pay 5 dollars.", "dollars"),
        # said elsewhere in the sentence, and not here
        ("The Lisbon school taught the French language.", "Lisbon"),
    ],
)
def test_the_opposite_is_seen(claim: str, missing: str) -> None:
    """Opposites, bounds, order in time, another currency, and a name that replaces one which is repeated."""
    found = judged(claim, f"{RULES} {PASSAGE}")
    assert (found.support, found.missing) == ("partly", (missing,))


@pytest.mark.parametrize(("name", "there"), [("Martin", "Martha"), ("base64", "base32"), ("Johnson", "Johnston")])
def test_names_that_begin_alike_are_not_the_same(name: str, there: str) -> None:
    """A stem is not enough for a name."""
    assert judged(f"It was written by {name} in the north.", f"It was written by {there} in the north.").missing


def test_a_quotation_is_supported_whatever_else_stands_there() -> None:
    """Word for word is word for word."""
    row = "CSV,rows; the header row is repeated with each passage,no"
    found = judged("the header row is repeated with each passage", f"The header row is never repeated.\n\n{row}")
    assert (found.support, found.missing) == ("supported", ())


def test_another_sentence_altogether_is_not_found() -> None:
    """Without words in common there is no support and no citation."""
    assert judged("Bananas ripen faster in paper bags.") == support.Judgement("not found")


def test_the_span_is_that_of_the_sentence() -> None:
    """Exactly the sentence of the passage that says it."""
    (citation,) = judged("It shows 1,250 ships.").citations
    assert PASSAGE[citation.start : citation.end] == "It shows 1,250 ships and is not open on Mondays."


def test_the_same_meaning_in_other_words_is_supported_where_a_model_says_so() -> None:
    """The closeness of the embedding model counts as shared words do, but excuses no wrong number."""

    def near(_: str, texts: list[str]) -> Floats:
        return np.array([0.9] + [0.0] * (len(texts) - 1), np.float32)

    assert judged("A gallery was established there.").support == "not found"
    assert judged("A gallery was established there.", cosines=near).support == "supported"
    assert judged("A gallery was established there in 1899.", cosines=near).support == "partly"


def test_german_nouns_are_no_names() -> None:
    """Where every noun has a capital, another noun is no wrong name; numbers are checked all the same."""
    passage = "Das Museum in der Stadt wurde von der Gräfin im Jahr 1931 gegründet und ist für alle Gäste offen."
    assert judged("Das Museum wurde 1931 von der Gräfin gegründet, sagt die Leitung.", passage).missing == ()
    assert judged("Das Museum wurde 1932 von der Gräfin gegründet.", passage).missing == ("1932",)
