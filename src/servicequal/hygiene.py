"""Hygiene: what is doubtful about a conversation before anybody scores it.

Pure functions from a Conversation to :class:`HygieneNote`; nothing is ever repaired. Rules that a
note concerns become ``undetermined``. :func:`check` runs them all, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from servicequal.conversation import Conversation, Role, Turn

VERY_SHORT_WORDS = 20
LOW_CONFIDENCE = 0.6
FEWEST_WORDS_TO_TELL_A_LANGUAGE = 30
ENGLISH_SHARE = 0.18
DUPLICATE_CHARACTERS = 25
OPENING_TURNS = 4
OPENING_CHARACTERS = 40

_STOP_WORD_LINES = (
    "a about all am an and any are as at be because been but by can can't could did do does don't for",
    "from get go had has have he her here him his how i i'd i'll i'm i've if in is isn't it it's its just",
    "know like me my no not now of off on one or our out please she so some thank thanks that that's the",
    "their them then there they this to too up us was we we're were what when where which who why will",
    "with would yes you you're your",
)
_STOP_WORDS = frozenset(word for line in _STOP_WORD_LINES for word in line.split())
_AGENT_SIGNS = (
    "thank you for calling",
    "thanks for calling",
    "thank you for contacting",
    "thanks for contacting",
    "how can i help",
    "how may i help",
    "how can i assist",
    "how may i assist",
    "can i take your",
    "may i have your",
    "could you confirm your",
    "can you confirm your",
    "for security purposes",
    "anything else i can help",
    "anything else i can do for you",
    "sorry for the inconvenience",
)
_GREETINGS = ("thank you for calling ", "thanks for calling ", "thank you for contacting ", "thanks for contacting ")
_CUSTOMER_SIGNS = (
    "i'm calling about",
    "i'm calling because",
    "i am calling about",
    "i'm ringing about",
    "i'm ringing because",
    "my order number is",
    "my account number is",
    "i'd like a refund",
    "i want a refund",
    "i ordered",
    "i've been waiting",
    "i still haven't received",
)
_HOLD_SIGNS = (
    "your call is important",
    "please continue to hold",
    "please hold",
    "calls are recorded",
    "calls may be recorded",
    "call may be recorded",
    "call is being recorded",
    "for training and quality",
    "for quality and training",
    "for quality assurance",
    "all our agents are busy",
    "all of our agents are",
    "all our advisers are busy",
    "all of our representatives",
    "in the queue",
    "next available agent",
    "next available adviser",
    "next available representative",
    "listen carefully to the following options",
    "our menu options have changed",
    "hold music",
    "[music]",
    "♪",
)
_MENU_SIGNS = ("press 1", "press one", "press 2", "press two", "press star", "press hash", "press pound")


@dataclass(frozen=True, slots=True)
class HygieneNote:
    """One doubt: a stable ``code``, a sentence, and the turns (from 0) that it is about."""

    code: str
    message: str
    turns: tuple[int, ...] = ()


def check(conversation: Conversation) -> tuple[HygieneNote, ...]:
    """Every note there is about a conversation, in the order of :data:`CHECKS`."""
    return tuple(note for each in CHECKS for note in each(conversation))


def no_agent_turns(conversation: Conversation) -> Iterator[HygieneNote]:
    """``no_agent_turns``: nobody speaks as the agent, so nothing can be said about service."""
    if not _by(conversation, "agent"):
        yield HygieneNote("no_agent_turns", "no turn is spoken by an agent")


def one_sided(conversation: Conversation) -> Iterator[HygieneNote]:
    """``one_sided``: of agent and customer, only one speaks."""
    agents, customers = _by(conversation, "agent"), _by(conversation, "customer")
    if bool(agents) != bool(customers) and not _by(conversation, "unknown"):
        yield HygieneNote("one_sided", f"only the {'agent' if agents else 'customer'} speaks", agents or customers)


def unknown_roles(conversation: Conversation) -> Iterator[HygieneNote]:
    """``unknown_roles``: turns whose speaker's role is unknown, with their share of all messages."""
    unknown = _by(conversation, "unknown")
    if unknown:
        share = len(unknown) / sum(turn.scorable for turn in conversation.turns)
        yield HygieneNote("unknown_roles", f"{share:.0%} of the turns have an unknown speaker", unknown)


def swapped_roles_suspected(conversation: Conversation) -> Iterator[HygieneNote]:
    """``swapped_roles_suspected``: each side says what only the other says, and not its own.

    Needs agents' phrases from the customer and none from the agent; besides, two of these, or
    customers' phrases from the agent, or a company's greeting from the customer at the beginning.
    """
    customers = _by(conversation, "customer")
    wrong = _saying(conversation, customers, _AGENT_SIGNS)
    if not wrong:
        return
    agents = _by(conversation, "agent")
    right = _saying(conversation, agents, _AGENT_SIGNS)
    swapped = _saying(conversation, agents, _CUSTOMER_SIGNS)
    greets = any(_greets(conversation.turns[i]) for i in customers if i < OPENING_TURNS)
    if wrong and not right and (swapped or greets or len(wrong) >= 2):
        yield HygieneNote(
            "swapped_roles_suspected",
            "the customer says what agents say: the roles may be swapped",
            tuple(sorted({*wrong, *swapped})),
        )


