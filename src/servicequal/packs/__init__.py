"""The cues as data: one YAML file per cue, and the contract that every file keeps.

A pack is data, documentation and test in one. The same loader reads the built-in packs and a user's own;
``servicequal check my_pack.yaml`` runs a pack's own examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import PackError

Effect = Literal["hurts", "helps", "tells"]
"""What a cue does: agent cues hurt or help; customer cues tell how the customer fares."""

HURTING = ("disowning", "helplessness", "bouncing", "policy_shield", "noncommittal", "blaming", "dismissive")
HELPING = (
    "ownership", "apology", "empathy", "action", "guidance", "alternative", "commitment", "make_good",
    "diagnosis", "check_back", "courtesy", "proactive",
)  # fmt: skip
CUSTOMER = ("problem", "frustration", "repeat_contact", "asks_when", "escalation", "satisfied")
CUES: tuple[str, ...] = HURTING + HELPING + CUSTOMER
"""The 25 cues of the codebook, in its order."""


class Example(BaseModel):
    """One example turn; ``before`` and ``after`` are what the other party says around it, if it matters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1)
    before: str | None = None
    after: str | None = None


class Examples(BaseModel):
    """What a pack must flag and must pass, and what it is known to get wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flags: tuple[Example, ...] = ()
    passes: tuple[Example, ...] = ()
    known_misses: tuple[Example, ...] = ()
    known_false_alarms: tuple[Example, ...] = ()


class Pack(BaseModel):
    """One cue: its phrases, what excuses or softens a match, why it matters and what to say instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cue: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    speaker: Literal["agent", "customer"]
    effect: Effect
    why: str = Field(min_length=10)
    source: str = Field(min_length=3)
    say_instead: str | None = None
    macros: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    phrases: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    unless_turn: tuple[str, ...] = ()
    asked: Literal["excused", "counts"] = "excused"
    reported: Literal["excused", "counts"] = "excused"
    negated: Literal["excused", "counts"] = "excused"
    supposed: Literal["excused", "counts"] = "excused"
    softened_by: tuple[str, ...] = ()
    examples: Examples


def builtin_macros() -> dict[str, tuple[str, ...]]:
    """The shared macros: the many ways of saying *we, can't, other party, will, date*."""
    raw = _loaded((files(__package__) / "_macros.yaml").read_text("utf-8"))
    return {name: tuple(options) for name, options in raw.items()}


def builtin_packs() -> tuple[Pack, ...]:
    """The packs that ship with servicequal, in codebook order."""
    folder = files(__package__)
    return tuple(
        _parse((folder / f"{cue}.yaml").read_text("utf-8"), f"{cue}.yaml")
        for cue in CUES
        if (folder / f"{cue}.yaml").is_file()
    )


def load_pack(path: str | Path) -> Pack:
    """A pack from a YAML file. Raises PackError naming file, key and what is wrong."""
    path = Path(path)
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PackError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def with_user_packs(packs: Iterable[Pack | str | Path] | None) -> tuple[Pack, ...]:
    """The built-in packs with a user's own over them: the same cue is replaced, a new one is added."""
    merged: dict[str, Pack] = {pack.cue: pack for pack in builtin_packs()}
    for item in packs or ():
        pack = item if isinstance(item, Pack) else load_pack(item)
        merged[pack.cue] = pack
    return tuple(merged.values())


def macros_for(pack: Pack, shared: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Shared macros with the pack's own over them."""
    return {**{name: tuple(options) for name, options in shared.items()}, **pack.macros}


def _loaded(text: str) -> Any:
    """Plain data from YAML, by the compiled loader where PyYAML has it: the same data, six times as fast."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _parse(text: str, where: str) -> Pack:
    try:
        raw: Any = _loaded(text)
    except yaml.YAMLError as error:
        raise PackError(f"{where}: not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise PackError(f"{where}: a pack is a mapping with the keys cue, speaker, phrases, examples, …")
    examples = raw.get("examples")
    if isinstance(examples, dict):
        raw["examples"] = {
            kind: [{"text": e} if isinstance(e, str) else e for e in rows] if isinstance(rows, list) else rows
            for kind, rows in examples.items()
            if rows is not None
        }
    try:
        return Pack.model_validate(raw)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PackError(f"{where}: {lines}") from error
