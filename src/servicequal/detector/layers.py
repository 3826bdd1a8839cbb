"""The detector's two layers, fitted: deterministic, grouped by conversation, honest about what they saw.

The first layer is fitted on everything; the second on out-of-fold opinions of the first, and only on conversations
that nobody looked at while writing the phrases (``fresh``): where the packs were tuned, they look better than they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from ..cues import CueMatch
from ..gold import Marked
from ..packs import HURTING
from .features import BLOCK_SCALE, BLOCKS, TurnText, grams, shape, turn_texts
from .model import ANY, LABELS, Floats, Side, second_inputs

_MIN_TURNS: Mapping[str, int] = {"words": 2, "letters": 4, "before": 4, "after": 4}
_KEEP: Mapping[str, int] = {"words": 14000, "letters": 14000, "before": 3000, "after": 3000}
_FOLDS = 5
_C_FIRST = 5.0
_C_SECOND = 0.03
Thresholds = Mapping[str, Mapping[str, Mapping[str, float]]]

_FEWEST = 8
"""A label with fewer marked turns is not learned: its probability stays at its share."""


@dataclass(frozen=True)
class Example:
    """A turn to learn from: its conversation's position, its text, and the labels it carries."""

    group: int
    number: int
    text: TurnText
    shape: tuple[float, ...]
    labels: frozenset[str]


@dataclass(frozen=True)
class Fit:
    """One side's fitted parts and out-of-fold opinions, before thresholds."""

    side: Side
    examples: tuple[Example, ...]
    out_of_fold: Floats


# -- first layer -------------------------------------------------------------------------------------


def examples(marked: Sequence[Marked], side: str) -> list[Example]:
    """The turns of one side with their labels; a deflection of any kind also carries ``any deflection``."""
    out = []
    for group, m in enumerate(marked):
        for text in turn_texts(m.conversation, side):
            labels = set(m.cues.get(text.number, ()))
            if labels & set(HURTING):
                labels.add(ANY)
            out.append(Example(group, text.number, text, tuple(shape(m.conversation, text)), frozenset(labels)))
    return out


def fit_first(marked: Sequence[Marked], side: str) -> Fit:
    """One side's first layer, and its opinion of every turn from a fit that did not see its conversation."""
    rows = examples(marked, side)
    vocabulary = _strongest(rows, _vocabulary(rows), side)
    idf = _idf(rows, vocabulary)
    matrix = _matrix(rows, vocabulary, idf)
    labels = LABELS[side]
    truth = np.array([[label in r.labels for label in labels] for r in rows])
    groups = np.array([r.group for r in rows])
    weights, bias = _logistic(matrix, truth, _C_FIRST)
    oof = np.zeros(truth.shape)
    for held in _folds(groups):
        w, b = _logistic(matrix[~held], truth[~held], _C_FIRST)
        oof[held] = matrix[held] @ w + b
    shapes = len(rows[0].shape)
    count = matrix.shape[1] - shapes
    empty = np.zeros(0)
    fitted = Side(vocabulary, idf, weights[:count], weights[count:], bias, empty, empty, np.zeros((0, 0)), empty, {})
    return Fit(fitted, tuple(rows), oof)


def _vocabulary(rows: Sequence[Example]) -> dict[str, list[str]]:
    """N-grams seen in enough turns, by block, in sorted order."""
    out: dict[str, list[str]] = {}
    for block in BLOCKS:
        seen: Counter[str] = Counter()
        for row in rows:
            seen.update(grams(block, row.text).keys())
        out[block] = sorted(g for g, n in seen.items() if n >= _MIN_TURNS[block])
    return out


