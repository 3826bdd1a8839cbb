"""Run a pack's own examples: what it must flag, what it must pass, and what it is known to get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .conversation import Conversation, Turn
from .cues import CueFinder, CueMatch
from .packs import Example, Pack, builtin_packs

Kind = Literal["flags", "passes", "known_misses", "known_false_alarms"]
_EXPECTED: dict[Kind, bool] = {
    "flags": True,
    "passes": False,
    "known_misses": False,
    "known_false_alarms": True,
}


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example run: whether it was flagged as plain, whether it should be, and every match."""

    cue: str
    kind: Kind
    text: str
    flagged: bool
    expected: bool
    matches: tuple[CueMatch, ...]

    @property
    def right(self) -> bool:
        """Whether the pack does with this example what it says."""
        return self.flagged == self.expected


def check_pack(pack: Pack, others: tuple[Pack, ...] | None = None) -> Iterator[ExampleResult]:
    """Run all examples of a pack. ``others`` are the packs that soften; the built-in ones by default."""
    base = builtin_packs() if others is None else others
    finder = CueFinder([*(p for p in base if p.cue in pack.softened_by and p.cue != pack.cue), pack])
    for kind, expected in _EXPECTED.items():
        for example in getattr(pack.examples, kind):
            matches = run_example(finder, pack, example)
            flagged = any(m.status == "plain" for m in matches)
            yield ExampleResult(pack.cue, kind, example.text, flagged, expected, matches)


def run_example(finder: CueFinder, pack: Pack, example: Example) -> tuple[CueMatch, ...]:
    """The matches of the pack's cue in the example's own turn."""
    other: Literal["agent", "customer"] = "customer" if pack.speaker == "agent" else "agent"
    turns = [Turn(speaker=other, text=example.before)] if example.before else []
    at = len(turns)
    turns.append(Turn(speaker=pack.speaker, text=example.text))
    if example.after:
        turns.append(Turn(speaker=other, text=example.after))
    found = finder.find(Conversation(id="example", turns=tuple(turns)))
    return tuple(m for m in found if m.cue == pack.cue and m.turn == at)
