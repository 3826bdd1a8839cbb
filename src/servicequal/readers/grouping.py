"""Rows of turns gathered into conversations, whatever order they come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import column_key
from servicequal.readers.draft import Draft, Said, build, is_missing, known_channel
from servicequal.readers.items import KINDS
from servicequal.readers.layout import Layout, Row, Table
from servicequal.readers.roles import Roles
from servicequal.readers.times import unit_of
from servicequal.readers.words import words

_ID_LIKE = frozenset(words("id ids ref reference number no uuid guid key sid"))
_NOT_CONVERSATION = frozenset(
    words(
        "message msg utterance row line turn user agent customer speaker author sender event",
        "client tweet phone word participant account order employee campaign queue team parent",
        "reply product",
    )
)


def no_rows(table: Table) -> ReadError:
    """The error for a table with a header and nothing else."""
    return ReadError(Rejected("the table has no rows", table.source, line=1 if table.source else None))


def provenance(table: Table) -> dict[str, object]:
    """Where a conversation came from, for its metadata."""
    return {"file": table.source, "format": table.format}


def grouped(table: Table, layout: Layout, roles: Roles) -> Iterator[Conversation | Rejected]:
    """The conversations of a table of turns, each at its last row. Raises ReadError if it has none."""
    index = _Index.of(table, layout)
    open_rows: dict[str, list[Row]] = {}
    damaged: dict[str, str] = {}
    number, last = 0, None
    for row in table.rows():
        if isinstance(row, Rejected):
            yield row
            if last is not None:
                damaged[last] = f"a row near line {row.line} cannot be read: turns may be missing"
            continue
        number += 1
        last = index.id_of(row)
        if last is None:
            yield Rejected("the row has no conversation id", table.source, line=row.line, column=layout.names.get("id"))
            continue
        open_rows.setdefault(last, []).append(row)
        if index.last[last] != number:
            continue
        warnings = (*index.warnings, *((damaged[last],) if last in damaged else ()))
        try:
            yield _Rows(table, layout, index, last, open_rows.pop(last), warnings).conversation(roles)
        except ReadError as error:
            yield error.rejected
    if not number and last is None:
        raise no_rows(table)


@dataclass(frozen=True)
class _Index:
    """The ids of a table: which row is the last of each, and how an id cell is read."""

    last: Mapping[str, int]
    at: int | None
    stem: str
    floats: bool = False
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table, layout: Layout) -> _Index:
        """One pass over the ids. Raises ReadError where a column looks like an id but is not known."""
        at = layout.at.get("id")
        cells: dict[Any, int] = {}
        rows = 0
        for row in table.rows():
            if isinstance(row, Row):
                rows += 1
                cells[_id_cell(row, at)] = rows
        if at is not None and column_key(layout.names["id"]) == "id" and rows > 1 and len(cells) == rows:
            at = None  # an id for every row is the message's, not the conversation's
        if at is None:
            _surely_one(table, layout)
            warning = "no column holds a conversation id: the whole table is one conversation"
            return cls({table.stem: rows}, None, table.stem, False, () if layout.single else (warning,))
        given = [value for value in cells if _id_text(value, False) is not None]
        floats = bool(given) and all(is_float_id(value) for value in given)
        last: dict[str, int] = {}
        for value, number in cells.items():
            if (name := _id_text(value, floats)) is not None:
                last[name] = max(number, last.get(name, 0))
        warnings = ("conversation ids were read as floats: the .0 is left off",) if floats else ()
        return cls(last, at, table.stem, floats, warnings)

    def id_of(self, row: Row) -> str | None:
        """The conversation that a row belongs to; None if the row does not say."""
        return self.stem if self.at is None else _id_text(_id_cell(row, self.at), self.floats)


def _id_cell(row: Row, at: int | None) -> Any:
    value = None if at is None or at >= len(row.cells) else row.cells[at]
    if isinstance(value, float) and value != value:
        return None
    return value if isinstance(value, (str, int, float, type(None))) else str(value)


def is_float_id(value: object) -> bool:
    """True for ``3.0``, as a float or as text: an id that went through a spreadsheet or pandas."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**53
    text = value.strip() if isinstance(value, str) else ""
    return text.endswith(".0") and text[:-2].isdigit() and len(text) < 18