def _numbered(vocabulary: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    row = 0
    for block in BLOCKS:
        out[block] = {gram: row + i for i, gram in enumerate(vocabulary[block])}
        row += len(vocabulary[block])
    return out


def _strongest(rows: Sequence[Example], words: Mapping[str, list[str]], side: str) -> dict[str, dict[str, int]]:
    """The n-grams that a first fit leans on most, so that the model file stays small."""
    numbered = _numbered(words)
    matrix = _matrix(rows, numbered, _idf(rows, numbered))
    truth = np.array([[label in r.labels for label in LABELS[side]] for r in rows])
    weights, _ = _logistic(matrix, truth, _C_FIRST)
    share = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    power = np.abs(weights).max(axis=1) * share
    kept: dict[str, list[str]] = {}
    for block in BLOCKS:
        ranked = sorted(numbered[block], key=lambda g: (-round(float(power[numbered[block][g]]), 6), g))
        kept[block] = sorted(ranked[: _KEEP[block]])
    return _numbered(kept)


def _idf(rows: Sequence[Example], vocabulary: Mapping[str, Mapping[str, int]]) -> Floats:
    seen = np.zeros(sum(len(v) for v in vocabulary.values()))
    for row in rows:
        for block in BLOCKS:
            known = vocabulary[block]
            seen[[known[g] for g in grams(block, row.text) if g in known]] += 1
    idf = np.log((1 + len(rows)) / (1 + seen)) + 1
    return np.asarray(idf.astype("<f2").astype(np.float64))


def _matrix(rows: Sequence[Example], vocabulary: Mapping[str, Mapping[str, int]], idf: Floats) -> csr_matrix:
    """Scaled n-grams and shapes: (turns, rows + shapes)."""
    data: list[float] = []
    columns: list[int] = []
    ends = [0]
    for row in rows:
        for block in BLOCKS:
            known = vocabulary[block]
            found = [
                (known[g], (1.0 + log(n)) * float(idf[known[g]]))
                for g, n in sorted(grams(block, row.text).items())
                if g in known
            ]
            length = sqrt(sum(v * v for _, v in found))
            if length:
                columns += [c for c, _ in found]
                data += [v * BLOCK_SCALE[block] / length for _, v in found]
        ends.append(len(columns))
    width = sum(len(v) for v in vocabulary.values())
    text = csr_matrix((data, columns, ends), shape=(len(rows), width))
    return hstack([text, csr_matrix(np.array([r.shape for r in rows]))]).tocsr()


def _logistic(matrix: Any, truth: Any, c: float) -> tuple[Floats, Floats]:
    """Logistic regression per label: weights (inputs, labels) and bias (labels)."""
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((matrix.shape[1], truth.shape[1]))
    bias = np.zeros(truth.shape[1])
    for k in range(truth.shape[1]):
        y = truth[:, k]
        if y.sum() < _FEWEST or y.all():
            share = (y.sum() + 0.5) / (len(y) + 1)
            bias[k] = log(share / (1 - share))
            continue
        model = LogisticRegression(C=c, solver="liblinear", dual=True, tol=1e-2, max_iter=1000, random_state=0)
        model.fit(matrix, y)
        weights[:, k], bias[k] = model.coef_[0], model.intercept_[0]
    return weights, bias


def _folds(groups: Any) -> Iterable[Any]:
    """Masks of held-out turns: conversations are dealt out in turn, whole."""
    order = {g: i % _FOLDS for i, g in enumerate(dict.fromkeys(groups.tolist()))}
    fold = np.array([order[g] for g in groups.tolist()])
    for k in range(_FOLDS):
        yield fold == k


# -- second layer ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Second:
    """One side's second layer and its own out-of-fold probabilities on the fresh turns."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats
    keys: tuple[tuple[int, int], ...]
    probabilities: Floats


def fit_second(
    marked: Sequence[Marked],
    matches: Sequence[Sequence[CueMatch]],
    fits: Mapping[str, Fit],
    fresh: Sequence[bool],
) -> dict[str, Second]:
    """Both sides' second layers, from out-of-fold opinions of the first, on the fresh conversations only."""
    firsts: list[dict[str, dict[int, Floats]]] = [{side: {} for side in fits} for _ in marked]
    for side, fit in fits.items():
        for row, odds in zip(fit.examples, fit.out_of_fold, strict=True):
            firsts[row.group][side][row.number] = odds
    inputs = [second_inputs(m.conversation, firsts[g], matches[g]) for g, m in enumerate(marked)]
    return {side: _fit_second_side(side, fit, inputs, fresh) for side, fit in fits.items()}


def _fit_second_side(
    side: str, fit: Fit, inputs: Sequence[Mapping[str, Mapping[int, Floats]]], fresh: Sequence[bool]
) -> Second:
    rows = [r for r in fit.examples if fresh[r.group]]
    matrix = np.array([inputs[r.group][side][r.number] for r in rows])
    truth = np.array([[label in r.labels for label in LABELS[side]] for r in rows])
    groups = np.array([r.group for r in rows])
    mean, scale = matrix.mean(axis=0), matrix.std(axis=0)
    mean, scale = mean.astype("<f4").astype(float), np.maximum(scale, 0.05).astype("<f4").astype(float)
    scaled = csr_matrix((matrix - mean) / scale)
    weights, bias = _logistic(scaled, truth, _C_SECOND)
    odds = np.zeros(truth.shape)
    for held in _folds(groups):
        w, b = _logistic(scaled[~held], truth[~held], _C_SECOND)
        odds[held] = scaled[held] @ w + b
    chance = 1 / (1 + np.exp(-odds))
    return Second(mean, scale, weights, bias, tuple((r.group, r.number) for r in rows), chance)
