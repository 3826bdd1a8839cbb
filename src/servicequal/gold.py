"""Marked conversations: what graders found, in the JSON-lines layout that evaluation and training share.

One conversation a line::

    {"id", "channel", "turns": [{"speaker", "text", "start"}],
     "cues": {"<turn>": [cue, …]}, "evidence": {"<turn>": {cue: [exact words]}},
     "grades": {dimension: 0-4 | null}, "graders": {name: {"cues", "grades"}}}

A turn that is missing from ``cues`` has none; a null grade means *not applicable*.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .conversation import Conversation, Turn
from .errors import ReadError, Rejected
from .packs import CUES

Marks = dict[int, tuple[str, ...]]
Known = dict[int, tuple[str, ...]]
"""The cues by turn that somebody looked at, whether they are there or not."""


class Grader(BaseModel):
    """One grader's own marks and grades. ``reviewed`` is what was looked at: everything if it is None."""

    model_config = ConfigDict(frozen=True)

    cues: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    grades: dict[str, float | None] = Field(default_factory=dict)
    reviewed: dict[int, tuple[str, ...]] | None = None


class Marked(BaseModel):
    """A conversation with the marks agreed on, the words they stand on, the grades and the single graders.

    ``reviewed`` are the cues by turn that the marks tell about: everything if it is None. A grade that is left out was
    not given; one that is None means *not applicable*.
    """

    model_config = ConfigDict(frozen=True)

    conversation: Conversation
    cues: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    evidence: dict[int, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    grades: dict[str, float | None] = Field(default_factory=dict)
    graders: dict[str, Grader] = Field(default_factory=dict)
    reviewed: dict[int, tuple[str, ...]] | None = None


def read_marked(path: str | Path) -> Iterator[Marked]:
    """Marked conversations of a JSON-lines file. Raises ReadError with file, line and reason."""
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _marked(line, path, number)
    except OSError as error:
        raise ReadError(Rejected(f"cannot be read: {error.strerror}", str(path))) from error
    except UnicodeDecodeError as error:
        raise ReadError(Rejected("is not UTF-8 text", str(path))) from error


def read_all_marked(paths: str | Path | Iterable[str | Path]) -> list[Marked]:
    """Marked conversations of one or several files, in order. Raises ReadError where there are none."""
    if isinstance(paths, str | Path):
        paths = [paths]
    marked = [m for path in paths for m in read_marked(path)]
    if not marked:
        raise ReadError(Rejected("holds no marked conversation", ", ".join(map(str, paths))))
    return marked


def _check_marks(marked: Marked) -> None:
    """Marks that could never be matched are slips of the pen, and would silently count as misses."""
    for turn, cues in marked.cues.items():
        if not 0 <= turn < len(marked.conversation.turns):
            raise KeyError(f"cues name turn {turn}, and there are {len(marked.conversation.turns)}")
        unknown = [c for c in cues if c not in CUES]
        if unknown:
            raise KeyError(f"turn {turn}: no cue {', '.join(unknown)}")


def _marked(line: str, path: Path, number: int) -> Marked:
    try:
        raw: Any = json.loads(line)
        turns = tuple(
            Turn(speaker=t["speaker"], text=t["text"], start=t.get("start"), speaker_id=t.get("speaker_id"))
            for t in raw["turns"]
        )
        conversation = Conversation(id=str(raw["id"]), channel=raw.get("channel"), turns=turns)
        marked = Marked(
            conversation=conversation,
            cues=raw.get("cues") or {},
            evidence=raw.get("evidence") or {},
            grades=raw.get("grades") or {},
            graders=raw.get("graders") or {},
        )
        _check_marks(marked)
        return marked
    except json.JSONDecodeError as error:
        reason = f"not valid JSON: {error.msg} at character {error.pos}"
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"not a marked conversation: {type(error).__name__} {error}"
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise ReadError(Rejected(reason, str(path), line=number, hint="see docs/calibrate.md for the layout"))
