"""Rows of turns that somebody else has gathered by conversation: a cluster, a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import ALIASES, chosen, column_key, listed
from servicequal.readers.grouping import grouped
from servicequal.readers.layout import Layout, Row, Table, layout_of
from servicequal.readers.roles import Roles


@dataclass(frozen=True)
class Gathered:
    """Which column holds what, decided once from the names alone, so that every process reads rows alike."""

    names: tuple[str, ...]
    layout: Layout
    roles: Roles

    @classmethod
    def of(cls, names: Sequence[str], columns: Mapping[str, str | None] | None, roles: Roles) -> Gathered:
        """Find the columns. Raises ReadError where id, words or order stay open: nothing is guessed from cells."""
        columns = columns or {}
        found = chosen(names, columns, None)
        if "text" in found and not columns.get("text"):
            others = [n for n in names if n != found["text"] and column_key(n) in ALIASES["text"][:5]]
            if others:
                raise _open(f"both {found['text']!r} and {others[0]!r} could be the words said", "text", found["text"])
        layout = layout_of(_table(tuple(names), ()), columns, roles, ())
        if layout.kind == "cell":
            raise ReadError(
                Rejected(
                    f"the column {layout.names['transcript']!r} holds whole transcripts",
                    hint="a row per turn is needed; score_json_column takes a JSON conversation per row",
                )
            )
        if "id" not in layout.names or (column_key(layout.names["id"]) == "id" and not columns.get("id")):
            raise _open(f"no column surely holds the conversation id; the columns are {listed(names)}", "id", "…")
        if not {"order", "start"} & set(layout.names):
            raise _open(f"no column says in which order turns come; the columns are {listed(names)}", "order", "…")
        return cls(tuple(names), layout, roles)

    def at(self, field: str) -> str | None:
        """The column of a field, or None."""
        return self.layout.names.get(field)

    def read(self, rows: Sequence[Sequence[Any]]) -> Iterator[Conversation | Rejected]:
        """The conversation of these rows, all with the same id; what is wrong with it as Rejected."""
        table = _table(self.names, rows)
        try:
            for item in grouped(table, self.layout, self.roles):
                yield replace(item, line=None) if isinstance(item, Rejected) else item
        except ReadError as error:
            yield replace(error.rejected, line=None)


def _table(names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> Table:
    def numbered() -> Iterator[Row | Rejected]:
        return (Row(number, cells) for number, cells in enumerate(rows, start=1))

    return Table(names, numbered, None, "frame", "frame")


def _open(reason: str, field: str, column: str) -> ReadError:
    return ReadError(Rejected(reason, hint=f"say which: columns={{{field!r}: {column!r}}}"))
