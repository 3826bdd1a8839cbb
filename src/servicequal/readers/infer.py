"""Optional inference of roles: marked, explained, and silent when it is not sure.

Only speakers whose role is ``unknown`` are looked at. What a speaker says is held against two short
lists of things that only one side says. One agent needs two different signs and none of the other
side's; the remaining speaker of a two-person conversation is then the customer.
"""

from __future__ import annotations

from collections import defaultdict

from servicequal.conversation import Conversation, Role

AGENT_SIGNS = (
    "thank you for calling",
    "thanks for calling",
    "thank you for contacting",
    "thanks for contacting",
    "thank you for reaching out",
    "thanks for reaching out",
    "how can i help",
    "how may i help",
    "how can i assist",
    "how may i assist",
    "can i take your",
    "can i have your",
    "could i have your",
    "may i have your",
    "could you confirm your",
    "can you confirm your",
    "can you provide your",
    "could you provide your",
    "could you please provide",
    "can you please provide",
    "for security purposes",
    "for verification",
    "let me pull up",
    "i've located your",
    "i have located your",
    "i can see on your account",
    "anything else i can help",
    "anything else i can assist",
    "anything else i can do for you",
    "is there anything else",
    "bear with me",
    "put you on hold",
    "put you through",
    "you're through to",
    "sorry for the inconvenience",
    "apologise for the inconvenience",
    "apologize for the inconvenience",
    "happy to help you",
)
"""What agents say and customers do not."""

CUSTOMER_SIGNS = (
    "i'm calling about",
    "i am calling about",
    "i'm calling because",
    "i'm ringing about",
    "i'm ringing because",
    "i'm having trouble",
    "i'm having an issue",
    "i'm having issues",
    "i'm having a problem",
    "i have a problem with",
    "i have an issue with",
    "i'd like to cancel",
    "i want to cancel",
    "i want a refund",
    "i'd like a refund",
    "my order number is",
    "my account number is",
    "i ordered",
    "i've been waiting",
    "i have been waiting",
    "i still haven't received",
    "i need to update my",
    "i would like to update",
    "can you help me",
)
"""What customers say and agents do not."""


INFERRED = "roles_inferred"
"""The metadata key under which every inferred speaker stands with role and reason."""


def with_inferred_roles(conversation: Conversation) -> Conversation:
    """The conversation with unknown roles filled in where the words leave no doubt, else unchanged.

    Every inferred speaker is named, with role and reason, in ``metadata["roles_inferred"]``.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for turn in conversation.turns:
        if turn.speaker == "unknown" and turn.speaker_id is not None and turn.scorable:
            texts[turn.speaker_id].append(turn.text)
    known = {turn.speaker for turn in conversation.turns}
    found = _decided({who: " \n ".join(said) for who, said in texts.items()}, known)
    if not found:
        return conversation
    turns = tuple(
        turn.model_copy(update={"speaker": found[turn.speaker_id][0]})
        if turn.speaker == "unknown" and turn.speaker_id in found
        else turn
        for turn in conversation.turns
    )
    marks = {who: {"role": role, "reason": reason} for who, (role, reason) in sorted(found.items())}
    before = conversation.metadata.get(INFERRED)
    metadata = {**conversation.metadata, INFERRED: {**(before if isinstance(before, dict) else {}), **marks}}
    return conversation.model_copy(update={"turns": turns, "metadata": metadata})


def _signs(text: str, signs: tuple[str, ...]) -> list[str]:
    plain = text.casefold().replace("’", "'")
    return [sign for sign in signs if sign in plain]


def _decided(texts: dict[str, str], known: set[Role]) -> dict[str, tuple[Role, str]]:
    agent = {who: _signs(text, AGENT_SIGNS) for who, text in texts.items()}
    customer = {who: _signs(text, CUSTOMER_SIGNS) for who, text in texts.items()}
    found: dict[str, tuple[Role, str]] = {}
    for who in texts:
        if len(agent[who]) >= 2 and not customer[who]:
            found[who] = ("agent", _says(agent[who]))
        elif len(customer[who]) >= 2 and not agent[who]:
            found[who] = ("customer", _says(customer[who]))
    rest = [who for who in texts if who not in found]
    sides = (known & {"agent", "customer"}) | {role for role, _ in found.values()}
    if len(rest) == 1 and len(sides) == 1 and len(texts) <= 2:
        if sides == {"agent"} and not agent[rest[0]]:
            found[rest[0]] = ("customer", "the only speaker beside the agent")
        elif sides == {"customer"} and agent[rest[0]] and not customer[rest[0]]:
            found[rest[0]] = ("agent", f"the only speaker beside the customer; {_says(agent[rest[0]])}")
    return found


def _says(signs: list[str]) -> str:
    return "says " + ", ".join(f'"{sign}"' for sign in signs[:3])
