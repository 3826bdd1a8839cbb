"""Tables, wherever they come from: one row per turn, one row per conversation, or two text columns.

A table of turns is read twice: once for its ids (so that interleaved conversations come out whole
and nothing is held longer than its last row), once for its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, build, is_missing
from servicequal.readers.grouping import grouped, no_rows, provenance, without_float
from servicequal.readers.items import turns_of
from servicequal.readers.layout import Layout, Row, Table, layout_of
from servicequal.readers.lookups import started
from servicequal.readers.roles import Roles

PEEK = 40
"""Rows that are looked at to find the layout."""


def conversations(
    table: Table, columns: Mapping[str, str | None] | None, roles: Roles
) -> Iterator[Conversation | Rejected]:
    """The conversations of a table, each when its last row has been seen.

    Raises ReadError for a table without rows or without a column of words.
    """
    peek = [row for row in islice(table.rows(), PEEK) if isinstance(row, Row)]
    layout = layout_of(table, columns, roles, peek)
    if layout.kind == "cell":
        yield from _row_each(table, layout, roles)
    else:
        yield from grouped(table, layout, roles)


def _row_each(table: Table, layout: Layout, roles: Roles) -> Iterator[Conversation | Rejected]:
    any_row = False
    for number, row in enumerate(table.rows(), start=1):
        any_row = True
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            yield _from_cell(table, layout, roles, row, number)
        except ReadError as error:
            yield error.rejected
    if not any_row:
        raise no_rows(table)


def _from_cell(table: Table, layout: Layout, roles: Roles, row: Row, number: int) -> Conversation:
    identity = layout.cell(row, "id") if "id" in layout.at else f"{table.stem}-{number}"
    if row.problem:
        raise ReadError(Rejected(row.problem, table.source, _shown(identity), line=row.line))
    try:
        turns = turns_of(layout.cell(row, "transcript"), roles)
    except ValueError as error:
        raise ReadError(
            Rejected(str(error), table.source, _shown(identity), row.line, layout.names["transcript"])
        ) from error
    start_unit, end_unit = turns.units
    metadata = {name: row.cells[i] for name, i in layout.extras if i < len(row.cells) and row.cells[i] != ""}
    for field in ("start", "end"):
        if field in layout.names and not is_missing(cell := layout.cell(row, field)):
            metadata[layout.names[field]] = str(cell)
    if "start" in layout.names:
        metadata["started_at"] = started(layout.cell(row, "start"))
    draft = Draft(
        id=without_float(identity),
        turns=turns.said,
        source=table.source,
        channel=_blank(layout.cell(row, "channel")),
        metadata={**metadata, **provenance(table), "header": turns.header or None},
        warnings=(*layout.warnings, *turns.warnings),
        start_unit=start_unit,
        end_unit=end_unit,
        start_name=turns.start_name,
        end_name=turns.end_name,
        text_name=layout.names["transcript"],
        line=row.line,
    )
    return build(draft, roles)


def _shown(value: object) -> str | None:
    return None if is_missing(value) or value == "" else str(value)[:200]


def _blank(value: object) -> object:
    return None if is_missing(value) or value == "" else value
