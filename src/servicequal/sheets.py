"""Sheets of grades: a CSV with one row for each conversation (and grader), as people keep them.

A column ``conversation_id`` or ``position`` says which conversation of the run; the columns ``common_sense``,
``flexibility``, ``problem_solving``, ``recovery`` and ``overall`` hold the grades, ``grader`` (optional) who gave
them. An empty cell was not graded; ``n/a`` means *not applicable*. Other columns are left alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .batch import RunData
from .errors import ReadError, Rejected
from .verdicts import GRADES, UNNAMED, Verdict

_IDS = ("conversation_id", "conversation", "id")
_GRADERS = ("grader", "reviewer", "rater")
_NOT_APPLICABLE = ("n/a", "na", "-", "–", "not applicable", "not_applicable")
_BEST = 4.0


def read_sheet(path: str | Path, run: RunData, scale: tuple[float, float] = (0, 4)) -> list[Verdict]:
    """A sheet's grades as verdicts, brought from ``scale`` (worst, best) to 0-4.

    Raises ReadError with line and column where the sheet has no id or no grades, where a conversation is not in the
    run or is there twice, and where a grade is no number of the scale.
    """
    path = Path(path)
    worst, best = scale
    if not worst < best:
        raise ReadError(Rejected(f"scale {worst:g}-{best:g}: the worst grade stands first and is the smaller one"))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(file, path, run, scale))
    except OSError as error:
        raise ReadError(Rejected(f"cannot be read: {error.strerror}", str(path))) from error
    except UnicodeDecodeError as error:
        raise ReadError(Rejected("is not UTF-8 text", str(path), hint="save the sheet as CSV UTF-8")) from error
    except csv.Error as error:
        raise ReadError(Rejected(f"not a CSV file: {error}", str(path))) from error


def _rows(file: Any, path: Path, run: RunData, scale: tuple[float, float]) -> Iterator[Verdict]:
    first = file.readline()
    delimiter = max(",;\t", key=first.count)
    names = [
        name.strip().lower().replace(" ", "_").replace("-", "_")
        for name in next(csv.reader([first], delimiter=delimiter), [])
    ]
    key = next((name for name in ("position", *_IDS) if name in names), None)
    graded = [name for name in GRADES if name in names]
    if key is None or not graded:
        what = f"a column {' or '.join(('position', *_IDS))}" if key is None else f"a column {', '.join(GRADES)}"
        raise ReadError(Rejected(f"has not got {what}", str(path), line=1, hint="see docs/calibrate.md for the layout"))
    who = next((name for name in _GRADERS if name in names), None)
    places = _places(run)
    ids = {position: name for name, found in places.items() for position in found}
    seen: dict[int, int] = {}
    for number, cells in enumerate(csv.reader(file, delimiter=delimiter), 2):
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        if not any(row.values()):
            continue
        position = _position(row.get(key, ""), key, places, ids, path, number)
        seen[position] = seen.get(position, 0) + 1
        unnamed = UNNAMED if seen[position] == 1 else f"{UNNAMED} {seen[position]}"
        grades = {name: _grade(row[name], name, scale, path, number) for name in graded if row.get(name)}
        yield Verdict.model_validate(
            {
                "position": position,
                "conversation_id": ids[position],
                "reviewer": (row.get(who) if who else None) or unnamed,
                "grades": grades,
            }
        )


def _places(run: RunData) -> dict[str, list[int]]:
    table = run.table("scores", ["position", "conversation_id"])
    places: dict[str, list[int]] = {}
    for position, name in zip(table["position"].to_pylist(), table["conversation_id"].to_pylist(), strict=True):
        places.setdefault(name, []).append(position)
    return places


def _position(
    said: str, key: str, places: Mapping[str, list[int]], ids: Mapping[int, str], path: Path, line: int
) -> int:
    if key == "position":
        if said.isascii() and said.isdigit() and int(said) in ids:
            return int(said)
        raise ReadError(Rejected(f"no conversation was scored at position {said!r}", str(path), line=line, column=key))
    found = places.get(said, [])
    if len(found) == 1:
        return found[0]
    if found:
        reason, hint = f"{len(found)} conversations of the run are called {said!r}", "give their position instead"
    else:
        reason, hint = f"the run has no conversation {said!r}", "name the run that was graded with --run"
    raise ReadError(Rejected(reason, str(path), line=line, column=key, hint=hint))


def _grade(said: str, name: str, scale: tuple[float, float], path: Path, line: int) -> float | None:
    if said.lower() in _NOT_APPLICABLE:
        return None
    try:
        grade = float(said.replace(",", "."))
    except ValueError:
        grade = float("nan")
    if not scale[0] <= grade <= scale[1]:
        hint = "leave it empty, write n/a, or tell the scale with --scale 1-5"
        reason = f"{said!r} is no grade from {scale[0]:g} to {scale[1]:g}"
        raise ReadError(Rejected(reason, str(path), line=line, column=name, hint=hint))
    return (grade - scale[0]) / (scale[1] - scale[0]) * _BEST
