"""Scoring on a Spark cluster: a DataFrame of turns in, a DataFrame of scores out, on the user's own session.

Rows are gathered by conversation with one shuffle, then streamed through Python as Arrow batches: a process holds
one conversation's rows and a bounded number of result rows, never a partition. Needs servicequal on the executors,
as any library that a cluster's Python uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .batch.part import Part
from .batch.tables import schema
from .conversation import Conversation
from .detector import Detector, load_detector
from .errors import MissingExtraError, ReadError, Rejected, ServicequalError
from .packs import Pack, with_user_packs
from .readers.gathered import Gathered
from .readers.own_json import LineFile
from .readers.roles import Roles, RolesArgument
from .rubric import Rubric, apply_rubric, load_rubric
from .scorer import Scorer, judged_each

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .scoring import Judgement

DATASETS = ("scores", "agents", "findings", "cues", "ledger", "rejected")
What = str | Sequence[str]
Items = Iterator[Conversation | Rejected]

_TURNS_AT_ONCE = 5000
"""Turns whose results are kept until they are handed on as a batch of rows."""


def score_table(
    df: DataFrame,
    columns: Mapping[str, str | None] | None = None,
    roles: RolesArgument = None,
    rubric: str | Path | Mapping[str, Any] | Rubric | None = None,
    packs: Iterable[Pack | str | Path] | None = None,
    model: bool | str | Path | Detector = True,
    what: What = "scores",
    partitions: int | None = None,
) -> DataFrame:
    """Score a DataFrame with one row per turn; lazy, as everything in Spark.

    ``columns`` maps our names (``conversation_id``, ``speaker``, ``text``, ``start``, ``turn``, …) to the table's
    where they are not recognised, ``roles`` its speaker labels to roles, as in :func:`servicequal.from_frame`; no
    role is guessed. A table has no order, so a turn number or a start is needed. ``rubric``, ``packs`` and ``model``
    are those of :class:`servicequal.Scorer`; files are read here and their content is sent. ``what`` is ``scores``
    (one row per conversation), ``agents``, ``findings``, ``cues``, ``ledger`` or ``rejected`` (what could not be
    scored, and why); the rows are a batch's but for ``position``. Several of them at once give one row per
    conversation with a column each, scored only once. ``partitions`` is the number of partitions of the shuffle,
    Spark's own if None.

    Raises ReadError where a column stays open, ServicequalError for an unknown ``what``.
    """
    names = df.columns
    gathered = Gathered.of(names, columns, Roles.of(roles))
    work = _Work(_settings(rubric, packs, model), _wanted(what), gathered)
    rows = _ordered(df, gathered, partitions)
    return rows.mapInArrow(work.rows, _spark_schema(work.wanted))


def score_json_column(
    df: DataFrame,
    column: str,
    roles: RolesArgument = None,
    rubric: str | Path | Mapping[str, Any] | Rubric | None = None,
    packs: Iterable[Pack | str | Path] | None = None,
    model: bool | str | Path | Detector = True,
    what: What = "scores",
) -> DataFrame:
    """Score a DataFrame with a JSON conversation per row in ``column``: no shuffle at all.

    The JSON is what a line of a JSON lines file may be (:func:`servicequal.read`). Everything else is as in
    :func:`score_table`. Raises ReadError where there is no such column.
    """
    if column not in df.columns:
        raise ReadError(Rejected(f"there is no column {column!r:.80}", hint=f"the columns are {df.columns}"))
    work = _Work(_settings(rubric, packs, model), _wanted(what), Roles.of(roles))
    return df.select(column).mapInArrow(work.rows, _spark_schema(work.wanted))


# -- on the driver -------------------------------------------------------------------------------------


def _wanted(what: What) -> tuple[str, ...]:
    wanted = (what,) if isinstance(what, str) else tuple(what)
    unknown = [name for name in wanted if name not in DATASETS]
    if unknown or not wanted:
        raise ServicequalError(f"what={what!r:.80} is none of {', '.join(DATASETS)}, nor several of them")
    return wanted


@dataclass(frozen=True)
class _Settings:
    """What a Scorer is built from, as values that compare: equal settings share one Scorer per process."""

    rubric: str
    packs: tuple[str, ...]
    model: str | None
    detector: Detector | None = field(default=None, compare=False)


def _settings(
    rubric: str | Path | Mapping[str, Any] | Rubric | None,
    packs: Iterable[Pack | str | Path] | None,
    model: bool | str | Path | Detector,
) -> _Settings:
    loaded = load_rubric(rubric)
    apply_rubric(loaded)  # an impossible rubric is said here, not by every task
    own = tuple(pack.model_dump_json() for pack in with_user_packs(packs)) if packs else ()
    if isinstance(model, bool):
        return _Settings(loaded.model_dump_json(), own, "built-in" if model else None)
    detector = model if isinstance(model, Detector) else load_detector(model)
    return _Settings(loaded.model_dump_json(), own, detector.digest, detector)


def _ordered(df: DataFrame, gathered: Gathered, partitions: int | None) -> DataFrame:
    """The rows of a conversation behind one another, in an order that does not depend on the cluster."""
    try:
        from pyspark.sql import functions
    except ImportError as error:
        raise MissingExtraError("scoring on Spark", "spark") from error
    name = gathered.at("id") or ""
    kind = dict(df.dtypes)[name]
    if kind in ("float", "double"):
        raise ReadError(
            Rejected(f"the conversation ids in {name!r} are of type {kind}", column=name, hint="cast them to string")
        )
    trimmed = functions.regexp_replace(df[name].cast("string"), r"^\s+|\s+$", "")
    rows = df.withColumn(name, trimmed)
    order = [gathered.at(field) for field in ("order", "start", "speaker", "text", "customer_text", "agent_text")]
    keys = list(dict.fromkeys([name, *(column for column in order if column is not None)]))
    spread = rows.repartition(name) if partitions is None else rows.repartition(partitions, name)
    return spread.sortWithinPartitions(*keys)


def _spark_schema(wanted: tuple[str, ...]) -> Any:
    try:
        from pyspark.sql.pandas.types import from_arrow_schema
    except ImportError as error:
        raise MissingExtraError("scoring on Spark", "spark") from error
    return from_arrow_schema(_schema(wanted))


def _schema(wanted: tuple[str, ...]) -> Any:
    import pyarrow as pa

    if len(wanted) == 1:
        return _flat_schema(wanted[0])
    fields = [pa.field("conversation_id", pa.string())]
    for name in wanted:
        row = pa.struct(list(_flat_schema(name)))
        fields.append(pa.field(name, row if name in _ONE else pa.list_(row)))
    return pa.schema(fields)


_ONE = ("scores", "rejected")
"""Datasets with at most one row per conversation."""


def _flat_schema(name: str) -> Any:
    import pyarrow as pa

    return pa.schema([field for field in schema(name) if field.name != "position"])


# -- on the executors ----------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _scorer(settings: _Settings) -> Scorer:
    """Built once per process: it takes longer than most partitions."""
    packs = [Pack.model_validate_json(pack) for pack in settings.packs]
    model = settings.detector or settings.model is not None
    return Scorer(Rubric.model_validate_json(settings.rubric), packs or None, model=model)


@dataclass(frozen=True)
class _Work:
    """What a task does with its rows: sent to the executors, so plain values only."""

    settings: _Settings
    wanted: tuple[str, ...]
    reader: Gathered | Roles

    def rows(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Arrow batches of turns (or of JSON) to Arrow batches of results."""
        found = _gathered(batches, self.reader) if isinstance(self.reader, Gathered) else _parsed(batches, self.reader)
        only_rejected = self.wanted == ("rejected",)
        each = ((item, None) for item in found) if only_rejected else judged_each(_scorer(self.settings), found)
        part, count, weight = Part(turns=False), 0, 0
        identities: list[str | None] = []
        for item, judged in each:
            identities.append(item.conversation_id if isinstance(item, Rejected) else item.id)
            _put(part, count, item, judged)
            count += 1
            weight += 1 if isinstance(item, Rejected) else len(item.turns)
            if weight >= _TURNS_AT_ONCE:
                yield from _batches(part, identities, self.wanted)
                part, count, weight, identities = Part(turns=False), 0, 0, []
        yield from _batches(part, identities, self.wanted)


