"""Lists by turn that grow at their end: what the rules look at, kept instead of looked for again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Run(Generic[T]):
    """The items of some turns, flat and in order of turn.

    A change at the end costs the same however long the list is; one further in moves what stands behind it. Taking
    all items out as a tuple is one copy of pointers, made again only after a change.
    """

    __slots__ = ("_items", "_starts", "_taken", "turns")

    def __init__(self) -> None:
        self.turns: list[int] = []
        self._starts: list[int] = []
        self._items: list[T] = []
        self._taken: dict[int, tuple[T, ...]] = {}

    def copy(self) -> Run[T]:
        """Another list with the same items."""
        other: Run[T] = Run()
        other.turns, other._starts, other._items = self.turns.copy(), self._starts.copy(), self._items.copy()
        return other

    def put(self, turn: int, items: Sequence[T]) -> None:
        """These are now the items of a turn."""
        at = bisect_left(self.turns, turn)
        there = at < len(self.turns) and self.turns[at] == turn
        if not there and not items:
            return
        self._taken.clear()
        begin = self._starts[at] if at < len(self._starts) else len(self._items)
        end = self._ends(at) if there else begin
        self._items[begin:end] = items
        if there and not items:
            del self.turns[at], self._starts[at]
        elif not there:
            self.turns.insert(at, turn)
            self._starts.insert(at, begin)
        moved = len(items) - (end - begin)
        if moved:
            for k in range(at + bool(items), len(self._starts)):
                self._starts[k] += moved

    def _ends(self, at: int) -> int:
        return self._starts[at + 1] if at + 1 < len(self._starts) else len(self._items)

    def __bool__(self) -> bool:
        return bool(self.turns)

    def at(self, turn: int) -> Sequence[T]:
        """The items of one turn."""
        at = bisect_left(self.turns, turn)
        if at == len(self.turns) or self.turns[at] != turn:
            return ()
        return self._items[self._starts[at] : self._ends(at)]

    def after(self, turn: int = -1) -> tuple[T, ...]:
        """The items of all later turns."""
        at = bisect_right(self.turns, turn)
        if at not in self._taken:
            begin = self._starts[at] if at < len(self._starts) else len(self._items)
            self._taken[at] = tuple(self._items[begin:] if begin else self._items)
        return self._taken[at]

    def count_after(self, turn: int = -1) -> int:
        """How many later turns have items."""
        return len(self.turns) - bisect_right(self.turns, turn)

    def within(self, turns: Sequence[int]) -> tuple[T, ...]:
        """The items of the turns from the first to the last of these."""
        if not turns:
            return ()
        at, to = bisect_left(self.turns, turns[0]), bisect_right(self.turns, turns[-1])
        return tuple(self._items[self._starts[at] : self._ends(to - 1)]) if at < to else ()


class Verdicts(Generic[T]):
    """A judgement for each turn of a list that depends on what follows it: only those within reach of a change are
    made again, and only when they are asked for.

    ``judge`` gives None for a turn that does not count (yet), else credit, items and turns searched. ``credit`` adds
    up in order of turn. Searched turns must not go backwards from one judged turn to the next.
    """

    __slots__ = ("_dirty", "_marks", "credit", "items", "searched", "turns")

    def __init__(self) -> None:
        self.turns: list[int] = []
        self.credit = 0.0
        self.items: list[T] = []
        self.searched: list[int] = []
        self._marks: list[tuple[float, int, int]] = []
        self._dirty: int | None = 0

    def copy(self) -> Verdicts[T]:
        """Another list with the same judgements."""
        other: Verdicts[T] = Verdicts()
        other.turns, other.credit, other.items = self.turns.copy(), self.credit, self.items.copy()
        other.searched, other._marks, other._dirty = self.searched.copy(), self._marks.copy(), self._dirty
        return other

    def touch(self, turn: int) -> None:
        """What was judged from this turn on is open again."""
        self._dirty = turn if self._dirty is None else min(turn, self._dirty)

    def settle(
        self, candidates: Sequence[int], judge: Callable[[int], tuple[float, Sequence[T], Sequence[int]] | None]
    ) -> None:
        """Judge what is open. ``candidates`` are the turns to be judged, in order."""
        if self._dirty is None:
            return
        at = bisect_left(self.turns, self._dirty)
        if at < len(self.turns):
            self.credit, items, searched = self._marks[at]
            del self.turns[at:], self._marks[at:], self.items[items:], self.searched[searched:]
        for turn in _from(candidates, self._dirty):
            judged = judge(turn)
            if judged is None:
                continue
            credit, items_found, searched_turns = judged
            self.turns.append(turn)
            self._marks.append((self.credit, len(self.items), len(self.searched)))
            self.credit += credit
            self.items.extend(items_found)
            last = self.searched[-1] if self.searched else -1
            self.searched.extend(n for n in searched_turns if n > last)
        self._dirty = None


def _from(turns: Sequence[int], first: int) -> Iterator[int]:
    return (turns[k] for k in range(bisect_left(turns, first), len(turns)))
