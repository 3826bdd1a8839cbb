"""Which phrases can be in a text: all of them looked at together, none of them located.

Two steps over the words of a normal form. Every phrase has *anchors*, groups of words of which any text that it matches
holds at least one; one number of many bits per known word says which phrases it is an anchor of, so a few
operations on whole numbers leave the phrases that are worth a look. Those are followed word by word for all
beginnings at once: bit *i* of a number stands for the place before word *i*, and a step over a word is an *and* with
the places of that word and a shift. The same steps from one place at a time say where the longest match ends.

Where a word is glued to signs a phrase may end inside it: such words count as all that they may be, the sieve then
lets through too much, never too little, and RE2 locates what is there. The cost of a text is linear in its words for a
given set of phrases, up to :data:`LONGEST`; above it the second step is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .anchors import (
    AMOUNT,
    ANY,
    END,
    GAP,
    MAYBE,
    MOST_ANCHORS,
    NUMBER,
    ONE,
    START,
    WORD,
    WORDS,
    Anchors,
    Distances,
    Neighbours,
    Step,
    Steps,
)
from .phrases import Shape
from .plan import Plan, flatten

LONGEST = 2048
"""Words of a text that are followed; numbers as long as a longer one would cost more than they save."""

_MOST_KNOWN = 50_000
"""Words whose anchors are kept at hand; the memory that a stream of ever new words may take."""

_MOST_COMPILED, _LONGEST_COMPILED = 65_000, 250
"""Words, and characters of a word, that the compiled steps have room for."""

_CODES = {"word": WORD, "words": WORDS, "one": ONE, "maybe": MAYBE}


class Sieve:
    """A set of phrases, ready to be looked for together. ``loose`` phrases may begin and end anywhere: they are
    looked for in a part of the text only. ``compiled``: use the compiled steps where they are installed."""

    def __init__(self, phrases: Sequence[Shape], loose: Sequence[Shape] = (), compiled: bool = True) -> None:
        self._units: list[Steps] = [()] * (len(phrases) + len(loose))
        self._groups: dict[tuple[int, bool], tuple[Shape, Step]] = {}
        self._begins: dict[str, str] = {}
        self.count = len(phrases)
        for number, shape in enumerate((*phrases, *loose)):
            self._units[number] = self._steps(shape, number >= len(phrases))
        own = Anchors(self._units)
        anchors = own.of_all()
        neighbours, distances = Neighbours(self._units), Distances(self._units, own)
        placed = [(steps, *neighbours.placed(steps)) for steps in self._units[: self.count]]
        pairs = [of_one[1] for of_one in placed]
        ranges = [distances.of(steps, at, inside) if pair else {} for steps, pair, at, inside in placed]
        self._use(flatten(self._units, anchors, pairs, ranges, self._begins, _CODES, (NUMBER, *".?:")), compiled)
        if not self.table:
            self._index(anchors)

    @classmethod
    def of(cls, plan: Plan) -> Sieve | None:
        """A sieve by its plan; None where the compiled steps, which need nothing else, are not installed."""
        sieve = cls.__new__(cls)
        sieve._units = []
        sieve.count = plan.phrases
        sieve._begins = {begin: f"{begin} " for begin in plan.begins}
        sieve._use(plan, compiled=True)
        return sieve if sieve.table else None

    def _use(self, plan: Plan, compiled: bool) -> None:
        self.plan = plan
        self._words = frozenset(plan.words)
        self._longest = max(map(len, (*plan.words, *plan.begins)), default=0)
        self._known: dict[str, tuple[int, tuple[str, ...], bool]] = {}
        fitting = len(plan.words) <= _MOST_COMPILED and self._longest <= _LONGEST_COMPILED
        self.compiled = _compiled_steps() if compiled and fitting else None
        self.table = self.compiled and self.compiled.Table(plan, self.names, NUMBER, LONGEST, _MOST_KNOWN)

    # -- building

    def _steps(self, shape: Shape, loose: bool) -> Steps:
        steps: list[Step] = []
        self._add(shape, loose, steps)
        return tuple(steps)

    def _add(self, shape: Shape, loose: bool, steps: list[Step]) -> None:
        kind = shape.kind
        if kind == "words":
            steps.extend([(WORD, word) for word in shape.words])
        elif kind == "all":
            for part in shape.parts:
                self._add(part, loose, steps)
        elif kind == "one":
            steps.append(self._one(shape, loose))
        elif kind == "maybe":
            steps.append((MAYBE, self._steps(shape.parts[0], loose)))
        elif kind == "begins":
            self._begins[shape.words[0]] = key = f"{shape.words[0]} "
            steps.append((WORD, key))
        elif kind == "gap":
            steps.append((GAP, shape.most))
        elif kind in ("start", "end"):
            steps.append((START if kind == "start" else END, loose))
        else:
            steps.append((ANY if kind == "any" else AMOUNT, None))

    def _one(self, shape: Shape, loose: bool) -> Step:
        """Alternatives: those of one word as a set, each other as a unit of its own, numbered in a row."""
        key = (id(shape), loose)
        if key not in self._groups:
            single: set[str] = set()
            longer: list[Steps] = []
            for option in _flat(shape):
                if option.kind == "words" and len(option.words) == 1:
                    single.add(option.words[0])
                    continue
                steps = self._steps(option, loose)
                if len(steps) == 1 and steps[0][0] == WORD:
                    single.add(steps[0][1])
                else:
                    longer.append(steps)
            base = len(self._units)
            self._units += longer
            words = frozenset(single)
            step: Step = (ONE, (words, base, len(longer))) if longer else (WORDS, words)
            self._groups[key] = (shape, step)  # the shape is kept so that its id stays its own
        return self._groups[key][1]

    def _index(self, anchors: list[list[frozenset[str]]]) -> None:
        """Per word the units that it is an anchor of: one number, a stretch of bits for each rank of anchor."""
        count = len(self._units)
        self._free = [0] * MOST_ANCHORS
        self._owners: dict[str, int] = {}
        owners: dict[str, list[int]] = {}
        for number, ranked in enumerate(anchors):
            for rank in range(MOST_ANCHORS):
                if rank < len(ranked):
                    for word in ranked[rank]:
                        owners.setdefault(word, []).append(rank * count + number)
                else:
                    self._free[rank] |= 1 << number
        for word, bits in owners.items():
            total = bytearray(MOST_ANCHORS * count // 8 + 1)
            for bit in bits:
                total[bit >> 3] |= 1 << (bit & 7)
            self._owners[word] = int.from_bytes(total, "little")
        self._full = (1 << count) - 1
        self._phrases = (1 << self.count) - 1

    # -- looking

    def scan(self, words: list[str]) -> AnyScan:
        """What can be in a text of these words."""
        return FastScan(self.table, words) if self.table else Scan(self, words)

    def known(self, word: str) -> tuple[int, tuple[str, ...], bool]:
        """The anchors that a word is, under which other names it goes, and whether it is glued to signs."""
        found = self._known.get(word)
        if found is None:
            names, odd = self.names(word)
            bits = self._owners.get(word, 0)
            for name in names:
                bits |= self._owners.get(name, 0)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[word] = found = (bits, names, odd)
        return found

    def names(self, word: str) -> tuple[tuple[str, ...], bool]:
        """A word's other names: a number, what it begins with, the known words that end inside it before a sign.

        Besides, whether there is one of the last kind: a phrase may then end inside the word.
        """
        longest = min(len(word), self._longest)
        begun = (self._begins.get(word[:size]) for size in range(1, longest + 1))
        names = [name for name in begun if name]
        if word.isascii() and word.isalpha():
            return tuple(names), False
        glued = [word[:at] for at in range(1, min(len(word), longest + 1)) if _plain(word[at - 1]) != _plain(word[at])]
        inside = [part for part in glued if part in self._words]
        number = _FIGURES.match(word)
        whole = number is not None and number.end() == len(word)
        if number is not None and (whole or not _plain(word[number.end()])):
            names.append(NUMBER)
        return (*names, *inside), bool(inside) or (NUMBER in names and not whole)


_FIGURES = re.compile("[£$€]?[0-9]+")


class Scan:
    """One text: which of a sieve's phrases can be in it."""

    __slots__ = ("_active", "_count", "_marks", "_odd", "_places", "_sets", "_sieve", "_word")

    def __init__(self, sieve: Sieve, words: Sequence[str]) -> None:
        self._sieve = sieve
        self._count = len(words)
        self._places: dict[str, int] = {}
        self._odd = False
        self._active = self._anchored(words)
        self._sets: dict[frozenset[str], int] = {}
        places = self._places
        self._marks = places.get(".", 0) | places.get("?", 0) | places.get(":", 0)
        self._word = ((1 << self._count) - 1) & ~self._marks

    def _anchored(self, words: Sequence[str]) -> int:
        """The units of which every group of anchors is there; fills in where every word stands."""
        sieve = self._sieve
        known, places = sieve._known, self._places
        bits = 0
        if len(words) > LONGEST:
            for word in dict.fromkeys(words):
                places[word] = 0
        else:
            bit = 1
            for word in words:
                places[word] = places.get(word, 0) | bit
                bit <<= 1
        for word in tuple(places):
            found, names, odd = known.get(word) or sieve.known(word)
            bits |= found
            self._odd = self._odd or odd
            for name in names:
                places[name] = places.get(name, 0) | places[word]
        count = len(sieve._units)
        active = sieve._full
        for rank, free in enumerate(sieve._free):
            active &= (bits >> rank * count) | free
        return active

    def phrases(self) -> list[int]:
        """The numbers of the phrases that can be in the text, in order."""
        found = list(_bits(self._active & self._sieve._phrases))
        if self._count > LONGEST:
            return found
        every = (1 << self._count) - 1
        units = self._sieve._units
        return [number for number in found if self._ends(units[number], every)]

    def can(self, first: int, count: int = 1) -> bool:
        """Whether one of some phrases in a row, loose ones counted on, can be in the text."""
        found = _bits(self._active >> first & (1 << count) - 1)
        every = (1 << self._count) - 1
        units = self._sieve._units
        return any(self._count > LONGEST or self._ends(units[first + n], every) for n in found)

    def places(self, number: int) -> list[tuple[int, int]] | None:
        """Where a phrase stands, as numbers of words: the longest match at the first place, then on behind it. None
        where that has to be searched for: in long texts, and where words are glued to signs."""
        if self._odd or self._count > LONGEST:
            return None
        steps = self._sieve._units[number]
        found: list[tuple[int, int]] = []
        at = 0
        while at < self._count:
            ends = self._ends(steps, 1 << at)
            if ends:
                found.append((at, ends.bit_length() - 1))
                at = max(at + 1, found[-1][1])
            else:
                at += 1
        return found

    def _ends(self, steps: Steps, begun: int) -> int:
        """Where these steps can end that begin at the places ``begun``."""
        places = self._places
        at = begun
        for code, value in steps:
            if code == WORD:
                at = (at & places.get(value, 0)) << 1
            elif code == WORDS:
                at = (at & self._any_of(value)) << 1
            elif code == ONE:
                at = self._one(value, at)
            elif code == MAYBE:
                at |= self._ends(value, at)
            elif code == GAP:
                at = self._gap(value, at)
            elif code == ANY:
                at = (at & self._word) << 1
            elif code == AMOUNT:
                at = self._amount(at)
            elif code == START:
                at = (at if value else at & 1) | (at & self._marks) << 1
            else:
                at = (at if value else at & 1 << self._count) | (at & self._marks) << 1
            if not at:
                return 0
        return at

    def _any_of(self, words: frozenset[str]) -> int:
        found = self._sets.get(words)
        if found is None:
            found = 0
            places = self._places
            for word in words & places.keys() if len(words) > len(places) else words:
                found |= places.get(word, 0)
            self._sets[words] = found
        return found

    def _one(self, value: tuple[frozenset[str], int, int], at: int) -> int:
        words, base, count = value
        out = (at & self._any_of(words)) << 1 if words else 0
        units = self._sieve._units
        for number in _bits(self._active >> base & (1 << count) - 1):
            out |= self._ends(units[base + number], at)
        return out

    def _gap(self, most: int, at: int) -> int:
        step = at
        for _ in range(most):
            step = (step & self._word) << 1
            if not step:
                break
            at |= step
        return at

    def _amount(self, at: int) -> int:
        """A number, and one more after a full stop or colon."""
        numbers = self._places.get(NUMBER, 0)
        at = (at & numbers) << 1
        return at | (((at & self._marks) << 1) & numbers) << 1


