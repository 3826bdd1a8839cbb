"""Reading what a batch has written: tables of any dataset, and single conversations with their scorecards."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..errors import BatchError, Rejected
from ..hygiene import HygieneNote, check
from ..rows import REJECTED_COLUMNS
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

        if name not in COLUMNS or (name == "turns" and not self.has_turns):
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

    def _rows(self, name: str, positions: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """The rows of these conversations by position, from their own parts alone."""
        parts = sorted({bisect_right(self._starts, position) - 1 for position in positions} - {-1})
        names = [self.run["parts"][at]["part"] for at in parts]
        found: dict[int, list[dict[str, Any]]] = {position: [] for position in positions}
        for row in self._read(name, None, [("position", "in", list(positions))], names).to_pylist():
            found[row["position"]].append(row)
        return found

    def _scored(self, positions: Sequence[int]) -> dict[int, dict[str, Any]]:
        found = self._rows("scores", positions)
        missing = [position for position, rows in found.items() if not rows]
        if missing:
            raise BatchError(f"{self.folder}: no conversation was scored at position {missing[0]}")
        return {position: rows[0] for position, rows in found.items()}

    def conversation(self, position: int) -> Conversation:
        """The conversation at a position, from turns/: all but its metadata, of which start and source remain.

        Raises BatchError where none was scored at that position, or the run was written without turns.
        """
        return self.conversations([position])[0]

    def conversations(self, positions: Sequence[int]) -> list[Conversation]:
        """The conversations at these positions, in that order; see :meth:`conversation`."""
        scores, turns = self._scored(positions), self._rows("turns", positions)
        return [_conversation(scores[position], turns[position]) for position in positions]

    def scorecard(self, position: int) -> Scorecard:
        """The scorecard at a position, but for ``dynamics`` and ``agents``, which have columns and rows of their own.

        Raises BatchError where no conversation was scored at that position.
        """
        return self.scorecards([position])[0]

    def scorecards(self, positions: Sequence[int]) -> list[Scorecard]:
        """The scorecards at these positions, in that order; see :meth:`scorecard`."""
        scores = self._scored(positions)
        rows = {name: self._rows(name, positions) for name in ("cues", "findings", "ledger")}
        noted = [position for position in positions if scores[position]["notes"]]
        talks = dict(zip(noted, self.conversations(noted), strict=True)) if noted and self.has_turns else {}
        return [
            Scorecard(
                conversation_id=scores[at]["conversation_id"],
                channel=scores[at]["channel"],
                overall=scores[at]["overall"],
                scores={d: scores[at][d] for d in DIMENSIONS},
                coverage={d: scores[at][f"coverage_{d}"] for d in DIMENSIONS},
                cues=tuple(_cue(cue) for cue in rows["cues"][at]),
                findings=tuple(_finding(finding) for finding in rows["findings"][at]),
                ledger=tuple(LedgerLine(**_without_keys(line)) for line in rows["ledger"][at]),
                notes=check(talks[at]) if at in talks else _notes(scores[at]["notes"]),
                fingerprint=Fingerprint(**self.run["fingerprint"]),
            )
            for at in positions
        ]

    @property
    def has_turns(self) -> bool:
        """Whether the run was written with its transcripts."""
        return bool(self.run["options"].get("turns", True))

    def first(self, most: int) -> tuple[tuple[Scorecard, Conversation | None], ...]:
        """The first scorecards, each with its conversation where there are transcripts."""
        positions = self._first("scores", ["position"], "scored", most)
        if not positions:
            return ()
        places = [row["position"] for row in positions]
        talks: Sequence[Conversation | None] = self.conversations(places) if self.has_turns else [None] * len(places)
        return tuple(zip(self.scorecards(places), talks, strict=True))

    def refused(self, most: int) -> tuple[Rejected, ...]:
        """The first rejections."""
        return tuple(Rejected(**row) for row in self._first("rejected", REJECTED_COLUMNS, "rejected", most))

    def _first(self, name: str, columns: Sequence[str], counted: str, most: int) -> list[dict[str, Any]]:
        """The first rows of a dataset, from as few parts as hold them."""
        parts, enough = [], 0
        for part in self.run["parts"]:
            if part[counted] and enough < most:
                parts.append(part["part"])
                enough += part[counted]
        found: list[dict[str, Any]] = self._read(name, columns, None, parts).slice(0, most).to_pylist() if parts else []
        return found


def _conversation(row: dict[str, Any], turns: Iterable[dict[str, Any]]) -> Conversation:
    names = ("speaker", "text", "start", "end", "speaker_id", "kind", "confidence")
    metadata = {"started_at": row["started_at"], "file": row["source"]}
    return Conversation.model_validate(
        {
            "id": row["conversation_id"],
            "channel": row["channel"],
            "turns": [{name: turn[name] for name in names} for turn in sorted(turns, key=lambda turn: turn["turn"])],
            "metadata": {key: value for key, value in metadata.items() if value is not None},
        }
    )


def _notes(said: str) -> tuple[HygieneNote, ...]:
    return (HygieneNote("notes", said),) if said else ()


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
