"""From which probability a label counts as said: chosen where F1 is best, smoothed.

Each channel group has two thresholds per label: one for turns where a phrase names it (a veto, so low) and one for
turns where only the detector does (a proposal, so high).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..cues import CueFinder, CueMatch
from ..gold import Marked
from .layers import Fit, Second, Thresholds, examples
from .model import LABELS, Detector, Floats, Side, named_labels

GROUPS = ("social", "other")
BASES = ("phrase", "model")
TABLES = tuple(f"{group}/{base}" for group in GROUPS for base in BASES)
_GRID = np.round(np.arange(0.04, 0.97, 0.02), 2)
_PRIOR_TURNS = 6.0
"""How many imagined turns pull a label's curve towards that of all labels, so that rare ones don't jump."""

_LIKE_TURNS = 12.0
"""Marked turns of a label among conversations like those that will be scored at which these and the training
conversations have an equal say in its threshold: real ones know the base rate, written ones the rare labels."""


_LIKE_WEIGHTS = (2.0, 1.0)
"""How much the turns of ``like`` count with the phrases and without them (see :func:`_like_pools`)."""

Chances = Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class _Pool:
    """Probabilities, truth, and whether a phrase names it, of turns of one side and group: (turns, labels) each."""

    chance: Floats
    truth: Any
    named: Any


def with_thresholds(
    marked: Sequence[Marked],
    matches: Sequence[Sequence[CueMatch]],
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
                thresholds={t: np.array([given[side][t][label] for label in LABELS[side]]) for t in TABLES},
            )
            for side, fitted in sides.items()
        }
    detector = Detector(sides, {}, "")
    found = [finder.find(m.conversation) for m in like]
    seen = [
        [(f, detector.probabilities(m.conversation, f)) for m, f in zip(like, matches_of, strict=True)]
        for matches_of in (found, [()] * len(like))
    ]
    out: dict[str, Side] = {}
    for side in fits:
        tables: dict[str, Floats] = {}
        for group in GROUPS:
            written = _written_pool(side, group, marked, matches, fits[side], second[side])
            phrase, model = _best_thresholds(written, _like_pools(side, group, like, seen))
            tables |= {f"{group}/phrase": phrase, f"{group}/model": model}
        out[side] = replace(sides[side], thresholds=tables)
    return out


def cross_validated(
    marked: Sequence[Marked],
    matches: Sequence[Sequence[CueMatch]],
    fits: Mapping[str, Fit],
    second: Mapping[str, Second],
    sides: Mapping[str, Side],
) -> dict[str, Any]:
    """F1 per label on the fresh turns, every turn judged by a fit that did not see its conversation."""
    return {side: _quality(side, marked, matches, fits[side], second[side], sides[side].thresholds) for side in fits}


def _with_second(side: Side, second: Second) -> Side:
    return replace(side, mean=second.mean, scale=second.scale, second=second.weights, second_bias=second.bias)


def _group(m: Marked) -> str:
    return "social" if m.conversation.channel == "social" else "other"


def _written_pool(
    side: str,
    group: str,
    marked: Sequence[Marked],
    matches: Sequence[Sequence[CueMatch]],
    fit: Fit,
    second: Second,
) -> _Pool:
    known = {(e.group, e.number): e.labels for e in fit.examples}
    rows = [
        (row, known[g, n], named_labels(matches[g], n))
        for (g, n), row in zip(second.keys, second.probabilities, strict=True)
        if _group(marked[g]) == group
    ]
    return _stacked(rows, side)


def _like_pools(
    side: str, group: str, like: Sequence[Marked], seen: Sequence[Sequence[tuple[Sequence[CueMatch], Chances]]]
) -> list[_Pool]:
    """The turns of ``like`` twice: with the phrases, which may have been written with them in view and then leave
    the detector too little to find, and without any, which leaves it too much. The truth lies between."""
    pools = []
    for matches_and_chances in seen:
        rows = [
            (
                np.array([chances[e.number][label] for label in LABELS[side]]),
                e.labels,
                named_labels(matches, e.number),
            )
            for e in examples(like, side)
            if _group(like[e.group]) == group
            for matches, chances in [matches_and_chances[e.group]]
        ]
        pools.append(_stacked(rows, side))
    return pools


def _stacked(rows: Sequence[tuple[Any, frozenset[str], frozenset[str]]], side: str) -> _Pool:
    labels = LABELS[side]
    shape = (-1, len(labels))
    return _Pool(
        np.array([r for r, _, _ in rows]).reshape(shape),
        np.array([[label in t for label in labels] for _, t, _ in rows], bool).reshape(shape),
        np.array([[label in n for label in labels] for _, _, n in rows], bool).reshape(shape),
    )


def _best_thresholds(written: _Pool, like: Sequence[_Pool]) -> tuple[Floats, Floats]:
    """For each label the best pair of thresholds (with a phrase, without one) on smoothed F1 surfaces.

    How far a phrase can be trusted is asked of the fresh conversations alone; the detector's own proposals are
    judged on both.
    """
    real = np.average([_surfaces(pool) for pool in like], axis=0, weights=_LIKE_WEIGHTS)
    own = _surfaces(written) if len(written.chance) else real
    support = like[0].truth.sum(axis=0)
    share = (support / (support + _LIKE_TURNS))[:, None, None]
    mixed = share * real + (1 - share) * own
    phrase, model = [], []
    for alone, both in zip(own, mixed, strict=True):
        first, second = _smooth_surface(alone), _smooth_surface(both)
        row = int(np.unravel_index(int(first.argmax()), first.shape)[0])
        phrase.append(_GRID[row] if first.any() else 0.5)
        model.append(_GRID[int(second[row].argmax())] if second.any() else 0.5)
    return np.array(phrase), np.array(model)


def _smooth_surface(surface: Floats) -> Floats:
    return _smoothed(_smoothed(surface).T).T


def _smoothed(surface: Floats) -> Floats:
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    return np.array([np.convolve(np.pad(row, 2, mode="edge"), kernel, mode="valid") for row in surface])


def _surfaces(pool: _Pool) -> Floats:
    """Each label's F1 over pairs of thresholds (phrase, model), pulled towards the mean of all where it is rare."""
    width = pool.truth.shape[1]
    surfaces = np.array([_surface(pool, k) for k in range(width)])
    support = pool.truth.sum(axis=0).astype(float)
    common = np.average(surfaces, axis=0, weights=np.maximum(support, 1e-9))
    share = (support / (support + _PRIOR_TURNS))[:, None, None]
    return np.asarray(share * surfaces + (1 - share) * common)


