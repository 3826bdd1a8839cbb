"""Tables and their layout: which column is what, and how conversations lie in the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import ALIASES, chosen, column_key, listed
from servicequal.readers.draft import is_missing
from servicequal.readers.items import turns_of
from servicequal.readers.roles import Roles

_BARE_IDS = (
    "conversation",
    "dialogue",
    "dialog",
    "interaction",
    "session",
    "thread",
    "call",
    "chat",
    "ticket",
    "case",
)
"""Columns that hold the id where nothing else does, and the words stand elsewhere."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (from 1), its cells, and what is wrong with it, if anything."""

    line: int
    cells: Sequence[Any]
    problem: str | None = None


@dataclass(frozen=True)
class Table:
    """A table that can be gone through twice. ``stem`` is the id if the table has no ids."""

    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row | Rejected]]
    source: str | None
    stem: str
    format: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Which cell is what (positions by field), and how conversations lie in the table.

    ``single`` is True where the caller said that there is no id (``columns={"id": None}``).
    """

    kind: Literal["turns", "cell", "wide"]
    at: Mapping[str, int]
    names: Mapping[str, str]
    extras: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()
    single: bool = False

    def cell(self, row: Row, field: str) -> Any:
        """The cell of a field, None where there is no such column."""
        at = self.at.get(field)
        return None if at is None or at >= len(row.cells) else row.cells[at]


def layout_of(table: Table, columns: Mapping[str, str | None] | None, roles: Roles, peek: Sequence[Row]) -> Layout:
    """Work out the layout from the column names and the first rows. Raises ReadError."""
    names = chosen(table.columns, columns, table.source)
    at = {name: i for i, name in reversed(list(enumerate(table.columns)))}
    kind = _kind(table, names, at, columns or {}, roles, peek)
    if "id" not in names and "id" not in (columns or {}):
        used = set(names.values())
        name = next((n for n in table.columns if column_key(n) in _BARE_IDS and n not in used), None)
        names.update({} if name is None else {"id": name})
    _unambiguous(table, names, at, columns or {}, peek)
    if "start" in names and column_key(names["start"]) == "date":
        cells = [row.cells[at[names["start"]]] for row in peek if len(row.cells) > at[names["start"]]]
        if not any(isinstance(cell, str) and ":" in cell for cell in cells) and not (columns or {}).get("start"):
            del names["start"]
    used = set(names.values())
    extras = tuple((name, i) for i, name in enumerate(table.columns) if name and name not in used)
    warnings = list(table.warnings)
    if kind == "turns" and "speaker" not in names:
        rest = listed(name for name, _ in extras)
        warnings.append(f"no column says who speaks (columns left over: {rest}); columns={{'speaker': …}} names it")
    single = "id" in (columns or {}) and "id" not in names
    return Layout(kind, {f: at[n] for f, n in names.items()}, names, extras, tuple(warnings), single)


def _kind(
    table: Table,
    names: dict[str, str],
    at: Mapping[str, int],
    columns: Mapping[str, str | None],
    roles: Roles,
    peek: Sequence[Row],
) -> Literal["turns", "cell", "wide"]:
    """Decide the layout; leaves in ``names`` only the fields that it uses."""
    wide = "agent_text" in names and "customer_text" in names and not {"text", "transcript"} & set(names)
    if not wide:
        names.pop("agent_text", None)
        names.pop("customer_text", None)
    if wide:
        return "wide"
    for field in ("transcript", "text"):
        forced = field == "transcript" and columns.get("transcript") is not None
        if field in names and (forced or _holds_transcripts(peek, at[names[field]], roles)):
            column = names[field]
            names.pop("text", None)
            names["transcript"] = column
            return "cell"
    if "text" in names:
        names.pop("transcript", None)
        return "turns"
    if "transcript" in names:
        if "speaker" not in names:
            return "cell"
        names["text"] = names.pop("transcript")
        return "turns"
    raise ReadError(
        Rejected(
            f"no column holds the words said; the columns are {listed(table.columns)}",
            table.source,
            line=1 if table.source else None,
            hint="name it with columns={'text': …}, or columns={'transcript': …} for a conversation a cell",
        )
    )


def _holds_transcripts(peek: Sequence[Row], at: int, roles: Roles) -> bool:
    """True if most filled cells hold two labelled turns or more."""
    filled = whole = 0
    for row in peek:
        cell = row.cells[at] if at < len(row.cells) else None
        if is_missing(cell) or cell == "":
            continue
        filled += 1
        try:
            found = turns_of(cell[:20_000] if isinstance(cell, str) and cell[:1] not in "[{" else cell, roles)
        except ValueError:
            continue
        whole += len(found.said) >= 2 and any(said.label is not None for said in found.said)
    return filled > 0 and whole * 2 > filled


def _unambiguous(
    table: Table,
    names: Mapping[str, str],
    at: Mapping[str, int],
    columns: Mapping[str, str | None],
    peek: Sequence[Row],
) -> None:
    """Two columns that could both be the text, with different words in them, are an error."""
    if "text" not in names or columns.get("text"):
        return
    others = [n for n in table.columns if n != names["text"] and column_key(n) in ALIASES["text"][:5]]
    for other in others:
        for row in peek:
            both = [row.cells[at[n]] for n in (names["text"], other) if at[n] < len(row.cells)]
            if len(both) == 2 and all(isinstance(x, str) and x.strip() for x in both) and both[0] != both[1]:
                raise ReadError(
                    Rejected(
                        f"both {names['text']!r} and {other!r} could be the words said",
                        table.source,
                        line=row.line,
                        column=other,
                        hint=f"say which: columns={{'text': {names['text']!r}}}",
                    )
                )
