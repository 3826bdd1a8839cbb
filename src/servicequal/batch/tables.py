"""The datasets of a batch: a fixed Arrow schema each, and how one is written as Parquet.

What repeats (ids, what a rule says) is encoded once per part and written so; everybody who reads the files sees
plain strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from .. import rows
from ..packs import HELPING, HURTING

DATASETS = ("scores", "agents", "findings", "cues", "ledger", "rejected", "turns")
SCORES = (
    "position", *rows.SCORES_COLUMNS[:2], "started_at", "source", *rows.SCORES_COLUMNS[2:],
)  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": SCORES,
    "agents": ("position", *rows.AGENTS_COLUMNS),
    "findings": ("position", *rows.FINDINGS_COLUMNS, "spans", "searched", "critical"),
    "cues": ("position", *rows.CUES_COLUMNS, "softened_by"),
    "ledger": ("position", *rows.LEDGER_COLUMNS),
    "rejected": ("position", *rows.REJECTED_COLUMNS),
    "turns": ("position", *rows.TURNS_COLUMNS),
}
"""The columns of each dataset in order; ``position`` (the conversation's place in the whole input) joins them."""

_TEXTS = frozenset(
    "conversation_id channel started_at source notes rules_fingerprint version dynamics_latency_from dynamics_talk_by "
    "speaker_id code name dimension outcome words explanation why say_instead cue speaker status text reason pattern "
    "score item kind column hint".split()
)
_COUNTS = frozenset(
    "turn start end deflections softened helping dynamics_replies dynamics_agent_interrupts "
    "dynamics_customer_interrupts".split()
)
_LONG = frozenset(("text", "explanation", "why", "say_instead", "notes", "words", "hint"))
"""Columns whose smallest and largest value help nobody to find a row."""


@cache
def schema(name: str) -> Any:
    """The Arrow schema of a dataset (see :data:`COLUMNS`). Raises KeyError for a name that is none."""
    import pyarrow as pa

    return pa.schema([pa.field(column, _type(name, column)) for column in COLUMNS[name]])


def _type(dataset: str, column: str) -> Any:
    import pyarrow as pa

    if column == "position" or (dataset == "rejected" and column in ("line", "turn")):
        return pa.int64()
    if column in ("spans", "softened_by"):
        return pa.list_(_span_type())
    if column == "searched":
        return pa.list_(pa.int32())
    if column == "critical":
        return pa.bool_()
    if dataset == "turns" and column in ("start", "end"):
        return pa.float64()
    if (dataset, column) == ("findings", "turns"):
        return pa.string()
    if dataset == "agents" and column in (*HURTING, *HELPING, "turns", "words"):
        return pa.int32()
    if column in _TEXTS:
        return pa.string()
    return pa.int32() if column in _COUNTS else pa.float64()


def _span_type() -> Any:
    import pyarrow as pa

    return pa.struct([(name, pa.int32()) for name in ("turn", "start", "end")])


def write(table: Any, name: str, stream: Any) -> None:
    """Write one dataset of a part as Parquet: same rows, same bytes (of one pyarrow version)."""
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        stream,
        compression="zstd",
        compression_level=1,
        store_schema=False,
        write_statistics=_plain(c for c in COLUMNS[name] if c not in _LONG),
        use_dictionary=_plain(c for c in COLUMNS[name] if c not in ("text", "position", "start", "end")),
    )


def _plain(columns: Iterable[str]) -> list[str]:
    return [column for column in columns if column not in ("spans", "softened_by", "searched")]
