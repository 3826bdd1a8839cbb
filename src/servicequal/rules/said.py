"""Which cues the turns of a conversation hold, and who answers whom: what every rule asks, from numbers alone.

:class:`PlainSaid` says how it works, and does it where there is no compiler; :class:`Said` is the compiled one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..conversation import Span
from ..cues import CueMatch
from ..made import maker
from .bits import BITS, OWN, PLAIN, SOFTENED

_span = maker(Span)


class PlainSaid:
    """The cues of ``turns`` turns that are not excused, as bits (see :func:`~servicequal.rules.bits.bits`), and
    where they stand; ``agent`` are the turns of the agent.

    ``said`` and ``softened`` have for each turn the bits of its plain and of its softened cues. Raises IndexError for
    a cue in a turn that there is not.
    """

    def __init__(self, turns: int, cues: Sequence[CueMatch], agent: tuple[int, ...]) -> None:
        self.said, self.softened = [0] * turns, [0] * turns
        self._agent = agent
        self._breaths: list[int] | None = None
        self._evidence: dict[int, list[tuple[int, int, Span]]] = {}
        for match in cues:
            status, n = match.status, match.turn
            if not 0 <= n < turns:
                raise IndexError(f"there is no turn {n}")
            if status == "excused":
                continue
            bit, span = BITS.get(match.cue, OWN), _span(n, match.start, match.end)
            if status == "plain":
                self.said[n] |= bit
                found = (bit, 0, span)
            else:
                self.softened[n] |= bit
                found = (0, bit, span)
            self._evidence.setdefault(n, []).append(found)

    def said_in(self, turns: Iterable[int]) -> int:
        """The bits of all plain cues of these turns."""
        found = 0
        for n in turns:
            found |= self.said[n]
        return found

    def softened_in(self, turns: Iterable[int]) -> int:
        """The bits of all softened cues of these turns."""
        found = 0
        for n in turns:
            found |= self.softened[n]
        return found

    def turns_with(self, turns: Iterable[int], wanted: int) -> list[int]:
        """Those of the turns that plainly say one of the wanted cues."""
        return [n for n in turns if self.said[n] & wanted]

    def counting_with(self, turns: Iterable[int], wanted: int) -> list[int]:
        """Those of the turns that say one of the wanted cues, plainly or softened."""
        return [n for n in turns if (self.said[n] | self.softened[n]) & wanted]

    def count(self, turns: Iterable[int], wanted: int, without: int = 0) -> int:
        """How many of the turns plainly say one of the wanted cues and none ``without`` which they have to be."""
        return sum(1 for n in turns if self.said[n] & wanted and not self.said[n] & without)

    def count_softened(self, turns: Iterable[int], wanted: int, without: int = 0) -> int:
        """How many of the turns hold a softened one of the wanted cues and plainly none ``without`` which they have to
        be."""
        return sum(1 for n in turns if self.softened[n] & wanted and not self.said[n] & without)

    def spans(self, turns: Iterable[int], wanted: int, which: int = PLAIN) -> tuple[Span, ...]:
        """Where the wanted cues stand in these turns, in order, without repeats."""
        return tuple(dict.fromkeys(self._places(turns, wanted, which)))

    def spans_hard_first(self, turns: Sequence[int], wanted: int) -> tuple[Span, ...]:
        """Where the wanted cues stand, those that are plain before those that are softened, without repeats."""
        found = self._places(turns, wanted, PLAIN) + self._places(turns, wanted, SOFTENED)
        return tuple(dict.fromkeys(found))

    def _places(self, turns: Iterable[int], wanted: int, which: int) -> list[Span]:
        of = {PLAIN: (wanted, 0), SOFTENED: (0, wanted)}.get(which, (wanted, wanted))
        evidence = (found for n in turns for found in self._evidence.get(n, ()))
        return [span for plain, softened, span in evidence if plain & of[0] or softened & of[1]]

    def replies(self, turn: int, within: int) -> tuple[int, ...]:
        """The next ``within`` agent turns after a turn; turns in one breath count as one."""
        begin, end = self._reached(turn, within)
        return self._agent[begin:end]

    def answered(self, turn: int, within: int) -> int:
        """The bits of all plain cues of these replies."""
        return self.said_in(self.replies(turn, within))

    def _reached(self, turn: int, within: int) -> tuple[int, int]:
        agent = self._agent
        if self._breaths is None:
            self._breaths = _breaths(agent)
        begin = end = bisect_right(agent, turn)
        for _ in range(within):
            if end == len(agent):
                break
            end = self._breaths[end]
        return begin, end


def _breaths(turns: Sequence[int]) -> list[int]:
    """For each place in a list of turns where the breath ends that it belongs to."""
    ends = []
    end = after = len(turns)
    following = -1
    for turn in reversed(turns):
        if turn + 1 != following:
            end = after
        ends.append(end)
        following, after = turn, after - 1
    ends.reverse()
    return ends


if TYPE_CHECKING:
    Said = PlainSaid
else:
    try:
        from ._said import Said
    except ImportError:
        Said = PlainSaid
