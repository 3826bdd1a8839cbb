"""Phrases and detector decide together: the detector confirms, vetoes or proposes; the words stay the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from .. import context
from ..conversation import Conversation
from ..cues import CueMatch
from ..normal import Aligned, align, normalise
from ..packs import HURTING
from .features import WHOLE, Stretch, TurnText, fold_figures, turn_texts
from .model import ANY, LABELS, Detector, named_labels

MODEL = "model"
"""The ``pattern`` of a match that the detector proposed."""

CONTEXT_BEFORE, CONTEXT_AFTER = 5, 4
"""Turns around a turn that have a say in what is decided about it: its neighbours of the second layer (3 to either
side), and what the first reads around these (2 before, 1 after)."""


def decide(
    conversation: Conversation, matches: Sequence[CueMatch], detector: Detector, stretch: Stretch = WHOLE
) -> tuple[CueMatch, ...]:
    """The matches that count after the detector's say, in order of turn, start and cue.

    A phrase whose cue the detector finds too improbable in its context becomes ``excused`` with that reason; a cue
    that no phrase names but the detector is sure of is added, with the words that carried it. Of a ``stretch`` of a
    longer conversation the outer turns lack their context: see :data:`CONTEXT_BEFORE`.
    """
    chances = detector.probabilities(conversation, matches, stretch)
    by_turn: dict[int, list[CueMatch]] = {}
    for match in matches:
        by_turn.setdefault(match.turn, []).append(match)
    out: list[CueMatch] = []
    for side in detector.sides:
        for turn in turn_texts(conversation, side, stretch):
            mine = by_turn.pop(turn.number, [])
            named = named_labels(mine, turn.number)
            said = said_cues(detector, side, chances[turn.number], named, conversation.channel)
            out += _weighed(mine, said, chances[turn.number])
            out += _proposed(conversation, turn, mine, said, detector, side, chances[turn.number], stretch)
    out += [m for rest in by_turn.values() for m in rest]
    return tuple(sorted(out, key=lambda m: (m.turn, m.start, m.cue, m.end)))


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

    def enough(label: str) -> bool:
        return chance[label] >= detector.threshold(side, label, channel, label in named)

    said = {label for label in LABELS[side] if label != ANY and enough(label)}
    if side == "agent":
        if not enough(ANY):
            said -= set(HURTING)
        elif not said & set(HURTING) and named & set(HURTING):
            said.add(max(named & set(HURTING), key=lambda c: (chance[c], c)))
    return frozenset(said)


def _weighed(mine: Sequence[CueMatch], said: frozenset[str], chance: Mapping[str, float]) -> list[CueMatch]:
    out = []
    for match in mine:
        known = chance.get(match.cue)
        if known is None:  # a cue of the user's own pack: the detector has no opinion
            out.append(match)
        elif match.status == "excused" or match.cue in said:
            out.append(replace(match, confidence=round(known, 4)))
        else:
            reason = f"improbable in its context ({known:.0%})"
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
    stretch: Stretch,
) -> list[CueMatch]:
    original = conversation.turns[turn.number]
    out = []
    for cue in sorted(said - {m.cue for m in mine}):
        if cue in HURTING and chance[cue] < _LEAST_SURE:
            continue
        place = stretch.remember(
            ("place", side, cue, turn.text, original.text), partial(_place, original.text, turn, detector, side, cue)
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


def _place(text: str, turn: TurnText, detector: Detector, side: str, cue: str) -> tuple[int, int] | None:
    """Where the words of a turn speak for a cue; None where they don't carry it, or are another's."""
    if detector.own_words(turn, side, cue) < _OWN_WORDS:
        return None
    aligned = align(text)
    start, end = evidence(aligned, detector.telling_words(turn, side, cue), len(text))
    if cue in HURTING and (
        context.Reading(text, aligned).quoted(start, end) or context.hedged(normalise(text[start:end]))
    ):
        return None
    return start, end


def evidence(aligned: Aligned, telling: Mapping[str, float], length: int) -> tuple[int, int]:
    """The sentence of the original text that spoke most for a cue; of a long one, from its first to its last
    telling word. The whole text where no word of the turn speaks for it."""
    words = aligned.text.split()
    if not words or not telling:
        return _whole(aligned, length)
    weights = _word_weights(words, telling)
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
        return _whole(aligned, length)
    if end - first <= _READABLE:
        return aligned.spans[first][0], aligned.spans[end - 1][1]
    least = _TELLING_SHARE * max(weights[first:end])
    strong = [i for i in range(first, end) if weights[i] >= least]
    return aligned.spans[strong[0]][0], aligned.spans[strong[-1]][1]


def _word_weights(words: Sequence[str], telling: Mapping[str, float]) -> list[float]:
    """Each run's weight shared out over the words it stands on."""
    folded = [fold_figures(w) for w in words]
    weights = [0.0] * len(words)
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            weight = telling.get(" ".join(folded[at : at + size]))
            if weight:
                for k in range(at, at + size):
                    weights[k] += weight / size
    return weights


def _whole(aligned: Aligned, length: int) -> tuple[int, int]:
    if not aligned.spans:
        return 0, length
    return aligned.spans[0][0], aligned.spans[-1][1]
