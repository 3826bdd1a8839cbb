"""Scorecards as columns: the one place that says which columns there are and what stands in them.

The pandas frames (:mod:`servicequal.report`) and the Parquet files of a batch are both made from these. A column
is a list; every function adds what one scorecard has to say to the columns of one dataset.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from .agents import AgentShare
from .conversation import Conversation
from .cues import CueMatch
from .dynamics import Dynamics
from .errors import Rejected
from .packs import HELPING, HURTING
from .rules import DIMENSIONS
from .scoring import Finding, LedgerLine, Scorecard

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
_OF_TURN = tuple((n, attrgetter(n)) for n in ("speaker", "speaker_id", "kind", "start", "end", "text", "confidence"))
_OF_REJECTED = tuple((n, attrgetter(n)) for n in REJECTED_COLUMNS)
_OF_SHARE = tuple((n, attrgetter(n)) for n in ("speaker_id", "turns", "words", "overall"))
_spans, _span, _text = attrgetter("spans"), attrgetter("span"), attrgetter("text")


def empty(columns: Iterable[str]) -> Columns:
    """Columns with nothing in them yet."""
    return {name: [] for name in columns}


def add_scores(columns: Columns, card: Scorecard) -> None:
    """One row: overall and the four scores, coverage, counts, notes, dynamics."""
    values = (
        card.conversation_id,
        card.channel,
        card.overall,
        *(card.scores[d] for d in DIMENSIONS),
        *(card.coverage[d] for d in DIMENSIONS),
        sum(m.status == "plain" and m.cue in HURTING for m in card.cues),
        sum(m.status == "softened" and m.cue in HURTING for m in card.cues),
        "; ".join(note.message for note in card.notes),
        card.fingerprint.rules,
        card.fingerprint.version,
        *(getattr(card.dynamics, name, None) for name in DYNAMICS),
    )
    for name, value in zip(SCORES_COLUMNS, values, strict=True):
        columns[name].append(value)


def add_agents(columns: Columns, agents: Sequence[AgentShare]) -> None:
    """One row per agent: the scores of the agent's part, and how often each cue is said in it."""
    _add(columns, agents, _OF_SHARE)
    for agent in agents:
        for d in DIMENSIONS:
            columns[d].append(agent.scores.get(d))
        columns["deflections"].append(sum(agent.deflections.values()))
        columns["helping"].append(sum(agent.helping.values()))
        for cue in HURTING:
            columns[cue].append(agent.deflections.get(cue, 0))
        for cue in HELPING:
            columns[cue].append(agent.helping.get(cue, 0))


def add_findings(columns: Columns, findings: Sequence[Finding], cues: Sequence[CueMatch]) -> None:
    """One row per finding but for what its rule says; ``words`` are the words of cues at the finding's spans."""
    _add(columns, findings, _OF_FINDING)
    words = dict(zip(map(_span, cues), map(_text, cues), strict=True))
    turns, quoted = columns["turns"], columns["words"]
    for spans in map(_spans, findings):
        if spans:
            turns.append(" ".join(map(str, sorted({s.turn for s in spans}))))
            quoted.append(" | ".join([words[s] for s in spans if s in words]))
        else:
            turns.append("")
            quoted.append("")


def add_rules(columns: Columns, findings: Sequence[Finding]) -> None:
    """What the rules of these findings say: one row per finding."""
    _add(columns, findings, _OF_RULE)


def add_cues(columns: Columns, cues: Sequence[CueMatch]) -> None:
    """One row per cue match, with offsets into the original text of its turn."""
    _add(columns, cues, _OF_CUE)


def add_ledger(columns: Columns, ledger: Sequence[LedgerLine]) -> None:
    """One row per ledger line."""
    _add(columns, ledger, _OF_LINE)


def add_turns(columns: Columns, conversation: Conversation) -> None:
    """One row per turn, the text as it is."""
    columns["turn"].extend(range(len(conversation.turns)))
    _add(columns, conversation.turns, _OF_TURN)


def add_rejected(columns: Columns, rejected: Rejected) -> None:
    """One row: where it was, why, and what to do."""
    _add(columns, (rejected,), _OF_REJECTED)


def _add(columns: Columns, items: Sequence[Any], fields: Iterable[tuple[str, Any]]) -> None:
    for name, get in fields:
        columns[name].extend(map(get, items))
