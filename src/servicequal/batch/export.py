"""A run's parts as one CSV or JSON-lines file per dataset, row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..rows import safe_cell
from .files import Folder, sync, told
from .tables import COLUMNS, schema

_ROWS = 5000


def export(folder: Folder, parts: Iterable[int]) -> None:
    """Write OUT/scores.csv and so on (or .jsonl) from the parts in order; each is there whole or not at all.

    In CSV a cell that a spreadsheet would run as a formula gets a leading quote, and lists are JSON. Raises
    BatchError where a file can't be written.
    """
    numbers = list(parts)
    for name in folder.datasets:
        target = folder.out / f"{name}.{folder.kind}"
        unfinished = folder.journal / target.name
        with told(folder.out):
            with unfinished.open("w", encoding="utf-8", newline="") as stream:
                for text in _texts(name, folder.kind, (folder.part(name, number) for number in numbers)):
                    stream.write(text)
            sync(unfinished)
            unfinished.replace(target)


def _texts(name: str, kind: str, files: Iterable[Path]) -> Iterator[str]:
    import pyarrow.parquet as pq

    if kind == "csv":
        yield ",".join(COLUMNS[name]) + "\n"
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS):
            columns = [column.to_pylist() for column in batch.select(schema(name).names).columns]
            rows = zip(*columns, strict=True)
            yield _csv(rows) if kind == "csv" else _jsonl(rows, COLUMNS[name])


def _csv(rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else safe_cell(value)


def _jsonl(rows: Iterable[tuple[Any, ...]], names: Iterable[str]) -> str:
    columns = tuple(names)
    lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(line + "\n" for line in lines)
