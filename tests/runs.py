"""A finished batch run, for what reads runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import servicequal as sq
from servicequal.batch import RunData, open_run, score_to


def write_run(out: Path, conversations: Iterable[sq.Conversation], scorer: sq.Scorer, turns: bool = True) -> RunData:
    """Score conversations into a run in ``out``."""
    score_to(conversations, out, scorer=scorer, turns=turns)
    return open_run(out)
