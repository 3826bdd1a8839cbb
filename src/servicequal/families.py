"""Families of words: one look at a turn's words tells which of them it has.

So a closer look is taken only where it can find something. A family is a bit; ``Aligned.flags`` of a turn's normal form
has the bits of all families that a word of the turn is of. A test holds each family to the pattern that cannot do
without it.
"""

from __future__ import annotations

from collections.abc import Mapping

MARK = 1 << 0
"""A question mark."""
QUESTION = 1 << 1
"""One of these is in every opening of a question."""
DETAIL = 1 << 2
"""One of these begins every detail that a customer can be asked for."""
DENYING = 1 << 3
SUPPOSING = 1 << 4
REPORTING = 1 << 5
"""What words that are denied, supposed or reported cannot do without."""
ASKING = 1 << 6
"""One of these is among the first words of a sentence that asks."""
DENIAL = 1 << 7
FLATLY = 1 << 8
"""A word that denies is followed by one of the first, or is one of the second."""
REPORTER = 1 << 9
"""One of these is in who reports."""

WORDS: Mapping[int, frozenset[str]] = {
    MARK: frozenset("?"),
    QUESTION: frozenset(
        "what when where who why how which can could do does did is are will would should have has any".split()
    ),
    DETAIL: frozenset(
        "reference ref case ticket claim complaint job order account customer member membership policy contract client"
        " booking reservation confirmation flight postcode post zip email e phone mobile telephone contact".split()
    ),
    DENYING: frozenset("not never rather instead without no".split()),
    SUPPOSING: frozenset("if case unless whether suppose supposing imagine assuming though".split()),
    REPORTING: frozenset(
        "said say says saying told tell tells claim claims claimed reckon reckons reckoned insist insists insisted"
        " mentioned advised wrote heard thought think thinks mean meant".split()
    ),
    ASKING: frozenset(
        "who what when where why which how is are was were do does did has have had can could would will shall should"
        " may might any".split()
    ),
    DENIAL: frozenset(
        "saying going suggesting claiming telling here implying mean say said tell want the to that because than of"
        " need".split()
    ),
    FLATLY: frozenset(("never", "without")),
    REPORTER: frozenset("they he she you somebody someone the your our a an my that another".split()),
}


def _bits() -> dict[str, int]:
    found: dict[str, int] = {}
    for bit, words in WORDS.items():
        for word in words:
            found[word] = found.get(word, 0) | bit
    return found


BITS: Mapping[str, int] = _bits()
"""By word the bits of its families."""
