"""Context of a match within its turn: is it said, or only asked, denied, supposed, quoted or reported?

Everything here looks at the normal form of one sentence and is linear in its length.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cache
from typing import Any

from . import families
from .language import Sentences, bounds_in
from .normal import QUOTES, Aligned

# Said just before the match, in the same sentence: the words are denied, supposed or somebody else's.
_SAID_NOT = (
    r" not (?:saying|going to say|suggesting|claiming|telling you|here to say|implying)(?: that)?"
    r"| (?:do not|does not|did not|would not|will not|never) (?:mean|say|said|tell you|want to say|want you to think)"
    r"(?: that)?(?: you)?| is not the case that| is not to say(?: that)?"
)
_DENIED = (
    rf"(?:{_SAID_NOT})(?: [^ .?:]+){{0,4}}$|(?: not that| not because| rather than| instead of| without| no need to"
    r"| never)(?: (?:it|that|this|there) is| [^ .?:]+)?$"
)
_SUPPOSED = (
    r"(?: if| in case| unless| whether| suppose| supposing| imagine| assuming| as if| as though| even if)"
    r"(?: (?:it|that|this|there|they) (?:is|was|are|were)| [^ .?:]+)?$"
)
_REPORTED = (
    r" (?:they|he|she|you|somebody|someone|(?:the|your|our|a|an|my|that|another) [^ .?:]+(?: [^ .?:]+)?)"
    r"(?: have| has| had| will| would| did| also| even| always| both| then)?"
    r" (?:said|say|says|saying|told|tell|tells|claim|claims|claimed|reckons?|reckoned|insists?|insisted"
    r"|mentioned|advised|wrote|heard|were told|was told|been told|thought|think|thinks|mean|meant)"
    r"(?: (?:you|me|us|him|her|them|to [^ .?:]+))?(?: that)?(?: [^ .?:]+){0,3}$"
)

_OTHERS_SAID = (
    r" (?:they|he|she|somebody|someone|(?:the|your|another) (?:courier|driver|store|shop|bank|carrier|airline|branch"
    r"|engineer|last person|lady|man|chap|colleague|team|website|app|letter|email)(?: [^ .?:]+)?)"
    r"(?: have| has| had| also)? (?:said|says|told|claims|claimed|reckons|wrote)\b"
)
_ASKING = rf"^(?: [^ .?:]+){{0,2}} (?:{'|'.join(sorted(families.WORDS[families.ASKING]))})\b"
_MARKS = frozenset(".?:")
LOOK_BEHIND = 240
"""Characters of the normal form before a match that are looked at; keeps the cost of a match constant."""

DENIED_WITHIN, SUPPOSED_WITHIN, REPORTED_WITHIN = 11, 3, 7
"""How many words before a match the family's word can stand that denies, supposes or reports it."""


@cache
def pattern(source: str) -> Any:
    """A compiled linear-time pattern over the normal form; compiled once."""
    import re2

    return re2.compile(source)


class Reading:
    """One turn read once: where its sentences end and what it quotes, so that every match costs the same."""

    def __init__(self, form: Aligned, sentences: Sentences | None = None) -> None:
        self.normal = form.text
        self._form = form
        self._marks = [at for at, word in zip(form.starts, form.words, strict=True) if word in _MARKS]
        self._quotes = _quotations(form.source)
        self._sentences = sentences(form.source) if sentences else None
        said = form.flags  # most turns hold none of the words that an excuse needs
        self.can_ask = bool(said & families.MARK)
        self.can_deny = bool(said & families.DENYING)
        self.can_suppose = bool(said & families.SUPPOSING)
        self.can_report = bool(said & families.REPORTING)

    def bounds(self, start: int, end: int) -> tuple[int, int]:
        """Start and end, in the normal form, of the sentence that holds a match; the end is its closing mark."""
        if self._sentences is not None:
            original = self._form.original(start, end)
            own = bounds_in(self._form, self._sentences, *original)
            if own is not None:
                return own
        before = bisect_left(self._marks, start) - 1
        left = self._marks[before] + 1 if before >= 0 else 0
        after = bisect_left(self._marks, max(end - 1, start))
        right = self._marks[after] - 1 if after < len(self._marks) else len(self.normal)
        return left, right

    def before(self, start: int, bounds: tuple[int, int]) -> str:
        """What the sentence says before a match."""
        return self.normal[max(bounds[0], start - LOOK_BEHIND) : start].rstrip()

    def quoted(self, start: int, end: int) -> bool:
        """Whether original characters ``start`` to ``end`` begin inside a quotation."""
        return end > start and _inside(self._quotes, start)


def quoted(text: str, start: int, end: int) -> bool:
    """Whether characters ``start`` to ``end`` of a text begin inside a quotation. For one look at a text."""
    return end > start and _inside(_quotations(text), start)


def _inside(quotes: list[tuple[int, float]], start: int) -> bool:
    at = bisect_right(quotes, (start, float("inf"))) - 1
    return at >= 0 and quotes[at][0] < start < quotes[at][1]


def _quotations(text: str) -> list[tuple[int, float]]:
    """Quotations of the original text, in order; one that is all there is to the text is a way of writing, and none."""
    found: list[tuple[int, float]] = []
    for opening, closing in QUOTES.items():
        at = text.find(opening)
        while at >= 0:
            end = text.find(closing, at + 1)
            if end < 0:
                break
            if text[:at].strip() or text[end + 1 :].strip(" .,!?"):
                found.append((at, end))
            at = text.find(opening, end + 1)
    return sorted(found)


def asked(reading: Reading, bounds: tuple[int, int]) -> bool:
    """The sentence is a question and opens like one."""
    left, right = bounds
    if reading.normal[right : right + 2] != " ?":
        return False
    return bool(pattern(_ASKING).search(reading.normal[left : min(right, left + LOOK_BEHIND)]))


def denied(before: str) -> bool:
    """*I'm not saying* …, *rather than* …, *never* … stands right before the match."""
    return bool(pattern(_DENIED).search(before))


def supposed(before: str) -> bool:
    """*if*, *in case*, *unless* … stands right before the match."""
    return bool(pattern(_SUPPOSED).search(before))


def reported(before: str) -> bool:
    """Somebody else is said to have said it: *the courier told you* …, *you said that* …"""
    return bool(pattern(_REPORTED).search(before))


def hedged(sentence: str) -> bool:
    """A sentence that denies saying something, or says what somebody else said: no ground for a proposal."""
    return bool(pattern(f"{_SAID_NOT}|{_OTHERS_SAID}").search(sentence))
