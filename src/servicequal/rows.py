"""Scorecards as columns: the one place that says which columns there are and what stands in them.

The pandas frames (:mod:`servicequal.report`) and the Parquet files of a batch are both made from these: frames from
scorecards, batches from judgements, before these are spelled out as findings and ledger lines. A column is a list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from .agents import AgentShare
from .conversation import Span
from .cues import CueMatch
from .dynamics import Dynamics
from .errors import Rejected
from .gather import heard, quoted
from .packs import HELPING, HURTING
from .rules import DIMENSIONS
from .scoring import Account, Finding, Judgement, LedgerLine, Scorecard

Columns = dict[str, list[Any]]

DYNAMICS = tuple(f.name for f in dataclasses.fields(Dynamics))
SCORES_COLUMNS: tuple[str, ...] = (
    "conversation_id", "channel", "overall", *DIMENSIONS, *(f"coverage_{d}" for d in DIMENSIONS),
    "deflections", "softened", "notes", "rules_fingerprint", "version",
    *(f"dynamics_{name}" for name in DYNAMICS),
)  # fmt: skip
AGENTS_COLUMNS: tuple[str, ...] = (
    "conversation_id", "speaker_id", "turns", "words", "overall", *DIMENSIONS, "deflections", "helping",
    *HURTING, *HELPING,
)  # fmt: skip
FINDINGS_COLUMNS = (
    "conversation_id", "code", "name", "dimension", "outcome", "points", "lost", "turns", "words",
    "explanation", "why", "say_instead",
)  # fmt: skip
CUES_COLUMNS = (
    "conversation_id", "turn", "start", "end", "cue", "speaker", "status", "text", "reason", "pattern",
    "confidence",
)  # fmt: skip
LEDGER_COLUMNS = ("conversation_id", "score", "item", "kind", "weight", "credit", "points")
REJECTED_COLUMNS = tuple(f.name for f in dataclasses.fields(Rejected))
TURNS_COLUMNS = (
    "conversation_id", "turn", "speaker", "speaker_id", "kind", "start", "end", "text", "confidence",
)  # fmt: skip

FINDINGS_CONSTANT = ("name", "dimension", "why", "say_instead")
"""What every finding of one rule has in common."""

_OF_FINDING = tuple((n, attrgetter(n)) for n in ("code", "outcome", "points", "lost", "explanation"))
_OF_RULE = tuple((n, attrgetter(n)) for n in FINDINGS_CONSTANT)
_OF_CUE = tuple((n, attrgetter(n)) for n in CUES_COLUMNS[1:])
_OF_LINE = tuple((n, attrgetter(n)) for n in LEDGER_COLUMNS[1:])
_OF_REJECTED = tuple((n, attrgetter(n)) for n in REJECTED_COLUMNS)
_of_share, _of_dynamics = attrgetter("speaker_id", "turns", "words", "overall"), attrgetter(*DYNAMICS)
_NO_DYNAMICS = (None,) * len(DYNAMICS)
_HURTING, _OF_AGENTS = frozenset(HURTING), (*HURTING, *HELPING)


def safe_cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula made plain by a leading quote; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def empty(columns: Iterable[str]) -> Columns:
    """Columns with nothing in them yet."""
    return {name: [] for name in columns}


def score_row(judged: Scorecard | Judgement, account: Scorecard | Account) -> tuple[Any, ...]:
    """The values of :data:`SCORES_COLUMNS` for one conversation. ``account`` holds the scores: a card is its own."""
    hurting = [match.status for match in judged.cues if match.cue in _HURTING]
    return (
        judged.conversation_id,
        judged.channel,
        account.overall,
        *[account.scores[d] for d in DIMENSIONS],
        *[account.coverage[d] for d in DIMENSIONS],
        hurting.count("plain"),
        hurting.count("softened"),
        "; ".join([note.message for note in judged.notes]),
        judged.fingerprint.rules,
        judged.fingerprint.version,
        *(_NO_DYNAMICS if judged.dynamics is None else _of_dynamics(judged.dynamics)),
    )


def agent_row(agent: AgentShare) -> tuple[Any, ...]:
    """What :data:`AGENTS_COLUMNS` say of one agent but for the conversation: scores, and how often each cue is said."""
    said = {**agent.deflections, **agent.helping}
    return (
        *_of_share(agent),
        *map(agent.scores.get, DIMENSIONS),
        sum(agent.deflections.values()),
        sum(agent.helping.values()),
        *[said.get(cue, 0) for cue in _OF_AGENTS],
    )


def add_row(columns: Columns, names: Iterable[str], row: Iterable[Any]) -> None:
    """One row more in these columns."""
    for name, value in zip(names, row, strict=True):
        columns[name].append(value)


def add_findings(columns: Columns, findings: Sequence[Finding], cues: Sequence[CueMatch]) -> None:
    """One row per finding but for what its rule says."""
    _add(columns, findings, _OF_FINDING)
    add_quoted(columns, [finding.spans for finding in findings], cues)


def add_quoted(columns: Columns, spans: Iterable[Sequence[Span]], cues: Sequence[CueMatch]) -> None:
    """``turns`` and ``words`` of findings with these spans: words are those of cues at the very same places."""
    said = heard(cues)
    for found in spans:
        turns, words = quoted(found, said)
        columns["turns"].append(turns)
        columns["words"].append(words)


def add_rules(columns: Columns, findings: Sequence[Finding]) -> None:
    """What the rules of these findings say: one row per finding."""
    _add(columns, findings, _OF_RULE)


def add_cues(columns: Columns, cues: Sequence[CueMatch]) -> None:
    """One row per cue match, with offsets into the original text of its turn."""
    _add(columns, cues, _OF_CUE)


def add_ledger(columns: Columns, ledger: Sequence[LedgerLine]) -> None:
    """One row per ledger line."""
    _add(columns, ledger, _OF_LINE)


def add_rejected(columns: Columns, rejected: Rejected) -> None:
    """One row: where it was, why, and what to do."""
    _add(columns, (rejected,), _OF_REJECTED)


def _add(columns: Columns, items: Sequence[Any], fields: Iterable[tuple[str, Any]]) -> None:
    for name, get in fields:
        columns[name].extend(map(get, items))
