"""How far servicequal agrees with graders or reviewers, with their own agreement beside it as the ceiling.

Only cues with status ``plain`` count as said. Intervals are 95 % percentile bootstraps over conversations.
A metric with no gold is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from .gold import Grader, Known, Marked, Marks
from .packs import CUES, CUSTOMER, HELPING, HURTING
from .reviews import Reviewed, read_reviewed
from .rules import DIMENSIONS
from .scorer import Scorer
from .scoring import Scorecard

if TYPE_CHECKING:
    from .batch import RunData

ANY_DEFLECTION = "any deflection"
GRADES = (*DIMENSIONS, "overall")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "macro hurting": HURTING,
    "macro helping": HELPING,
    "macro customer": CUSTOMER,
}
_BOOTSTRAPS = 500
_SEED = 20240607


@dataclass(frozen=True, slots=True)
class CueAgreement:
    """Agreement on one cue (or group): precision, recall, F1 with interval, and the ceiling of the graders.

    ``support`` is the number of turns that the graders mark, ``found`` the number that servicequal flags.
    ``graders`` is the mean F1 of each grader against the others, or None with fewer than two graders.
    """

    name: str
    support: int
    found: int
    precision: float | None
    recall: float | None
    f1: float | None
    low: float | None
    high: float | None
    graders: float | None


@dataclass(frozen=True, slots=True)
class GradeAgreement:
    """Agreement on one grade: rank correlation, quadratic weighted kappa, mean absolute error in grades
    (0-4), and the share of conversations where both or neither say *not applicable* (None where nobody was asked).
    """

    name: str
    both: int
    spearman: float | None
    low: float | None
    high: float | None
    kappa: float | None
    mean_error: float | None
    not_applicable: float | None
    graders_spearman: float | None


@dataclass(frozen=True, slots=True)
class FindingAgreement:
    """A rule's verdicts that reviewers looked at: how many are right, with Wilson's 95 % interval of the share."""

    code: str
    reviewed: int
    right: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A turn on which servicequal and the graders differ, with its words."""

    conversation_id: str
    turn: int
    cue: str
    kind: str
    text: str
    words: str


class Evaluation(BaseModel):
    """The result of :func:`evaluate`; ``to_frames`` gives it as tables, ``model_dump_json`` as JSON.

    ``partial`` is the number of conversations of which a reviewer looked at some cues only: those count, no others.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    conversations: int
    turns: int
    cues: tuple[CueAgreement, ...]
    grades: tuple[GradeAgreement, ...]
    not_applicable: float | None
    worst: tuple[Disagreement, ...]
    fingerprint: str
    findings: tuple[FindingAgreement, ...] = ()
    partial: int = 0

    def cue(self, name: str) -> CueAgreement:
        """Agreement on one cue or group by name. Raises KeyError."""
        return {c.name: c for c in self.cues}[name]

    def grade(self, name: str) -> GradeAgreement:
        """Agreement on one grade by name. Raises KeyError."""
        return {g.name: g for g in self.grades}[name]

    def to_frames(self) -> tuple[Any, Any, Any]:
        """Cues, grades and worst disagreements as three DataFrames."""
        import dataclasses

        import pandas as pd

        def frame(rows: Sequence[Any], kind: type) -> Any:
            columns = [f.name for f in dataclasses.fields(kind)]
            return pd.DataFrame([dataclasses.asdict(r) for r in rows], columns=columns)

        return (
            frame(self.cues, CueAgreement),
            frame(self.grades, GradeAgreement),
            frame(self.worst, Disagreement),
        )


def evaluate(
    gold: str | Path | Iterable[str | Path],
    scorer: Scorer | None = None,
    worst: int = 20,
    run: RunData | str | Path | None = None,
) -> Evaluation:
    """Score the marked conversations of ``gold`` and compare with the graders.

    ``gold`` are files of marked conversations (JSON lines), or verdicts saved from the report (JSON) together with the
    ``run`` that it was made from. Raises ReadError where a file or line is in neither layout. ``worst`` is how many
    disagreements on deflections are listed.
    """
    reviews = read_reviewed(gold, run)
    marked = [review.marked for review in reviews]
    use = scorer or Scorer()
    cards = [use.score(m.conversation) for m in marked]
    said: list[Marks] = []
    for card in cards:
        by_turn: dict[int, set[str]] = {}
        for match in card.cues:
            if match.status == "plain":
                by_turn.setdefault(match.turn, set()).add(match.cue)
        said.append({turn: tuple(sorted(names)) for turn, names in by_turn.items()})
    predicted = [{**{d: card.scores[d] for d in DIMENSIONS}, "overall": card.overall} for card in cards]
    grades = tuple(_grade(name, marked, predicted) for name in GRADES)
    return Evaluation(
        source=str(gold) if isinstance(gold, str | Path) else ", ".join(map(str, gold)),
        conversations=len(marked),
        turns=sum(len(m.conversation.turns) for m in marked),
        cues=cue_agreement(marked, said),
        grades=grades,
        not_applicable=_mean([g.not_applicable for g in grades]),
        worst=tuple(_worst(marked, cards, said)[:worst]),
        fingerprint=use.fingerprint.rules,
        findings=finding_agreement(reviews, cards),
        partial=sum(m.reviewed is not None for m in marked),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if numbers else None


def finding_agreement(reviews: Sequence[Reviewed], cards: Sequence[Scorecard]) -> tuple[FindingAgreement, ...]:
    """How many of the findings that were reviewed are right, by rule.

    Where a rule now says something else of the conversation than it did when it was reviewed, its old verdict being
    wrong makes the new one right if both are *met* or *missed*; otherwise nothing is known.
    """
    right: dict[str, list[bool]] = {}
    for review, card in zip(reviews, cards, strict=True):
        outcomes = {finding.code: finding.outcome for finding in card.findings}
        for verdict in review.findings:
            now = outcomes.get(verdict.code)
            if now is None:
                continue
            same = verdict.outcome in (None, now)
            if same or {verdict.outcome, now} == {"met", "missed"}:
                right.setdefault(verdict.code, []).append(verdict.agree == same)
    return tuple(_share_right(code, hits) for code, hits in sorted(right.items()))


def _share_right(code: str, hits: Sequence[bool]) -> FindingAgreement:
    """Wilson's interval: it holds for few verdicts, and where all of them are right."""
    n, p, z = len(hits), sum(hits) / len(hits), 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return FindingAgreement(code, n, sum(hits), p, max(0.0, middle - half), min(1.0, middle + half))


