"""Reading what a batch has written: tables of any dataset, and single conversations with their scorecards."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..errors import BatchError
from ..hygiene import HygieneNote, check
from ..rules import DIMENSIONS
from ..scoring import Finding, Fingerprint, LedgerLine, Scorecard
from .tables import COLUMNS, schema

RUN = "run.json"
SCHEMA_VERSION = 1


def open_run(out: str | Path) -> RunData:
    """A finished batch run, for reading.

    Raises BatchError where there is none, where it is not finished, and where it was written as CSV or JSON lines.
    """
    folder = Path(out)
    try:
        run = json.loads((folder / RUN).read_text("utf-8"))
    except FileNotFoundError as error:
        journal = (folder / "journal").is_dir()
        hint = "it is not finished: score again with --resume" if journal else "score with -o writes one"
        raise BatchError(f"{folder}: there is no {RUN}, so no finished run; {hint}") from error
    except (OSError, ValueError) as error:
        raise BatchError(f"{folder / RUN}: cannot be read: {error}") from error
    if not isinstance(run, dict) or run.get("schema_version") != SCHEMA_VERSION:
        said = run.get("schema_version") if isinstance(run, dict) else None
        raise BatchError(f"{folder / RUN}: schema_version is {said!r}, this servicequal reads {SCHEMA_VERSION}")
    if run.get("options", {}).get("as", "parquet") != "parquet":
        raise BatchError(f"{folder}: was written as {run['options']['as']}; read its files, or score to Parquet")
    return RunData(folder, run)


class RunData:
    """A finished run: ``run`` is what run.json says, the datasets are read when they are asked for."""

    def __init__(self, folder: Path, run: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run
        self._starts = [part["position"] for part in run["parts"]]

    def table(self, name: str, columns: Sequence[str] | None = None, filters: Any = None) -> Any:
        """Rows of a dataset as a :class:`pyarrow.Table`, in the order of the input.

        ``columns`` are the ones wanted (all by default), ``filters`` a pyarrow expression or a list such as
        ``[("cue", "==", "disowning")]``. Raises BatchError for a dataset or column that there is not.
        """
        return self._read(name, columns, filters, [part["part"] for part in self.run["parts"]])

    def _read(self, name: str, columns: Sequence[str] | None, filters: Any, parts: Iterable[str]) -> Any:
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq

        if name not in COLUMNS or (name == "turns" and not self.run["options"].get("turns", True)):
            hint = "; this run was written without turns" if name == "turns" else ""
            raise BatchError(f"{self.folder}: there is no dataset {name!r}{hint}")
        unknown = [column for column in columns or () if column not in COLUMNS[name]]
        if unknown:
            raise BatchError(f"{name} has no column {unknown[0]!r}; it has {', '.join(COLUMNS[name])}")
        files = [str(self.folder / name / f"{part}.parquet") for part in parts]
        if not files:
            return schema(name).empty_table().select(list(columns or COLUMNS[name]))
        try:
            data = ds.dataset(files, schema=schema(name), format="parquet")
            wanted = pq.filters_to_expression(filters) if isinstance(filters, list) else filters
            return data.to_table(columns=None if columns is None else list(columns), filter=wanted)
        except OSError as error:
            raise BatchError(f"{self.folder}/{name}: cannot be read: {error}") from error

    def _rows(self, name: str, position: int) -> list[dict[str, Any]]:
        """The rows of one conversation, from its own part alone."""
        at = bisect_right(self._starts, position) - 1
        parts = self.run["parts"][max(at, 0) : at + 1]
        found: list[dict[str, Any]] = self._read(
            name, None, [("position", "==", position)], [p["part"] for p in parts]
        ).to_pylist()
        return found

    def _scored(self, position: int) -> dict[str, Any]:
        rows = self._rows("scores", position)
        if not rows:
            raise BatchError(f"{self.folder}: no conversation was scored at position {position}")
        return rows[0]

    def conversation(self, position: int) -> Conversation:
        """The conversation at a position, from turns/: all but its metadata, of which start and source remain.

        Raises BatchError where none was scored at that position, or the run was written without turns.
        """
        row = self._scored(position)
        turns = sorted(self._rows("turns", position), key=lambda turn: turn["turn"])
        names = ("speaker", "text", "start", "end", "speaker_id", "kind", "confidence")
        metadata = {"started_at": row["started_at"], "file": row["source"]}
        return Conversation.model_validate(
            {
                "id": row["conversation_id"],
                "channel": row["channel"],
                "turns": [{name: turn[name] for name in names} for turn in turns],
                "metadata": {key: value for key, value in metadata.items() if value is not None},
            }
        )

    def scorecard(self, position: int) -> Scorecard:
        """The scorecard at a position, but for ``dynamics`` and ``agents``, which have datasets of their own.

        Raises BatchError where no conversation was scored at that position.
        """
        row = self._scored(position)
        return Scorecard(
            conversation_id=row["conversation_id"],
            channel=row["channel"],
            overall=row["overall"],
            scores={d: row[d] for d in DIMENSIONS},
            coverage={d: row[f"coverage_{d}"] for d in DIMENSIONS},
            cues=tuple(_cue(cue) for cue in self._rows("cues", position)),
            findings=tuple(_finding(finding) for finding in self._rows("findings", position)),
            ledger=tuple(LedgerLine(**_without_keys(line)) for line in self._rows("ledger", position)),
            notes=self._notes(position, row["notes"]),
            fingerprint=Fingerprint(**self.run["fingerprint"]),
        )

    def _notes(self, position: int, said: str) -> tuple[HygieneNote, ...]:
        if not said:
            return ()
        if self.run["options"].get("turns", True):
            return check(self.conversation(position))
        return (HygieneNote("notes", said),)


def _without_keys(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("position", "conversation_id")}


def _spans(found: Iterable[dict[str, int]]) -> tuple[Span, ...]:
    return tuple(Span(**span) for span in found)


def _cue(row: dict[str, Any]) -> CueMatch:
    return CueMatch(**{**_without_keys(row), "softened_by": _spans(row["softened_by"])})


def _finding(row: dict[str, Any]) -> Finding:
    kept = {name: value for name, value in _without_keys(row).items() if name not in ("turns", "words")}
    return Finding(**{**kept, "spans": _spans(row["spans"]), "searched": tuple(row["searched"])})


__all__ = ["RUN", "SCHEMA_VERSION", "RunData", "open_run"]
