"""The datasets of a batch: a fixed Arrow schema each, and how one is written as Parquet.

What repeats (ids, what a rule says) is encoded once per part and written so; everybody who reads the files sees
plain strings.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_FOUND_BY = frozenset(("position", "conversation_id", "speaker_id", "started_at", "source"))
"""Columns whose smallest and largest value help to find rows."""
_LONG = frozenset(("text", "explanation", "words", "pattern"))
"""Columns that are worth a closer packing; the others are mostly figures and names out of a few."""
_ALL_DIFFERENT = frozenset(("text", "position", "start", "end"))
"""Columns in which so little repeats that a dictionary would only be in the way."""
_ONE_EACH = frozenset(("scores", "agents"))
"""Datasets with about a row for each conversation: to set up a dictionary for each of their many figures costs more
than it spares."""


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


def kind_of(dataset: str, column: str) -> str:
    """What kind of column it grows in (see :mod:`servicequal.gather`)."""
    import pyarrow as pa

    found = _type(dataset, column)
    if pa.types.is_list(found):
        return "spans" if pa.types.is_struct(found.value_type) else "lists"
    if pa.types.is_string(found):
        return "texts" if column == "text" else "words"
    return "floats" if pa.types.is_floating(found) else "numbers"


def write(table: Any, name: str, stream: Any) -> None:
    """Write one dataset of a part as Parquet: same rows, same bytes (of one pyarrow version)."""
    stream.write(_written(table, name) if table.num_rows else _empty(name))


def _written(table: Any, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, **_options(name))
    return stream.getvalue()


@cache
def _empty(name: str) -> Any:
    """A dataset without rows, as most runs have one."""
    return _written(schema(name).empty_table(), name)


@cache
def _options(name: str) -> dict[str, Any]:
    """How a dataset is written. To set up the closer packing for a column costs more than most columns' values."""
    columns = list(_leaves(name))
    return {
        "compression": {path: "zstd" if column in _LONG else "snappy" for column, path in columns},
        "compression_level": {path: 1 for column, path in columns if column in _LONG} or None,
        "store_schema": False,
        "write_statistics": [path for column, path in columns if column in _FOUND_BY],
        "use_dictionary": [path for column, path in columns if column == path and _repeats(name, column)],
    }


def _repeats(name: str, column: str) -> bool:
    """Whether a column is worth a dictionary."""
    return column not in _ALL_DIFFERENT and (name not in _ONE_EACH or column in _TEXTS)


def _leaves(name: str) -> Iterator[tuple[str, str]]:
    """Every column and its path in a Parquet file; a column of lists has one for each part of its items."""
    import pyarrow as pa

    for field in schema(name):
        if not pa.types.is_list(field.type):
            yield field.name, field.name
        elif pa.types.is_struct(field.type.value_type):
            yield from ((field.name, f"{field.name}.list.element.{inner.name}") for inner in field.type.value_type)
        else:
            yield field.name, f"{field.name}.list.element"
