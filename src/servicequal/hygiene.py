"""Hygiene: what is doubtful about a conversation before anybody scores it.

Pure functions from a Conversation to :class:`HygieneNote`; nothing is ever repaired. Rules that a
note concerns become ``undetermined``. :func:`check` runs them all, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from servicequal.conversation import Conversation, Turn
from servicequal.outline import (
    AGENT,
    COMMON_WORDS,
    CUSTOMER,
    HOLD,
    LANGUAGE_CHARACTERS,
    MENU,
    MENU_SIGNS,
    Outline,
    outlined,
    plain,
)

VERY_SHORT_WORDS = 20
LOW_CONFIDENCE = 0.6
FEWEST_WORDS_TO_TELL_A_LANGUAGE = 30
ENGLISH_SHARE = 0.18
OPENING_TURNS = 4
OPENING_CHARACTERS = 40

_GREETINGS = ("thank you for calling ", "thanks for calling ", "thank you for contacting ", "thanks for contacting ")


@dataclass(frozen=True, slots=True)
class HygieneNote:
    """One doubt: a stable ``code``, a sentence, and the turns (from 0) that it is about."""

    code: str
    message: str
    turns: tuple[int, ...] = ()


def check(conversation: Conversation, outline: Outline | None = None) -> tuple[HygieneNote, ...]:
    """Every note there is about a conversation, in the order of :data:`CHECKS`; ``outline`` is its own."""
    seen = outlined(conversation) if outline is None else outline
    return tuple([note for each in CHECKS for note in each(conversation, seen)])


def no_agent_turns(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``no_agent_turns``: nobody speaks as the agent, so nothing can be said about service."""
    if not outline.agent:
        yield HygieneNote("no_agent_turns", "no turn is spoken by an agent")


