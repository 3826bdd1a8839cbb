"""A conversation and its cues, arranged for rules to ask questions of. Read only.

What is said in a turn is a number with a bit for each cue, so that whether it holds one of a dozen is a single ``&``;
words are looked up only where that says that there are any.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from .. import families
from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..forms import Forms
from ..made import maker
from ..outline import Outline, outlined
from ..packs import CUES, HURTING

BITS: Mapping[str, int] = {cue: 1 << at for at, cue in enumerate(CUES)}
"""The bit of each cue of the codebook."""
_OWN = 1 << len(CUES)
"""The bit of all cues of a user's own packs: no rule asks for it."""


def bits(*cues: str) -> int:
    """These cues of the codebook as one number."""
    return reduce(or_, map(BITS.__getitem__, cues), 0)


MOVES = ("action", "guidance", "alternative", "commitment", "make_good")
"""Cues that move a matter forward."""
MOVING, HURTFUL, PROBLEM = bits(*MOVES), bits(*HURTING), bits("problem")
_ASKS_WHEN = bits("asks_when")

_BEFORE_QUESTIONS = frozenset("and so but okay right well then yes no yeah hi hello please".split())
_SECOND_IN_QUESTIONS = frozenset(
    "i you we it there that this the my they he she your about much many long soon come do is are time day happens am"
    " was else chance news idea update".split()
)
_HEAD = re.compile("[a-z0-9_]*")

PLAIN, SOFTENED, COUNTING = range(3)
"""Which cues of a turn: those that are plainly said, those softened by help, or both."""
_Evidence = list[tuple[int, int, Span]]
"""Of each cue of a turn: its bit if it is plain, its bit if it is softened, and where it stands."""


_span = maker(Span)


