"""Scorecards as DataFrames: one row per conversation, finding, cue, ledger line or rejection."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..dynamics import Dynamics
from ..errors import Rejected
from ..packs import HELPING, HURTING
from ..rules import DIMENSIONS
from ..scoring import Scorecard

if TYPE_CHECKING:
    import pandas as pd

Cards = Iterable[Scorecard | Rejected]


SCORES_COLUMNS: tuple[str, ...] = (
    "conversation_id", "channel", "overall", *DIMENSIONS, *(f"coverage_{d}" for d in DIMENSIONS),
    "deflections", "softened", "notes", "rules_fingerprint", "version",
    *(f"dynamics_{f.name}" for f in dataclasses.fields(Dynamics)),
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


def scores_frame(cards: Cards) -> pd.DataFrame:
    """One row per scorecard: overall and the four scores (0-100 or missing), coverage (0-1), counts, dynamics."""
    return _frame(cards, SCORES_COLUMNS, lambda card: [_scores_row(card)])


def agents_frame(cards: Cards) -> pd.DataFrame:
    """One row per agent and conversation: the scores of the agent's part, and how often each cue is said in it."""
    return _frame(cards, AGENTS_COLUMNS, _agents_rows)


def findings_frame(cards: Cards) -> pd.DataFrame:
    """One row per finding; ``words`` are the flagged words where the finding's spans are those of cues."""
    return _frame(cards, FINDINGS_COLUMNS, _findings_rows)


def cues_frame(cards: Cards) -> pd.DataFrame:
    """One row per cue match, with offsets into the original text of its turn."""
    return _frame(
        cards,
        CUES_COLUMNS,
        lambda card: [(card.conversation_id, *(getattr(m, name) for name in CUES_COLUMNS[1:])) for m in card.cues],
    )


def ledger_frame(cards: Cards) -> pd.DataFrame:
    """One row per ledger line: within a conversation and score, ``points`` add up to the score."""
    return _frame(
        cards,
        LEDGER_COLUMNS,
        lambda card: [(card.conversation_id, *(getattr(x, name) for name in LEDGER_COLUMNS[1:])) for x in card.ledger],
    )


def rejected_frame(items: Iterable[Scorecard | Rejected]) -> pd.DataFrame:
    """One row per input that could not be scored: where it was, why, and what to do."""
    import pandas as pd

    rows = [dataclasses.astuple(item) for item in items if isinstance(item, Rejected)]
    frame = pd.DataFrame(rows, columns=list(REJECTED_COLUMNS))
    return frame.astype({"line": "Int64", "turn": "Int64"})


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with cells that a spreadsheet would run as a formula made plain text by a leading quote."""

    def safe(value: Any) -> Any:
        if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r"):
            return "'" + value
        return value

    return frame.map(safe)


def _frame(cards: Cards, columns: Sequence[str], rows: Callable[[Scorecard], list[tuple[Any, ...]]]) -> pd.DataFrame:
    import pandas as pd

    data = [row for card in cards if isinstance(card, Scorecard) for row in rows(card)]
    return pd.DataFrame(data, columns=list(columns))


def _scores_row(card: Scorecard) -> tuple[Any, ...]:
    agent = [m for m in card.cues if m.cue in HURTING]
    return (
        card.conversation_id,
        card.channel,
        card.overall,
        *(card.scores[d] for d in DIMENSIONS),
        *(card.coverage[d] for d in DIMENSIONS),
        sum(m.status == "plain" for m in agent),
        sum(m.status == "softened" for m in agent),
        "; ".join(note.message for note in card.notes),
        card.fingerprint.rules,
        card.fingerprint.version,
        *(getattr(card.dynamics, f.name, None) for f in dataclasses.fields(Dynamics)),
    )


def _agents_rows(card: Scorecard) -> list[tuple[Any, ...]]:
    return [
        (
            card.conversation_id,
            agent.speaker_id,
            agent.turns,
            agent.words,
            agent.overall,
            *(agent.scores.get(d) for d in DIMENSIONS),
            sum(agent.deflections.values()),
            sum(agent.helping.values()),
            *(agent.deflections.get(cue, 0) for cue in HURTING),
            *(agent.helping.get(cue, 0) for cue in HELPING),
        )
        for agent in card.agents
    ]


def _findings_rows(card: Scorecard) -> list[tuple[Any, ...]]:
    words = {m.span: m.text for m in card.cues}
    rows: list[tuple[Any, ...]] = []
    for f in card.findings:
        turns = sorted({s.turn for s in f.spans})
        quoted = [words[s] for s in f.spans if s in words]
        rows.append(
            (
                card.conversation_id,
                f.code,
                f.name,
                f.dimension,
                f.outcome,
                f.points,
                f.lost,
                " ".join(map(str, turns)),
                " | ".join(quoted),
                f.explanation,
                f.why,
                f.say_instead,
            )
        )
    return rows
