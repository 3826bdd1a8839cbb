"""The clock of a conversation: who waits, who talks, who is silent, who interrupts.

Described, never scored: no rule reads it. Everything is in seconds, and None where the source does not allow
it: chats have a start for each message and no ends, so they have latencies but no silence and no interruptions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from operator import itemgetter
from statistics import median
from typing import Literal

from .conversation import Conversation, Role
from .made import maker
from .outline import Outline, outlined

SILENCE = 3.0
"""A gap in which nobody speaks counts as silence if it is longer: the threshold of Amazon Connect Contact Lens,
whose non-talk time is hold time and silence longer than 3 seconds."""

PERCEPTIBLE = 0.12
"""Overlaps up to this are not heard as such and are no interruption (Heldner 2011, "Detection thresholds for gaps,
overlaps, and no-gap-no-overlaps", J. Acoust. Soc. Am. 130)."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What the times of one conversation tell. Only messages count, and only those with a start.

    ``duration`` runs from the first start to the last moment known. ``replies`` are agent turns that answer a
    customer's; ``latency_median`` and ``latency_max`` how long the customer waited for them, ``latency_from`` the
    end or, without ends, the start of the customer's last turn. ``talk_share`` is the agent's share of what agent
    and customer say, ``talk_by`` time or words. ``silence`` sums the gaps longer than 3 s, ``silence_share`` is
    their share of the duration. ``agent_interrupts`` counts agent turns that begin while the customer speaks,
    ``customer_interrupts`` the reverse ("mhm" counts too); ``overlap`` is how long both speak.
    """

    duration: float
    replies: int
    latency_median: float | None
    latency_max: float | None
    latency_from: Literal["end", "start"]
    talk_share: float | None
    talk_by: Literal["time", "words"]
    silence: float | None
    silence_share: float | None
    agent_interrupts: int | None
    customer_interrupts: int | None
    overlap: float | None


_dynamics = maker(Dynamics)

_Timed = tuple[str, float, float, int]
"""A message: who speaks, start, end (the start where the source has no ends), words."""


def dynamics(conversation: Conversation, outline: Outline | None = None) -> Dynamics | None:
    """The dynamics of a conversation, None if neither agent nor customer has times. Pure; no score depends on it.

    ``outline`` is the conversation's own, where the caller has it.
    """
    seen = outlined(conversation) if outline is None else outline
    if not seen.timed:
        return None
    with_ends = None not in [end for _, _, end, _ in seen.timed]
    turns = [
        (speaker, start, max(start, end or start) if with_ends else start, words)
        for speaker, start, end, words in seen.timed
    ]
    turns.sort(key=_START)
    duration = max([end for _, _, end, _ in turns]) - turns[0][1]
    waits = _waits(turns)
    silence = fsum(gap for gap in _gaps(turns) if gap > SILENCE) if with_ends else None
    return _dynamics(
        round(duration, 3),
        len(waits),
        round(median(waits), 3) if waits else None,
        round(max(waits), 3) if waits else None,
        "end" if with_ends else "start",
        _talk_share(turns, with_ends),
        "time" if with_ends else "words",
        None if silence is None else round(silence, 3),
        round(silence / duration, 4) if silence is not None and duration > 0 else None,
        _interruptions(turns, "agent", "customer") if with_ends else None,
        _interruptions(turns, "customer", "agent") if with_ends else None,
        _overlap(turns) if with_ends else None,
    )


_START = itemgetter(1)


def _waits(turns: Sequence[_Timed]) -> list[float]:
    """From the customer's last turn to the agent's first after it; 0 where they overlap. A bot's answer ends it."""
    waits: list[float] = []
    asked: float | None = None
    for speaker, start, end, _ in turns:
        if speaker == "customer":
            asked = end
        elif speaker == "agent" and asked is not None:
            waits.append(max(0.0, start - asked))
            asked = None
        else:
            asked = None
    return waits


def _merged(turns: Iterable[_Timed]) -> list[tuple[float, float]]:
    """The stretches in which any of the turns, which come in order, is being spoken."""
    found: list[tuple[float, float]] = []
    for _, start, end, _ in turns:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _gaps(turns: Sequence[_Timed]) -> list[float]:
    stretches = _merged(turns)
    return [after[0] - before[1] for before, after in itertools.pairwise(stretches)]


def _length(turns: Iterable[_Timed]) -> float:
    return fsum(end - start for start, end in _merged(turns))


def _side(turns: Sequence[_Timed], *roles: Role) -> list[_Timed]:
    return [turn for turn in turns if turn[0] in roles]


def _talk_share(turns: Sequence[_Timed], by_time: bool) -> float | None:
    """The agent's share, None where only one of the two speaks."""
    agent, customer = _side(turns, "agent"), _side(turns, "customer")
    if not agent or not customer:
        return None
    if by_time:
        mine, theirs = _length(agent), _length(customer)
    else:
        mine, theirs = float(sum([turn[3] for turn in agent])), float(sum([turn[3] for turn in customer]))
    return round(mine / (mine + theirs), 4) if mine + theirs > 0 else None


def _overlap(turns: Sequence[_Timed]) -> float:
    apart = _length(_side(turns, "agent")) + _length(_side(turns, "customer"))
    return round(max(0.0, apart - _length(_side(turns, "agent", "customer"))), 3)


def _interruptions(turns: Sequence[_Timed], who: Role, whom: Role) -> int:
    """Turns of ``who`` that begin inside a turn of ``whom``, more than a hair's breadth before its end."""
    count = 0
    held: tuple[float, float] | None = None
    for speaker, start, end, _ in turns:
        if speaker == whom and (held is None or end > held[1]):
            held = (start, end)
        elif speaker == who and held is not None:
            count += held[0] < start and held[1] - start > PERCEPTIBLE
    return count
