"""Several agents in one conversation, kept apart by ``speaker_id``: what each of them said, and answers for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .conversation import Conversation
from .made import maker
from .outline import Outline
from .packs import HELPING, HURTING
from .rules.said import Said

MOST_AGENTS = 20
"""Of more than these in one conversation no parts are scored: a speaker_id that is new in every turn is no agent."""

Scored = tuple[Said, float | None, Mapping[str, float | None]]
"""What is said in a conversation, its overall score and those of its dimensions."""


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
    turns, mine = conversation.turns, outline.agent
    who_in = [turns[n].speaker_id for n in mine]
    if who_in.count(who_in[0] if who_in else None) == len(who_in):
        return (_share(outline, who_in[0], mine, whole),) if who_in else ()
    said: dict[str | None, list[int]] = {}
    for n, who in zip(mine, who_in, strict=True):
        said.setdefault(who, []).append(n)
    if len(said) > MOST_AGENTS:
        parts: list[Scored] = [(whole[0], None, {}) for _ in said]
    else:
        parts = [scored(of_agent(conversation, who)) for who in said]
    return tuple([_share(outline, who, said[who], part) for who, part in zip(said, parts, strict=True)])


def _share(outline: Outline, who: str | None, turns: Sequence[int], part: Scored) -> AgentShare:
    said, overall, scores = part
    words = sum(map(outline.words.__getitem__, turns))
    hurting, helping = said.tally(turns, HURTING), said.tally(turns, HELPING)
    return _agent_share(who, len(turns), words, hurting, helping, overall, dict(scores))
