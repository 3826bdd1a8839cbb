"""What the rules ask of a conversation, kept up to date turn by turn: the growing counterpart of a View."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..conversation import Conversation, Span, Turn
from ..cues import CueMatch
from ..normal import align
from ..packs import HURTING
from ..rules import View, common_sense, flexibility, problem_solving
from .runs import Run, Verdicts

Found = Run[Span]
Spans = tuple[Span, ...]
Mode = Literal["plain", "any", "softened", "apart", "mild", "clean"]
_Key = tuple[bool, Mode, tuple[str, ...]]
_MOST_JOINED = 12
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a turn's words alone tell the rules: looked up once, when the turn arrives."""

    turn: Turn
    normal: str
    families: int = 0
    question: bool = False
    wants: str | None = None
    reckless: bool = False
    reminds: bool = False

    def given(self, asked: str | None) -> list[str]:
        """The kinds of detail that the customer gives, having just been asked for one."""
        return common_sense.details(self.families, self.normal, asked)

    def has_time(self) -> bool:
        """Whether a time or date is named."""
        return problem_solving._has_time(self.normal)

    def wants_time(self) -> bool:
        """Whether a time or date is asked for."""
        return problem_solving._wants_time(self.normal)


def facts(turn: Turn) -> Facts:
    """The facts of a turn."""
    if not turn.scorable or turn.speaker not in ("agent", "customer"):
        return Facts(turn, "")
    form = align(turn.text)
    said, normal = form.flags, form.text
    if turn.speaker == "agent":
        wants, reckless = common_sense.wanted(said, normal), flexibility.is_reckless(said, normal)
        return Facts(turn, normal, said, wants=wants, reckless=reckless)
    alone = View(Conversation.model_construct(id="-", channel=None, turns=(turn,), metadata={}), ())
    reminds = problem_solving.mentions_promise(normal)
    return Facts(turn, normal, said, question=bool(alone.questions()), reminds=reminds)