def without_float(value: object) -> object:
    """An id without its ``.0``; anything else as it is."""
    if not is_float_id(value):
        return value
    return str(int(value)) if isinstance(value, float) else str(value).strip()[:-2]


def _id_text(value: object, floats: bool) -> str | None:
    if is_missing(value) or not str(value).strip():
        return None
    return str(without_float(value) if floats else value).strip()


def _surely_one(table: Table, layout: Layout) -> None:
    """Without an id column, nothing may look like one. Raises ReadError naming the column."""
    if layout.single:
        return
    for name, _ in layout.extras:
        words = _words(name)
        if words and words[-1] in _ID_LIKE and not _NOT_CONVERSATION & set(words[:-1]) and len(words) > 1:
            raise ReadError(
                Rejected(
                    f"no column is known to hold the conversation id, but {name!r:.80} may",
                    table.source,
                    line=1 if table.source else None,
                    column=name,
                    hint=f"columns={{'id': {name!r:.80}}} if it does, "
                    "columns={'id': None} if the whole table is one conversation",
                )
            )


def _words(name: str) -> list[str]:
    """``caseRef``, ``Case Ref`` and ``case_ref`` as words in lower case."""
    spaced = "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
    return "".join(c if c.isalnum() else " " for c in spaced).lower().split()


