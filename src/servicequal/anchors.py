"""What every phrase hangs on: words of which a text must hold one, and pairs of which two of its words must be.

A *unit* is a phrase, an exception or an alternative, as steps over words; :mod:`servicequal.sieve` follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
            found = dict.fromkeys(group for step in self._units[number] if (group := self.needed(*step)))
            ranked = self._ranked[number] = sorted(found, key=self._how_rare) if len(found) > 1 else list(found)
        return ranked

    def needed(self, code: int, value: Any) -> frozenset[str] | None:
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

Ranges = Mapping[frozenset[str], tuple[int, int]]
"""Groups of words that must be there besides a pair, and how far before (below 0) or behind its first word."""

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
        return self.placed(steps)[0]

    def placed(self, steps: Steps) -> tuple[Pairs, int, bool]:
        """The rarest pairs, the step that their first words end, and whether they lie inside that step instead."""
        found: list[tuple[Pairs, int, bool]] = []
        for at, (code, value) in enumerate(steps):
            ends, nothing = self._edge(code, value, False)
            begins, nothing_more = self._of_all(steps[at + 1 :], True)
            if ends and begins and not nothing and not nothing_more and len(ends) * len(begins) <= _MOST_PAIRS:
                found.append((((ends, begins),), at, False))
            if code == ONE and not value[0]:
                inside = [self.of(self._units[number]) for number in range(value[1], value[1] + value[2])]
                if all(inside):
                    found.append((tuple(pair for pairs in inside for pair in pairs), at, True))
        return min(found, key=lambda one: _how_often(one[0])) if found else ((), 0, False)

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


class Distances:
    """How far from a phrase's pair of words what it needs besides can stand."""

    def __init__(self, units: Sequence[Steps], anchors: Anchors) -> None:
        self._units = units
        self._anchors = anchors
        self._lengths: dict[int, tuple[int, int]] = {}

    def of(self, steps: Steps, pair: int, inside: bool) -> Ranges:
        """The ranges of all groups of words that the steps need; :meth:`Neighbours.placed` says where their pair is."""
        lengths = [self._length(code, value) for code, value in steps]
        most = lengths[pair][1]
        before = (2 - most, 2 - most) if inside else (1 - most, 1 - lengths[pair][0])  # where the pair's step begins
        found: dict[frozenset[str], tuple[int, int]] = {}
        for at, (code, value) in enumerate(steps):
            group = self._anchors.needed(code, value)
            if not group:
                continue
            if at == pair:
                low, high = before[0], most - 1 if inside else 0
            elif at > pair:
                low = (2 if inside else 1) + sum(length[0] for length in lengths[pair + 1 : at])
                high = (most - 1 if inside else 0) + sum(length[1] for length in lengths[pair + 1 : at + 1])
            else:
                low = before[0] - sum(length[1] for length in lengths[at:pair])
                high = (-1 if inside else before[1] - 1) - sum(length[0] for length in lengths[at + 1 : pair])
            had = found.get(group, (low, high))
            found[group] = min(low, had[0]), max(high, had[1])
        return found

    def _length(self, code: int, value: Any) -> tuple[int, int]:
        """How many words a step goes over, at least and at most."""
        if code in (START, END):
            return 0, 1
        if code == GAP:
            return 0, value
        if code == AMOUNT:
            return 1, 3
        if code == MAYBE:
            return 0, self._of_all(value)[1]
        return self._of_group(value) if code == ONE else (1, 1)

    def _of_all(self, steps: Steps) -> tuple[int, int]:
        lengths = [self._length(code, value) for code, value in steps]
        return sum(length[0] for length in lengths), sum(length[1] for length in lengths)

    def _of_group(self, value: Group) -> tuple[int, int]:
        words, base, count = value
        if base not in self._lengths:
            lengths = [self._of_all(self._units[number]) for number in range(base, base + count)]
            lengths += [(1, 1)] if words else []
            self._lengths[base] = min(length[0] for length in lengths), max(length[1] for length in lengths)
        return self._lengths[base]


def _how_often(pairs: Pairs) -> tuple[int, int]:
    """In how many of a million turns a pair would be if words came by chance, and how many pairs there are."""
    often = sum(_in_all(ends) * _in_all(begins) for ends, begins in pairs)
    return often, sum(len(ends) * len(begins) for ends, begins in pairs)


def _in_all(words: Iterable[str]) -> int:
    return sum(_COMMON.get(word, _SHARES[0]) for word in words)
