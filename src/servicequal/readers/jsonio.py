"""JSON of every layout as a stream of records: one object, an array, one a line.

A broken line or element is a rejection in place; what is whole around it is still read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, TextIO

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, build, printable
from servicequal.readers.roles import Roles
from servicequal.readers.source import Source

LINE_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
SUFFIXES = (".json", *LINE_SUFFIXES)
SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
"""What a reader may throw over a record that is not as its format has it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value and the line it begins on (None inside a document)."""

    value: Any
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was found: file name, stem (an id if there is no other), line.

    The stem is the file's; of several records in a file each has its number behind it: ``calls-2``.
    """

    source: str
    stem: str
    line: int | None = None
    warnings: tuple[str, ...] = ()


def place_of(source: Source, record: Record) -> Place:
    """The place of a record in a file that is read once: below the first line, the line numbers its stem."""
    stem = source.stem if (record.line or 1) == 1 else f"{source.stem}-{record.line}"
    return Place(source.name, stem, record.line, source.warnings)


def parse(text: str) -> Any:
    """``json.loads`` whose every failure is a ValueError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def looks_like_json(source: Source) -> bool:
    """True if the name or the first character says JSON."""
    return source.suffix in SUFFIXES or source.head.lstrip()[:1] in ("{", "[")


def records(source: Source) -> Iterator[Record | Rejected]:
    """The records of a JSON file; an array's elements one by one. Raises ReadError."""
    if is_lines(source):
        yield from _lines(source)
    elif source.head.lstrip().startswith("["):
        yield from _elements(source)
    else:
        try:
            yield Record(parse(source.text()))
        except ValueError as error:
            raise ReadError(_rejected(source.name, error, 1)) from error


def is_lines(source: Source) -> bool:
    """True for JSON lines: by its name, or because the first line is a value and more follow."""
    if source.suffix in LINE_SUFFIXES:
        return True
    first, _, rest = source.head.lstrip().partition("\n")
    if not rest.strip() or rest.lstrip()[:1] not in ("{", "["):
        return False
    try:
        parse(first)
    except ValueError:
        return False
    return True


def _lines(source: Source) -> Iterator[Record | Rejected]:
    for number, line in source.lines():
        if line.strip():
            yield record_of(line, number, source.name)


def record_of(line: str, number: int, source: str) -> Record | Rejected:
    """The record that one line of JSON lines is."""
    try:
        return Record(parse(line.strip("\ufeff \t\r")), number)
    except ValueError as error:
        return _rejected(source, error, number)


_BLOCK = 1 << 20


def _elements(source: Source) -> Iterator[Record | Rejected]:
    """The elements of an array one by one; of a broken one the whole elements, then what follows as rejected."""
    decoder = json.JSONDecoder()
    with source.text_stream() as stream:
        text = _Text(stream)
        text.find("[")
        text.at += 1
        while True:
            text.skip(" \t\r\n,")
            closed = text.held[text.at : text.at + 1] == "]"
            try:
                value, end = decoder.raw_decode(text.held, text.at)
                if end == len(text.held) and text.more():
                    continue  # a number may go on
            except (ValueError, RecursionError) as error:
                if not isinstance(error, RecursionError) and not closed and text.more():
                    continue
                if not closed:
                    yield text.placed(_rejected(source.name, error, 1))
                elif text.held[text.at + 1 :].strip() or any(block.strip() for block in text.rest()):
                    yield Rejected("there is more after the end of the array", source.name)
                return
            text.at = end
            yield Record(value)


class _Text:
    """A stretch of a file's text; what is before ``at`` has been dealt with and is let go when more is needed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.held = ""
        self.at = 0
        self._lines = 0
        self._column = 0

    def more(self) -> bool:
        """Hold as much again as is left, and at least a block; False at the end of the file."""
        block = self._stream.read(max(_BLOCK, len(self.held) - self.at))
        if block:
            lines = self.held.count("\n", 0, self.at)
            self._lines += lines
            self._column = self.at - self.held.rindex("\n", 0, self.at) - 1 if lines else self._column + self.at
            self.held, self.at = self.held[self.at :] + block, 0
        return bool(block)

    def rest(self) -> Iterator[str]:
        """What is not held yet, block by block."""
        while block := self._stream.read(_BLOCK):
            yield block

    def find(self, mark: str) -> None:
        """Go to a mark that is in the file."""
        while mark not in self.held and self.more():
            pass
        self.at = self.held.index(mark)

    def skip(self, marks: str) -> None:
        """Go past these characters, however many there are."""
        while True:
            while self.held[self.at : self.at + 1] in marks and self.at < len(self.held):
                self.at += 1
            if self.at < len(self.held) or not self.more():
                return

    def placed(self, rejected: Rejected) -> Rejected:
        """The rejection with its place in what is held as its place in the file."""
        column = rejected.column
        if column is not None and rejected.line == 1:
            column = str(int(column) + self._column)
        return replace(rejected, line=(rejected.line or 1) + self._lines, column=column)


def _rejected(source: str, error: BaseException, line: int) -> Rejected:
    """``line`` is where the text that was parsed begins."""
    reason, column, hint = "broken JSON: nested too deeply", None, None
    if isinstance(error, json.JSONDecodeError):
        line, column = line + error.lineno - 1, str(error.colno)
        reason = f"broken JSON: {error.msg}"
        if error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated"):
            hint = "it seems to be cut off; export it again"
    elif not isinstance(error, RecursionError):
        reason = f"broken JSON: {printable(str(error))[:200]}"
    return Rejected(reason, source, line=line, column=column, hint=hint)


def convert(
    source: Source,
    roles: Roles,
    drafts: Callable[[Any, Place], Iterator[Draft | Rejected]],
) -> Iterator[Conversation | Rejected]:
    """Run a format's ``drafts`` over every record and build what it gives; failures are Rejected."""
    stream = records(source)
    first = list(islice(stream, 2))
    if not first:
        raise source.fail("the file holds no conversation")
    for number, record in enumerate(chain(first, stream), start=1):
        if isinstance(record, Rejected):
            yield record
            continue
        stem = source.stem if len(first) == 1 else f"{source.stem}-{number}"
        yield from guarded(Place(source.name, stem, record.line, source.warnings), record.value, roles, drafts)


def guarded(
    place: Place,
    value: Any,
    roles: Roles,
    drafts: Callable[[Any, Place], Iterator[Draft | Rejected]],
) -> Iterator[Conversation | Rejected]:
    """Build the drafts of one record; whatever is wrong with it becomes one rejection."""
    try:
        for draft in drafts(value, place):
            try:
                yield draft if isinstance(draft, Rejected) else build(draft, roles)
            except ReadError as error:
                yield error.rejected
    except ReadError as error:
        yield error.rejected
    except SHAPE_ERRORS as error:
        said = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
        yield Rejected(
            printable(f"the record is not as the format has it: {said}"[:300]), place.source, line=place.line
        )