@dataclass(frozen=True)
class _Rows:
    """The rows of one conversation, in file order."""

    table: Table
    layout: Layout
    index: _Index
    identity: str
    rows: Sequence[Row]
    warnings: tuple[str, ...]

    def conversation(self, roles: Roles) -> Conversation:
        """Build the conversation. Raises ReadError about the row that is wrong."""
        self._check()
        rows, warnings = self._ordered()
        layout, names = self.layout, self.layout.names
        said = [turn for row in rows for turn in self._said(row)]
        draft = Draft(
            id=self.identity,
            turns=said,
            source=self.table.source,
            channel=self._channel(),
            metadata={**self._extras(), **provenance(self.table)},
            warnings=(*layout.warnings, *self.warnings, *warnings),
            order="given" if "order" in names else "time",
            start_unit=unit_of(names.get("start", "")),
            end_unit=unit_of(names.get("end", "")),
            start_name=names.get("start", "start"),
            end_name=names.get("end", "end"),
            text_name=names.get("text", "text"),
            line=rows[0].line,
        )
        return build(draft, roles)

    def _fail(self, reason: str, row: Row, column: str | None = None, hint: str | None = None) -> ReadError:
        return ReadError(Rejected(reason, self.table.source, self.identity[:200], row.line, column, None, hint))

    def _check(self) -> None:
        seen: dict[tuple[str, ...], int] = {}
        for row in self.rows:
            if row.problem:
                raise self._fail(row.problem, row)
            cell = _id_cell(row, self.index.at)
            if (isinstance(cell, float) and not self.index.floats) or _rounded(cell):
                raise self._fail(
                    f"the conversation id was read as the number {cell}",
                    row,
                    self.layout.names.get("id"),
                    "digits may be lost: export or read the ids as text (dtype=str)",
                )
            if "order" not in self.layout.at:
                continue
            cells = tuple(map(str, row.cells))
            if cells in seen:
                raise self._fail(
                    f"the row repeats line {seen[cells]}: the turn is there twice",
                    row,
                    self.layout.names["order"],
                    "drop the duplicates, often made by a join",
                )
            seen[cells] = row.line

    def _ordered(self) -> tuple[Sequence[Row], tuple[str, ...]]:
        if "order" in self.layout.at and self.index.at is None and not self.layout.single:
            self._one_count()
        if "order" not in self.layout.at:
            repeated = sum(a.cells == b.cells for a, b in pairwise(self.rows))
            return self.rows, (f"{repeated} row(s) repeat the one before",) if repeated else ()
        numbers = [self._number(row) for row in self.rows]
        if any(number is None for number in numbers):
            return self.rows, ("some rows have no turn number: rows are taken in file order",)
        order = sorted(range(len(numbers)), key=lambda i: numbers[i] or 0.0)
        steps = {(numbers[b] or 0.0) - (numbers[a] or 0.0) for a, b in pairwise(order)}
        gaps = steps and min(steps) >= 2
        warnings = ("turn numbers skip: turns, perhaps all of one side, are missing",) if gaps else ()
        return [self.rows[i] for i in order], warnings

    def _one_count(self) -> None:
        """In a table without ids, turn numbers that begin again mean several conversations."""
        for before, row in pairwise(self.rows):
            first, second = self._number(before), self._number(row)
            if first is not None and second is not None and second < first:
                raise self._fail(
                    "turn numbers begin again, but no column is known to hold the conversation id",
                    row,
                    self.layout.names["order"],
                    "columns={'id': …} names it, columns={'id': None} if all rows are one conversation",
                )

    def _number(self, row: Row) -> float | None:
        cell = self.layout.cell(row, "order")
        if is_missing(cell) or cell == "":
            return None
        try:
            return float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            column = self.layout.names["order"]
            raise self._fail(
                f"{cell!r:.60} is no turn number",
                row,
                column,
                "columns={'order': None} leaves the column out",
            ) from error

    def _said(self, row: Row) -> list[Said]:
        layout = self.layout
        if layout.kind == "wide":
            return self._both_sides(row)
        channel = layout.cell(row, "channel")
        kind = str(layout.cell(row, "kind") or "message").strip().lower()
        return [
            Said(
                text=layout.cell(row, "text"),
                label=_blank(layout.cell(row, "speaker")),
                speaker_id=_blank(layout.cell(row, "speaker_id")),
                channel=None if known_channel(channel) else _blank(channel),
                start=_blank(layout.cell(row, "start")),
                end=_blank(layout.cell(row, "end")),
                kind=kind if kind in KINDS else "message",
                confidence=_blank(layout.cell(row, "confidence")),
                line=row.line,
            )
        ]

    def _both_sides(self, row: Row) -> list[Said]:
        """Two text columns, one empty per row; if both are filled, the customer spoke first."""
        found = []
        for field, label in (("customer_text", "customer"), ("agent_text", "agent")):
            cell = self.layout.cell(row, field)
            if not is_missing(cell) and str(cell).strip():
                start = _blank(self.layout.cell(row, "start"))
                found.append(Said(text=cell, label=label, start=start, line=row.line))
        if not found:
            raise self._fail("both text columns are empty", row, self.layout.names["customer_text"])
        return found

    def _channel(self) -> object:
        """The channel of the conversation, where the column holds one and not audio channels."""
        values = {v for row in self.rows if isinstance(v := self.layout.cell(row, "channel"), str) and v.strip()}
        value = values.pop() if len(values) == 1 else None
        return value if known_channel(value) else None

    def _extras(self) -> dict[str, object]:
        """Other columns that say the same in every row of the conversation."""
        found: dict[str, object] = {}
        for name, at in self.layout.extras:
            values = {str(row.cells[at]): row.cells[at] for row in self.rows if at < len(row.cells)}
            if len(values) == 1 and (value := _blank(next(iter(values.values())))) is not None:
                found[name] = value
        return found


def _rounded(cell: object) -> bool:
    """True for ``1.23E+15``: a spreadsheet has thrown digits of the id away."""
    head, mark, tail = cell.strip().upper().partition("E+") if isinstance(cell, str) else ("", "", "")
    return bool(mark) and tail.isdigit() and "." in head and head.replace(".", "", 1).isdigit()


def _blank(value: object) -> object:
    """None for an empty cell and for NaN in a DataFrame; a literal ``nan`` text stays, to be refused."""
    if isinstance(value, float) and value != value:
        return None
    return None if value is None or (isinstance(value, str) and not value.strip()) else value
