"""Stand-in until servicequal.batch is there."""
from __future__ import annotations
import json
from pathlib import Path
from typing import Any


class RunData:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))

    def table(self, name: str, columns: Any = None, filters: Any = None) -> Any:
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq
        data = ds.dataset(str(self.folder / name), format="parquet")
        f = pq.filters_to_expression(filters) if isinstance(filters, list) else filters
        return data.to_table(columns=columns, filter=f)


def open_run(out: str | Path) -> RunData:
    return RunData(Path(out))
