"""What a format's sniff gets to see of a file: its beginning, its first record, its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import header_of
from servicequal.readers.jsonio import SUFFIXES, looks_like_json, records
from servicequal.readers.source import Source


@dataclass(frozen=True)
class Sample:
    """A look at a file before it is read.

    ``head`` is up to 64 Ki characters of text; ``record`` the first JSON record (of an array, the
    first element; of JSON lines, the first line), None if the file is no JSON; ``columns`` the
    header of a delimited table, empty if it is none; ``problem`` what was wrong with the JSON.
    """

    name: str
    suffix: str
    head: str
    record: Any = None
    columns: tuple[str, ...] = ()
    problem: Rejected | None = None

    @property
    def mapping(self) -> Mapping[str, Any]:
        """The record if it is an object, else an empty one: safe to ask for keys."""
        return self.record if isinstance(self.record, dict) else {}

    @classmethod
    def of(cls, source: Source) -> Sample:
        """Take a sample. Raises ReadError if the bytes cannot be read as text."""
        if source.suffix == ".parquet" or source.raw_head.startswith(b"PAR1"):
            return cls(source.name, ".parquet", "PAR1")
        head = source.head
        if not looks_like_json(source):
            return cls(source.name, source.suffix, head, columns=header_of(head, source.suffix))
        problem: Rejected | None = None
        try:
            for record in records(source):
                if not isinstance(record, Rejected):
                    if source.suffix not in SUFFIXES and not isinstance(record.value, (dict, list)):
                        break  # "[2025-12-18 16:55:50] Agent: …" is no array
                    return cls(source.name, source.suffix, head, record.value, problem=problem)
                problem = problem or record
        except ReadError as error:
            problem = problem or error.rejected
        return cls(source.name, source.suffix, head, problem=problem)