# -- cues --------------------------------------------------------------------------------------------


def cue_agreement(marked: Sequence[Marked], said: Sequence[Marks]) -> tuple[CueAgreement, ...]:
    """Agreement per cue, on any deflection and as macro averages. ``said[i]`` are the cues by turn that
    were flagged in ``marked[i]``."""
    counts = np.stack([_counts(m, m.cues, s, m.reviewed) for m, s in zip(marked, said, strict=True)])
    ceiling = _ceiling(marked)
    draws = _draws(len(marked))
    names = [ANY_DEFLECTION, *CUES]
    summed = np.tensordot(draws, counts, axes=(1, 0))
    rows = []
    for group, members in _GROUPS.items():
        rows.append(_macro(group, members, counts, summed, ceiling))
    single = [_single(name, i, counts, summed, ceiling) for i, name in enumerate(names)]
    return (single[0], *rows, *single[1:])


def _counts(marked: Marked, truth: Marks, said: Marks, *looked: Known | None) -> np.ndarray:
    """True positives, false positives, false negatives by label: shape (1 + 25, 3).

    ``looked`` are the cues by turn that were looked at, or None for all; only those in each of them count.
    """
    out = np.zeros((1 + len(CUES), 3))
    for turn in range(len(marked.conversation.turns)):
        speaker = marked.conversation.turns[turn].speaker
        gold, found = (_seen(marks.get(turn, ()), turn, looked) for marks in (truth, said))
        if speaker == "agent":
            _tally(out[0], bool(gold & set(HURTING)), bool(found & set(HURTING)))
        for i, cue in enumerate(CUES, 1):
            if gold or found:
                _tally(out[i], cue in gold, cue in found)
    return out


def _seen(cues: Iterable[str], turn: int, looked: Sequence[Known | None]) -> set[str]:
    """The cues of a turn that everybody looked at."""
    found = set(cues)
    for known in looked:
        if known is not None:
            found &= set(known.get(turn, ()))
    return found


def _tally(row: np.ndarray, gold: bool, found: bool) -> None:
    if gold or found:
        row[0 if gold and found else 1 if found else 2] += 1


def _f1(counts: np.ndarray) -> np.ndarray:
    """F1 from (…, 3) counts; nan where there is no gold."""
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan)


