"""A rubric from people's grades: rule weights fitted to them, and whether they rank better than those in use.

The weights of a dimension's rules are fitted to its grades by least squares; then the weights of the dimensions, and
of the rules of dimensions that nobody graded, to the overall grades. Weights are pulled towards those in use; how
strongly is chosen by cross-validation. What is reported is the rank correlation on conversations that a fit has not
seen, old weights and new on the same ones. Nothing is applied: a rubric is proposed with what ranks better, and only
with that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from .reviews import read_reviewed
from .rubric import Judged, Rubric, RuleSetting, apply_rubric, dimension_weights, find_rule
from .rules import DIMENSIONS
from .scorer import Scorer
from .scoring import OVERALL, Scorecard

if TYPE_CHECKING:
    from .batch import RunData

Numbers = NDArray[np.float64]

GRADES = (*DIMENSIONS, OVERALL)
LEAST = 40
"""Graded conversations below which nothing is fitted to a grade: a rank correlation of 40 pairs is known to about
± 0.25 (Fisher's z), hardly enough to tell two rubrics apart."""

PULLS = (0.003, 0.02, 0.1, 1.0)
"""How strongly weights may be pulled towards those in use: mean squared error (grades 0-1) per squared logarithm."""

_FOLDS = 5
_BOOTSTRAPS = 500
_SEED = 20240607


@dataclass(frozen=True, slots=True)
class GradeFit:
    """How well the scores rank like one grade: ``before`` with the weights in use, ``after`` with fitted ones.

    Spearman's rank correlations on ``conversations`` that the fit had not seen, with 95 % bootstrap intervals;
    ``gain`` is their difference on the same conversations. ``verdict`` is ``better`` or ``worse`` where the interval
    of the gain leaves out 0, else ``alike``. Everything is None where ``reason`` says why nothing can be told.
    """

    name: str
    conversations: int
    before: float | None = None
    before_low: float | None = None
    before_high: float | None = None
    after: float | None = None
    after_low: float | None = None
    after_high: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    verdict: Literal["better", "worse", "alike"] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of a rule in its dimension, or of a dimension within overall: in use, and fitted.

    Fitted weights of a dimension add up to those in use. ``proposed`` tells whether the rubric takes it: where the
    fitted weights rank better. ``low`` and ``high`` are the smallest and largest over the
    folds of the cross-validation; ``occasions`` the graded conversations in which it counted.
    """

    item: str
    name: str
    within: str
    occasions: int
    before: float
    after: float
    low: float
    high: float
    proposed: bool


class Calibration(BaseModel):
    """The result of :func:`calibrate`. ``rubric`` is the proposal, or None where ``reason`` says why there is none."""

    model_config = ConfigDict(frozen=True)

    source: str
    conversations: int
    grades: tuple[GradeFit, ...]
    weights: tuple[Weight, ...]
    rubric: Rubric | None
    reason: str

    def to_yaml(self) -> str:
        """The proposed rubric as a rubric file, with what it rests on as comments. Raises ValueError without one."""
        import yaml

        if self.rubric is None:
            raise ValueError(f"no rubric is proposed: {self.reason}")
        lines = [
            f"# Proposed from {self.conversations} graded conversations.",
            "# Rank correlation with the grades, on conversations that the fit had not seen:",
        ]
        for fit in self.grades:
            if fit.before is not None and fit.after is not None:
                span = f"gain {fit.gain:+.2f}, {fit.gain_low:+.2f} to {fit.gain_high:+.2f}"
                lines.append(f"#   {fit.name}: {fit.before:.2f} before, {fit.after:.2f} after ({span}; {fit.verdict})")
        kept = self.rubric.model_dump(exclude_none=True, exclude_defaults=True)
        kept = {"name": self.rubric.name, **kept}
        return "\n".join([*lines, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)])


def calibrate(
    graded: str | Path | Iterable[str | Path],
    scorer: Scorer | None = None,
    run: RunData | str | Path | None = None,
    scale: tuple[float, float] = (0, 4),
    name: str = "calibrated",
) -> Calibration:
    """Fit rule weights to people's grades, and tell whether they rank better than those of ``scorer``.

    ``graded`` are files of marked conversations (JSON lines), verdicts (JSON) or sheets (CSV) with a conversation's id
    and its grades; the last two need the ``run`` that the conversations are in. ``scale`` is the worst and the best
    grade of a sheet. The rubric proposed keeps what the scorer's own rubric says besides weights. Raises ReadError
    where a file can't be read. Takes seconds; same input, same result.
    """
    import scipy.optimize  # noqa: F401  (its threads are limited below)
    from threadpoolctl import threadpool_limits

    reviews = [r for r in read_reviewed(graded, run, scale) if any(g is not None for g in r.marked.grades.values())]
    use = scorer or Scorer()
    cards = [use.score(review.marked.conversation) for review in reviews]
    every = apply_rubric(use.rubric)
    judged = [j for j in every if j.weight > 0]
    caps = {j.rule.code: j.cap / 100 for j in every if j.critical}
    data = _data(cards, [review.marked.grades for review in reviews], judged, caps)
    start = _start(judged, use.rubric)
    source = str(graded) if isinstance(graded, str | Path) else ", ".join(map(str, graded))
    reasons = [_too_little(data, n) for n in range(len(GRADES))]
    if all(reasons):
        fits = tuple(GradeFit(g, _usable(data, n), reason=reasons[n]) for n, g in enumerate(GRADES))
        told = f"too little to fit anything: {LEAST} graded conversations are needed for at least one grade"
        return Calibration(source=source, conversations=len(cards), grades=fits, weights=(), rubric=None, reason=told)
    with threadpool_limits(1):  # threads cost more than they save on tables of this size
        fits, final, folds = _fitted(data, start, reasons)
    better = [fit.verdict == "better" for fit in fits]
    taken = [own or (better[-1] and bool(why)) for own, why in zip(better[:-1], reasons, strict=False)]
    weights = _weights(data, judged, start, final, folds, [*taken, better[-1]])
    rubric = _proposal(weights, use.rubric, name) if any(better) else None
    return Calibration(
        source=source,
        conversations=len(cards),
        grades=fits,
        weights=weights,
        rubric=rubric,
        reason="" if rubric else "fitted weights rank no better on unseen conversations: keep those in use",
    )


def _fitted(
    data: Graded, start: Weights, reasons: Sequence[str]
) -> tuple[tuple[GradeFit, ...], Weights, list[Weights]]:
    """For each grade how much is gained; the fitted weights, from all and by fold.

    The dimensions come first, each by itself. What gains there is in use when overall is fitted, and rules of a
    dimension that has grades of its own don't move any more then.
    """
    fits: list[GradeFit] = []
    rows = [slice(None), *(seen for seen, _ in _folds(len(data.caps)))]
    found = [start] * len(rows)
    in_use = [start] * len(rows)
    for n, name in enumerate(GRADES):
        if reasons[n]:
            fits.append(GradeFit(name, _usable(data, n), reason=reasons[n]))
            continue
        parts = [data.only(n).part(seen) for seen in rows]
        if n < len(DIMENSIONS):
            news = [_by_dimension(part, old, n) for part, old in zip(parts, in_use, strict=True)]
            found = [old.with_rules(n, new) for old, new in zip(found, news, strict=True)]
        else:
            still = [d for d in range(len(DIMENSIONS)) if not reasons[d]]
            news = [_fit(part, old, still) for part, old in zip(parts, in_use, strict=True)]
            found = [old.but_for(still, new) for old, new in zip(found, news, strict=True)]
        fits.append(_compared(name, data, n, scores(data, start), _held_out(data, news[1:])))
        if fits[-1].verdict == "better":
            in_use = news
    return tuple(fits), found[0], found[1:]


def _by_dimension(data: Graded, start: Weights, n: int) -> Weights:
    """Weights with the rules of one dimension fitted to its grades."""
    rows = ~np.isnan(data.grades[:, n])
    blank = np.full(int(rows.sum()), np.nan)
    alone = Graded((data.credits[n][rows],), np.column_stack([data.grades[rows, n], blank]), np.ones(len(blank)))
    return start.with_rules(n, _fit(alone, Weights((start.rules[n],), np.ones(1)), ()))


def _fit(data: Graded, start: Weights, still: Sequence[int]) -> Weights:
    """A fit with the pull that is best for it."""
    return fit(data, start, _pull(data, start, still), still)


# -- the data, and what weights make of them ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Graded:
    """Graded conversations: for each dimension the credits (conversations, rules; nan where a rule does not count),
    the grades 0-1 (conversations, dimensions and overall last; nan where there is none), and the cap 0-1 of each
    conversation's overall score (1 without one)."""

    credits: tuple[Numbers, ...]
    grades: Numbers
    caps: Numbers

    def part(self, rows: Any) -> Graded:
        """Some of the conversations."""
        return Graded(tuple(c[rows] for c in self.credits), self.grades[rows], self.caps[rows])

    def only(self, grade: int) -> Graded:
        """The same with one grade alone."""
        blank = np.full_like(self.grades, np.nan)
        blank[:, grade] = self.grades[:, grade]
        return Graded(self.credits, blank, self.caps)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of each dimension's rules, and of the dimensions within overall."""

    rules: tuple[Numbers, ...]
    dimensions: Numbers

    def with_rules(self, n: int, fitted: Weights) -> Weights:
        """These, but the rules of dimension ``n`` as fitted (in a fit of that dimension alone, or of all)."""
        new = fitted.rules[n if len(fitted.rules) > 1 else 0]
        return Weights((*self.rules[:n], new, *self.rules[n + 1 :]), self.dimensions)

    def but_for(self, still: Sequence[int], fitted: Weights) -> Weights:
        """The fitted weights, but the rules of some dimensions as they are here."""
        pairs = zip(self.rules, fitted.rules, strict=True)
        return Weights(tuple(old if d in still else new for d, (old, new) in enumerate(pairs)), fitted.dimensions)


def scores(data: Graded, weights: Weights) -> Numbers:
    """Scores 0-1 of each conversation: the dimensions, overall last; nan where there is none."""
    parts = np.column_stack([_mean(c, w) for c, w in zip(data.credits, weights.rules, strict=True)])
    overall = np.minimum(_mean(parts, weights.dimensions), data.caps)
    return np.column_stack([parts, overall])


def _mean(values: Numbers, weights: Numbers) -> Numbers:
    """The weighted mean of each row over what is known in it; nan where nothing is."""
    known = ~np.isnan(values)
    total = (known * weights).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, (np.where(known, values, 0) * weights).sum(axis=1) / total, np.nan))


