"""Reviews: verdicts put beside the conversations that they are about, as marks that evaluation can count.

A review is partial. A cue that the reviewer agrees with is a hit, one that they reject is a false alarm, one that
they add is a miss; what they did not look at counts nowhere, unless they say that they read all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from .batch import RunData, open_run
from .conversation import Conversation
from .errors import ReadError, Rejected, ServicequalError
from .gold import Grader, Known, Marked, read_marked
from .packs import CUES, CUSTOMER
from .sheets import read_sheet
from .verdicts import SCHEMA, FindingVerdict, Verdict, digest_of, read_verdicts

_HINT = "name the run that the report was made from with --run"
_START = 4096
"""Characters at the start of a file in which a verdict file names its schema."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A conversation as reviewers or graders see it: the marks, and their verdicts on findings."""

    marked: Marked
    findings: tuple[FindingVerdict, ...] = ()


def read_reviewed(
    paths: str | Path | Iterable[str | Path],
    run: RunData | str | Path | None = None,
    scale: tuple[float, float] = (0, 4),
) -> list[Reviewed]:
    """Marked conversations (JSON lines), verdicts (JSON) and sheets of grades (CSV) of one or several files.

    Verdicts and sheets need the ``run`` that was reviewed: their conversations are rebuilt from it, and several
    reviewers of a conversation are put together. ``scale`` is the worst and the best grade of a sheet (see
    :mod:`servicequal.sheets`). Raises ReadError where a file is in none of these layouts, where there are none, where
    the run is missing, and where a conversation of the run is not the one that was reviewed.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    opened = run if run is None or isinstance(run, RunData) else open_run(run)
    found: list[Reviewed] = []
    verdicts: list[tuple[Path, Verdict]] = []
    for path in files:
        if is_verdicts(path):
            _needs_run(opened, path, "verdicts")
            verdicts += [(path, verdict) for verdict in read_verdicts(path).verdicts]
        elif path.suffix.lower() in (".csv", ".tsv"):
            verdicts += [(path, verdict) for verdict in read_sheet(path, _needs_run(opened, path, "grades"), scale)]
        else:
            found += [Reviewed(marked) for marked in read_marked(path)]
    if verdicts and opened is not None:
        found += _together(verdicts, opened)
    if not found:
        raise ReadError(Rejected("holds no marked conversation and no verdict", ", ".join(map(str, files))))
    return found


def _needs_run(run: RunData | None, path: Path, what: str) -> RunData:
    if run is None:
        raise ReadError(Rejected(f"holds {what}, which need the run they are about", str(path), hint="add --run OUT"))
    return run


def is_verdicts(path: Path) -> bool:
    """Whether a file is one that the report saved, by what stands in it."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            start = file.read(_START)
    except OSError:
        return False
    return SCHEMA.partition("/")[0] + "/" in start or (path.suffix == ".json" and '"verdicts"' in start)


def _together(verdicts: Sequence[tuple[Path, Verdict]], run: RunData) -> list[Reviewed]:
    """One review for each conversation, with everybody's verdicts, in the order of the run."""
    talks: dict[int, Conversation] = {}
    says: dict[int, dict[str, Verdict]] = {}
    for path, verdict in verdicts:
        here = says.setdefault(verdict.position, {})
        name = verdict.reviewer if verdict.reviewer not in here else f"{verdict.reviewer} ({path.name})"
        place = Rejected("is given twice", str(path), verdict.conversation_id)
        if name in here:
            raise ReadError(place)
        here[name] = verdict
        if verdict.position not in talks:
            talks[verdict.position] = _talk(run, verdict.position, place)
        _check(verdict, talks[verdict.position], place)
    return [_reviewed(talks[position], here) for position, here in sorted(says.items())]


def _talk(run: RunData, position: int, place: Rejected) -> Conversation:
    try:
        return run.conversation(position)
    except ServicequalError as error:
        raise ReadError(replace(place, reason=f"position {position}: {error}", hint=_HINT)) from error


def _check(verdict: Verdict, talk: Conversation, place: Rejected) -> None:
    """Verdicts on another conversation would count as somebody's errors."""
    if talk.id != verdict.conversation_id:
        reason = f"is '{talk.id}' in the run, at position {verdict.position}"
    elif verdict.digest and digest_of(talk) != verdict.digest:
        reason = "is not the text that was reviewed"
    else:
        return
    raise ReadError(replace(place, reason=reason, hint=_HINT))


def known(verdict: Verdict, conversation: Conversation) -> dict[tuple[int, str], bool]:
    """What a verdict says of cues by turn: True is said, False is not. What it leaves open is not there."""
    said: dict[tuple[int, str], bool] = {}
    if verdict.complete:
        for number, turn in enumerate(conversation.turns):
            if turn.scorable and turn.speaker in ("agent", "customer"):
                said.update({(number, c): False for c in CUES if (c in CUSTOMER) == (turn.speaker == "customer")})
    open_: set[tuple[int, str]] = set()
    judged: dict[tuple[int, str], bool] = {}
    for cue in verdict.cues:
        counts = cue.counts
        if counts is None:
            open_.add((cue.turn, cue.cue))
        else:
            judged[cue.turn, cue.cue] = judged.get((cue.turn, cue.cue), False) or counts
    for pair in open_:
        said.pop(pair, None)
    said.update({pair: True for pair, counts in judged.items() if counts})
    said.update({pair: False for pair, counts in judged.items() if not counts and pair not in open_})
    said.update({(missed.turn, missed.cue): True for missed in verdict.missed})
    turns = len(conversation.turns)
    return {pair: value for pair, value in said.items() if pair[1] in CUES and pair[0] < turns}


def _reviewed(conversation: Conversation, verdicts: dict[str, Verdict]) -> Reviewed:
    says = {name: known(verdict, conversation) for name, verdict in verdicts.items()}
    pairs = sorted({pair for one in says.values() for pair in one})
    agreed: dict[tuple[int, str], bool] = {}
    for pair in pairs:
        votes = [one[pair] for one in says.values() if pair in one]
        agreed[pair] = 2 * sum(votes) >= len(votes)
    evidence: dict[int, dict[str, tuple[str, ...]]] = {}
    for verdict in verdicts.values():
        for turn, words in verdict.evidence().items():
            evidence.setdefault(turn, {}).update(words)
    marked = Marked(
        conversation=conversation,
        cues=_marks(pair for pair, counts in agreed.items() if counts),
        reviewed=_marks(agreed),
        evidence=evidence,
        grades=_grades(list(verdicts.values())),
        graders={
            name: Grader(
                cues=_marks(pair for pair, counts in sorted(one.items()) if counts),
                reviewed=_marks(sorted(one)),
                grades={str(key): grade for key, grade in verdicts[name].grades.items()},
            )
            for name, one in sorted(says.items())
        },
    )
    return Reviewed(marked, tuple(finding for _, v in sorted(verdicts.items()) for finding in v.findings))


def _marks(pairs: Iterable[tuple[int, str]]) -> Known:
    found: dict[int, tuple[str, ...]] = {}
    for turn, cue in pairs:
        found[turn] = (*found.get(turn, ()), cue)
    return found


def _grades(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """The mean of the grades given; not applicable where more than half of those who judged it say so."""
    grades: dict[str, float | None] = {}
    for name in sorted({str(name) for verdict in verdicts for name in verdict.grades}):
        given = [grade for verdict in verdicts for key, grade in verdict.grades.items() if key == name]
        numbers = [grade for grade in given if grade is not None]
        grades[name] = fmean(numbers) if 2 * len(numbers) >= len(given) and numbers else None
    return grades
