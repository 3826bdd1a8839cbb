"""A conversation and its cues, arranged for rules to ask questions of. Read only.

What is said in a turn is a number with a bit for each cue, so that whether it holds one of a dozen is a single ``&``;
words are looked up only where that says that there are any.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from .. import families
from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..forms import Forms
from ..made import maker
from ..outline import Outline, outlined
from ..packs import HURTING
from .bits import BITS, COUNTING, PLAIN, SOFTENED, bits
from .said import Said

MOVES = ("action", "guidance", "alternative", "commitment", "make_good")
"""Cues that move a matter forward."""
MOVING, HURTFUL, PROBLEM = bits(*MOVES), bits(*HURTING), bits("problem")
_ASKS_WHEN = bits("asks_when")
_ASKING = families.MARK | families.QUESTION

_BEFORE_QUESTIONS = frozenset("and so but okay right well then yes no yeah hi hello please".split())
_SECOND_IN_QUESTIONS = frozenset(
    "i you we it there that this the my they he she your about much many long soon come do is are time day happens am"
    " was else chance news idea update".split()
)
_HEAD = re.compile("[a-z0-9_]*")

_span = maker(Span)


class View(Said):
    """One conversation as the rules see it: turns by side, plain cues by turn, and who answers whom.

    ``said`` and ``softened`` have for each turn the bits (see :func:`bits`) of its plain and of its softened cues,
    ``agent_said``, ``agent_softened`` and ``customer_said`` those of all turns of a side. ``later`` are the agent's
    turns after the first failure was reported, ``later_said`` their plain cues. ``heard`` are the customer's turns
    after the agent has spoken.
    """

    def __init__(
        self,
        conversation: Conversation,
        cues: Sequence[CueMatch],
        forms: Forms | None = None,
        outline: Outline | None = None,
    ) -> None:
        self.conversation = conversation
        self.turns = turns = conversation.turns
        self.cues = cues = tuple(cues)
        self.outline = outline = outline or outlined(conversation)
        self.agent, self.customer = agent, customer = outline.agent, outline.customer
        super().__init__(len(turns), cues, agent)
        self._forms = forms or Forms(conversation)
        self._counting: dict[int, list[CueMatch]] | None = None
        self._families: list[int] | None = None
        self._asked: list[int] | None = None
        self.answers: dict[Any, Any] = {}
        """What was worked out about the conversation and is asked for more than once."""
        self.agent_said, self.agent_softened = self.said_in(agent), self.softened_in(agent)
        self.customer_said = said = self.said_in(customer)
        self.heard = customer[bisect_right(customer, agent[0]) :] if agent else ()
        self.first_failure = self.turns_with(customer, PROBLEM)[0] if said & PROBLEM else None
        """The first customer turn that reports a problem, or None."""
        first = self.first_failure
        self.later = () if first is None else agent[bisect_right(agent, first) :]
        self.later_said = self.said_in(self.later)

    # -- words -----------------------------------------------------------------------------------------

    def normal(self, turn: int) -> str:
        """The normal form of a turn."""
        return self._forms[turn].text

    def flags(self, turn: int) -> int:
        """The families of words that a turn has (:mod:`servicequal.families`)."""
        return self._forms[turn].flags

    def families(self) -> list[int]:
        """The families of words of every turn of the agent or the customer; 0 for other turns."""
        if self._families is None:
            forms = self._forms
            self._families = found = [0] * len(self.turns)
            for n in self.agent:
                found[n] = forms[n].flags
            for n in self.customer:
                found[n] = forms[n].flags
        return self._families

    # -- cues ------------------------------------------------------------------------------------------

    def _counting_at(self, turn: int) -> Sequence[CueMatch]:
        """The cues of a turn that are not excused."""
        if self._counting is None:
            self._counting = {}
            for match in self.cues:
                if match.status != "excused":
                    self._counting.setdefault(match.turn, []).append(match)
        return self._counting.get(turn, ())

    def at(self, turn: int, *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in one turn (all names if none given), by start."""
        found = self._counting_at(turn)
        return [m for m in found if (softened or m.status == "plain") and (not wanted or m.cue in wanted)]

    def has(self, turn: int, *wanted: str) -> bool:
        """Whether any of these cues counts in a turn."""
        return any(m.status == "plain" and m.cue in wanted for m in self._counting_at(turn))

    def every(self, turns: Iterable[int], *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in any of the turns."""
        names = frozenset(wanted)
        found = [m for n in turns for m in self._counting_at(n) if m.cue in names]
        return found if softened else [m for m in found if m.status == "plain"]

    def whole(self, turn: int) -> Span:
        """The span of a whole turn."""
        return _span(turn, 0, len(self.turns[turn].text))

    # -- what is asked -----------------------------------------------------------------------------------

    def questions(self) -> list[int]:
        """Customer turns that ask something: a question mark, a question's opening, or *asks_when*."""
        if self._asked is None:
            flags, forms = self.families(), self._forms
            asking = [n for n in self.customer if flags[n] & _ASKING]
            asked = [n for n in asking if flags[n] & families.MARK or _opens_a_question(forms[n].words)]
            if self.customer_said & _ASKS_WHEN:
                asked = sorted({*asked, *self.turns_with(self.customer, _ASKS_WHEN)})
            self._asked = asked
        return self._asked

    @property
    def deflections(self) -> list[CueMatch]:
        """Plain hurting cues of the agent's turns."""
        return self.every(self.agent, *HURTING)

    @property
    def gone_wrong(self) -> bool:
        """Whether anything had gone wrong: the customer reports a problem."""
        return self.first_failure is not None


def _opens_a_question(words: Sequence[str]) -> bool:
    """Whether a turn begins as a question does: *so what about …*, *can you …*, *is there …*"""
    at = 0
    while at < len(words) and words[at] in _BEFORE_QUESTIONS:
        at += 1
    if at + 1 >= len(words) or words[at] not in families.WORDS[families.QUESTION]:
        return False
    second = words[at + 1]
    return second in _SECOND_IN_QUESTIONS or _HEAD.match(second)[0] in _SECOND_IN_QUESTIONS  # type: ignore[index]


def spans_of(matches: Iterable[CueMatch]) -> tuple[Span, ...]:
    """The spans of matches, in order, without repeats."""
    return tuple(dict.fromkeys(m.span for m in matches))


__all__ = [
    "BITS",
    "COUNTING",
    "HURTFUL",
    "MOVES",
    "MOVING",
    "PLAIN",
    "PROBLEM",
    "SOFTENED",
    "View",
    "bits",
    "spans_of",
]
