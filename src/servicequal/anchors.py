"""What every phrase hangs on: words of which a text must hold one, and pairs of which two of its words must be.

A *unit* is a phrase, an exception or an alternative, as steps over words; :mod:`servicequal.sieve` follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

MOST_ANCHORS = 4

_SHARES = (3, 15, 30, 60, 120, 240, 450)
"""In how many of a thousand turns a word is, roughly: one that is not listed, then the classes of :data:`_COMMON`."""

_COMMON = {
    word: share
    for share, words in zip(
        _SHARES[1:],
        (
            "account after again any anything app ask because both call card check date dear done down email fine first"
            " five form four give goes going had hello her him hours keep last left let look may minutes morning name"
            " need new next nothing old open order over pay phone ring said same say send sent she should since still"
            " take team tell th thing three through till today told tomorrow too under want way well were who xlink"
            " yeah",
            ": about all an as back been before but come could day days did direct does get go good he here how know"
            " like message number off oh only our out put right says see sorry thank thanks them then time two us when"
            " which yes",
            "am be by from got has hi if me my no now okay one or please there they this up was we what would",
            "are at can do for have of so will with your",
            "0# ? a and i in not on that to you",
            ". is it the",
        ),
        strict=True,
    )
    for word in words.split(" ")
}
"""Shares of turns as counted in data/training; they decide what is looked up first, never what is found."""

NUMBER = "0#"
"""The name under which every number goes."""

WORD, WORDS, ANY, GAP, START, END, ONE, MAYBE, AMOUNT = range(9)
"""What a step goes over."""

Step = tuple[int, Any]
Group = tuple[frozenset[str], int, int]
"""Alternatives: those of one word, and the numbers of the others: the first, and how many."""

Steps = tuple[Step, ...]


class Anchors:
    """What every unit of a sieve hangs on: groups of words of which a text must hold one each, the rarest first."""

    def __init__(self, units: Sequence[Steps]) -> None:
        self._units = units
        self._ranked: list[list[frozenset[str]] | None] = [None] * len(units)
        self._best: dict[int, frozenset[str] | None] = {}
        self._rarity: dict[frozenset[str], int] = {}

    def of_all(self) -> list[list[frozenset[str]]]:
        """At most four groups for each unit; none where nothing is needed."""
        return [self._of(number)[:MOST_ANCHORS] for number in range(len(self._units))]

    def _of(self, number: int) -> list[frozenset[str]]:
        ranked = self._ranked[number]
        if ranked is None:
            found = dict.fromkeys(group for step in self._units[number] if (group := self._needed(*step)))
            ranked = self._ranked[number] = sorted(found, key=self._how_rare) if len(found) > 1 else list(found)
        return ranked

    def _needed(self, code: int, value: Any) -> frozenset[str] | None:
        """The words of which one must be there for a step to be taken, None if none."""
        if code == WORD:
            return frozenset((value,))
        if code == WORDS:
            words: frozenset[str] = value
            return words
        if code == AMOUNT:
            return frozenset((NUMBER,))
        return self._of_group(value) if code == ONE else None

    def _of_group(self, value: Group) -> frozenset[str] | None:
        """The words of which one must be there for one of the alternatives."""
        words, base, count = value
        if base not in self._best:
            options = [self._of(number) for number in range(base, base + count)]
            self._best[base] = words.union(*(groups[0] for groups in options)) if all(options) else None
        return self._best[base]

    def _how_rare(self, words: frozenset[str]) -> int:
        found = self._rarity.get(words)
        if found is None:
            found = self._rarity[words] = sum([_COMMON.get(word, _SHARES[0]) for word in words])
        return found


Pairs = tuple[tuple[frozenset[str], frozenset[str]], ...]
"""Words of a first and of a second set that stand side by side, one of these for each of some alternatives."""

_MOST_PAIRS = 20_000
_Edge = tuple[frozenset[str] | None, bool]
"""The words that steps can begin or end with, None: any; and whether they can be no words at all."""


class Neighbours:
    """For every unit the pairs of words of which any text that it matches holds one side by side: those of the place
    between two words that is rarest."""

    def __init__(self, units: Sequence[Steps]) -> None:
        self._units = units
        self._edges: dict[tuple[int, int, bool], _Edge] = {}

    def of(self, steps: Steps) -> Pairs:
        """The rarest pairs; none where no two words need stand side by side."""
        found: list[Pairs] = []
        for at, (code, value) in enumerate(steps):
            ends, nothing = self._edge(code, value, False)
            begins, nothing_more = self._of_all(steps[at + 1 :], True)
            if ends and begins and not nothing and not nothing_more and len(ends) * len(begins) <= _MOST_PAIRS:
                found.append(((ends, begins),))
            if code == ONE and not value[0]:
                inside = [self.of(self._units[number]) for number in range(value[1], value[1] + value[2])]
                if all(inside):
                    found.append(tuple(pair for pairs in inside for pair in pairs))
        return min(found, key=_how_often) if found else ()

    def _of_all(self, steps: Sequence[Step], first: bool) -> _Edge:
        """What steps can begin with, or end with if not ``first``."""
        words: frozenset[str] = frozenset()
        for code, value in steps if first else reversed(steps):
            some, nothing = self._edge(code, value, first)
            if some is None:
                return None, False
            words |= some
            if not nothing:
                return words, False
        return words, True

    def _edge(self, code: int, value: Any, first: bool) -> _Edge:
        if code == WORD:
            return frozenset((value,)), False
        if code == WORDS:
            return value, False
        if code == AMOUNT:
            return frozenset((NUMBER,)), False
        if code == MAYBE:
            return self._of_all(value, first)[0], True
        return self._of_group(value, first) if code == ONE else (None, False)

    def _of_group(self, value: Group, first: bool) -> _Edge:
        words, base, count = value
        if (base, count, first) not in self._edges:
            edges = [self._of_all(self._units[number], first) for number in range(base, base + count)]
            some = [found for found, _ in edges if found is not None]
            every = words.union(*some) if len(some) == len(edges) else None
            self._edges[base, count, first] = every, any(nothing for _, nothing in edges)
        return self._edges[base, count, first]


def _how_often(pairs: Pairs) -> tuple[int, int]:
    """In how many of a million turns a pair would be if words came by chance, and how many pairs there are."""
    often = sum(_in_all(ends) * _in_all(begins) for ends, begins in pairs)
    return often, sum(len(ends) * len(begins) for ends, begins in pairs)


def _in_all(words: Iterable[str]) -> int:
    return sum(_COMMON.get(word, _SHARES[0]) for word in words)
