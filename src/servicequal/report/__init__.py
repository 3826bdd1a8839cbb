"""Scorecards as people and programs want them: tidy frames and a readable terminal."""

from .frames import (
    agents_frame,
    cues_frame,
    findings_frame,
    ledger_frame,
    rejected_frame,
    safe_cells,
    scores_frame,
)

__all__ = [
    "agents_frame",
    "cues_frame",
    "findings_frame",
    "ledger_frame",
    "rejected_frame",
    "safe_cells",
    "scores_frame",
]