def _single(
    name: str, index: int, counts: np.ndarray, summed: np.ndarray, ceiling: Mapping[str, float | None]
) -> CueAgreement:
    tp, fp, fn = (int(x) for x in counts[:, index].sum(axis=0))
    low, high = _interval(_f1(summed[:, index]))
    return CueAgreement(
        name=name,
        support=tp + fn,
        found=tp + fp,
        precision=tp / (tp + fp) if tp + fp else None,
        recall=tp / (tp + fn) if tp + fn else None,
        f1=_number(_f1(counts[:, index].sum(axis=0))),
        low=low,
        high=high,
        graders=ceiling.get(name),
    )


def _macro(
    group: str,
    members: Sequence[str],
    counts: np.ndarray,
    summed: np.ndarray,
    ceiling: Mapping[str, float | None],
) -> CueAgreement:
    at = [1 + CUES.index(m) for m in members]
    total = counts[:, at].sum(axis=0)
    supported = total[:, 0] + total[:, 2] > 0
    f1 = _f1(total)[supported]
    boots = np.array([_known_mean(row) for row in _f1(summed[:, at])[:, supported]])
    low, high = _interval(boots)
    ceilings = [c for m in members if (c := ceiling.get(m)) is not None]
    return CueAgreement(
        name=group,
        support=int(total[:, 0].sum() + total[:, 2].sum()),
        found=int(total[:, 0].sum() + total[:, 1].sum()),
        precision=None,
        recall=None,
        f1=float(f1.mean()) if f1.size else None,
        low=low,
        high=high,
        graders=float(np.mean(ceilings)) if ceilings else None,
    )


def _known_mean(values: np.ndarray) -> float:
    """The mean of what is no nan, nan if there is nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _ceiling(marked: Sequence[Marked]) -> dict[str, float | None]:
    """Mean F1 of each grader against what at least half of the others mark, by label."""
    names = sorted({g for m in marked for g in m.graders})
    if len(names) < 2:
        return {}
    totals = []
    for name in names:
        total = np.zeros((1 + len(CUES), 3))
        for m in marked:
            if name in m.graders and len(m.graders) > 1:
                others = [g for other, g in sorted(m.graders.items()) if other != name]
                mine = m.graders[name]
                total += _counts(m, *_consensus(others, mine))
        totals.append(_f1(total))
    labels = [ANY_DEFLECTION, *CUES]
    means = [_known_mean(col) for col in np.stack(totals).T]
    return {label: _number(np.asarray(mean)) for label, mean in zip(labels, means, strict=True)}


def _consensus(others: Sequence[Grader], mine: Grader) -> tuple[Marks, Marks, Known | None, Known | None]:
    """What at least half of the others mark, what the one marks, what any of the others and what the one looked at."""
    votes: dict[tuple[int, str], int] = {}
    for one in others:
        for turn, cues in one.cues.items():
            for cue in cues:
                votes[turn, cue] = votes.get((turn, cue), 0) + 1
    out: dict[int, tuple[str, ...]] = {}
    for (turn, cue), count in sorted(votes.items()):
        asked = sum(one.reviewed is None or cue in one.reviewed.get(turn, ()) for one in others)
        if 2 * count >= asked:
            out[turn] = (*out.get(turn, ()), cue)
    looked: dict[int, tuple[str, ...]] = {}
    for one in others:
        for turn, cues in (one.reviewed or {}).items():
            looked[turn] = (*looked.get(turn, ()), *cues)
    return out, mine.cues, None if any(one.reviewed is None for one in others) else looked, mine.reviewed


# -- grades ------------------------------------------------------------------------------------------


def _grade(name: str, marked: Sequence[Marked], predicted: Sequence[Mapping[str, float | None]]) -> GradeAgreement:
    given = [(m.grades[name], p[name]) for m, p in zip(marked, predicted, strict=True) if name in m.grades]
    gold, ours = [g for g, _ in given], [o for _, o in given]
    same = [(g is None) == (o is None) for g, o in zip(gold, ours, strict=True)]
    pairs = np.array([(g, o / 25) for g, o in zip(gold, ours, strict=True) if g is not None and o is not None]).reshape(
        -1, 2
    )
    low, high = _interval(_bootstrap(pairs, _spearman)) if len(pairs) > 2 else (None, None)
    return GradeAgreement(
        name=name,
        both=len(pairs),
        spearman=_number(_spearman(pairs)),
        low=low,
        high=high,
        kappa=_number(_kappa(pairs)),
        mean_error=float(np.abs(pairs[:, 0] - pairs[:, 1]).mean()) if len(pairs) else None,
        not_applicable=_mean(same),
        graders_spearman=_grader_spearman(name, marked),
    )


def _spearman(pairs: np.ndarray) -> float:
    from scipy.stats import spearmanr

    if len(pairs) < 3 or np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return float("nan")
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)


def _kappa(pairs: np.ndarray) -> float:
    from sklearn.metrics import cohen_kappa_score

    if len(pairs) < 2:
        return float("nan")
    rounded = np.floor(pairs + 0.5).astype(int)
    if len(np.unique(rounded)) < 2:
        return float("nan")
    return float(cohen_kappa_score(rounded[:, 0], rounded[:, 1], weights="quadratic", labels=range(5)))


def _grader_spearman(name: str, marked: Sequence[Marked]) -> float | None:
    """Mean over graders of the rank correlation with the mean of the others, where all give a grade."""
    names = sorted({g for m in marked for g in m.graders})
    values = []
    for one in names:
        rows = []
        for m in marked:
            others = [g.grades.get(name) for other, g in sorted(m.graders.items()) if other != one]
            mine = m.graders[one].grades.get(name) if one in m.graders else None
            numbers = [o for o in others if o is not None]
            if mine is not None and numbers and len(numbers) == len(others):
                rows.append((mine, float(np.mean(numbers))))
        value = _spearman(np.array(rows).reshape(-1, 2))
        if not np.isnan(value):
            values.append(value)
    return float(np.mean(values)) if values else None


# -- bootstrap and the worst --------------------------------------------------------------------------


def _draws(n: int) -> np.ndarray:
    """How often each conversation is drawn in each bootstrap: shape (draws, n)."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(n, np.full(n, 1 / n), size=_BOOTSTRAPS).astype(float)


