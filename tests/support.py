"""Small builders shared by the tests."""

from __future__ import annotations

from pathlib import Path

from servicequal import Conversation, Turn

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "data" / "samples"
SOURCE = ROOT / "src" / "servicequal"

_ROLES = {"a": "agent", "c": "customer", "b": "bot", "s": "system", "u": "unknown"}


def talk(*turns: str, channel: str | None = "chat", name: str = "talk") -> Conversation:
    """A conversation from lines such as ``"c: My parcel never came."`` (a agent, c customer, b bot, s system)."""
    made = []
    for line in turns:
        role, _, text = line.partition(": ")
        made.append(Turn(speaker=_ROLES[role], text=text))
    return Conversation(id=name, channel=channel, turns=tuple(made))


def swapped(conversation: Conversation) -> Conversation:
    """The same words with agent and customer exchanged."""
    other = {"agent": "customer", "customer": "agent"}
    turns = tuple(t.model_copy(update={"speaker": other.get(t.speaker, t.speaker)}) for t in conversation.turns)
    return conversation.model_copy(update={"turns": turns})


def said(matches, status: str = "plain") -> set[tuple[int, str]]:
    """(turn, cue) of the matches with a status."""
    return {(m.turn, m.cue) for m in matches if m.status == status}