def fit(data: Graded, start: Weights, pull: float, still: Sequence[int] = ()) -> Weights:
    """Weights with the least squared error on the grades, each dimension's adding up as in ``start``.

    ``pull`` is how much a weight costs that moves away from the start: per squared natural logarithm of the ratio,
    the mean over all weights that may move: not those of the rules of the dimensions in ``still``.
    """
    from scipy.optimize import minimize

    ends = np.cumsum([len(w) for w in start.rules])
    rules_free = [np.full(len(w), d not in still) for d, w in enumerate(start.rules)]
    free = np.concatenate([*rules_free, np.full(len(start.dimensions), len(start.dimensions) > 1)])

    def moved(logs: Numbers) -> Weights:
        parts = np.split(logs, ends)
        rules = tuple(w * np.exp(p) for w, p in zip(start.rules, parts[:-1], strict=True))
        return Weights(rules, start.dimensions * np.exp(parts[-1]))

    def loss(logs: Numbers) -> tuple[float, Numbers]:
        every[free] = logs
        error, slope = _error(data, moved(every))
        return error + pull * float((logs**2).mean()), slope[free] + 2 * pull * logs / len(logs)

    every = np.zeros(len(free))
    count = int(free.sum())
    every[free] = minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B", bounds=[(-5, 5)] * count).x
    best = moved(every)
    return Weights(
        tuple(_same_sum(new, old) for new, old in zip(best.rules, start.rules, strict=True)),
        _same_sum(best.dimensions, start.dimensions),
    )