def _bootstrap(pairs: np.ndarray, statistic: Callable[[np.ndarray], float]) -> np.ndarray:
    rng = np.random.default_rng(_SEED)
    rows = rng.integers(0, len(pairs), size=(_BOOTSTRAPS, len(pairs)))
    return np.array([statistic(pairs[r]) for r in rows])


def _interval(values: np.ndarray) -> tuple[float | None, float | None]:
    good = values[~np.isnan(values)]
    if good.size < 20:
        return None, None
    low, high = np.percentile(good, [2.5, 97.5])
    return float(low), float(high)


def _number(value: float | np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)


def _worst(marked: Sequence[Marked], cards: Sequence[Any], said: Sequence[Marks]) -> list[Disagreement]:
    """Disagreements on deflections: first flags that no grader shares, then marks that were not found."""
    false: list[tuple[float, Disagreement]] = []
    missed: list[Disagreement] = []
    for m, card, ours in zip(marked, cards, said, strict=True):
        for turn, gold, found in _deflecting(m, ours):
            text = m.conversation.turns[turn].text
            cid = m.conversation.id
            if found and not gold:
                matches = [x for x in card.cues if x.turn == turn and x.cue in found and x.status == "plain"]
                sure = max(x.confidence if x.confidence is not None else 0.5 for x in matches)
                words = " | ".join(x.text for x in matches)
                false.append((sure, Disagreement(cid, turn, ", ".join(sorted(found)), "only ours", text, words)))
            elif gold and not found:
                words = " | ".join(w for c in sorted(gold) for w in m.evidence.get(turn, {}).get(c, ()))
                missed.append(Disagreement(cid, turn, ", ".join(sorted(gold)), "only theirs", text, words))
    false.sort(key=lambda pair: (-pair[0], pair[1].conversation_id, pair[1].turn))
    ordered = [d for _, d in false]
    return [d for pair in _zip_longest(ordered, missed) for d in pair]


def _deflecting(m: Marked, ours: Marks) -> Iterable[tuple[int, set[str], set[str]]]:
    for turn, t in enumerate(m.conversation.turns):
        if t.speaker == "agent":
            gold, found = (_seen(marks.get(turn, ()), turn, [m.reviewed]) for marks in (m.cues, ours))
            yield turn, gold & set(HURTING), found & set(HURTING)


def _zip_longest(a: Sequence[Disagreement], b: Sequence[Disagreement]) -> Iterable[list[Disagreement]]:
    for i in range(max(len(a), len(b))):
        yield [*a[i : i + 1], *b[i : i + 1]]