def _surface(pool: _Pool, label: int) -> Floats:
    chance, truth, named = pool.chance[:, label], pool.truth[:, label], pool.named[:, label]
    over = chance[:, None] >= _GRID[None, :]
    both = [(over & truth[:, None] & m[:, None]).sum(axis=0) for m in (named, ~named)]
    found = [(over & m[:, None]).sum(axis=0) for m in (named, ~named)]
    hits = both[0][:, None] + both[1][None, :]
    total = found[0][:, None] + found[1][None, :] + truth.sum()
    return np.asarray(2 * hits / np.maximum(total, 1))


def _quality(
    side: str,
    marked: Sequence[Marked],
    matches: Sequence[Sequence[CueMatch]],
    fit: Fit,
    second: Second,
    tables: Mapping[str, Floats],
) -> dict[str, Any]:
    known = {(e.group, e.number): e.labels for e in fit.examples}
    labels = LABELS[side]
    named = np.array([[label in named_labels(matches[g], n) for label in labels] for g, n in second.keys])
    limits = {base: np.array([tables[f"{_group(marked[g])}/{base}"] for g, _ in second.keys]) for base in BASES}
    found = second.probabilities >= np.where(named, limits["phrase"], limits["model"])
    truth = np.array([[label in known[k] for label in labels] for k in second.keys])
    out: dict[str, Any] = {}
    for k, label in enumerate(labels):
        both = int((found[:, k] & truth[:, k]).sum())
        total = int(found[:, k].sum() + truth[:, k].sum())
        out[label] = {"support": int(truth[:, k].sum()), "f1": round(2 * both / total, 3) if total else None}
    return out
