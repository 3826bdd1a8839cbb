"""The team picture with its uncertainty: means with intervals, and who can't be told apart from whom.

Intervals are 95 % t intervals of the mean, cut at 0 and 100. For agents the spread is pooled over all agents, as
the few conversations of one agent say little about their own spread; so an agent with a single conversation gets
a wide interval, not none. They take conversations as independent of each other and as a sample of the agent's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..rules import DIMENSIONS

SCORES = ("overall", *DIMENSIONS)
BINS = 10
FEW = 10
"""Fewer conversations than this are said to be few, beside the interval that says it anyway."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean score (0-100) of ``n`` conversations with its 95 % interval; None where there is nothing to tell."""

    n: int
    mean: float | None
    low: float | None
    high: float | None

    @property
    def half(self) -> float | None:
        """Half the width of the interval, in points."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class ScorePicture:
    """One score over all conversations: its mean, the ``counts`` in ten bins of ten points, the mean ``coverage``
    (0-1, None for overall) where it has a value, and how many conversations have ``none``."""

    name: str
    mean: Mean
    counts: tuple[int, ...]
    coverage: float | None
    none: int


@dataclass(frozen=True, slots=True)
class AgentPicture:
    """One agent: means of overall and the dimensions, and the rank as a range.

    ``best`` and ``worst`` are the ranks that the intervals allow, ``tied`` with how many others they overlap.
    All None where there is no score.
    """

    name: str | None
    conversations: int
    overall: Mean
    dimensions: tuple[Mean, ...]
    best: int | None
    worst: int | None
    tied: int | None

    @property
    def few(self) -> bool:
        """Whether the mean rests on few conversations."""
        return self.overall.n < FEW


def score_pictures(scores: Sequence[np.ndarray], coverage: Sequence[np.ndarray | None]) -> tuple[ScorePicture, ...]:
    """One picture for each of :data:`SCORES` from columns with nan where a conversation has no score."""
    return tuple(_picture(*item) for item in zip(SCORES, scores, coverage, strict=True))


def _picture(name: str, values: np.ndarray, coverage: np.ndarray | None) -> ScorePicture:
    known = values[~np.isnan(values)]
    counts, _ = np.histogram(known, bins=BINS, range=(0, 100))
    covered = None if coverage is None or not known.size else float(np.mean(coverage[~np.isnan(values)]))
    spread = float(np.std(known, ddof=1)) if known.size > 1 else None
    return ScorePicture(
        name=name,
        mean=_mean(known, spread, known.size - 1),
        counts=tuple(int(c) for c in counts),
        coverage=covered,
        none=int(values.size - known.size),
    )


def _mean(known: np.ndarray, spread: float | None, freedom: int) -> Mean:
    from scipy.stats import t

    if not known.size:
        return Mean(0, None, None, None)
    mean = float(np.mean(known))
    if spread is None or freedom < 1:
        return Mean(known.size, mean, None, None)
    half = float(t.ppf(0.975, freedom)) * spread / np.sqrt(known.size)
    return Mean(known.size, mean, max(0.0, mean - float(half)), min(100.0, mean + float(half)))


def agent_pictures(names: Sequence[str | None], scores: Sequence[np.ndarray]) -> tuple[AgentPicture, ...]:
    """Agents, the highest mean first. ``names`` has one entry for each agent and conversation, ``scores`` one column
    for each of :data:`SCORES` of the same length, with nan where there is no score."""
    order = sorted({n for n in names if n is not None})
    groups: list[str | None] = [*order, *([None] if None in names else [])]
    index = {name: i for i, name in enumerate(groups)}
    group = np.array([index[name] for name in names], dtype=int)
    means = [_group_means(column, group, len(groups)) for column in scores]
    sizes = np.bincount(group, minlength=len(groups))
    rows = [
        AgentPicture(name, int(sizes[i]), means[0][i], tuple(m[i] for m in means[1:]), *_standing(means[0], i))
        for i, name in enumerate(groups)
    ]
    return tuple(sorted(rows, key=lambda a: (a.overall.mean is None, -(a.overall.mean or 0), a.name or "")))


def _group_means(values: np.ndarray, group: np.ndarray, groups: int) -> list[Mean]:
    """The mean of each group, its interval from the spread within groups."""
    known = ~np.isnan(values)
    order = np.argsort(group[known], kind="stable")
    ends = np.cumsum(np.bincount(group[known], minlength=groups))
    parts = np.split(values[known][order], ends[:-1])
    freedom = sum(p.size - 1 for p in parts if p.size)
    squares = sum(float(np.sum((p - np.mean(p)) ** 2)) for p in parts if p.size)
    spread = float(np.sqrt(squares / freedom)) if freedom else None
    return [_mean(p, spread, freedom) for p in parts]


def _standing(means: Sequence[Mean], i: int) -> tuple[int | None, int | None, int | None]:
    """Best and worst rank that the intervals allow, and with how many the interval overlaps."""
    scored = [m for m in means if m.mean is not None]
    mine = means[i]
    if mine.mean is None:
        return None, None, None
    low, high = _bounds(mine)
    above = sum(_bounds(m)[0] > high for m in scored)
    below = sum(_bounds(m)[1] < low for m in scored)
    return 1 + above, len(scored) - below, len(scored) - above - below - 1


def _bounds(mean: Mean) -> tuple[float, float]:
    if mean.low is None or mean.high is None:
        return 0.0, 100.0
    return mean.low, mean.high