def _same_sum(new: Numbers, old: Numbers) -> Numbers:
    return new * old.sum() / new.sum() if len(new) and new.sum() > 0 else new


def _error(data: Graded, weights: Weights) -> tuple[float, Numbers]:
    """Mean squared error over all grades, and its slope by the logarithm of each weight.

    A capped conversation tells nothing about overall: no weight moves its score.
    """
    parts = np.column_stack([_mean(c, w) for c, w in zip(data.credits, weights.rules, strict=True)])
    overall = _mean(parts, weights.dimensions)
    wrong = np.column_stack([parts, overall]) - data.grades
    wrong[:, -1] = np.where(data.caps < 1, np.nan, wrong[:, -1])
    told = ~np.isnan(wrong)
    wrong = np.where(told, wrong, 0)
    count = max(1, int(told.sum()))
    known = ~np.isnan(parts)
    part = known * weights.dimensions / np.maximum((known * weights.dimensions).sum(axis=1), 1e-12)[:, None]
    by_part = 2 / count * (wrong[:, :-1] + wrong[:, -1:] * part)
    slopes = [_slope(c, w, s, d) for c, w, s, d in zip(data.credits, weights.rules, parts.T, by_part.T, strict=True)]
    away = np.where(known, parts - overall[:, None], 0)
    slopes.append(2 / count * (wrong[:, -1:] * part * away).sum(axis=0))
    return float((wrong**2).sum() / count), np.concatenate(slopes)


