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


LONG_WORD = "Donaudampfschiff" * 625
"""A word of 10,000 characters."""


def hostile_talk() -> Conversation:
    """A conversation whose words, names and id try to be markup, script, or too wide for any page."""
    attack = "<script>alert(1);window.pwned=1</script>"
    agent = '"><img src=x onerror=window.pwned=1>'
    said = [
        ("customer", f"My parcel never came {attack} </textarea></title></style> <!-- when will it come?"),
        (
            "agent",
            "Not our department. </script><script>window.pwned=1</script> <a href='javascript:window.pwned=1'>",
        ),
        ("customer", "javascript:alert(1) \u2028\u2029 \u0000 ]]> {{ 7*7 }} ${window.pwned=1} 👩🏽‍🚒 I am furious 😡"),
        ("agent", "👍🏽👍🏽 There is nothing we can do. 👍🏽 \u202e desrever \u202c"),
        ("customer", "הבעיה שלי לא נפתרה, when will it come? مشكلتي لم تحل"),
        ("agent", f"{LONG_WORD} it is not our policy"),
    ]
    turns = tuple(
        Turn(speaker=speaker, text=text, speaker_id=agent if speaker == "agent" else None) for speaker, text in said
    )
    return Conversation(id=f"{attack}' \" & </script>", channel="chat", turns=turns)
