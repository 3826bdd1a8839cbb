"""What one pass over a conversation tells: who speaks where, how many words, and which closer looks are worth it.

Made once per conversation, for everybody who would otherwise go through its turns again. A glance at a text costs less
than splitting it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from .conversation import Conversation, Turn

DUPLICATE_CHARACTERS = 25
"""Turns of fewer characters may well be said twice."""
LANGUAGE_CHARACTERS = 20_000
"""As much of a turn is looked at to tell its language."""

AGENT, CUSTOMER, HOLD, MENU = 1, 2, 4, 8
"""Whose signs they are, as bits."""

_COMMON_LINES = (
    "a about all am an and any are as at be because been but by can can't could did do does don't for",
    "from get go had has have he her here him his how i i'd i'll i'm i've if in is isn't it it's its just",
    "know like me my no not now of off on one or our out please she so some thank thanks that that's the",
    "their them then there they this to too up us was we we're were what when where which who why will",
    "with would yes you you're your",
)
COMMON_WORDS = frozenset(word for line in _COMMON_LINES for word in line.split())
"""The commonest English words."""
AGENT_SIGNS = (
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
CUSTOMER_SIGNS = (
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
HOLD_SIGNS = (
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
MENU_SIGNS = ("press 1", "press one", "press 2", "press two", "press star", "press hash", "press pound")
_SIGNS: Mapping[int, Sequence[str]] = {
    AGENT: AGENT_SIGNS,
    CUSTOMER: CUSTOMER_SIGNS,
    HOLD: HOLD_SIGNS,
    MENU: MENU_SIGNS,
}
_ALIKE = {"’": "'"}
"""Characters that are read as another."""


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Case-folded, with single spaces and straight apostrophes."""
    return " ".join(text.casefold().replace("’", "'").split())


class Outline(NamedTuple):
    """What there is in a conversation. Turns are their numbers; only scorable ones count but for ``rated``.

    ``spoken`` are all of them, ``agent``, ``customer`` and ``unknown`` those of one side. ``words`` has a number for
    each turn, 0 for one that isn't scorable. ``total`` sums them up, ``common`` are the commonest English ones among
    them as they stand. ``signs`` are turns with the families of signs in them, ``again`` those that may repeat
    the turn before. ``timed`` are speaker, start, end and words of those with a start, none unless agent or customer
    has one. ``rated``: any has a confidence; ``long``: one is longer than what is looked at to tell its language.
    """

    spoken: tuple[int, ...]
    agent: tuple[int, ...]
    customer: tuple[int, ...]
    unknown: tuple[int, ...]
    words: tuple[int, ...]
    total: int
    common: int
    signs: tuple[tuple[int, int], ...]
    again: tuple[int, ...]
    timed: tuple[tuple[str, float, float | None, int], ...]
    rated: bool
    long: bool


class Glance:
    """The words, the common ones among ``common``, the length and the families of ``signs`` of a text, from one look.

    This is how it works where there is no compiler.
    """

    def __init__(self, signs: Sequence[tuple[str, int]], common: Collection[str]) -> None:
        self._signs = signs
        self._common = frozenset(common)

    def at(self, text: str) -> tuple[int, int, int, int]:
        """Words, common words, length with single spaces, and the signs of one text."""
        folded = plain(text)
        words = folded.split()
        bits = 0
        for sign, bit in self._signs:
            if not bits & bit and sign in folded:
                bits |= bit
        return len(words), sum(map(self._common.__contains__, words)), len(folded), bits

    def over(self, turns: Sequence[Turn], long: int, longest: int) -> tuple[Any, ...]:
        """The fields of an Outline; turns from ``long`` characters on are compared, one over ``longest`` is marked."""
        by: dict[str, list[int]] = {"agent": [], "customer": [], "unknown": []}
        spoken, counts, signs, again = [], [], [], []
        before, common = -1, 0
        for n, turn in enumerate(turns):
            words, known, size, bits = self.at(turn.text)
            if words and turn.kind == "message":
                spoken.append(n)
                by.get(turn.speaker, []).append(n)
                counts.append(words)
                common += known
                if bits:
                    signs.append((n, bits))
                if size == before and len(turn.text) >= long:
                    again.append(n)
            else:
                counts.append(0)
            before = size
        sides = [tuple(by[side]) for side in ("agent", "customer", "unknown")]
        starts = [(n, turns[n]) for n in spoken if turns[n].start is not None]
        sided = any(turn.speaker in ("agent", "customer") for _, turn in starts)
        timed = tuple((turn.speaker, turn.start, turn.end, counts[n]) for n, turn in starts) if sided else ()
        rated = any(turn.confidence is not None for turn in turns)
        over = any(len(turns[n].text) > longest for n in spoken)
        lists = (tuple(spoken), *sides, tuple(counts), sum(counts), common, tuple(signs), tuple(again))
        return (*lists, timed, rated, over)


@cache
def _glance() -> Any:
    """The compiled glance, or the one above where the package was installed without a compiler."""
    signs = [(sign, bit) for bit, signs in _SIGNS.items() for sign in signs]
    try:
        from ._glance import Glance as Compiled
    except ImportError:
        return Glance(signs, COMMON_WORDS)
    return Compiled(signs, COMMON_WORDS, _ALIKE)


def outlined(conversation: Conversation) -> Outline:
    """The outline of a conversation."""
    return Outline._make(_glance().over(conversation.turns, DUPLICATE_CHARACTERS, LANGUAGE_CHARACTERS))


def glance(text: str) -> tuple[int, int]:
    """How many words a text has, and the families of signs in it."""
    words, _, _, signs = _glance().at(text)
    return words, signs