def duplicated_turns(conversation: Conversation) -> Iterator[HygieneNote]:
    """``duplicated_turns``: the same words twice, by one speaker in a row or on both channels.

    Short turns (``Yes.``) may well be said twice and are left alone.
    """
    turns = conversation.turns
    again = []
    for i in range(1, len(turns)):
        before, turn = turns[i - 1], turns[i]
        if len(turn.text) >= DUPLICATE_CHARACTERS and turn.scorable and _plain(turn.text) == _plain(before.text):
            again.append(i)
    if again:
        message = f"{len(again)} turn(s) repeat the one before, word for word"
        yield HygieneNote("duplicated_turns", message, tuple(again))


def very_short(conversation: Conversation) -> Iterator[HygieneNote]:
    """``very_short``: fewer than 20 words in all, or fewer than two turns."""
    spoken = [turn for turn in conversation.turns if turn.scorable]
    words = sum(len(turn.text.split()) for turn in spoken)
    if len(spoken) < 2 or words < VERY_SHORT_WORDS:
        yield HygieneNote("very_short", f"{len(spoken)} turn(s), {words} word(s)")


def not_english(conversation: Conversation) -> Iterator[HygieneNote]:
    """``not_english``: of 30 words or more, under 18 % are the commonest English ones."""
    texts = [_plain(turn.text[:20_000]).split() for turn in conversation.turns if turn.scorable]
    if _surely_english(texts):
        return
    words = [word.strip(".,;:!?\"'()[]…-") for text in texts for word in text]
    words = [word for word in words if any(c.isalpha() for c in word)]
    if len(words) < FEWEST_WORDS_TO_TELL_A_LANGUAGE:
        return
    share = sum(word in _STOP_WORDS for word in words) / len(words)
    if share < ENGLISH_SHARE:
        yield HygieneNote("not_english", f"only {share:.0%} of the words are common English ones")


def _surely_english(texts: list[list[str]]) -> bool:
    """Whether there are common words enough before signs are taken off: that can only raise their share."""
    common = sum(sum(map(_STOP_WORDS.__contains__, words)) for words in texts)
    return common >= ENGLISH_SHARE * sum(map(len, texts)) and common > 0


def hold_or_ivr_text(conversation: Conversation) -> Iterator[HygieneNote]:
    """``hold_or_ivr_text``: announcements or menus, in turns not marked as a bot's or the system's."""
    found = tuple(
        i
        for i, turn in enumerate(conversation.turns)
        if turn.scorable and turn.speaker not in ("bot", "system") and _announces(turn)
    )
    if found:
        yield HygieneNote("hold_or_ivr_text", f"{len(found)} turn(s) sound like an announcement or a menu", found)


def low_asr_confidence(conversation: Conversation) -> Iterator[HygieneNote]:
    """``low_asr_confidence``: the recogniser's mean confidence is below 0.6."""
    given = [(i, t.confidence) for i, t in enumerate(conversation.turns) if t.confidence is not None]
    if not given:
        return
    mean = sum(confidence for _, confidence in given) / len(given)
    if mean < LOW_CONFIDENCE:
        low = tuple(i for i, confidence in given if confidence < LOW_CONFIDENCE)
        yield HygieneNote("low_asr_confidence", f"mean confidence of the speech recogniser is {mean:.2f}", low)


def roles_inferred(conversation: Conversation) -> Iterator[HygieneNote]:
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


CHECKS: tuple[Callable[[Conversation], Iterator[HygieneNote]], ...] = (
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


def _by(conversation: Conversation, role: Role) -> tuple[int, ...]:
    return tuple(i for i, turn in enumerate(conversation.turns) if turn.scorable and turn.speaker == role)


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _saying(conversation: Conversation, turns: tuple[int, ...], signs: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(i for i in turns if any(sign in _plain(conversation.turns[i].text) for sign in signs))


def _greets(turn: Turn) -> bool:
    """``Thank you for calling Acme``, at the turn's beginning; not ``thanks for calling me back``."""
    text = _plain(turn.text)
    for greeting in _GREETINGS:
        before, found, after = text.partition(greeting)
        if found and len(before) <= OPENING_CHARACTERS and after.split()[:1] not in (["me"], ["back"], ["again"], []):
            return True
    return False


def _announces(turn: Turn) -> bool:
    text = _plain(turn.text)
    return any(sign in text for sign in _HOLD_SIGNS) or sum(sign in text for sign in _MENU_SIGNS) >= 2
