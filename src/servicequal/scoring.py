"""Findings and weights to ledger to scores: arithmetic only.

``score(d) = 100 · Σ weight·credit / Σ weight`` over the rules of dimension *d* whose outcome is met or
missed; None if there are none. ``coverage(d)`` = applicable weight / all weight. Overall is the mean of the
dimensions that have a score, weighted. A missed critical rule caps the overall score with a last, negative
ledger line, so the raw score stays visible. Every score is exactly the sum of its ledger lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .conversation import Channel, Span
from .cues import CueMatch
from .hygiene import HygieneNote
from .rubric import Judged
from .rules import DIMENSIONS, Outcome, Verdict

OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class Finding:
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


class Scorecard(BaseModel):
    """The four scores of one conversation, the ledger they add up from, and the evidence. Frozen.

    Scores are 0-100 or None (nothing to judge); ``coverage`` is the share of a dimension's weight that
    applied, 0-1. ``notes`` are what the hygiene checks noticed about the transcript itself.
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

    def __str__(self) -> str:
        def shown(value: float | None) -> str:
            return "–" if value is None else f"{value:.0f}"

        parts = ", ".join(f"{d} {shown(self.scores[d])}" for d in DIMENSIONS)
        return f"{self.conversation_id}: overall {shown(self.overall)} ({parts})"


def account(
    verdicts: Sequence[tuple[Judged, Verdict]], weights: Mapping[str, float]
) -> tuple[list[Finding], list[LedgerLine], dict[str, float | None], dict[str, float], float | None]:
    """Findings, ledger, scores, coverage and overall from the verdicts on one conversation."""
    total = {d: fsum(j.weight for j, _ in verdicts if j.rule.dimension == d) for d in DIMENSIONS}
    applied = {
        d: fsum(j.weight for j, v in verdicts if j.rule.dimension == d and _counts(v)) for d in DIMENSIONS
    }
    findings: list[Finding] = []
    ledger: list[LedgerLine] = []
    for judged, verdict in verdicts:
        line, lost = _line(judged, verdict, applied[judged.rule.dimension])
        if line is not None:
            ledger.append(line)
        findings.append(_finding(judged, verdict, line, lost))
    scores: dict[str, float | None] = {
        d: fsum(x.points for x in ledger if x.score == d) if applied[d] > 0 else None for d in DIMENSIONS
    }
    coverage: dict[str, float] = {d: applied[d] / total[d] if total[d] > 0 else 0.0 for d in DIMENSIONS}
    ledger += _overall_lines(scores, weights)
    ledger += _cap(verdicts, ledger)
    lines = [x.points for x in ledger if x.score == OVERALL]
    return findings, ledger, scores, coverage, fsum(lines) if lines else None


def _counts(verdict: Verdict) -> bool:
    return verdict.outcome in ("met", "missed")


def _line(judged: Judged, verdict: Verdict, applied: float) -> tuple[LedgerLine | None, float | None]:
    if not _counts(verdict) or applied <= 0 or judged.weight <= 0:
        return None, None
    credit = min(1.0, max(0.0, verdict.credit or 0.0))
    share = 100.0 * judged.weight / applied
    line = LedgerLine(
        judged.rule.dimension, judged.rule.code, "rule", judged.weight, credit, round(share * credit, 6)
    )
    return line, round(share * (1 - credit), 6)


def _finding(judged: Judged, verdict: Verdict, line: LedgerLine | None, lost: float | None) -> Finding:
    rule = judged.rule
    return Finding(
        code=rule.code,
        name=rule.name,
        dimension=rule.dimension,
        outcome=verdict.outcome,
        points=None if line is None else line.points,
        lost=lost,
        spans=verdict.spans,
        searched=verdict.searched,
        explanation=verdict.explanation,
        why=rule.why,
        say_instead=rule.say_instead,
        critical=judged.critical,
    )


def _overall_lines(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> list[LedgerLine]:
    counted = [(d, s) for d, s in scores.items() if s is not None and weights[d] > 0]
    whole = fsum(weights[d] for d, _ in counted)
    return [
        LedgerLine(OVERALL, d, "dimension", weights[d], s / 100, round(s * weights[d] / whole, 6))
        for d, s in counted
    ]


def _cap(verdicts: Sequence[tuple[Judged, Verdict]], ledger: Sequence[LedgerLine]) -> list[LedgerLine]:
    broken = [j for j, v in verdicts if j.critical and v.outcome == "missed"]
    lines = [x.points for x in ledger if x.score == OVERALL]
    if not broken or not lines:
        return []
    lowest = min(broken, key=lambda j: (j.cap, j.rule.code))
    excess = fsum(lines) - lowest.cap
    if excess <= 0:
        return []
    return [LedgerLine(OVERALL, lowest.rule.code, "cap", 0.0, 0.0, round(-excess, 6))]