def _slope(credit: Numbers, weights: Numbers, score: Numbers, by_score: Numbers) -> Numbers:
    known = ~np.isnan(credit)
    share = known * weights / np.maximum((known * weights).sum(axis=1), 1e-12)[:, None]
    away = np.where(known, credit - np.where(np.isnan(score), 0, score)[:, None], 0)
    return np.asarray((by_score[:, None] * share * away).sum(axis=0))


def _data(
    cards: Sequence[Scorecard],
    grades: Sequence[Mapping[str, float | None]],
    judged: Sequence[Judged],
    limits: Mapping[str, float],
) -> Graded:
    tables = []
    for dimension in DIMENSIONS:
        codes = [j.rule.code for j in judged if j.rule.dimension == dimension]
        rows = [{x.item: x.credit for x in card.ledger if x.kind == "rule"} for card in cards]
        tables.append(_table([[row.get(code) for code in codes] for row in rows], len(codes)))
    given = _table([[g.get(name) for name in GRADES] for g in grades], len(GRADES)) / 4
    caps = [
        min((limits.get(f.code, 1.0) for f in card.findings if f.outcome == "missed"), default=1.0) for card in cards
    ]
    return Graded(tuple(tables), given, np.array(caps, float))


def _table(rows: Sequence[Sequence[float | None]], width: int) -> Numbers:
    return np.array([[np.nan if v is None else v for v in row] for row in rows], float).reshape(len(rows), width)


def _start(judged: Sequence[Judged], rubric: Rubric) -> Weights:
    rules = tuple(np.array([j.weight for j in judged if j.rule.dimension == d], float) for d in DIMENSIONS)
    return Weights(rules, np.array([dimension_weights(rubric)[d] for d in DIMENSIONS], float))


def _usable(data: Graded, grade: int) -> int:
    """Conversations with this grade that have something to judge."""
    own = data.credits[grade] if grade < len(DIMENSIONS) else np.column_stack(data.credits)
    return int((~np.isnan(data.grades[:, grade]) & ~np.isnan(own).all(axis=1)).sum())


def _too_little(data: Graded, grade: int) -> str:
    count = _usable(data, grade)
    if count < LEAST:
        return f"{count} graded conversations, {LEAST} are needed"
    given = data.grades[:, grade]
    return "" if len(np.unique(given[~np.isnan(given)])) > 1 else "all grades are the same"


# -- cross-validation ----------------------------------------------------------------------------------------


def _folds(count: int) -> list[tuple[Any, Any]]:
    from sklearn.model_selection import KFold

    folds = KFold(_FOLDS, shuffle=True, random_state=_SEED % 2**31)
    return list(folds.split(np.zeros(count)))


