"""Verdicts: what a person who read the report says about findings, cues and grades, as a JSON file.

The report's page writes the file, evaluation and calibration read it. One file::

    {"schema": "servicequal-verdicts/1",
     "run": {"fingerprint": {"version", "rules", "rubric", "model"}, "conversations": n},
     "verdicts": [{"position", "conversation_id", "digest", "reviewer", "complete", "comment",
                   "findings": [{"code", "turn", "outcome", "agree"}],
                   "cues": [{"cue", "turn", "start", "end", "text", "status", "agree", "instead"}],
                   "missed": [{"cue", "turn", "start", "end", "text"}],
                   "grades": {"common_sense": 0-4 | null, …, "overall": 0-4 | null}}]}

Offsets are characters (code points) of the original text, also where the report was masked; ``text`` is then the
masked text. A grade that is left out was not given; a null grade means *not applicable*.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .conversation import Conversation
from .cues import Status
from .errors import ReadError, Rejected
from .rules import DIMENSIONS, Outcome
from .scoring import OVERALL, Fingerprint

SCHEMA: Literal["servicequal-verdicts/1"] = "servicequal-verdicts/1"
GRADES: tuple[str, ...] = (*DIMENSIONS, OVERALL)
UNNAMED = "unnamed"
"""The reviewer of verdicts that nobody put a name to."""

_MOST_BYTES = 256 * 1024 * 1024
_HINT = "save the verdicts from the report again, or see docs/report.md for the layout"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Place(_Frozen):
    """Words of a turn: characters ``start`` to ``end`` (excluded) of its original text."""

    cue: str = Field(min_length=1)
    turn: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> _Place:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        return self


class CueVerdict(_Place):
    """Whether a cue that was found is right. ``status`` is what the run says of it.

    ``instead`` tells, where ``agree`` is false, what it should be: ``none`` (it isn't this cue at all), or another
    status. None leaves it open.
    """

    status: Status = "plain"
    agree: bool
    instead: Status | Literal["none"] | None = None

    @property
    def counts(self) -> bool | None:
        """True if the reviewer says that the cue is plainly said, False if not, None if it is left open."""
        if self.agree:
            return self.status == "plain"
        if self.instead is not None:
            return self.instead == "plain"
        return {"plain": False, "excused": True}.get(self.status)


class MissedCue(_Place):
    """A cue that was not found, on words that the reviewer selected."""


class FindingVerdict(_Frozen):
    """Whether a rule's verdict is right. ``turn`` is the place that was judged, None for the whole conversation;
    ``outcome`` is what the run says."""

    code: str = Field(min_length=1)
    turn: int | None = Field(default=None, ge=0)
    outcome: Outcome | None = None
    agree: bool


class Verdict(_Frozen):
    """What one reviewer says about one conversation.

    ``position`` is its place in the run's input. ``digest`` is :func:`digest_of` the conversation that was read,
    empty where it is not known. ``complete`` means that the reviewer read all of it: ``cues`` then holds every cue
    that was shown, judged or left as it is, so that turns without a mark have none. Without it, only what is listed
    was looked at.
    """

    position: int = Field(ge=0)
    conversation_id: str
    digest: str = ""
    reviewer: str = UNNAMED
    complete: bool = False
    comment: str = ""
    findings: tuple[FindingVerdict, ...] = ()
    cues: tuple[CueVerdict, ...] = ()
    missed: tuple[MissedCue, ...] = ()
    grades: dict[
        Literal["common_sense", "flexibility", "problem_solving", "recovery", "overall"],
        Annotated[float, Field(ge=0, le=4)] | None,
    ] = Field(default_factory=dict)

    def marks(self) -> dict[int, tuple[str, ...]]:
        """Cues that the reviewer says are plainly said, by turn: those agreed with and those that were missed.

        The layout of ``Marked.cues``. Only where ``complete`` does a turn that is left out have no cue.
        """
        found: dict[int, list[str]] = {}
        stand: list[_Place] = [c for c in self.cues if c.counts]
        for mark in sorted([*stand, *self.missed], key=lambda m: (m.turn, m.start, m.end, m.cue)):
            here = found.setdefault(mark.turn, [])
            if mark.cue not in here:
                here.append(mark.cue)
        return {turn: tuple(cues) for turn, cues in found.items()}

    def evidence(self) -> dict[int, dict[str, tuple[str, ...]]]:
        """The words of :meth:`marks`, in the layout of ``Marked.evidence``."""
        found: dict[int, dict[str, tuple[str, ...]]] = {}
        stand: list[_Place] = [c for c in self.cues if c.counts]
        for mark in sorted([*stand, *self.missed], key=lambda m: (m.turn, m.start, m.end, m.cue)):
            if mark.text:
                here = found.setdefault(mark.turn, {})
                here[mark.cue] = (*here.get(mark.cue, ()), mark.text)
        return found


class Run(_Frozen):
    """The run that was reviewed: what made its scorecards, and how many conversations it has."""

    fingerprint: Fingerprint
    conversations: int | None = Field(default=None, ge=0)


class Verdicts(_Frozen):
    """A whole file: at most one verdict for each reviewer and conversation."""

    schema_: Literal["servicequal-verdicts/1"] = Field(default=SCHEMA, alias="schema")
    run: Run
    verdicts: tuple[Verdict, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Verdicts:
        seen: set[tuple[int, str]] = set()
        for verdict in self.verdicts:
            key = (verdict.position, verdict.reviewer)
            if key in seen:
                raise ValueError(f"conversation {verdict.position} has two verdicts of '{verdict.reviewer}'")
            seen.add(key)
        return self


def read_verdicts(path: str | Path) -> Verdicts:
    """The verdicts of a file that the report saved.

    Raises ReadError with the file, the place inside it and what is wrong, where it can't be read or isn't in the
    layout of this module.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _unreadable(path, f"is larger than {_MOST_BYTES // 2**20} MB")
        raw = json.loads(path.read_text("utf-8-sig"))
        return Verdicts.model_validate(raw)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"not valid JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise _unreadable(path, "is nested too deeply") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _unreadable(path, f"{place + ': ' if place else ''}{first['msg']}") from error


def digest_of(conversation: Conversation) -> str:
    """Twelve hex digits over who says what: tells whether a conversation is the one that was reviewed."""
    return digest_of_turns((turn.speaker, turn.text) for turn in conversation.turns)


def digest_of_turns(said: Iterable[tuple[str, str]]) -> str:
    """:func:`digest_of` from the speaker and the text of each turn."""
    words = json.dumps([list(turn) for turn in said], ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _unreadable(path: Path, reason: str) -> ReadError:
    return ReadError(Rejected(reason, str(path), hint=_HINT))
