"""Words that say the opposite of each other, and words that deny: for English, and the plainest of a few languages.

A pair of opposites is one subject with two poles, so that "allowed" and "forbidden", "not allowed" and "forbidden",
"at least 5" and "no more than 5" can be compared. Only pairs that are opposites nearly wherever they stand are here:
left and right, or open and close, are not. Nor are comparatives: "A is faster than B" is "B is slower than A".
"""

from __future__ import annotations

import re

NEGATIONS = frozenset(
    """not no never none nobody nothing nowhere neither nor without cannot cant except hardly
    nicht kein keine keinen keiner keinem nie niemals ohne pas jamais sans nunca sin""".split()
)
INVERTING = frozenset({"nor", "neither"})
"""Negations behind which the subject comes before what is denied: "nor does it cover"."""
CLAUSE_ENDS = frozenset(
    "and but because if unless when while although though which who whose where whereas since so".split()
)
"""What begins a part of a sentence that a negation before it doesn't reach."""

_DENYING = """
    allow allows allowed allowing permit permits permitted permitting | forbid forbids forbidden forbidding prohibit
        prohibits prohibited prohibiting prohibition ban bans banned disallow disallowed
    include includes included including | exclude excludes excluded excluding exclusion
    enable enables enabled enabling | disable disables disabled disabling
    accept accepts accepted accepting | reject rejects rejected rejecting refuse refuses refused refusing
    win wins won winning | lose loses lost losing
    succeed succeeds succeeded success successful | fail fails failed failing failure unsuccessful
    available | unavailable
    possible | impossible
    legal lawful | illegal unlawful
    eligible | ineligible
    valid | invalid
    able | unable
    safe | unsafe
    known | unknown
    likely | unlikely
    complete completed | incomplete
    necessary | unnecessary
    limited | unlimited
    equal | unequal
    true correct | false incorrect untrue wrong
    always | never
    everyone everybody everything | nobody nothing
"""
"""Pairs of which the second says no to the first."""
_OPPOSITE = """
    increase increases increased increasing | decrease decreases decreased decreasing reduce reduces reduced reducing
        reduction
    mandatory compulsory obligatory | optional voluntary
    before beforehand | after afterwards
    earliest | latest
    highest | lowest
    largest biggest | smallest
    longest | shortest
    oldest | youngest newest
    fastest | slowest
    best | worst
    most | least fewest
    many | few
    majority | minority
    maximum | minimum
    northern | southern
    eastern | western
    internal | external
    positive | negative
    supporter supporters | opponent opponents
    import imports imported importing | export exports exported exporting
    add adds added adding | remove removes removed removing delete deletes deleted
    begin begins began begun beginning start starts started starting | end ends ended ending finish finishes finished
    stop stops stopped stopping | continue continues continued continuing
    atleast morethan | atmost lessthan
    innetwork | outofnetwork
"""


def _poles(pairs: str) -> dict[str, tuple[str, int]]:
    """Each word's subject and pole; a pair that goes on in a second line is indented further there."""
    return {
        word: (f"{pair.split()[0]}~", pole)
        for pair in re.split(r"\n    (?! )", pairs.strip())
        for pole, side in zip((1, -1), pair.split("|"), strict=True)
        for word in side.split()
    }


POLES = _poles(_DENYING) | _poles(_OPPOSITE)
"""Each word that has an opposite: its subject, the same for both, and its pole, 1 or -1."""
SUBJECTS = frozenset(subject for subject, _ in POLES.values())
DENIALS = NEGATIONS | {word for word, (_, pole) in _poles(_DENYING).items() if pole < 0}
"""Words that deny something, by themselves or in what they mean."""

_NUMBER_NEXT = (
    r"(?=\s+(?:about |around |roughly )?[$€£]?\d|\s+(?:one|two|three|four|five|six|seven|eight|nine|ten|half)\b)"
)
_PHRASES = (
    (re.compile(r"\b(?:at least|(?:no|not) (?:less|fewer) than|a minimum of|minimum of)\b", re.IGNORECASE), "atleast"),
    (
        re.compile(
            rf"\b(?:at most|(?:no|not) more than|not exceed(?:ing)?|a maximum of|maximum of|up to{_NUMBER_NEXT})\b",
            re.IGNORECASE,
        ),
        "atmost",
    ),
    (re.compile(rf"\b(?:more than|greater than|(?:over|above|exceeding){_NUMBER_NEXT})", re.IGNORECASE), "morethan"),
    (re.compile(rf"\b(?:less than|fewer than|(?:under|below){_NUMBER_NEXT})", re.IGNORECASE), "lessthan"),
    (re.compile(r"\bprior to\b", re.IGNORECASE), "before"),
    (re.compile(r"\bin-network\b", re.IGNORECASE), "innetwork network"),
    (re.compile(r"\bout-of-network\b", re.IGNORECASE), "outofnetwork network"),
)
# "not only" adds, "whether or not" leaves open: neither denies.
_NO_NEGATION = re.compile(
    r"\b(?:not (?=only|just|merely|solely|simply|necessarily limited|limited to)|or not\b|no matter\b|no doubt\b)",
    re.IGNORECASE,
)


def plainly(text: str) -> str:
    """The text with the phrases that POLES knows as one word, and without "not" where it denies nothing."""
    text = _NO_NEGATION.sub("", text)
    for phrase, word in _PHRASES:
        text = phrase.sub(word, text)
    return text