def _put(part: Part, position: int, item: Conversation | Rejected, judged: Judgement | Exception | None) -> None:
    """Put down one conversation. What fails is rejected: it must not end a job over a million others."""
    if isinstance(item, Rejected):
        part.reject(position, item)
    elif isinstance(judged, Exception):
        reason = f"scoring failed: {type(judged).__name__}: {str(judged)[:200]}"
        part.reject(position, Rejected(reason, conversation_id=item.id))
    elif judged is not None:
        part.add(position, item, judged)


def _gathered(batches: Iterable[Any], reader: Gathered) -> Items:
    """Conversations from rows that come sorted by id, one held at a time. A row without an id stands alone."""
    at = reader.names.index(reader.at("id") or "")
    held: list[tuple[Any, ...]] = []
    for batch in batches:
        for row in zip(*map(_cells, batch.columns), strict=True):
            if held and (row[at] != held[0][at] or not row[at]):
                yield from _read(reader, held)
                held = []
            held.append(row)
    if held:
        yield from _read(reader, held)


def _read(reader: Gathered, rows: Sequence[Sequence[Any]]) -> Items:
    try:
        yield from reader.read(rows)
    except Exception as error:  # a bug over one conversation's rows must not end the job
        yield Rejected(f"the rows cannot be read: {type(error).__name__}: {str(error)[:200]}")


