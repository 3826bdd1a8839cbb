"""A conversation and its cues, arranged for rules to ask questions of. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from .. import families
from ..context import pattern
from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..forms import Forms
from ..packs import HURTING

MOVES = ("action", "guidance", "alternative", "commitment", "make_good")
"""Cues that move a matter forward."""

_QUESTION_OPENERS = (
    r"(?:^|[.:] )(?: (?:and|so|but|okay|right|well|then|yes|no|yeah|hi|hello|please))*"
    r" (?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|will|would|should|have|has|any)"
    r" (?:i|you|we|it|there|that|this|the|my|they|he|she|your|about|much|many|long|soon|come|do|is|are|time|day"
    r"|happens|am|was|else|chance|news|idea|update)\b"
)


class View:
    """One conversation as the rules see it: turns by side, plain cues by turn, and who answers whom."""

    def __init__(self, conversation: Conversation, cues: Sequence[CueMatch], forms: Forms | None = None) -> None:
        self.conversation = conversation
        self.turns = conversation.turns
        self.cues = tuple(cues)
        agent, customer = [], []
        for n, turn in enumerate(self.turns):
            if turn.speaker == "agent" and turn.scorable:
                agent.append(n)
            elif turn.speaker == "customer" and turn.scorable:
                customer.append(n)
        self.agent = tuple(agent)
        self.customer = tuple(customer)
        self._plain: dict[int, list[CueMatch]] = {}
        self._counting: dict[int, list[CueMatch]] = {}
        for match in self.cues:
            if match.status != "excused":
                self._counting.setdefault(match.turn, []).append(match)
                if match.status == "plain":
                    self._plain.setdefault(match.turn, []).append(match)
        self._said = {turn: frozenset([m.cue for m in found]) for turn, found in self._plain.items()}
        self._forms = forms or Forms(conversation)

    def normal(self, turn: int) -> str:
        """The normal form of a turn."""
        return self._forms[turn].text

    def flags(self, turn: int) -> int:
        """The families of words that a turn has (:mod:`servicequal.families`)."""
        return self._forms[turn].flags

    def at(self, turn: int, *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in one turn (all names if none given), by start."""
        found = (self._counting if softened else self._plain).get(turn, [])
        return [m for m in found if not wanted or m.cue in wanted]

    def has(self, turn: int, *wanted: str) -> bool:
        """Whether any of these cues counts in a turn."""
        said = self._said.get(turn)
        return said is not None and not said.isdisjoint(wanted)

    def every(self, turns: Iterable[int], *wanted: str, softened: bool = False) -> list[CueMatch]:
        """Cues of these names that count in any of the turns."""
        table = self._counting if softened else self._plain
        if not table:
            return []
        names = frozenset(wanted)
        return [m for n in turns if n in table for m in table[n] if m.cue in names]

    def replies(self, turn: int, within: int) -> tuple[int, ...]:
        """The next ``within`` agent turns after a turn; turns in one breath count as one."""
        found: list[int] = []
        breaths = 0
        previous = -2
        for n in self.agent:
            if n <= turn:
                continue
            if n != previous + 1:
                breaths += 1
            if breaths > within:
                break
            found.append(n)
            previous = n
        return tuple(found)

    def whole(self, turn: int) -> Span:
        """The span of a whole turn."""
        return Span(turn, 0, len(self.turns[turn].text))

    @cached_property
    def deflections(self) -> list[CueMatch]:
        """Plain hurting cues of the agent's turns."""
        return self.every(self.agent, *HURTING)

    def questions(self) -> list[int]:
        """Customer turns that ask something: a question mark, a question's opening, or *asks_when*."""
        return self._questions

    @cached_property
    def _questions(self) -> list[int]:
        return [
            n
            for n in self.customer
            if self.flags(n) & families.MARK
            or self.has(n, "asks_when")
            or (self.flags(n) & families.QUESTION and pattern(_QUESTION_OPENERS).search(self.normal(n)) is not None)
        ]

    @cached_property
    def first_failure(self) -> int | None:
        """The first customer turn that reports a problem, or None."""
        return next((n for n in self.customer if self.has(n, "problem")), None)

    @cached_property
    def gone_wrong(self) -> bool:
        """Whether anything had gone wrong: the customer reports a problem."""
        return self.first_failure is not None


def spans_of(matches: Iterable[CueMatch]) -> tuple[Span, ...]:
    """The spans of matches, in order, without repeats."""
    return tuple(dict.fromkeys(m.span for m in matches))