def _bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def _plain(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


def _flat(shape: Shape) -> Iterable[Shape]:
    """The alternatives of a shape, those of alternatives among them too."""
    for part in shape.parts:
        if part.kind == "one":
            yield from _flat(part)
        else:
            yield part


def _compiled_steps() -> Any:
    """The compiled steps, or None where the package was installed without a compiler."""
    try:
        from . import _sieve
    except ImportError:
        return None
    return _sieve


class FastScan:
    """A :class:`Scan` by the compiled steps; their table holds one text at a time, the text asked for last."""

    __slots__ = ("_number", "_table", "_words")

    def __init__(self, table: Any, words: list[str]) -> None:
        self._table = table
        self._words = words
        self._number = table.scan(words)

    def _mine(self) -> Any:
        if self._table.text != self._number:
            self._number = self._table.scan(self._words)
        return self._table

    def phrases(self) -> list[int]:
        """The numbers of the phrases that can be in the text, in order."""
        found: list[int] = self._mine().found()
        return found

    def can(self, first: int, count: int = 1) -> bool:
        """Whether one of some phrases in a row, loose ones counted on, can be in the text."""
        found: bool = self._mine().can(first, count)
        return found

    def places(self, number: int) -> list[tuple[int, int]] | None:
        """Where a phrase stands, as numbers of words: the longest match at the first place, then on behind it. None
        where that has to be searched for."""
        found: list[tuple[int, int]] | None = self._mine().located(number)
        return found


AnyScan = Scan | FastScan
