"""What the detector sees of a turn: n-grams of its words and letters, and of what is said around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from ..conversation import Conversation
from ..forms import Forms
from ..normal import Aligned, normalise

T = TypeVar("T")

BLOCKS = ("words", "letters", "before", "after")
"""The n-gram blocks, each with its own vocabulary; every block of a turn is scaled to length 1."""

BLOCK_SCALE = {"words": 1.0, "letters": 1.0, "before": 0.6, "after": 0.6}
LONGEST = 4000
"""Characters of a normal form that are looked at; longer turns are read from the start only."""


@dataclass(frozen=True, slots=True)
class TurnText:
    """A turn's normal form with figures folded, and those of the other side before and after it."""

    number: int
    text: str
    before: str
    after: str


LONGEST_PLACE = 100
"""Turns within which a turn's place is told: in a longer conversation the hundredth turn is as late as any after it.
So what is decided about a turn rests on its neighbours alone once a conversation is long. The detector is fitted on
conversations of up to 26 turns."""


class Known(dict[tuple[str, ...], Any]):
    """What follows from turns' words alone, kept. A copy or pickle begins anew: what is missing is found again."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Known, ())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the turns that are looked at stand: their first is turn ``start`` of a conversation of ``of`` turns.

    The default is a whole conversation. ``known`` keeps what follows from a turn's words alone, for whoever looks at
    the same turns again.
    """

    start: int = 0
    of: int | None = None
    known: Known | None = field(default=None, compare=False)

    def remember(self, key: tuple[str, ...], find: Callable[[], T]) -> T:
        """What ``find`` gives, found only once for the same key where this is kept."""
        if self.known is None:
            return find()
        if key not in self.known:
            self.known[key] = find()
        found: T = self.known[key]
        return found


WHOLE = Stretch()


def fold(text: str) -> str:
    """The normal form with every figure as ``#``, so that *9.15* and *10.30* are one word."""
    return fold_figures(normalise(text)[:LONGEST])


def fold_figures(text: str) -> str:
    """A text with its figures as ``#``, neighbours folded together."""
    marked = _FIGURE.sub("#", text) if text.isascii() else "".join("#" if c.isdigit() else c for c in text)
    return marked.replace("##", "#").replace("##", "#")


_FIGURE = re.compile("[0-9]")


class Read:
    """What the detector reads of a conversation, worked out once for both sides and both layers.

    ``forms`` are the normal forms of its turns, where somebody has them.
    """

    def __init__(self, conversation: Conversation, stretch: Stretch = WHOLE, forms: Forms | None = None) -> None:
        self.conversation = conversation
        self.stretch = stretch
        self.forms = forms or Forms(conversation)
        self._folded: list[str] | None = None
        self._turns: dict[str, list[TurnText]] = {}
        self._shapes: dict[int, list[float]] = {}
        self.own: dict[int, Any] = {}
        """By turn what the detector makes of its own words, once it has read them."""

    def turns(self, side: str) -> list[TurnText]:
        """The scorable turns of one side, each with the other side's up to two turns before and next one after."""
        if side not in self._turns:
            if self._folded is None:
                turns = self.conversation.turns
                self._folded = [self._fold(n, t.text) if t.scorable else "" for n, t in enumerate(turns)]
            self._turns[side] = _turn_texts(self.conversation, side, self._folded)
        return self._turns[side]

    def _fold(self, number: int, text: str) -> str:
        if self.stretch.known is None:
            return fold_figures(self.forms[number].text[:LONGEST])
        return self.stretch.remember(("fold", text), partial(fold, text))

    def form(self, turn: int) -> Aligned:
        """The normal form of a turn."""
        return self.forms[turn]

    def shape(self, turn: TurnText) -> list[float]:
        """Place, length and channel of a turn."""
        found = self._shapes.get(turn.number)
        if found is None:
            found = self._shapes[turn.number] = shape(self.conversation, turn, self.stretch)
        return found


def turn_texts(conversation: Conversation, side: str) -> list[TurnText]:
    """The scorable turns of one side, each with the other side's up to two turns before and next one after."""
    return Read(conversation).turns(side)


def _turn_texts(conversation: Conversation, side: str, folded: Sequence[str]) -> list[TurnText]:
    turns = conversation.turns
    out = []
    for n, turn in enumerate(turns):
        if turn.speaker != side or not turn.scorable:
            continue
        before = [folded[k] for k in range(max(0, n - 2), n) if turns[k].speaker != side]
        after = [folded[k] for k in range(n + 1, min(len(turns), n + 2)) if turns[k].speaker != side]
        out.append(TurnText(n, folded[n], "".join(before), "".join(after)))
    return out


def word_grams(text: str, longest: int) -> Iterator[str]:
    """Runs of 1 to ``longest`` words."""
    words = text.split()
    yield from words
    if longest > 1:
        yield from (f"{a} {b}" for a, b in pairwise(words))
    if longest > 2:
        yield from (f"{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:], strict=False))


def letter_grams(text: str) -> Iterator[str]:
    """Runs of 3 to 5 characters within words, a space marking the word's ends: what survives a typo."""
    for word in text.split():
        padded = f" {word} "
        size = len(padded)
        for length in (3, 4, 5):
            if size <= length:
                yield padded
                break
            for start in range(size - length + 1):
                yield padded[start : start + length]


def grams(block: str, turn: TurnText) -> Counter[str]:
    """The n-grams of one block of a turn with their counts."""
    if block == "words":
        return Counter(word_grams(turn.text, 3))
    if block == "letters":
        return Counter(letter_grams(turn.text))
    return Counter(word_grams(turn.before if block == "before" else turn.after, 2))


def shape(conversation: Conversation, turn: TurnText, stretch: Stretch = WHOLE) -> list[float]:
    """Place, length and channel of a turn: numbers between 0 and 1."""
    count = max(1, (len(conversation.turns) if stretch.of is None else stretch.of) - 1)
    number = stretch.start + turn.number
    words = len(turn.text.split())
    channel = conversation.channel
    return [
        min(1.0, number / min(count, LONGEST_PLACE)),
        float(number <= 1),
        float(number >= count - 1),
        min(words, 60) / 60,
        float(words < 6),
        float(" ?" in turn.text),
        float(" xlink" in turn.text),
        float(not turn.before),
        float(not turn.after),
        *_loudness(conversation.turns[turn.number].text),
        float(
            turn.number > 0 and conversation.turns[turn.number - 1].speaker == conversation.turns[turn.number].speaker
        ),
        *(float(channel == name) for name in ("call", "chat", "email", "social")),
    ]


def _loudness(text: str) -> tuple[float, float, float, float]:
    """What the normal form drops: exclamation marks, doubled question marks, words in capitals, emoji."""
    head = text[:LONGEST]
    shouted = [w for w in head.split() if w.isupper() and len(w) > 2 and w.isalpha()]
    capitals = 0.0
    if shouted:
        capitals = min(1.0, 3 * len(shouted) / sum(len(w) > 2 and w.isalpha() for w in head.split()))
    return (
        min(head.count("!"), 3) / 3,
        float("?" in head and ("??" in head or "? ?" in head or "?!" in head or "!?" in head)),
        capitals,
        float(":)" in head or ":-)" in head or (not head.isascii() and any(c > "\u2190" for c in head))),
    )


SHAPES: Sequence[str] = (
    "place", "opening", "closing", "length", "short", "question", "link", "nothing before", "nothing after",
    "exclaims", "insists", "capitals", "emoji", "goes on", "call", "chat", "email", "social",
)  # fmt: skip
