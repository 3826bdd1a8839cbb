"""Phrases and detector decide together: the detector confirms, vetoes or proposes; the words stay the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from operator import ge
from typing import Any

from .. import context, families
from ..conversation import Conversation
from ..cues import CueMatch
from ..forms import Forms
from ..made import maker
from ..normal import Aligned, normalise
from ..packs import HURTING
from .features import WHOLE, Read, Stretch, TurnText
from .model import ANY, LABELS, Detector, compiled, named_labels

MODEL = "model"
"""The ``pattern`` of a match that the detector proposed."""

IMPROBABLE = "improbable in its context ({:.0%})"
"""The ``reason`` of a match that the detector vetoed."""

CONTEXT_BEFORE, CONTEXT_AFTER = 5, 4
"""Turns around a turn that have a say in what is decided about it: its neighbours of the second layer (3 to either
side), and what the first reads around these (2 before, 1 after)."""


def decide(
    conversation: Conversation,
    matches: Sequence[CueMatch],
    detector: Detector,
    stretch: Stretch = WHOLE,
    forms: Forms | None = None,
) -> tuple[CueMatch, ...]:
    """The matches that count after the detector's say, in order of turn, start and cue.

    A phrase whose cue the detector finds too improbable in its context becomes ``excused`` with that reason; a cue
    that no phrase names but the detector is sure of is added, with the words that carried it. Of a ``stretch`` of a
    longer conversation the outer turns lack their context: see :data:`CONTEXT_BEFORE`.
    """
    read = Read(conversation, stretch, forms)
    talk = detector.talk(matches, read)
    if talk is not None:
        return _decided(talk, read)
    return _in_python(matches, read, detector)


def _in_python(matches: Sequence[CueMatch], read: Read, detector: Detector) -> tuple[CueMatch, ...]:
    conversation = read.conversation
    chances = detector.chances(matches, read)
    by_turn: dict[int, list[CueMatch]] = {}
    for match in matches:
        by_turn.setdefault(match.turn, []).append(match)
    out: list[CueMatch] = []
    for side in detector.sides:
        limits = detector.limits(side, conversation.channel)
        for turn in read.turns(side):
            mine = by_turn.pop(turn.number, [])
            row = chances[side][turn.number]
            if not mine and not any(map(ge, row, limits[1])):
                continue
            chance = dict(zip(LABELS[side], row, strict=True))
            said = _said(side, chance, named_labels(mine, turn.number), limits)
            out += _weighed(mine, said, chance)
            out += _proposed(conversation, turn, mine, said, detector, side, chance, read)
    out += [m for rest in by_turn.values() for m in rest]
    return tuple(sorted(out, key=lambda m: (m.turn, m.start, m.cue, m.end)))


def _decided(talk: Any, read: Read) -> tuple[CueMatch, ...]:
    """The same by the compiled layers."""
    group = 0 if read.conversation.channel == "social" else 1
    rules = (_OWN_WORDS, _LEAST_SURE, _TELLING_SHARE, _READABLE, _HEDGING)
    decided: tuple[CueMatch, ...] = talk.decided(_answers(), rules, group, evidence, context.quoted, _hedged)
    return decided


@cache
def _answers() -> Any:
    sample = CueMatch(cue="", turn=0, start=0, end=0, text="", speaker="agent", pattern=MODEL)
    return compiled().Answers(maker(CueMatch), sample, IMPROBABLE)


_LEAST_SURE = 0.35
"""Probability of the very cue from which a deflection is proposed without a phrase: accusing an agent needs more
than the turn as a whole looking like one."""

_OWN_WORDS = 0.4
"""Log-odds that a turn's own words must give a proposal: what is said around it may confirm, but not carry it."""

_TELLING_SHARE = 0.15
"""Share of the strongest word's weight from which a word counts as telling."""

_READABLE = 24
"""Words of a sentence that is quoted whole."""


def said_cues(
    detector: Detector, side: str, chance: Mapping[str, float], named: frozenset[str], channel: str | None
) -> frozenset[str]:
    """The cues of a turn that are probable enough; deflections only where the turn as a whole deflects.

    ``named`` are the labels that a phrase names: they need less.
    """

    return _said(side, chance, named, detector.limits(side, channel))


