"""From a DataFrame of turns to a DataFrame of scores, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .readers import from_frame
from .report import scores_frame
from .scorer import Scorer, score_many

if TYPE_CHECKING:
    import pandas as pd


def score_frame(
    df: pd.DataFrame | Any,
    columns: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    scorer: Scorer | None = None,
) -> pd.DataFrame:
    """Score a DataFrame with one row per turn; the result has one row per conversation.

    ``columns`` maps our names (``conversation_id``, ``speaker``, ``text``, ``start``, …) to the frame's where they are
    not recognised; ``roles`` maps its speaker labels to roles. A frame of another library that knows ``to_pandas``
    (Polars, Arrow) is taken too. Raises ReadError naming the column.
    """
    table: Any = df
    table = table.to_pandas() if hasattr(table, "to_pandas") else table
    return scores_frame(score_many(from_frame(table, columns=columns, roles=roles), scorer=scorer))
