"""Train a detector: both layers, the thresholds, and what is known about it, into one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cues import CueFinder
from ..gold import Marked
from .layers import Thresholds, fit_first, fit_second
from .model import LABELS, save_detector
from .thresholds import cross_validated, with_thresholds


def train(
    marked: Sequence[Marked],
    finder: CueFinder,
    out: str | Path,
    fresh: Sequence[bool] | None = None,
    like: Sequence[Marked] = (),
    thresholds: Thresholds | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fit on ``marked`` and write the model to ``out``; returns what is known about it (also stored inside).

    ``fresh[i]`` says that nobody tuned phrases on ``marked[i]`` (all, if None). ``like`` are conversations like those
    that will be scored: they help to choose the thresholds, and are not learned from. ``thresholds`` (side, channel
    group, label) are used as they are instead. Same input, same bytes.
    """
    fresh = list(fresh) if fresh is not None else [True] * len(marked)
    matches = [finder.find(m.conversation) for m in marked]
    fits = {side: fit_first(marked, side) for side in LABELS}
    second = fit_second(marked, matches, fits, fresh)
    sides = with_thresholds(marked, matches, fits, second, like, finder, thresholds)
    known = {
        **(about or {}),
        "conversations": len(marked),
        "fresh": sum(fresh),
        "turns": {side: len(fit.examples) for side, fit in fits.items()},
        "rows": {side: len(fit.side.idf) for side, fit in fits.items()},
        "thresholds": {
            side: {g: dict(zip(LABELS[side], map(float, t), strict=True)) for g, t in fitted.thresholds.items()}
            for side, fitted in sides.items()
        },
        "cross_validated": cross_validated(marked, matches, fits, second, sides),
    }
    save_detector(sides, known, out)
    return known