def _said(
    side: str, chance: Mapping[str, float], named: frozenset[str], limits: tuple[Sequence[float], Sequence[float]]
) -> frozenset[str]:
    enough = {
        label
        for label, phrase, model in zip(LABELS[side], *limits, strict=True)
        if chance[label] >= (phrase if label in named else model)
    }
    said = enough - {ANY}
    if side == "agent":
        if ANY not in enough:
            said -= _HURTING
        elif not said & _HURTING and named & _HURTING:
            said.add(max(named & _HURTING, key=lambda c: (chance[c], c)))
    return frozenset(said)


_HURTING = frozenset(HURTING)


def _weighed(mine: Sequence[CueMatch], said: frozenset[str], chance: Mapping[str, float]) -> list[CueMatch]:
    out = []
    for match in mine:
        known = chance.get(match.cue)
        if known is None:  # a cue of the user's own pack: the detector has no opinion
            out.append(match)
        elif match.status == "excused" or match.cue in said:
            out.append(replace(match, confidence=round(known, 4)))
        else:
            reason = IMPROBABLE.format(known)
            out.append(replace(match, status="excused", reason=reason, confidence=round(known, 4), softened_by=()))
    return out


def _proposed(
    conversation: Conversation,
    turn: TurnText,
    mine: Sequence[CueMatch],
    said: frozenset[str],
    detector: Detector,
    side: str,
    chance: Mapping[str, float],
    read: Read,
) -> list[CueMatch]:
    stretch = read.stretch
    missing = sorted(said - {m.cue for m in mine})
    if not missing:
        return []
    original = conversation.turns[turn.number]
    own = detector.own(turn, side, read)
    out = []
    for cue in missing:
        if own[LABELS[side].index(cue)] < _OWN_WORDS or (cue in HURTING and chance[cue] < _LEAST_SURE):
            continue
        place = stretch.remember(
            ("place", side, cue, turn.text, original.text),
            partial(_place, read.form(turn.number), turn, detector, side, cue),
        )
        if place is None:
            continue
        start, end = place
        out.append(
            CueMatch(
                cue=cue,
                turn=turn.number,
                start=start,
                end=end,
                text=original.text[start:end],
                speaker=original.speaker,
                pattern=MODEL,
                confidence=round(chance[cue], 4),
            )
        )
    return out


def _place(form: Aligned, turn: TurnText, detector: Detector, side: str, cue: str) -> tuple[int, int] | None:
    """Where the words of a turn speak for a cue; None where they are another's."""
    start, end = evidence(form, detector.telling_words(turn, side, cue))
    return None if cue in HURTING and _another_s(form, start, end) else (start, end)


def _another_s(form: Aligned, start: int, end: int) -> bool:
    """Whether words that deflect are quoted, denied or reported."""
    if context.quoted(form.source, start, end):
        return True
    return bool(form.flags & _HEDGING) and _hedged(form.source, start, end)


def _hedged(text: str, start: int, end: int) -> bool:
    return context.hedged(normalise(text[start:end]))


_HEDGING = families.DENYING | families.REPORTING
"""A turn without such a word hedges nothing."""


def evidence(form: Aligned, weights: Sequence[float]) -> tuple[int, int]:
    """The sentence of the original text that spoke most for a cue; of a long one, from its first to its last
    telling word. The whole text where no word of the turn speaks for it.

    ``weights`` say how much each word does; words beyond their end do not.
    """
    words = form.words
    best: tuple[float, int, int] = (0.0, 0, 0)
    begin = 0
    for at in range(len(words) + 1):
        if at == len(words) or words[at] in (".", "?", ":"):
            total = sum(weights[begin:at])
            if total > best[0]:
                best = (total, begin, at)
            begin = at + 1
    total, first, end = best
    if total <= 0:
        return _whole(form)
    spans = form.spans
    if end - first <= _READABLE:
        return spans[first][0], spans[end - 1][1]
    least = _TELLING_SHARE * max(weights[first:end])
    strong = [first + i for i, weight in enumerate(weights[first:end]) if weight >= least]
    return spans[strong[0]][0], spans[strong[-1]][1]


def _whole(form: Aligned) -> tuple[int, int]:
    return (form.spans[0][0], form.spans[-1][1]) if form.spans else (0, len(form.source))
