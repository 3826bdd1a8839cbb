"""The cues, verdicts and scores of a growing conversation, or of one agent's part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..conversation import Channel, Conversation, Span, Turn
from ..cues import CueMatch, soften, softeners
from ..detector.decide import CONTEXT_AFTER, CONTEXT_BEFORE, decide
from ..detector.features import LONGEST_PLACE, Known, Stretch
from ..hygiene import HygieneNote
from ..rubric import Judged
from ..rules import Verdict, View
from ..scorer import Scorer, doubts
from ..scoring import Account
from .board import Board, Facts
from .verdicts import CHECKS

_MOST_KNOWN = 4000
"""Readings of turns that the detector keeps: many more than it looks at again, so that memory stays bounded."""


@dataclass(slots=True)
class Heard:
    """What has come so far, the same for the whole conversation and for every part of it."""

    channel: Channel | None
    turns: list[Turn] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)
    found: list[tuple[CueMatch, ...]] = field(default_factory=list)
    owners: dict[int, str | None] = field(default_factory=dict)
    aside: dict[int, Turn] = field(default_factory=dict)
    known: Known = field(default_factory=Known)

    def sided(self, n: int) -> bool:
        """Whether a turn is an agent's or a customer's, with words in it."""
        return self.turns[n].scorable and self.turns[n].speaker in ("agent", "customer")

    def put_aside(self, n: int) -> Turn:
        """A turn as a note."""
        if n not in self.aside:
            self.aside[n] = self.turns[n].model_copy(update={"kind": "note"})
        return self.aside[n]


@dataclass(frozen=True, slots=True)
class Part:
    """Whose part it is."""

    who: str | None


class Strand:
    """Everything that is seen by ``part`` (None: everything), kept up to date."""

    def __init__(self, scorer: Scorer, heard: Heard, part: Part | None = None) -> None:
        self.scorer = scorer
        self.heard = heard
        self.part = part
        self.board = Board(heard.facts, _reach(scorer._judged))
        self._softeners = softeners(scorer.packs)
        self._soft: dict[int, tuple[CueMatch, ...]] = {}
        self._changed: list[int] = []
        self._first_moved: int | None = None
        self._last: tuple[Any, Account] | None = None

    def copy(self, part: Part) -> Strand:
        """The same for a part that has been all of it so far."""
        other = Strand(self.scorer, self.heard, part)
        other.board, other._soft = self.board.copy(), self._soft.copy()
        return other

    def sees(self, n: int) -> bool:
        """Whether a turn belongs to this part."""
        return self.part is None or not self.heard.sided(n) or self.heard.owners.get(n) == self.part.who

    def _seen(self, n: int) -> Turn:
        return self.heard.turns[n] if self.sees(n) else self.heard.put_aside(n)

    # -- turns -----------------------------------------------------------------------------------------

    def show(self, n: int) -> None:
        """Turn ``n`` is the last of this part."""
        self.board.show(n)
        if not self.heard.sided(n):
            return
        self._soft[n] = self._softened(n, None)
        self._moved(n)
        agent = self.board.agent
        if self.heard.turns[n].speaker == "agent" and len(agent) > 1:
            before = agent[-2]
            softened = self._softened(before, n)
            if softened != self._soft[before]:
                self._soft[before] = softened
                self._changed.append(before)

    def hide(self, n: int) -> None:
        """The customer's turn ``n``, the last of this part, is another agent's."""
        self.board.hide(n)
        del self._soft[n]
        self._moved(n)

    def _moved(self, n: int) -> None:
        self._first_moved = n if self._first_moved is None else min(n, self._first_moved)

    def _softened(self, n: int, following: int | None) -> tuple[CueMatch, ...]:
        """The cues of a turn with those softened that help follows, there or in the agent's next turn."""
        own = self.heard.found[n]
        if not any(m.cue in self._softeners for m in own):
            return own
        numbers = [n] if following is None else [n, following]
        pair = _talk(None, [self.heard.turns[k] for k in numbers])
        found = [_moved_to(m, at) for at, k in enumerate(numbers) for m in self.heard.found[k]]
        return tuple(
            replace(m, turn=n, softened_by=tuple(Span(numbers[s.turn], s.start, s.end) for s in m.softened_by))
            for m in soften(found, pair, self._softeners)
            if m.turn == 0
        )

    # -- cues ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Cues and lists are those of the turns so far. To be called after every turn, seen or not."""
        if self.scorer.detector is None:
            first = self._first_moved
            moved = range(first, len(self.heard.turns)) if first is not None else ()
            for n in (*self._changed, *moved):
                if n in self._soft:
                    self.board.put(n, self._soft[n])
        else:
            for begin, end in self._stretches():
                self._decide(begin, end)
        self._changed, self._first_moved = [], None

    def _stretches(self) -> Iterable[tuple[int, int]]:
        """The turns about which the detector may think otherwise than before the last turn came."""
        count = len(self.heard.turns)
        if count - 1 <= LONGEST_PLACE:
            return [(0, count)]
        begin = count - 1 - CONTEXT_BEFORE
        if self._first_moved is not None:
            begin = min(begin, self._first_moved - CONTEXT_BEFORE)
        apart = []
        for n in self._changed:
            if n + CONTEXT_AFTER < begin:
                apart.append((max(0, n - CONTEXT_BEFORE), n + CONTEXT_AFTER))
            else:
                begin = min(begin, n - CONTEXT_BEFORE)
        return [*apart, (max(0, begin), count)]

    def _decide(self, begin: int, end: int) -> None:
        mine = [n for n in range(begin, end) if n in self._soft]
        detector = self.scorer.detector
        if not mine or detector is None:
            return
        first, last = max(0, begin - CONTEXT_BEFORE), min(len(self.heard.turns), end + CONTEXT_AFTER)
        talk = _talk(self.heard.channel, [self._seen(n) for n in range(first, last)])
        matches = [_moved_by(m, -first) for n in range(first, last) if n in self._soft for m in self._soft[n]]
        known = self.heard.known
        if len(known) > _MOST_KNOWN:
            known.clear()
        decided: dict[int, list[CueMatch]] = {}
        for match in decide(talk, matches, detector, Stretch(first, len(self.heard.turns), known)):
            decided.setdefault(match.turn + first, []).append(match)
        for n in mine:
            self.board.put(n, [_moved_by(m, first) for m in decided.get(n, ())])

    # -- scores ----------------------------------------------------------------------------------------

    def account(self, notes: tuple[HygieneNote, ...]) -> Account:
        """What the verdicts on what is seen so far come to."""
        board, tariff = self.board, self.scorer._tariff
        reasons = doubts(notes, board.spoken, board.unknown, bool(board.agent), bool(board.customer))
        state = (board.version, reasons)
        if self._last is None or self._last[0] != state:
            self._last = (state, tariff.account([self._verdict(j, *reasons) for j in tariff.rules]))
        return self._last[1]

    def _verdict(self, judged: Judged, blocked: str | None, one_sided: str | None) -> Verdict:
        reason = blocked or (one_sided if judged.rule.needs_customer else None)
        if reason:
            return Verdict(None, reason, undetermined=True)
        check = CHECKS.get(judged.rule.code)
        if check is not None:
            return check(self.board, judged.params)
        seen = _talk(self.heard.channel, [self._seen(n) for n in range(len(self.heard.turns))])
        return judged.rule.check(View(seen, self.board.cues.after()), judged.params)


def _reach(judged: Sequence[Judged]) -> int:
    return max(int(j.params.get("within", 1)) for j in judged)


def _talk(channel: Channel | None, turns: Iterable[Turn]) -> Conversation:
    """A conversation of turns that have been validated before."""
    return Conversation.model_construct(id="-", channel=channel, turns=tuple(turns), metadata={})


def _moved_to(match: CueMatch, turn: int) -> CueMatch:
    return replace(match, turn=turn)


def _moved_by(match: CueMatch, turns: int) -> CueMatch:
    """The match with its turn numbers counted from elsewhere."""
    if not turns:
        return match
    spans = tuple(Span(s.turn + turns, s.start, s.end) for s in match.softened_by)
    return replace(match, turn=match.turn + turns, softened_by=spans)