class View:
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
        self.turns = conversation.turns
        self.cues = tuple(cues)
        self.outline = outline or outlined(conversation)
        self.agent, self.customer = self.outline.agent, self.outline.customer
        self.said, self.softened = [0] * len(self.turns), [0] * len(self.turns)
        self._counting: dict[int, list[CueMatch]] = {}
        self._evidence: dict[int, _Evidence] = {}
        self._shared = False
        self._forms = forms or Forms(conversation)
        self._families: list[int] | None = None
        self._breaths: list[int] | None = None
        self._asked: list[int] | None = None
        self.answers: dict[Any, Any] = {}
        """What was worked out about the conversation and is asked for more than once."""
        self._place_cues()
        self.agent_said = self.said_in(self.agent)
        self.agent_softened = reduce(or_, map(self.softened.__getitem__, self.agent), 0)
        self.customer_said = self.said_in(self.customer)
        self.heard = self.customer[bisect_right(self.customer, self.agent[0]) :] if self.agent else ()
        self.first_failure = self._first_failure()
        """The first customer turn that reports a problem, or None."""
        first = self.first_failure
        self.later = () if first is None else self.agent[bisect_right(self.agent, first) :]
        self.later_said = self.said_in(self.later)

    def _place_cues(self) -> None:
        said, softened, counting = self.said, self.softened, self._counting
        for match in self.cues:
            status = match.status
            if status == "excused":
                continue
            n = match.turn
            if n in counting:
                counting[n].append(match)
            else:
                counting[n] = [match]
            if status == "plain":
                said[n] |= BITS.get(match.cue, _OWN)
            else:
                softened[n] |= BITS.get(match.cue, _OWN)

    def _first_failure(self) -> int | None:
        if self.customer_said & PROBLEM:
            for n in self.customer:
                if self.said[n] & PROBLEM:
                    return n
        return None

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

    def at(self, turn: int, *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in one turn (all names if none given), by start."""
        found = self._counting.get(turn, ())
        return [m for m in found if (softened or m.status == "plain") and (not wanted or m.cue in wanted)]

    def has(self, turn: int, *wanted: str) -> bool:
        """Whether any of these cues counts in a turn."""
        return any(m.status == "plain" and m.cue in wanted for m in self._counting.get(turn, ()))

    def every(self, turns: Iterable[int], *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in any of the turns."""
        names, counting = frozenset(wanted), self._counting
        found = [m for n in turns if n in counting for m in counting[n] if m.cue in names]
        return found if softened else [m for m in found if m.status == "plain"]

    def said_in(self, turns: Iterable[int]) -> int:
        """The bits of all plain cues of these turns."""
        said, found = self.said, 0
        for n in turns:
            found |= said[n]
        return found

    def turns_with(self, turns: Iterable[int], wanted: int) -> list[int]:
        """Those of the turns that plainly say one of the wanted cues."""
        said = self.said
        return [n for n in turns if said[n] & wanted]

    def spans(self, turns: Iterable[int], wanted: int, which: int = PLAIN) -> tuple[Span, ...]:
        """Where the wanted cues stand in these turns, in order, without repeats."""
        return self.apart(self._places(turns, wanted, which))

    def spans_hard_first(self, turns: Sequence[int], wanted: int) -> tuple[Span, ...]:
        """Where the wanted cues stand, those that are plain before those that are softened, without repeats."""
        return self.apart(self._places(turns, wanted, PLAIN) + self._places(turns, wanted, SOFTENED))

    def _places(self, turns: Iterable[int], wanted: int, which: int) -> list[Span]:
        known, read, said, softened = self._evidence, self._read, self.said, self.softened
        if which == PLAIN:
            turns = [n for n in turns if said[n] & wanted]
            return [e[2] for n in turns for e in (known[n] if n in known else read(n)) if e[0] & wanted]
        if which == SOFTENED:
            turns = [n for n in turns if softened[n] & wanted]
            return [e[2] for n in turns for e in (known[n] if n in known else read(n)) if e[1] & wanted]
        turns = [n for n in turns if (said[n] | softened[n]) & wanted]
        return [e[2] for n in turns for e in (known[n] if n in known else read(n)) if (e[0] | e[1]) & wanted]

    def _read(self, turn: int) -> _Evidence:
        """The evidence of one turn, which is looked at for the first time."""
        found: _Evidence = []
        matches = self._counting[turn]
        for match in matches:
            bit, span = BITS.get(match.cue, _OWN), _span(turn, match.start, match.end)
            found.append((bit, 0, span) if match.status == "plain" else (0, bit, span))
        if len(found) > 1 and len({match.start for match in matches}) < len(found):
            self._shared = self._shared or len({(match.start, match.end) for match in matches}) < len(found)
        self._evidence[turn] = found
        return found

    def apart(self, spans: list[Span]) -> tuple[Span, ...]:
        """Spans of cues without repeats: there are some only where cues share their words."""
        return tuple(dict.fromkeys(spans)) if self._shared else tuple(spans)

    def whole(self, turn: int) -> Span:
        """The span of a whole turn."""
        return _span(turn, 0, len(self.turns[turn].text))

    # -- who answers whom ------------------------------------------------------------------------------

    def replies(self, turn: int, within: int) -> tuple[int, ...]:
        """The next ``within`` agent turns after a turn; turns in one breath count as one."""
        agent = self.agent
        ends = self._breaths
        if ends is None:
            ends = self._breaths = _breaths(agent)
        begin = end = bisect_right(agent, turn)
        for _ in range(within):
            if end == len(agent):
                break
            end = ends[end]
        return agent[begin:end]

    def questions(self) -> list[int]:
        """Customer turns that ask something: a question mark, a question's opening, or *asks_when*."""
        if self._asked is None:
            said, flags = self.said, self.families()
            self._asked = [
                n
                for n in self.customer
                if flags[n] & families.MARK
                or said[n] & _ASKS_WHEN
                or (flags[n] & families.QUESTION and _opens_a_question(self._forms[n].words))
            ]
        return self._asked

    @property
    def deflections(self) -> list[CueMatch]:
        """Plain hurting cues of the agent's turns."""
        return self.every(self.agent, *HURTING)

    @property
    def gone_wrong(self) -> bool:
        """Whether anything had gone wrong: the customer reports a problem."""
        return self.first_failure is not None


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