class Board:
    """One conversation, or one agent's part of it, as the rules see it.

    ``reach`` is how many breaths of replies a rule looks at. Lists that a rule asks for are kept from then on.
    """

    def __init__(self, facts: Sequence[Facts], reach: int) -> None:
        self.facts = facts
        self.reach = reach
        self.agent: list[int] = []
        self.customer: list[int] = []
        self.unknown = 0
        self.spoken = 0
        self.cues: Run[CueMatch] = Run()
        self.said: dict[int, frozenset[str]] = {}
        self.judged: dict[str, Verdicts[Span]] = {}
        self.version = 0
        self.plain: dict[str | None, Counter[str]] = {}
        self.counted_again: set[str | None] = set()
        self.reckless: Found = Run()
        self.reminders: list[int] = []
        self.questions: Run[int] = Run()
        self.given: dict[str, int] = {}
        self.again: Found = Run()
        self._found: dict[_Key, Found] = {}
        self._breaths: list[int] = []
        self._joined: dict[tuple[int, int], tuple[Spans, Spans, Spans]] = {}
        self._later: tuple[int, int, tuple[int, ...]] = (-1, -1, ())

    def copy(self) -> Board:
        """Another board in the same state."""
        other = Board(self.facts, self.reach)
        other.agent, other.customer = self.agent.copy(), self.customer.copy()
        other.unknown, other.spoken = self.unknown, self.spoken
        other.cues, other.said = self.cues.copy(), self.said.copy()
        other.plain = {who: counted.copy() for who, counted in self.plain.items()}
        other.judged = {name: kept.copy() for name, kept in self.judged.items()}
        other.reckless, other.again, other.questions = self.reckless.copy(), self.again.copy(), self.questions.copy()
        other.reminders, other.given = self.reminders.copy(), self.given.copy()
        other._found = {key: found.copy() for key, found in self._found.items()}
        other._breaths = self._breaths.copy()
        return other

    # -- turns come, and at the end of an agent's part they go ---------------------------------------

    def show(self, n: int) -> None:
        """Turn ``n``, which is the last so far, can be seen."""
        fact = self.facts[n]
        if not fact.turn.scorable:
            return
        self.version += 1
        self.spoken += 1
        self.unknown += fact.turn.speaker == "unknown"
        if fact.turn.speaker == "agent":
            self._touch(n)
            if not self.agent or self.agent[-1] + 1 != n:
                self._breaths.append(len(self.agent))
            if fact.wants is not None and fact.wants in self.given:
                self.again.put(n, [self.whole(n)])
            self.agent.append(n)
            self.reckless.put(n, [self.whole(n)] if fact.reckless else ())
        elif fact.turn.speaker == "customer":
            asked = self.facts[self.agent[-1]].wants if self.agent else None
            for kind in fact.given(asked):
                self.given.setdefault(kind, n)
            self.customer.append(n)
            if fact.reminds:
                self.reminders.append(n)
            self.questions.put(n, [n] if fact.question else ())

    def see_others(self, whole: Board) -> None:
        """Of a conversation in which this agent has no part yet, everybody can see what neither side says."""
        self.spoken = whole.spoken - len(whole.agent) - len(whole.customer)
        self.unknown = whole.unknown

    def hide(self, n: int) -> None:
        """The customer's turn ``n``, after which no agent has spoken here, is another agent's after all."""
        self.put(n, ())
        self.version += 1
        self.spoken -= 1
        self.customer.pop()
        self.questions.put(n, ())
        if n in self.reminders[-1:]:
            self.reminders.pop()
        for kind in [kind for kind, first in self.given.items() if first == n]:
            del self.given[kind]
        for kept in self.judged.values():
            kept.touch(n)

    def put(self, n: int, cues: Sequence[CueMatch]) -> None:
        """These are now the cues of turn ``n``, which can be seen."""
        before = self.cues.at(n)
        if tuple(before) == tuple(cues):
            return
        self.cues.put(n, cues)
        if [(m.cue, m.status, m.start, m.end) for m in before] == [(m.cue, m.status, m.start, m.end) for m in cues]:
            return
        self.version += 1
        self._touch(n)
        side = self.facts[n].turn.speaker
        self.said[n] = frozenset(m.cue for m in cues if m.status == "plain")
        for key, found in self._found.items():
            if key[0] == (side == "agent"):
                found.put(n, _spans(key, cues))
        if side == "agent":
            self.counted_again.add(self.facts[n].turn.speaker_id)
            counted = self.plain.setdefault(self.facts[n].turn.speaker_id, Counter())
            counted.subtract(m.cue for m in before if _plain(m))
            counted.update(m.cue for m in cues if _plain(m))
        else:
            asks = self.facts[n].question or "asks_when" in self.said[n]
            self.questions.put(n, [n] if asks else ())

    def _touch(self, n: int) -> None:
        """Judgements that look at turn ``n`` are open again: those of the breaths before it."""
        breath = bisect_right(self._breaths, bisect_left(self.agent, n)) - 2 - self.reach
        at = self._breaths[breath] if breath > 0 else 0
        first = self.agent[at - 1] if at else 0
        for kept in self.judged.values():
            kept.touch(min(n, first))

    # -- what rules ask --------------------------------------------------------------------------------

    def found(self, *cues: str, mode: Mode = "plain", agent: bool = True) -> Found:
        """The spans of these cues in one side's turns, by turn.

        ``any`` is plain and softened, ``apart`` the softened spans that no plain one shares, ``mild`` the softened
        ones of turns without a plain one, ``clean`` the plain ones of turns without a deflection.
        """
        key = (agent, mode, cues)
        if key not in self._found:
            run: Found = Run()
            for n in self.agent if agent else self.customer:
                run.put(n, _spans(key, self.cues.at(n)))
            self._found[key] = run
        return self._found[key]

    def has(self, turns: Iterable[int], *cues: str) -> bool:
        """Whether any of these cues counts in any of the turns."""
        return any(not self.said.get(n, _NOTHING).isdisjoint(cues) for n in turns)

    def replies(self, n: int, within: int) -> Sequence[int]:
        """The next ``within`` breaths of agent turns after a turn."""
        if within < 1:
            return ()
        begin = bisect_right(self.agent, n)
        later = bisect_right(self._breaths, begin) + within - 1
        return self.agent[begin : self._breaths[later] if later < len(self._breaths) else len(self.agent)]

    def agent_after(self, n: int) -> tuple[int, ...]:
        """The agent's turns after a turn."""
        at = bisect_right(self.agent, n)
        if self._later[:2] != (at, len(self.agent)):
            self._later = (at, len(self.agent), tuple(self.agent[at:]))
        return self._later[2]

    def joined(self, first: Spans, second: Spans) -> Spans:
        """Both behind one another; the same tuple again as long as they are the same ones."""
        if not second:
            return first
        key = (id(first), id(second))
        if key not in self._joined:
            if len(self._joined) >= _MOST_JOINED:
                self._joined.clear()
            self._joined[key] = (first, second, first + second)
        return self._joined[key][2]

    @staticmethod
    def after(turns: Sequence[int], n: int) -> range:
        """Where the turns after turn ``n`` stand in a list of turns."""
        return range(bisect_right(turns, n), len(turns))

    def spans(self, turns: Iterable[int], *cues: str) -> tuple[Span, ...]:
        """The spans of these cues where they are plain, of a few turns."""
        return tuple(dict.fromkeys(m.span for n in turns for m in self.cues.at(n) if m.cue in cues and _plain(m)))

    def whole(self, n: int) -> Span:
        """The span of a whole turn."""
        return Span(n, 0, len(self.facts[n].turn.text))

    def judgements(self, name: str, candidates: Sequence[int], judge: Judge) -> Verdicts[Span]:
        """The judgements of this name, brought up to date."""
        kept = self.judged.setdefault(name, Verdicts())
        kept.settle(candidates, judge)
        return kept

    @property
    def first_failure(self) -> int | None:
        """The first customer turn that reports a problem, or None."""
        turns = self.found("problem", agent=False).turns
        return turns[0] if turns else None


Judge = Callable[[int], tuple[float, Sequence[Span], Sequence[int]] | None]


def _plain(match: CueMatch) -> bool:
    return match.status == "plain"


def _spans(key: _Key, cues: Sequence[CueMatch]) -> list[Span]:
    """The spans of one turn that belong in a list, without repeats."""
    _, mode, names = key
    wanted = [m for m in cues if m.cue in names]
    plain = dict.fromkeys(m.span for m in wanted if m.status == "plain")
    if mode == "plain":
        return list(plain)
    if mode == "clean":
        return [] if any(m.status == "plain" and m.cue in HURTING for m in cues) else list(plain)
    if mode == "any":
        return list(dict.fromkeys(m.span for m in wanted if m.status != "excused"))
    softened = dict.fromkeys(m.span for m in wanted if m.status == "softened")
    if mode == "softened" or not plain:
        return list(softened)
    return [] if mode == "mild" else [span for span in softened if span not in plain]