def _cells(column: Any) -> list[Any]:
    """Python values; timestamps as the session's clock shows them, as in a pandas frame."""
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return [None if value is None else value.replace(tzinfo=None) for value in values]
    return values


def _parsed(batches: Iterable[Any], roles: Roles) -> Items:
    reader = LineFile("", "json", roles, only=True)
    for batch in batches:
        for text in batch.column(0).to_pylist():
            yield from map(_placeless, _line(reader, text))


def _line(reader: LineFile, text: str | None) -> Iterable[Conversation | Rejected]:
    if text is None or not text.strip():
        return [Rejected("the row holds no conversation")]
    try:
        return reader.read(text.encode(), 1, 1)
    except Exception as error:
        return [Rejected(f"the row cannot be read: {type(error).__name__}: {str(error)[:200]}")]


def _placeless(item: Conversation | Rejected) -> Conversation | Rejected:
    """A table has no files and no lines."""
    if not isinstance(item, Rejected):
        return item
    return Rejected(item.reason, None, item.conversation_id, None, item.column, item.turn, item.hint)


def _batches(part: Part, identities: Sequence[str | None], wanted: tuple[str, ...]) -> Iterator[Any]:
    if not identities:
        return
    if len(wanted) == 1:
        yield from _plain(part, wanted[0]).drop_columns(["position"]).to_batches()
    else:
        yield _nested(part, identities, wanted)


def _plain(part: Part, name: str) -> Any:
    """A dataset without dictionary-encoding, as Spark wants it."""
    return part.table(name).cast(schema(name)).combine_chunks()


def _nested(part: Part, identities: Sequence[str | None], wanted: Sequence[str]) -> Any:
    """One row per conversation, with a struct or a list of structs of each dataset."""
    import numpy as np
    import pyarrow as pa

    count = len(identities)
    columns = [pa.array(identities, pa.string())]
    for name in wanted:
        table = _plain(part, name)
        positions = table.column("position").to_numpy()
        rows = table.drop_columns(["position"]).to_struct_array()
        rows = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
        if name in _ONE:
            place = np.searchsorted(positions, np.arange(count))
            there = np.isin(np.arange(count), positions)
            columns.append(rows.take(pa.array(np.where(there, place, 0), mask=~there)))
        else:
            offsets = np.searchsorted(positions, np.arange(count + 1)).astype(np.int32)
            columns.append(pa.ListArray.from_arrays(pa.array(offsets), rows))
    return pa.RecordBatch.from_arrays(columns, schema=_schema(tuple(wanted)))
