"""Findings and weights to ledger to scores: arithmetic only.

``score(d) = 100 · Σ weight·credit / Σ weight`` over the rules of dimension *d* whose outcome is met or
missed; None if there are none. ``coverage(d)`` = applicable weight / all weight. Overall is the mean of the
dimensions that have a score, weighted. A missed critical rule caps the overall score with a last, negative
ledger line, so the raw score stays visible. Every score is exactly the sum of its ledger lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from math import fsum
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from .agents import AgentShare
from .conversation import Channel, Span
from .cues import CueMatch
from .dynamics import Dynamics
from .hygiene import HygieneNote
from .made import maker
from .rendering import Rendered
from .rubric import Judged
from .rules import DIMENSIONS, Outcome, Verdict, View
from .rules.base import MET_FROM

try:
    from . import _account as _compiled
except ImportError:
    _compiled = None

OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class Finding(Rendered):
    """One rule's verdict on one conversation.

    ``points`` are what it gives to its dimension's score and ``lost`` what it could have given besides;
    both None where it does not apply. ``spans`` prove it: for a miss, the words that triggered it;
    ``searched`` are the turns in which the answer was looked for. ``explanation`` says it in words.
    """

    code: str
    name: str
    dimension: str
    outcome: Outcome
    points: float | None
    lost: float | None
    spans: tuple[Span, ...]
    searched: tuple[int, ...]
    explanation: str
    why: str
    say_instead: str
    critical: bool = False


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the account: ``points`` given to ``score`` (a dimension or ``overall``) and what for."""

    score: str
    item: str
    kind: Literal["rule", "dimension", "cap"]
    weight: float
    credit: float
    points: float


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What made this scorecard: same fingerprint and same conversation, same bytes."""

    version: str
    rules: str
    rubric: str
    model: str | None


_finding, _line = maker(Finding), maker(LedgerLine)


class Scorecard(Rendered, BaseModel):
    """The four scores of one conversation, the ledger they add up from, and the evidence. Frozen.

    Scores are 0-100 or None (nothing to judge); ``coverage`` is the share of a dimension's weight that
    applied, 0-1. ``notes`` are what the hygiene checks noticed about the transcript itself. ``dynamics`` tells
    who waits, talks and interrupts (None without times) and ``agents`` what each agent said; no score of the
    conversation rests on either.
    """

    model_config = ConfigDict(frozen=True)

    conversation_id: str
    channel: Channel | None
    overall: float | None
    scores: dict[str, float | None]
    coverage: dict[str, float]
    cues: tuple[CueMatch, ...]
    findings: tuple[Finding, ...]
    ledger: tuple[LedgerLine, ...]
    notes: tuple[HygieneNote, ...]
    fingerprint: Fingerprint
    dynamics: Dynamics | None = None
    agents: tuple[AgentShare, ...] = ()

    def __str__(self) -> str:
        def shown(value: float | None) -> str:
            return "–" if value is None else f"{value:.0f}"

        parts = ", ".join(f"{d} {shown(self.scores[d])}" for d in DIMENSIONS)
        return f"{self.conversation_id}: overall {shown(self.overall)} ({parts})"


class Account(NamedTuple):
    """What the verdicts on one conversation come to. Lists have one value for each of ``tariff.rules``, in that order.

    ``points`` and ``lost`` are None, and ``credited`` 0, where a rule has no ledger line (see ``counted``). ``totals``
    are the ledger lines of the overall score; those of the rules follow from the lists.
    """

    tariff: Tariff
    verdicts: Sequence[Verdict]
    outcomes: list[Outcome]
    counted: tuple[int, ...]
    credited: list[float]
    points: list[float | None]
    lost: list[float | None]
    scores: dict[str, float | None]
    coverage: dict[str, float]
    totals: tuple[LedgerLine, ...]
    overall: float | None

    def findings(self) -> tuple[Finding, ...]:
        """One finding for each rule."""
        if not self.verdicts:
            return ()
        said = self.tariff.said
        _, explanations, spans, searched, _ = zip(*self.verdicts, strict=True)
        judged = (self.outcomes, self.points, self.lost, spans, searched, explanations)
        return tuple(map(_finding, *said[:3], *judged, *said[3:]))

    def ledger(self) -> tuple[LedgerLine, ...]:
        """The lines of the rules that count, then those of the overall score."""
        rules, credited, points = self.tariff.rules, self.credited, self.points
        lines = []
        for at in self.counted:
            judged = rules[at]
            rule = judged.rule
            lines.append(_line(rule.dimension, rule.code, "rule", judged.weight, credited[at], points[at] or 0.0))
        return (*lines, *self.totals)


class Judgement(NamedTuple):
    """All that a :class:`Scorecard` says, before it is spelled out as findings and ledger lines: many of these can be
    written to a table without ever making them."""

    conversation_id: str
    channel: Channel | None
    cues: tuple[CueMatch, ...]
    account: Account
    notes: tuple[HygieneNote, ...]
    fingerprint: Fingerprint
    dynamics: Dynamics | None
    agents: tuple[AgentShare, ...]

    def scorecard(self) -> Scorecard:
        """The scorecard. What goes into it was made here and needs no validation."""
        account = self.account
        return Scorecard.model_construct(
            conversation_id=self.conversation_id,
            channel=self.channel,
            overall=account.overall,
            scores=dict(account.scores),
            coverage=dict(account.coverage),
            cues=self.cues,
            findings=account.findings(),
            ledger=account.ledger(),
            notes=self.notes,
            fingerprint=self.fingerprint,
            dynamics=self.dynamics,
            agents=self.agents,
        )


class _Shared(NamedTuple):
    """How the points are shared out where some rules count and the others do not apply.

    ``counted`` are the places of those that count, ``shares`` what each rule can give (None where it does not count),
    ``reaches`` for each dimension where its rules begin and end and how many of them count, ``dimensions`` those that
    count within the overall score, with their weight and share.
    """

    counted: tuple[int, ...]
    shares: tuple[float | None, ...]
    reaches: tuple[tuple[str, int, int, int], ...]
    dimensions: tuple[tuple[str, float, float], ...]
    coverage: dict[str, float]


_MOST_PATTERNS = 4096
"""Of which rules apply, kept with their shares: conversations repeat a few hundred."""


class Tariff:
    """What each rule is worth by one rubric, and what can be worked out of that before any conversation comes.

    ``rules`` are in the order of findings, by dimension; ``weights`` are those of the dimensions within the overall
    score. ``said`` is what the findings of every conversation have in common, a column for each of code, name,
    dimension, why, what to say instead, and critical.
    """

    def __init__(self, judged: Iterable[Judged], weights: Mapping[str, float]) -> None:
        self.rules = tuple(sorted(judged, key=lambda j: DIMENSIONS.index(j.rule.dimension)))
        self.weights = dict(weights)
        rules = [judged.rule for judged in self.rules]
        self.said = (
            tuple([rule.code for rule in rules]),
            tuple([rule.name for rule in rules]),
            tuple([rule.dimension for rule in rules]),
            tuple([rule.why for rule in rules]),
            tuple([rule.say_instead for rule in rules]),
            tuple([judged.critical for judged in self.rules]),
        )
        self._critical = [at for at, j in enumerate(self.rules) if j.critical]
        self._checks = [(j.rule.check, j.params) for j in self.rules]
        self._shared = lru_cache(maxsize=_MOST_PATTERNS)(self._share_out)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Tariff, (self.rules, self.weights))

    def verdicts(self, view: View, blocked: str | None, one_sided: str | None) -> list[Verdict]:
        """One for each of ``rules``. ``blocked`` says why none of them can be judged, ``one_sided`` why those can't
        that need a customer."""
        if blocked:
            return [Verdict(None, blocked, undetermined=True)] * len(self.rules)
        if one_sided:
            open_ = Verdict(None, one_sided, undetermined=True)
            return [open_ if j.rule.needs_customer else j.rule.check(view, j.params) for j in self.rules]
        return [check(view, params) for check, params in self._checks]

    def verdicts_on(
        self, views: Sequence[View], doubts: Sequence[tuple[str | None, str | None]]
    ) -> Iterator[Sequence[Verdict]]:
        """:meth:`verdicts` on several conversations, rule by rule; ``doubts`` are ``blocked`` and ``one_sided``."""
        clear = [view for view, doubt in zip(views, doubts, strict=True) if doubt == (None, None)]
        by_rule = [[check(view, params) for view in clear] for check, params in self._checks]
        found = iter(zip(*by_rule, strict=True)) if by_rule else repeat(())
        for view, doubt in zip(views, doubts, strict=True):
            yield next(found) if doubt == (None, None) else self.verdicts(view, *doubt)

    def account(self, verdicts: Sequence[Verdict]) -> Account:
        """What the verdicts on one conversation, one for each of ``rules``, come to.

        Points are whole multiples of 2⁻²⁰, which floating point adds without error: the ledger sums to its score
        exactly, in any order, and full credit is exactly 100.
        """
        shared = self._shared(_applies(verdicts))
        outcomes, credited, points, lost = _settled(verdicts, shared.shares)
        scores = {d: sum(filter(None, points[b:e]), 0.0) if n else None for d, b, e, n in shared.reaches}
        totals = self._totals(shared.dimensions, scores, outcomes)
        overall = sum([line.points for line in totals]) if totals else None
        coverage = shared.coverage.copy()
        return Account(
            self, verdicts, outcomes, shared.counted, credited, points, lost, scores, coverage, totals, overall
        )

    def _share_out(self, applied: int) -> _Shared:
        """The shares where the rules apply whose bits are set."""
        counted: list[int] = []
        shares: list[float | None] = [None] * len(self.rules)
        reaches = []
        coverage: dict[str, float] = {}
        end = 0
        for dimension in DIMENSIONS:
            all_of_it = [judged.weight for judged in self.rules if judged.rule.dimension == dimension]
            begin, end = end, end + len(all_of_it)
            places = [at for at in range(begin, end) if applied >> at & 1 and self.rules[at].weight > 0]
            mine = tuple(self.rules[at].weight for at in places)
            total = fsum(all_of_it)
            coverage[dimension] = min(1.0, fsum(mine) / total) if total > 0 else 0.0
            for at, share in zip(places, _shares(mine), strict=True):
                shares[at] = share
            counted += places
            reaches.append((dimension, begin, end, len(places)))
        weights = {d: self.weights[d] for d, _, _, count in reaches if count and self.weights[d] > 0}
        dimensions = tuple(zip(weights, weights.values(), _shares(tuple(weights.values())), strict=True))
        return _Shared(tuple(counted), tuple(shares), tuple(reaches), dimensions, coverage)

    def _totals(
        self,
        dimensions: Sequence[tuple[str, float, float]],
        scores: Mapping[str, float | None],
        outcomes: Sequence[Outcome],
    ) -> tuple[LedgerLine, ...]:
        """The ledger lines of the overall score: one for each dimension, and the cap where it cuts something off."""
        lines = []
        for dimension, weight, share in dimensions:
            score = scores[dimension] or 0.0
            lines.append(_line(OVERALL, dimension, "dimension", weight, score / 100, _units(share * score / 100)))
        broken = [self.rules[at] for at in self._critical if outcomes[at] == "missed"]
        if broken and lines:
            lowest = min(broken, key=lambda j: (j.cap, j.rule.code))
            excess = sum([line.points for line in lines]) - _units(lowest.cap)
            if excess > 0:
                lines.append(_line(OVERALL, lowest.rule.code, "cap", 0.0, 0.0, -excess))
        return tuple(lines)


_UNIT = 2.0**-20


@lru_cache(maxsize=4096)
def _shares(weights: tuple[float, ...]) -> tuple[float, ...]:
    """100 points shared out by weight, in whole units, the largest remainders first; they add up to exactly 100."""
    whole = fsum(weights)
    if whole <= 0:
        return tuple(0.0 for _ in weights)
    exact = [100 / _UNIT * w / whole for w in weights]
    units = [int(x) for x in exact]
    missing = round(100 / _UNIT) - sum(units)
    order = sorted(range(len(units)), key=lambda i: (units[i] - exact[i], i))
    for i in order[:missing]:
        units[i] += 1
    return tuple(u * _UNIT for u in units)


def _units(points: float) -> float:
    return round(points / _UNIT) * _UNIT


def _applies(verdicts: Sequence[Verdict]) -> int:
    """Whether each verdict has a credit that counts, as bits."""
    if _compiled is not None:
        found: int = _compiled.applies(verdicts)
        return found
    return sum(1 << at for at, v in enumerate(verdicts) if v.credit is not None and not v.undetermined)


_Settled = tuple[list[Outcome], list[float], list[float | None], list[float | None]]


def _settled(verdicts: Sequence[Verdict], shares: tuple[float | None, ...]) -> _Settled:
    """Outcome, credit, points and loss of each verdict; ``shares`` are the points that each can give, None for one
    that has no ledger line."""
    if _compiled is not None:
        found: _Settled = _compiled.settled(verdicts, shares, MET_FROM, _UNIT)
        return found
    outcomes: list[Outcome] = [verdict.outcome for verdict in verdicts]
    credited = [0.0] * len(shares)
    points: list[float | None] = [None] * len(shares)
    lost: list[float | None] = [None] * len(shares)
    for at, (verdict, share) in enumerate(zip(verdicts, shares, strict=True)):
        credit = None if verdict.undetermined else verdict.credit
        if credit is None or share is None:
            continue
        if credit >= 1.0:
            credited[at], points[at], lost[at] = 1.0, share, 0.0
        elif credit <= 0.0:
            points[at], lost[at] = 0.0, share
        else:
            points[at] = given = _units(share * credit)
            credited[at], lost[at] = credit, share - given
    return outcomes, credited, points, lost
