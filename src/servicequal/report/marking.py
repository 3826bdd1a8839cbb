"""A turn's text cut where marks begin and end, and what each mark has to say for itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ..conversation import Span
from ..cues import CueMatch
from ..packs import HELPING, HURTING, Pack, builtin_packs
from ..scoring import Finding, Scorecard

Kind = Literal["hurts", "softened", "helps", "tells", "excused"]
"""How a mark looks: the effect of its cue, or what became of it. In the order in which one hides the other."""

KINDS: tuple[Kind, ...] = ("hurts", "softened", "helps", "tells", "excused")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a turn's text, the kind of mark on it (None without one) and what hovering over it tells."""

    text: str
    kind: Kind | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is known about cues and rules, by name and by span, to explain a mark."""

    packs: Mapping[str, Pack]
    findings: Mapping[Span, tuple[Finding, ...]]

    def kind(self, match: CueMatch) -> Kind:
        """The kind of mark that a match gets."""
        if match.status != "plain":
            return match.status
        pack = self.packs.get(match.cue)
        if pack is not None:
            return pack.effect
        return "hurts" if match.cue in HURTING else "helps" if match.cue in HELPING else "tells"

    def why(self, match: CueMatch) -> str:
        """Why the cue of a match matters; empty where its pack is not at hand."""
        pack = self.packs.get(match.cue)
        return pack.why if pack else ""

    def instead(self, match: CueMatch) -> str:
        """What to say instead of the words of a match; empty where nothing has to be."""
        pack = self.packs.get(match.cue)
        return (pack.say_instead or "") if pack and pack.effect == "hurts" else ""

    def title(self, match: CueMatch) -> str:
        """Cue, status, why, what to say instead, and the rules that count these words with what they lost."""
        state = match.status if match.reason is None else f"{match.status}: {match.reason}"
        lines = [f"{match.cue} ({self.kind(match) if match.status == 'plain' else state})"]
        if why := self.why(match):
            lines.append(f"Why: {why}")
        if instead := self.instead(match):
            lines.append(f"Say instead: {instead}")
        rules = self.findings.get(match.span, ())
        if rules:
            lines.append("Counts in: " + ", ".join(_cost(f) for f in rules))
        return "\n".join(lines)


def _cost(finding: Finding) -> str:
    return f"{finding.code} ({-finding.lost:.1f})" if finding.lost else finding.code


@cache
def _builtin() -> tuple[Pack, ...]:
    return builtin_packs()


def reasons(card: Scorecard, packs: Iterable[Pack] = ()) -> Reasons:
    """What explains the marks of a scorecard; ``packs`` are one's own, over the built-in ones."""
    by_span: dict[Span, list[Finding]] = {}
    for finding in card.findings:
        if finding.points is not None:
            for span in finding.spans:
                by_span.setdefault(span, []).append(finding)
    known = {pack.cue: pack for pack in (*_builtin(), *packs)}
    return Reasons(known, {span: tuple(found) for span, found in by_span.items()})


def pieces(text: str, matches: Sequence[CueMatch], known: Reasons) -> tuple[Piece, ...]:
    """The text in pieces that give it back when joined; where marks overlap, the piece tells of all of them."""
    inside = [m for m in matches if 0 <= m.start < m.end <= len(text)]
    cuts = sorted({0, len(text), *(m.start for m in inside), *(m.end for m in inside)})
    active: list[CueMatch] = []
    waiting = sorted(inside, key=lambda m: m.start)
    found: list[Piece] = []
    at = 0
    for start, end in itertools.pairwise(cuts):
        while at < len(waiting) and waiting[at].start <= start:
            active.append(waiting[at])
            at += 1
        active = [m for m in active if m.end > start]
        found.append(_piece(text[start:end], active, known))
    return tuple(found)


def _piece(text: str, over: Sequence[CueMatch], known: Reasons) -> Piece:
    if not over:
        return Piece(text)
    ranked = sorted(over, key=lambda m: (KINDS.index(known.kind(m)), m.start, m.cue))
    return Piece(text, known.kind(ranked[0]), "\n\n".join(known.title(m) for m in ranked))
