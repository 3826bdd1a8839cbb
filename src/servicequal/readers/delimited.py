"""CSV, TSV and their kin: any of tab, comma, semicolon, bar; quotes; a BOM; embedded newlines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TextIO

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers.columns import TABLE_SUFFIXES, delimiter_of, first_record, listed, match
from servicequal.readers.layout import Row, Table
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.table import conversations

_RESUMES = 5
_LONGEST_CELL = 2**31 - 1


def sniff(sample: Sample) -> Sniff:
    """A shape if a column of words is known, a fallback for other files named as tables."""
    found = match(sample.columns)
    known = ", ".join(f"{field}={column!r:.40}" for field, column in found.items())
    if "text" in found or "transcript" in found or {"agent_text", "customer_text"} <= set(found):
        return Sniff(Fit.SHAPE, f"a table with {known}")
    if sample.columns and sample.suffix in TABLE_SUFFIXES:
        return Sniff(Fit.FALLBACK, f"a table with {listed(sample.columns)}")
    return Sniff(Fit.NO)


def table_of(source: Source) -> Table:
    """The table that a delimited file is. Raises ReadError for one without a header."""
    if csv.field_size_limit() < _LONGEST_CELL:
        csv.field_size_limit(_LONGEST_CELL)  # the limit is global in Python; long cells are refused by build
    delimiter = delimiter_of(source.head)
    header = first_record(source.head, delimiter)
    if not header:
        raise source.fail("the table has no header line", line=1)
    return Table(
        header,
        lambda: _rows(source, delimiter, len(header)),
        source.name,
        source.stem,
        "table",
        source.warnings,
    )


def read(
    source: Source, roles: Roles, columns: Mapping[str, str | None] | None = None
) -> Iterator[Conversation | Rejected]:
    """Stream the conversations of a delimited table. Raises ReadError for one without a header."""
    return conversations(table_of(source), columns, roles)


class _Lines:
    """The lines of a stream, counted and kept since the record began, so that reading can resume."""

    def __init__(self, stream: TextIO) -> None:
        self._rest: Iterator[str] = iter(stream)
        self.count = 0
        self.record: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._rest)
        if "\0" in line:
            line = line.replace("\0", "\ufffd")
        self.count += 1
        self.record.append(line)
        return line

    def resume(self) -> None:
        """Go back to the line after the one on which the record began."""
        again = self.record[1:]
        self.count -= len(again)
        self.record = []
        self._rest = chain(again, self._rest)


def _rows(source: Source, delimiter: str, width: int) -> Iterator[Row | Rejected]:
    """The rows below the header; a row that cannot be parsed is Rejected and the next one is tried."""
    with source.text_stream(newline="") as stream:
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header_seen, resumes = False, 0
        while True:
            lines.record.clear()
            began = lines.count + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                unclosed = "end of data" in str(error)
                yield _broken(source, began, str(error), unclosed)
                resumes += unclosed
                if resumes > _RESUMES:
                    return
                if unclosed:
                    lines.resume()
                    reader = csv.reader(lines, delimiter=delimiter, strict=True)
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if header_seen:
                yield _row(began, cells, width)
            header_seen = True


def _broken(source: Source, line: int, error: str, unclosed: bool) -> Rejected:
    if unclosed:
        return Rejected("a quote is opened here and never closed", source.name, line=line, hint="close or remove it")
    return Rejected(f"the row cannot be parsed: {error[:200]}", source.name, line=line, hint="mend its quotes")


def _row(line: int, cells: list[str], width: int) -> Row:
    problem = None
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        problem = f"the row has {len(cells)} cells, the header {width}: a delimiter in an unquoted cell?"
    return Row(line, cells, problem)


READER = Reader("table", "CSV or TSV, one row per turn or per conversation", TABLE_SUFFIXES, sniff, read, True)
