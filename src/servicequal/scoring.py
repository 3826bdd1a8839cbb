"""Findings and weights to ledger to scores: arithmetic only.

``score(d) = 100 · Σ weight·credit / Σ weight`` over the rules of dimension *d* whose outcome is met or
missed; None if there are none. ``coverage(d)`` = applicable weight / all weight. Overall is the mean of the
dimensions that have a score, weighted. A missed critical rule caps the overall score with a last, negative
ledger line, so the raw score stays visible. Every score is exactly the sum of its ledger lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .agents import AgentShare
from .conversation import Channel, Span
from .cues import CueMatch
from .dynamics import Dynamics
from .hygiene import HygieneNote
from .rendering import Rendered
from .rubric import Judged
from .rules import DIMENSIONS, Outcome, Verdict

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


def account(
    verdicts: Sequence[tuple[Judged, Verdict]], weights: Mapping[str, float]
) -> tuple[list[Finding], list[LedgerLine], dict[str, float | None], dict[str, float], float | None]:
    """Findings, ledger, scores, coverage and overall from the verdicts on one conversation.

    Points are whole multiples of 2⁻²⁰, which floating point adds without error: the ledger sums to its score exactly,
    in any order, and full credit is exactly 100.
    """
    findings: list[Finding] = []
    ledger: list[LedgerLine] = []
    scores: dict[str, float | None] = {}
    coverage: dict[str, float] = {}
    for dimension in DIMENSIONS:
        mine = [(j, v) for j, v in verdicts if j.rule.dimension == dimension]
        counted = [(j, v) for j, v in mine if v.outcome in ("met", "missed") and j.weight > 0]
        total, applied = fsum(j.weight for j, _ in mine), fsum(j.weight for j, _ in counted)
        coverage[dimension] = min(1.0, applied / total) if total > 0 else 0.0
        shares = dict(zip((j.rule.code for j, _ in counted), _shares(tuple(j.weight for j, _ in counted)), strict=True))
        lines = {j.rule.code: _line(j, v, shares[j.rule.code]) for j, v in counted}
        ledger += lines.values()
        scores[dimension] = sum(line.points for line in lines.values()) if lines else None
        findings += [_finding(j, v, lines.get(j.rule.code), shares.get(j.rule.code)) for j, v in mine]
    ledger += _overall_lines(scores, weights)
    ledger += _cap(verdicts, ledger)
    overall = [x.points for x in ledger if x.score == OVERALL]
    return findings, ledger, scores, coverage, sum(overall) if overall else None


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


def _line(judged: Judged, verdict: Verdict, share: float) -> LedgerLine:
    credit = min(1.0, max(0.0, verdict.credit or 0.0))
    rule = judged.rule
    return LedgerLine(rule.dimension, rule.code, "rule", judged.weight, credit, _units(share * credit))


def _finding(judged: Judged, verdict: Verdict, line: LedgerLine | None, share: float | None) -> Finding:
    rule = judged.rule
    return Finding(
        code=rule.code,
        name=rule.name,
        dimension=rule.dimension,
        outcome=verdict.outcome,
        points=None if line is None else line.points,
        lost=None if line is None or share is None else share - line.points,
        spans=verdict.spans,
        searched=verdict.searched,
        explanation=verdict.explanation,
        why=rule.why,
        say_instead=rule.say_instead,
        critical=judged.critical,
    )


def _overall_lines(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> list[LedgerLine]:
    counted = [(d, s) for d, s in scores.items() if s is not None and weights[d] > 0]
    shares = _shares(tuple(weights[d] for d, _ in counted))
    return [
        LedgerLine(OVERALL, d, "dimension", weights[d], s / 100, _units(share * s / 100))
        for (d, s), share in zip(counted, shares, strict=True)
    ]


def _cap(verdicts: Sequence[tuple[Judged, Verdict]], ledger: Sequence[LedgerLine]) -> list[LedgerLine]:
    broken = [j for j, v in verdicts if j.critical and v.outcome == "missed"]
    lines = [x.points for x in ledger if x.score == OVERALL]
    if not broken or not lines:
        return []
    lowest = min(broken, key=lambda j: (j.cap, j.rule.code))
    excess = sum(lines) - _units(lowest.cap)
    if excess <= 0:
        return []
    return [LedgerLine(OVERALL, lowest.rule.code, "cap", 0.0, 0.0, -excess)]
