"""From which probability a label counts as said, per channel group: chosen where F1 is best, smoothed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..cues import CueFinder
from ..gold import Marked
from .model import LABELS, Detector, Floats, Side
from .train import Fit, Second, Thresholds, examples

GROUPS = ("social", "other")
_GRID = np.round(np.arange(0.04, 0.97, 0.02), 2)
_PRIOR_TURNS = 6.0
"""How many imagined turns pull a label's curve towards that of all labels, so that rare ones don't jump."""

_LIKE_TURNS = 12.0
"""Marked turns of a label among conversations like those that will be scored at which these and the training
conversations have an equal say in its threshold: real ones know the base rate, written ones the rare labels."""


@dataclass(frozen=True)
class _Pool:
    """Probabilities and truth of turns of one side and channel group: (turns, labels) each."""

    chance: Floats
    truth: Any


def with_thresholds(
    marked: Sequence[Marked],
    fits: Mapping[str, Fit],
    second: Mapping[str, Second],
    like: Sequence[Marked],
    finder: CueFinder,
    given: Thresholds | None = None,
) -> dict[str, Side]:
    """Both sides complete: with the thresholds given, or with those chosen on the fresh turns and ``like``."""
    sides = {side: _with_second(fits[side].side, second[side]) for side in fits}
    if given is not None:
        return {
            side: replace(
                fitted,
                thresholds={g: np.array([given[side][g][label] for label in LABELS[side]]) for g in GROUPS},
            )
            for side, fitted in sides.items()
        }
    rows = _probabilities(Detector(sides, {}, ""), like, finder)
    out: dict[str, Side] = {}
    for side in fits:
        thresholds = {}
        for group in GROUPS:
            written = _written_pool(side, group, marked, fits[side], second[side])
            thresholds[group] = _best_thresholds(written, _like_pool(side, group, like, rows))
        out[side] = replace(sides[side], thresholds=thresholds)
    return out


def cross_validated(
    marked: Sequence[Marked], fits: Mapping[str, Fit], second: Mapping[str, Second], sides: Mapping[str, Side]
) -> dict[str, Any]:
    """F1 per label on the fresh turns, every turn judged by a fit that did not see its conversation."""
    return {side: _quality(side, marked, fits[side], second[side], sides[side].thresholds) for side in fits}


def _with_second(side: Side, second: Second) -> Side:
    return replace(side, mean=second.mean, scale=second.scale, second=second.weights, second_bias=second.bias)


def _probabilities(
    detector: Detector, like: Sequence[Marked], finder: CueFinder
) -> list[dict[int, dict[str, float]]]:
    return [detector.probabilities(m.conversation, finder.find(m.conversation)) for m in like]


def _group(m: Marked) -> str:
    return "social" if m.conversation.channel == "social" else "other"


def _written_pool(side: str, group: str, marked: Sequence[Marked], fit: Fit, second: Second) -> _Pool:
    known = {(e.group, e.number): e.labels for e in fit.examples}
    rows = [
        (row, [label in known[key] for label in LABELS[side]])
        for key, row in zip(second.keys, second.probabilities, strict=True)
        if _group(marked[key[0]]) == group
    ]
    return _stacked(rows, side)


def _like_pool(
    side: str, group: str, like: Sequence[Marked], like_rows: Sequence[Mapping[int, Mapping[str, float]]]
) -> _Pool:
    labels = LABELS[side]
    rows = [
        (
            np.array([like_rows[e.group][e.number][label] for label in labels]),
            [label in e.labels for label in labels],
        )
        for e in examples(like, side)
        if _group(like[e.group]) == group
    ]
    return _stacked(rows, side)


def _stacked(rows: Sequence[tuple[Any, list[bool]]], side: str) -> _Pool:
    width = len(LABELS[side])
    return _Pool(
        np.array([r for r, _ in rows]).reshape(-1, width),
        np.array([t for _, t in rows], bool).reshape(-1, width),
    )


def _best_thresholds(written: _Pool, like: _Pool) -> Floats:
    """The best point of each label's F1 curve, mixed from both pools and smoothed; 0.5 where nothing is known."""
    support = like.truth.sum(axis=0)
    share = (support / (support + _LIKE_TURNS))[:, None]
    mixed = share * _curves(like) + (1 - share) * _curves(written)
    if not len(written.chance):
        mixed = _curves(like)
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.array([np.convolve(np.pad(c, 2, mode="edge"), kernel, mode="valid") for c in mixed])
    return np.asarray(np.where(smooth.any(axis=1), _GRID[smooth.argmax(axis=1)], 0.5))


def _curves(pool: _Pool) -> Floats:
    """Each label's F1 over the grid, pulled towards the mean curve of all labels where it is rare."""
    width = pool.truth.shape[1]
    curves = np.array([[_f1(pool, k, t) for t in _GRID] for k in range(width)])
    support = pool.truth.sum(axis=0).astype(float)
    common = np.average(curves, axis=0, weights=np.maximum(support, 1e-9))
    share = (support / (support + _PRIOR_TURNS))[:, None]
    return np.asarray(share * curves + (1 - share) * common)


def _f1(pool: _Pool, label: int, threshold: float) -> float:
    found = pool.chance[:, label] >= threshold
    truth = pool.truth[:, label]
    total = int(found.sum() + truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 0.0


def _quality(
    side: str, marked: Sequence[Marked], fit: Fit, second: Second, thresholds: Mapping[str, Floats]
) -> dict[str, Any]:
    known = {(e.group, e.number): e.labels for e in fit.examples}
    limits = np.array([thresholds[_group(marked[g])] for g, _ in second.keys])
    found = second.probabilities >= limits
    truth = np.array([[label in known[k] for label in LABELS[side]] for k in second.keys])
    out: dict[str, Any] = {}
    for k, label in enumerate(LABELS[side]):
        both = int((found[:, k] & truth[:, k]).sum())
        total = int(found[:, k].sum() + truth[:, k].sum())
        out[label] = {"support": int(truth[:, k].sum()), "f1": round(2 * both / total, 3) if total else None}
    return out
