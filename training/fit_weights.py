"""What the rules' weights rest on: the weights in use against weights fitted on graded conversations, and the ceiling.

python training/fit_weights.py                  # cross-validated on data/training, with out-of-fold cues
python training/fit_weights.py --gold GOLD.jsonl …   # the same rules on the graders' own cues: the ceiling
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from servicequal.calibration import Graded, Weights, fit, scores
from servicequal.cues import CueFinder, CueMatch
from servicequal.detector import builtin_detector
from servicequal.detector.decide import said_cues
from servicequal.detector.layers import fit_first, fit_second
from servicequal.detector.model import LABELS, named_labels
from servicequal.gold import Marked, read_all_marked
from servicequal.packs import builtin_packs
from servicequal.rubric import Rubric, apply_rubric
from servicequal.rules import DIMENSIONS, View

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "training"
JUDGED = apply_rubric(Rubric())
PULL = 0.002
"""How strongly fitted weights are pulled towards those in use."""


def whole_turn(marked: Marked, turn: int, cue: str) -> CueMatch:
    """A cue without known words: the rules need no more."""
    said = marked.conversation.turns[turn]
    return CueMatch(cue, turn, 0, len(said.text), said.text, said.speaker)


def out_of_fold(marked: Sequence[Marked], fresh: Sequence[bool]) -> dict[int, list[CueMatch]]:
    """The cues of every fresh, graded conversation as a detector finds them that has not seen it."""
    detector = builtin_detector()
    assert detector is not None
    finder = CueFinder(builtin_packs())
    matches = [finder.find(m.conversation) for m in marked]
    second = fit_second(marked, matches, {side: fit_first(marked, side) for side in LABELS}, fresh)
    found: dict[int, list[CueMatch]] = {g: [] for g, m in enumerate(marked) if fresh[g] and m.grades}
    for side, layer in second.items():
        for (group, turn), row in zip(layer.keys, layer.probabilities, strict=True):
            if group in found:
                chance = dict(zip(LABELS[side], map(float, row), strict=True))
                named = named_labels(matches[group], turn)
                said = said_cues(detector, side, chance, named, marked[group].conversation.channel)
                found[group] += [whole_turn(marked[group], turn, cue) for cue in sorted(said)]
    return found


def rule_credits(marked: Sequence[Marked], cues: Sequence[Sequence[CueMatch]]) -> dict[str, tuple[Any, Any]]:
    """For each dimension the credits (conversations, rules; nan where not applicable) and the grades 0-1."""
    out = {}
    views = [View(m.conversation, c) for m, c in zip(marked, cues, strict=True)]
    for dimension in DIMENSIONS:
        mine = [j for j in JUDGED if j.rule.dimension == dimension]
        rows = [[j.rule.check(v, j.params).credit for j in mine] for v in views]
        grades = [m.grades.get(dimension) for m in marked]
        table = np.array([[np.nan if c is None else c for c in row] for row in rows], float)
        grade = np.array([np.nan if g is None else g / 4 for g in grades], float)
        keep = ~np.isnan(grade) & ~np.isnan(table).all(axis=1)
        out[dimension] = (table[keep], grade[keep])
    return out


def scored(table: Any, weights: Any) -> Any:
    """The dimension's score, 0-1, of each row."""
    alone = Graded((table,), np.zeros((len(table), 2)), np.ones(len(table)))
    return scores(alone, Weights((weights,), np.ones(1)))[:, 0]


def fitted(table: Any, grade: Any, start: Any) -> Any:
    """Weights with the least squared error on the grades, pulled towards ``start``."""
    grades = np.column_stack([grade, np.full(len(grade), np.nan)])
    return fit(Graded((table,), grades, np.ones(len(grade))), Weights((start,), np.ones(1)), PULL).rules[0]


def interval(one: Any, other: Any) -> str:
    """Spearman with its 95 % bootstrap interval over conversations."""
    rng = np.random.default_rng(1)
    draws = [spearmanr(one[r], other[r]).statistic for r in rng.integers(0, len(one), (500, len(one)))]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return f"{spearmanr(one, other).statistic:.2f} ({low:.2f}-{high:.2f})"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", nargs="*", type=Path, default=[])
    args = parser.parse_args()
    if args.gold:
        marked = read_all_marked(args.gold)
        cues = [[whole_turn(m, t, c) for t, names in sorted(m.cues.items()) for c in names] for m in marked]
    else:
        everything = read_all_marked(sorted(DATA.glob("*.jsonl")))
        read = set((DATA / "read-for-phrases.txt").read_text("utf-8").split())
        found = out_of_fold(everything, [m.conversation.id not in read for m in everything])
        marked, cues = [everything[g] for g in found], list(found.values())
    print(f"{len(marked)} conversations; Spearman with the grades, 95 % interval")
    for dimension, (table, grade) in rule_credits(marked, cues).items():
        start = np.array([j.weight for j in JUDGED if j.rule.dimension == dimension])
        held = np.zeros(len(grade))
        for fold in range(5):
            out = np.arange(len(grade)) % 5 == fold
            held[out] = scored(table[out], fitted(table[~out], grade[~out], start))
        error = np.abs(scored(table, start) - grade).mean() * 4
        print(
            f"{dimension:16} in use {interval(scored(table, start), grade)}, mean error {error:.2f} grades; "
            f"fitted, held out {interval(held, grade)}"
        )


if __name__ == "__main__":
    main()