def one_sided(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``one_sided``: of agent and customer, only one speaks."""
    agents, customers = outline.agent, outline.customer
    if bool(agents) != bool(customers) and not outline.unknown:
        yield HygieneNote("one_sided", f"only the {'agent' if agents else 'customer'} speaks", agents or customers)


def unknown_roles(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``unknown_roles``: turns whose speaker's role is unknown, with their share of all messages."""
    if outline.unknown:
        share = len(outline.unknown) / len(outline.spoken)
        yield HygieneNote("unknown_roles", f"{share:.0%} of the turns have an unknown speaker", outline.unknown)


def swapped_roles_suspected(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``swapped_roles_suspected``: each side says what only the other says, and not its own.

    Needs agents' phrases from the customer and none from the agent; besides, two of these, or
    customers' phrases from the agent, or a company's greeting from the customer at the beginning.
    """
    if not outline.signs:
        return
    agents, customers = frozenset(outline.agent), frozenset(outline.customer)
    wrong = [n for n, signs in outline.signs if signs & AGENT and n in customers]
    if not wrong or any(signs & AGENT and n in agents for n, signs in outline.signs):
        return
    swapped = [n for n, signs in outline.signs if signs & CUSTOMER and n in agents]
    if swapped or len(wrong) >= 2 or any(greets(conversation.turns[n]) for n in wrong if n < OPENING_TURNS):
        yield HygieneNote(
            "swapped_roles_suspected",
            "the customer says what agents say: the roles may be swapped",
            tuple(sorted({*wrong, *swapped})),
        )


def duplicated_turns(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``duplicated_turns``: the same words twice, by one speaker in a row or on both channels.

    Short turns (``Yes.``) may well be said twice and are left alone.
    """
    turns = conversation.turns
    again = tuple(n for n in outline.again if plain(turns[n].text) == plain(turns[n - 1].text))
    if again:
        yield HygieneNote("duplicated_turns", f"{len(again)} turn(s) repeat the one before, word for word", again)


def very_short(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``very_short``: fewer than 20 words in all, or fewer than two turns."""
    if len(outline.spoken) < 2 or outline.total < VERY_SHORT_WORDS:
        yield HygieneNote("very_short", f"{len(outline.spoken)} turn(s), {outline.total} word(s)")


def not_english(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``not_english``: of 30 words or more, under 18 % are the commonest English ones."""
    if _surely_english(outline):
        return
    tellable, common = 0, 0
    for n in outline.spoken:
        words = told_by(conversation.turns[n].text)
        tellable += len(words)
        common += sum(map(COMMON_WORDS.__contains__, words))
    if tellable >= FEWEST_WORDS_TO_TELL_A_LANGUAGE and common / tellable < ENGLISH_SHARE:
        message = f"only {common / tellable:.0%} of the words are common English ones"
        yield HygieneNote("not_english", message)


def _surely_english(outline: Outline) -> bool:
    """Whether there are common words enough before signs are taken off: that can only raise their share."""
    return outline.common >= ENGLISH_SHARE * outline.total and outline.common > 0 and not outline.long


def told_by(text: str) -> list[str]:
    """The words of a text, without marks around them, that its language is told by."""
    words = [word.strip(".,;:!?\"'()[]…-") for word in plain(text[:LANGUAGE_CHARACTERS]).split()]
    return [word for word in words if any(c.isalpha() for c in word)]


def hold_or_ivr_text(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``hold_or_ivr_text``: announcements or menus, in turns not marked as a bot's or the system's."""
    turns = conversation.turns
    found = tuple(
        n for n, signs in outline.signs if turns[n].speaker not in ("bot", "system") and announces(turns[n], signs)
    )
    if found:
        yield HygieneNote("hold_or_ivr_text", f"{len(found)} turn(s) sound like an announcement or a menu", found)


def low_asr_confidence(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``low_asr_confidence``: the recogniser's mean confidence is below 0.6."""
    if not outline.rated:
        return
    given = [(i, t.confidence) for i, t in enumerate(conversation.turns) if t.confidence is not None]
    mean = sum(confidence for _, confidence in given) / len(given)
    if mean < LOW_CONFIDENCE:
        low = tuple(i for i, confidence in given if confidence < LOW_CONFIDENCE)
        yield HygieneNote("low_asr_confidence", f"mean confidence of the speech recogniser is {mean:.2f}", low)


def roles_inferred(conversation: Conversation, outline: Outline) -> Iterator[HygieneNote]:
    """``roles_inferred``: roles that the file did not state and the reader worked out."""
    marks = conversation.metadata.get("roles_inferred")
    if not isinstance(marks, dict) or not marks:
        return
    turns = tuple(i for i, turn in enumerate(conversation.turns) if turn.speaker_id in marks)
    said = "; ".join(
        f"{who}: {mark.get('role')} ({mark.get('reason')})" if isinstance(mark, dict) else str(who)
        for who, mark in marks.items()
    )
    yield HygieneNote("roles_inferred", f"roles were inferred: {said}", turns)


CHECKS: tuple[Callable[[Conversation, Outline], Iterator[HygieneNote]], ...] = (
    no_agent_turns,
    one_sided,
    unknown_roles,
    swapped_roles_suspected,
    duplicated_turns,
    very_short,
    not_english,
    hold_or_ivr_text,
    low_asr_confidence,
    roles_inferred,
)
"""All checks, in the order in which :func:`check` runs them."""


def greets(turn: Turn) -> bool:
    """``Thank you for calling Acme``, at the turn's beginning; not ``thanks for calling me back``."""
    text = plain(turn.text)
    for greeting in _GREETINGS:
        before, found, after = text.partition(greeting)
        if found and len(before) <= OPENING_CHARACTERS and after.split()[:1] not in (["me"], ["back"], ["again"], []):
            return True
    return False


def announces(turn: Turn, signs: int) -> bool:
    """Whether a turn with these families of signs is an announcement, or a menu of two choices or more."""
    if not signs & MENU or signs & HOLD:
        return bool(signs & HOLD)
    text = plain(turn.text)
    return sum(sign in text for sign in MENU_SIGNS) >= 2