def _pull(data: Graded, start: Weights, still: Sequence[int]) -> float:
    """The pull with the least error on conversations that the fit has not seen; the strongest of the best."""
    folds = _folds(len(data.caps))

    def wrong(pull: float) -> float:
        errors = [_error(data.part(out), fit(data.part(seen), start, pull, still))[0] for seen, out in folds]
        return round(float(np.mean(errors)), 6)

    return min(PULLS, key=lambda pull: (wrong(pull), -pull))


def _held_out(data: Graded, fits: Sequence[Weights]) -> Numbers:
    """Scores of each conversation by weights that were fitted, pull and all, without it."""
    held = np.full((len(data.caps), len(GRADES)), np.nan)
    for one, (_, out) in zip(fits, _folds(len(data.caps)), strict=True):
        held[out] = scores(data.part(out), one)
    return held


def _compared(name: str, data: Graded, grade: int, before: Numbers, held: Numbers) -> GradeFit:
    rows = ~np.isnan(data.grades[:, grade]) & ~np.isnan(before[:, grade])
    trio = np.column_stack([data.grades[rows, grade], before[rows, grade], held[rows, grade]])
    rng = np.random.default_rng(_SEED)
    draws = rng.integers(0, len(trio), (_BOOTSTRAPS, len(trio)))
    pairs = np.array([_ranks(trio[draw]) for draw in draws])
    old, new = _ranks(trio)
    if np.isnan(old) or np.isnan(new):
        return GradeFit(name, len(trio), reason="all scores are the same")
    with np.errstate(invalid="ignore"):
        gains = pairs[:, 1] - pairs[:, 0]
    (old_low, old_high), (new_low, new_high), (low, high) = map(_ninety_five, (pairs[:, 0], pairs[:, 1], gains))
    verdict: Literal["better", "worse", "alike"] = "better" if low > 0 else "worse" if high < 0 else "alike"
    return GradeFit(
        name, len(trio), old, old_low, old_high, new, new_low, new_high, new - old, low, high, verdict,
    )  # fmt: skip


def _ranks(trio: Numbers) -> tuple[float, float]:
    """Spearman's correlation of the first column with each of the other two."""
    from scipy.stats import rankdata

    ranks = rankdata(trio, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    spread = np.sqrt((ranks**2).sum(axis=0))
    if not spread.all():
        return float("nan"), float("nan")
    together = ranks[:, 0] @ ranks[:, 1:] / (spread[0] * spread[1:])
    return float(together[0]), float(together[1])


def _ninety_five(values: Numbers) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


# -- the proposal --------------------------------------------------------------------------------------------


def _weights(
    data: Graded,
    judged: Sequence[Judged],
    start: Weights,
    final: Weights,
    folds: Sequence[Weights],
    taken: Sequence[bool],
) -> tuple[Weight, ...]:
    rows = []
    for d, dimension in enumerate(DIMENSIONS):
        for r, rule in enumerate(j.rule for j in judged if j.rule.dimension == dimension):
            over = [float(one.rules[d][r]) for one in folds]
            seen = int((~np.isnan(data.credits[d][:, r])).sum())
            new, old = float(final.rules[d][r]), float(start.rules[d][r])
            rows.append(Weight(rule.code, rule.name, dimension, seen, old, new, min(over), max(over), taken[d]))
    for d, dimension in enumerate(DIMENSIONS):
        over = [float(one.dimensions[d]) for one in folds]
        seen = int((~np.isnan(data.credits[d]).all(axis=1)).sum())
        new, old = float(final.dimensions[d]), float(start.dimensions[d])
        rows.append(Weight(dimension, dimension, OVERALL, seen, old, new, min(over), max(over), taken[-1]))
    return tuple(rows)


def _proposal(weights: Sequence[Weight], base: Rubric, name: str) -> Rubric:
    """The base rubric with the weights that are proposed."""
    rules = {find_rule(key).code: setting for key, setting in base.rules.items()}
    dimensions = dict(base.dimensions)
    for weight in weights:
        value = min(100.0, float(f"{weight.after:.3g}"))
        if weight.proposed and weight.within == OVERALL:
            dimensions[weight.item] = value
        elif weight.proposed:
            rules[weight.item] = rules.get(weight.item, RuleSetting()).model_copy(update={"weight": value})
    return Rubric(name=name, rules=rules, dimensions=dimensions)
