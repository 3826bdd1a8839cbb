"""The dynamics of a growing conversation: the same as :func:`servicequal.dynamics.dynamics`, from running sums.

A turn that starts before one that came earlier is put in its place and what follows it is counted again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

from ..conversation import Role, Turn
from ..dynamics import PERCEPTIBLE, SILENCE, Dynamics

Partials = tuple[float, ...]
"""Floats that add up without error to an exact sum (Shewchuk 1997): ``fsum`` of them is the sum, correctly rounded."""


def _plus(partials: Partials, value: float) -> Partials:
    out = []
    for other in partials:
        big, small = (other, value) if abs(other) > abs(value) else (value, other)
        total = big + small
        rest = small - (total - big)
        if rest:
            out.append(rest)
        value = total
    return (*out, value)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Stretches in which somebody of a group speaks: the exact length of those that are over, and the last one."""

    length: Partials = ()
    silence: Partials = ()
    last: tuple[float, float] | None = None

    def add(self, start: float, end: float) -> _Spoken:
        if self.last is None:
            return replace(self, last=(start, end))
        if start <= self.last[1]:
            return replace(self, last=(self.last[0], max(self.last[1], end)))
        gap = start - self.last[1]
        silence = _plus(self.silence, gap) if gap > SILENCE else self.silence
        return _Spoken(_plus(self.length, self.last[1] - self.last[0]), silence, (start, end))

    def total(self) -> float:
        return fsum((*self.length, self.last[1] - self.last[0])) if self.last else 0.0


@dataclass(frozen=True, slots=True)
class _State:
    """Everything up to one turn."""

    end: float
    asked: float | None = None
    waits: int = 0
    everybody: _Spoken = _Spoken()
    agent: _Spoken = _Spoken()
    customer: _Spoken = _Spoken()
    both: _Spoken = _Spoken()
    agent_words: int = 0
    customer_words: int = 0
    agent_held: tuple[float, float] | None = None
    customer_held: tuple[float, float] | None = None
    agent_interrupts: int = 0
    customer_interrupts: int = 0


@dataclass(frozen=True, slots=True)
class _Timed:
    speaker: Role
    start: float
    end: float | None
    words: int


class Clock:
    """The times of the turns so far."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._turns: list[_Timed] = []
        self._states: list[_State] = []
        self._waits: list[float] = []
        self._sorted_waits: list[float] = []
        self._with_ends = True
        self._sides = 0

    def add(self, turn: Turn) -> None:
        """One more turn has come."""
        if not turn.scorable or turn.start is None:
            return
        timed = _Timed(turn.speaker, turn.start, turn.end, len(turn.text.split()))
        at = bisect_right(self._starts, turn.start)
        self._starts.insert(at, turn.start)
        self._turns.insert(at, timed)
        self._sides += turn.speaker in ("agent", "customer")
        if self._with_ends and turn.end is None:
            self._with_ends, at = False, 0
        self._replay(at)

    def _replay(self, at: int) -> None:
        del self._states[at:]
        kept = self._states[-1].waits if self._states else 0
        for wait in self._waits[kept:]:
            del self._sorted_waits[bisect_left(self._sorted_waits, wait)]
        del self._waits[kept:]
        for timed in self._turns[at:]:
            self._states.append(self._next(timed))

    def _next(self, turn: _Timed) -> _State:
        start = turn.start
        end = max(start, turn.end or start) if self._with_ends else start
        last = self._states[-1] if self._states else _State(end)
        asked = self._wait(last, turn.speaker, start, end)
        agent, customer = turn.speaker == "agent", turn.speaker == "customer"
        return _State(
            end=max(last.end, end),
            asked=asked,
            waits=len(self._waits),
            everybody=last.everybody.add(start, end),
            agent=last.agent.add(start, end) if agent else last.agent,
            customer=last.customer.add(start, end) if customer else last.customer,
            both=last.both.add(start, end) if agent or customer else last.both,
            agent_words=last.agent_words + turn.words * agent,
            customer_words=last.customer_words + turn.words * customer,
            agent_held=_held(last.agent_held, start, end) if agent else last.agent_held,
            customer_held=_held(last.customer_held, start, end) if customer else last.customer_held,
            agent_interrupts=last.agent_interrupts + (agent and _breaks_in(last.customer_held, start)),
            customer_interrupts=last.customer_interrupts + (customer and _breaks_in(last.agent_held, start)),
        )

    def _wait(self, last: _State, speaker: Role, start: float, end: float) -> float | None:
        if speaker == "customer":
            return end
        if speaker == "agent" and last.asked is not None:
            wait = max(0.0, start - last.asked)
            self._waits.append(wait)
            insort(self._sorted_waits, wait)
        return None

    def dynamics(self) -> Dynamics | None:
        """The dynamics of the turns so far, None if neither agent nor customer has times."""
        if not self._sides:
            return None
        now, ends, waits = self._states[-1], self._with_ends, self._sorted_waits
        duration = now.end - self._starts[0]
        silence = fsum(now.everybody.silence) if ends else None
        apart = now.agent.total() + now.customer.total()
        return Dynamics(
            duration=round(duration, 3),
            replies=len(waits),
            latency_median=round(_median(waits), 3) if waits else None,
            latency_max=round(waits[-1], 3) if waits else None,
            latency_from="end" if ends else "start",
            talk_share=_talk_share(now, ends),
            talk_by="time" if ends else "words",
            silence=None if silence is None else round(silence, 3),
            silence_share=round(silence / duration, 4) if silence is not None and duration > 0 else None,
            agent_interrupts=now.agent_interrupts if ends else None,
            customer_interrupts=now.customer_interrupts if ends else None,
            overlap=round(max(0.0, apart - now.both.total()), 3) if ends else None,
        )


def _held(held: tuple[float, float] | None, start: float, end: float) -> tuple[float, float]:
    return (start, end) if held is None or end > held[1] else held


def _breaks_in(held: tuple[float, float] | None, start: float) -> bool:
    return held is not None and held[0] < start and held[1] - start > PERCEPTIBLE


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _talk_share(now: _State, by_time: bool) -> float | None:
    if now.agent.last is None or now.customer.last is None:
        return None
    mine, theirs = float(now.agent_words), float(now.customer_words)
    if by_time:
        mine, theirs = now.agent.total(), now.customer.total()
    return round(mine / (mine + theirs), 4) if mine + theirs > 0 else None
