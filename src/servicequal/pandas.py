"""``df.servicequal``: scores, findings and cues of a DataFrame with one row per turn.

``import servicequal.pandas`` registers the accessor, once, for every DataFrame. ``import servicequal`` does not: it
stays quick and leaves pandas alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .readers import from_frame
from .report import cues_frame, findings_frame, scores_frame
from .report.notebook import Scorecards
from .scorer import Scorer, score_many


@pd.api.extensions.register_dataframe_accessor("servicequal")
class ServicequalAccessor:
    """What ``df.servicequal`` offers. Each method scores anew; :meth:`cards` is what to keep for several
    frames (``sq.agents_frame(cards)``, ``sq.ledger_frame(cards)``).

    ``columns`` maps our names (``conversation_id``, ``speaker``, ``text``, ``start``, …) to the frame's where they are
    not recognised; ``roles`` maps its speaker labels to roles; ``scorer`` is a compiled :class:`Scorer` of your own.
    All raise ReadError that names the column which is missing. The frame itself is never changed.
    """

    def __init__(self, df: pd.DataFrame) -> None:
        self._df = df

    def cards(
        self,
        columns: Mapping[str, str] | None = None,
        roles: Mapping[str, str] | None = None,
        scorer: Scorer | None = None,
    ) -> Scorecards:
        """One scorecard per conversation, in order."""
        return Scorecards(score_many(from_frame(self._df, columns=columns, roles=roles), scorer=scorer))

    def score(
        self,
        columns: Mapping[str, str] | None = None,
        roles: Mapping[str, str] | None = None,
        scorer: Scorer | None = None,
    ) -> pd.DataFrame:
        """One row per conversation: overall and the four scores (0-100 or missing), coverage (0-1), counts."""
        return scores_frame(self.cards(columns, roles, scorer))

    def findings(
        self,
        columns: Mapping[str, str] | None = None,
        roles: Mapping[str, str] | None = None,
        scorer: Scorer | None = None,
    ) -> pd.DataFrame:
        """One row per rule and conversation: outcome, points, words, why and what to say instead."""
        return findings_frame(self.cards(columns, roles, scorer))

    def cues(
        self,
        columns: Mapping[str, str] | None = None,
        roles: Mapping[str, str] | None = None,
        scorer: Scorer | None = None,
    ) -> pd.DataFrame:
        """One row per cue, with its words and their offsets in the turn."""
        return cues_frame(self.cards(columns, roles, scorer))
