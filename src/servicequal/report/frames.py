"""Scorecards as DataFrames: one row per conversation, finding, cue, ledger line or rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import Rejected
from ..rows import (
    AGENTS_COLUMNS,
    CUES_COLUMNS,
    FINDINGS_COLUMNS,
    LEDGER_COLUMNS,
    REJECTED_COLUMNS,
    SCORES_COLUMNS,
    Columns,
    add_cues,
    add_findings,
    add_ledger,
    add_rejected,
    add_row,
    add_rules,
    agent_row,
    empty,
    safe_cell,
    score_row,
)
from ..scoring import Scorecard

if TYPE_CHECKING:
    import pandas as pd

Cards = Iterable[Scorecard | Rejected]


def scores_frame(cards: Cards) -> pd.DataFrame:
    """One row per scorecard: overall and the four scores (0-100 or missing), coverage (0-1), counts, dynamics."""

    def add(columns: Columns, card: Scorecard) -> int:
        add_row(columns, SCORES_COLUMNS, score_row(card, card))
        return 0  # the id is a column of the scorecard's own

    return _frame(cards, SCORES_COLUMNS, add)


def agents_frame(cards: Cards) -> pd.DataFrame:
    """One row per agent and conversation: the scores of the agent's part, and how often each cue is said in it."""

    def add(columns: Columns, card: Scorecard) -> int:
        for agent in card.agents:
            add_row(columns, AGENTS_COLUMNS[1:], agent_row(agent))
        return len(card.agents)

    return _frame(cards, AGENTS_COLUMNS, add)


def findings_frame(cards: Cards) -> pd.DataFrame:
    """One row per finding; ``words`` are the flagged words where the finding's spans are those of cues."""

    def add(columns: Columns, card: Scorecard) -> int:
        add_findings(columns, card.findings, card.cues)
        add_rules(columns, card.findings)
        return len(card.findings)

    return _frame(cards, FINDINGS_COLUMNS, add)


def cues_frame(cards: Cards) -> pd.DataFrame:
    """One row per cue match, with offsets into the original text of its turn."""

    def add(columns: Columns, card: Scorecard) -> int:
        add_cues(columns, card.cues)
        return len(card.cues)

    return _frame(cards, CUES_COLUMNS, add)


def ledger_frame(cards: Cards) -> pd.DataFrame:
    """One row per ledger line: within a conversation and score, ``points`` add up to the score."""

    def add(columns: Columns, card: Scorecard) -> int:
        add_ledger(columns, card.ledger)
        return len(card.ledger)

    return _frame(cards, LEDGER_COLUMNS, add)


def rejected_frame(items: Iterable[Scorecard | Rejected]) -> pd.DataFrame:
    """One row per input that could not be scored: where it was, why, and what to do."""
    import pandas as pd

    columns = empty(REJECTED_COLUMNS)
    for item in items:
        if isinstance(item, Rejected):
            add_rejected(columns, item)
    frame = pd.DataFrame(columns if columns["reason"] else None, columns=list(REJECTED_COLUMNS))
    return frame.astype({"line": "Int64", "turn": "Int64"})


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with cells that a spreadsheet would run as a formula made plain text by a leading quote."""
    return frame.map(safe_cell)


def _frame(cards: Cards, names: Sequence[str], add: Callable[[Columns, Scorecard], int]) -> pd.DataFrame:
    """Rows of every scorecard; ``add`` says how many it has added, for each of which the id is put down."""
    import pandas as pd

    columns = empty(names)
    for card in cards:
        if isinstance(card, Scorecard):
            columns["conversation_id"].extend([card.conversation_id] * add(columns, card))
    return pd.DataFrame(columns if columns["conversation_id"] else None, columns=list(names))
