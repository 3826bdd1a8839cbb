"""Families of words: one look at a turn's words tells which of them it has.

So a closer look is taken only where it can find something. A family is a bit; ``Aligned.flags`` of a turn's normal form
has the bits of all families that a word of the turn is of (see :func:`of`). A test holds each family to the pattern
that cannot do without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

MARK = 1 << 0
"""A question mark."""
QUESTION = 1 << 1
"""One of these is in every opening of a question."""
DENYING = 1 << 2
SUPPOSING = 1 << 3
REPORTING = 1 << 4
"""What words that are denied, supposed or reported cannot do without."""
REFERENCE, ORDER, ACCOUNT, BOOKING, POSTCODE, EMAIL, PHONE = (1 << bit for bit in range(5, 12))
"""One of these begins each detail, of that kind, that a customer can be asked for."""
DETAIL = REFERENCE | ORDER | ACCOUNT | BOOKING | POSTCODE | EMAIL | PHONE
FIGURES = 1 << 12
"""A word with at least three figures in it."""
ADDRESS = 1 << 13
"""A word with an @ in it."""
RECKLESS = 1 << 14
WISHING = 1 << 15
WHATEVER = 1 << 16
"""A promise without measure has a word of the first of these, or one of each of the others."""
ASKING = 1 << 17
"""One of these is among the first words of a sentence that asks."""
DENIAL = 1 << 18
FLATLY = 1 << 19
"""A word that denies is followed by one of the first, or is one of the second."""
REPORTER = 1 << 20
"""One of these is in who reports."""

WORDS: Mapping[int, frozenset[str]] = {
    MARK: frozenset("?"),
    QUESTION: frozenset(
        "what when where who why how which can could do does did is are will would should have has any".split()
    ),
    DENYING: frozenset("not never rather instead without no".split()),
    SUPPOSING: frozenset("if case unless whether suppose supposing imagine assuming though".split()),
    REPORTING: frozenset(
        "said say says saying told tell tells claim claims claimed reckon reckons reckoned insist insists insisted"
        " mentioned advised wrote heard thought think thinks mean meant".split()
    ),
    REFERENCE: frozenset("reference ref case ticket claim complaint job".split()),
    ORDER: frozenset(("order",)),
    ACCOUNT: frozenset("account customer member membership policy contract client".split()),
    BOOKING: frozenset("booking reservation confirmation flight ticket".split()),
    POSTCODE: frozenset("postcode post zip".split()),
    EMAIL: frozenset("email e".split()),
    PHONE: frozenset("phone mobile telephone contact".split()),
    RECKLESS: frozenset("free price limit limits cheque never hundred bet".split()),
    WISHING: frozenset("want like need ask".split()),
    WHATEVER: frozenset("whatever anything much what".split()),
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
"""The words of each family; FIGURES and ADDRESS are told by their characters."""


def _bits() -> dict[str, int]:
    found: dict[str, int] = {}
    for bit, words in WORDS.items():
        for word in words:
            found[word] = found.get(word, 0) | bit
    return found


BITS: Mapping[str, int] = _bits()
"""By word the bits of its families."""

_HEAD = re.compile("[a-z0-9_]*")
_FIGURE = re.compile("[0-9]")
_FIGURES = 3


def of(word: str) -> int:
    """The families of a word of the normal form.

    A word with other characters in it than a-z, 0-9 and _ (*postcode😀*) is besides of those that its beginning is of:
    patterns end a word there.
    """
    return _known(word) if len(word) <= _LONGEST_KEPT else _told(word)


def _told(word: str) -> int:
    found = BITS.get(word, 0) | BITS.get(_HEAD.match(word)[0], 0)  # type: ignore[index]
    if len(_FIGURE.findall(word)) >= _FIGURES:
        found |= FIGURES
    return found | ADDRESS if "@" in word else found


_LONGEST_KEPT = 40
"""Characters of a word that is kept with its families; so memory stays bounded."""
_known = lru_cache(maxsize=1 << 14)(_told)
