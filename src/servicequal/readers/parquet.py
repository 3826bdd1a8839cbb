"""Parquet tables, read batch by batch: the same layouts as CSV, lists of turns in a cell included."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers.layout import Row, Table
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.table import conversations

_BATCH = 2048


def sniff(sample: Sample) -> Sniff:
    """Parquet says so in its first four bytes."""
    return Sniff(Fit.SIGNATURE, "a Parquet file") if sample.suffix == ".parquet" else Sniff(Fit.NO)


def read(
    source: Source, roles: Roles, columns: Mapping[str, str | None] | None = None
) -> Iterator[Conversation | Rejected]:
    """Stream the conversations of a Parquet file. Raises ReadError if it is none."""
    names = tuple(str(name) for name in _opened(source).schema_arrow.names)

    def rows() -> Iterator[Row | Rejected]:
        number = 0
        for batch in _batches(source):
            for cells in zip(*batch.to_pydict().values(), strict=True):
                number += 1
                yield Row(number, list(cells))

    return conversations(Table(names, rows, source.name, source.stem, "parquet"), columns, roles)


def _opened(source: Source) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with source.guarded():
            stream = source.opener()
            return pq.ParquetFile(stream if stream.seekable() else io.BytesIO(stream.read()))
    except (pa.ArrowException, ValueError) as error:
        if hasattr(error, "rejected"):
            raise
        raise source.fail(f"is no readable Parquet file: {str(error)[:200]}") from error


def _batches(source: Source) -> Iterator[Any]:
    import pyarrow as pa

    try:
        with source.guarded():
            yield from _opened(source).iter_batches(batch_size=_BATCH)
    except (pa.ArrowException, ValueError) as error:
        if hasattr(error, "rejected"):
            raise
        raise source.fail(f"the Parquet file is broken: {str(error)[:200]}") from error


READER = Reader("parquet", "Parquet, one row per turn or per conversation", (".parquet",), sniff, read, True)
