"""Several agents in one conversation, kept apart by ``speaker_id``: what each of them said, and answers for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .conversation import Conversation
from .cues import CueMatch
from .made import maker
from .outline import Outline
from .packs import HELPING, HURTING

MOST_AGENTS = 20
"""Of more than these in one conversation no parts are scored: a speaker_id that is new in every turn is no agent."""

Scored = tuple[Sequence[CueMatch], float | None, Mapping[str, float | None]]
"""Cues, overall and dimension scores of a conversation."""


@dataclass(frozen=True, slots=True)
class AgentShare:
    """One agent's part in one conversation.

    ``speaker_id`` is None where the source does not tell agents apart. ``turns`` and ``words`` are the agent's
    own. ``deflections`` and ``helping`` count the plain cues in them, by name. These, ``overall`` and ``scores``
    are of the agent's own part (see :func:`of_agent`): what a colleague mends later softens nothing in it. A lone
    agent's are the conversation's.
    """

    speaker_id: str | None
    turns: int
    words: int
    deflections: dict[str, int]
    helping: dict[str, int]
    overall: float | None
    scores: dict[str, float | None]


_agent_share = maker(AgentShare)


def of_agent(conversation: Conversation, speaker_id: str | None) -> Conversation:
    """The conversation with everything that another agent answers for put aside as notes.

    A customer's turn belongs to the agent who speaks next after it, or last before it if nobody does. Turns keep
    their number and text, so every span of the result points into the original too.
    """
    owned_by = owners(conversation)
    turns = tuple(
        turn.model_copy(update={"kind": "note"})
        if turn.scorable and turn.speaker in ("agent", "customer") and owner != speaker_id
        else turn
        for turn, owner in zip(conversation.turns, owned_by, strict=True)
    )
    return conversation.model_copy(update={"turns": turns})


def owners(conversation: Conversation) -> list[str | None]:
    """For each turn the agent who speaks in it, or next after it, or last before it."""
    found: list[str | None] = [None] * len(conversation.turns)
    says = [turn.speaker == "agent" and turn.scorable for turn in conversation.turns]
    last = max((n for n, said in enumerate(says) if said), default=0)
    owner = conversation.turns[last].speaker_id if says else None
    for n in range(len(found) - 1, -1, -1):
        if says[n]:
            owner = conversation.turns[n].speaker_id
        found[n] = owner
    return found


def shares(
    conversation: Conversation, outline: Outline, whole: Scored, scored: Callable[[Conversation], Scored]
) -> tuple[AgentShare, ...]:
    """What each agent said, counted, beside the scores of that part.

    ``outline`` is the conversation's, ``whole`` what was found in it; ``scored`` finds the same in a part of it.
    """
    turns, said = conversation.turns, dict[str | None, list[int]]()
    for n in outline.agent:
        who = turns[n].speaker_id
        if who in said:
            said[who].append(n)
        else:
            said[who] = [n]
    if len(said) == 1:
        parts = [whole]
    elif len(said) > MOST_AGENTS:
        parts = [(whole[0], None, {}) for _ in said]
    else:
        parts = [scored(of_agent(conversation, who)) for who in said]
    return tuple([_share(outline, who, said[who], part) for who, part in zip(said, parts, strict=True)])


def _share(outline: Outline, who: str | None, turns: list[int], part: Scored) -> AgentShare:
    cues, overall, scores = part
    mine = set(turns)
    plain: dict[str, int] = {}
    for match in cues:
        if match.status == "plain" and match.turn in mine:
            plain[match.cue] = plain.get(match.cue, 0) + 1
    return _agent_share(
        who,
        len(turns),
        sum(map(outline.words.__getitem__, turns)),
        {cue: plain[cue] for cue in HURTING if cue in plain},
        {cue: plain[cue] for cue in HELPING if cue in plain},
        overall,
        dict(scores),
    )
