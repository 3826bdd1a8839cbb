"""Context of a match within its turn: is it said, or only asked, denied, supposed, quoted or reported?

Everything here looks at the normal form of one sentence and is linear in its length.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_SENTENCE_MARKS = (" .", " ?", " :")

# Said just before the match, in the same sentence: the words are denied, supposed or somebody else's.
_DENIED = (
    r"(?: not (?:saying|going to say|suggesting|claiming|telling you|here to say|implying|mean)(?: that)?"
    r"| (?:do not|does not|did not|would not|never) (?:mean|say|said|want to say|want you to think|think)(?: that)?"
    r"(?: you)?| not that| not because| is not the case that| rather than| instead of| without| no need to"
    r"| never)(?: [^ .?:]+){0,1}$"
)
_SUPPOSED = (
    r"(?: if| in case| unless| whether| suppose| supposing| imagine| assuming| as if| as though| even if)"
    r"(?: [^ .?:]+){0,1}$"
)
_REPORTED = (
    r" (?:they|he|she|you|somebody|someone|(?:the|your|our|a|an|my|that|another) [^ .?:]+(?: [^ .?:]+)?)"
    r"(?: have| has| had| will| would| did| also| even| always| both| then)?"
    r" (?:said|say|says|saying|told|tell|tells|claim|claims|claimed|reckons?|reckoned|insists?|insisted"
    r"|mentioned|advised|wrote|heard|were told|was told|been told|thought|think|thinks|mean|meant)"
    r"(?: (?:you|me|us|him|her|them|to [^ .?:]+))?(?: that)?(?: [^ .?:]+){0,3}$"
)
_ASKING = (
    r"^(?: [^ .?:]+){0,2} (?:who|what|when|where|why|which|how|is|are|was|were|do|does|did|has|have|had|can|could"
    r"|would|will|shall|should|may|might|any)\b"
)
_QUOTES = {'"': '"', "“": "”", "„": "”", "«": "»"}


@cache
def _pattern(source: str) -> Any:
    import re2

    return re2.compile(source)


def sentence_bounds(normal: str, start: int, end: int) -> tuple[int, int]:
    """Start and end, in the normal form, of the sentence that holds a match."""
    left = max(normal.rfind(mark, 0, start) for mark in _SENTENCE_MARKS)
    rights = [at for mark in _SENTENCE_MARKS if (at := normal.find(mark, max(end - 2, start))) >= 0]
    return (left + 2 if left >= 0 else 0), (min(rights) if rights else len(normal))


def asked(normal: str, bounds: tuple[int, int]) -> bool:
    """The sentence is a question and opens like one."""
    left, right = bounds
    if normal[right : right + 2] != " ?":
        return False
    return bool(_pattern(_ASKING).search(normal[left:right]))


def denied(normal: str, start: int, bounds: tuple[int, int]) -> bool:
    """*I'm not saying* …, *rather than* …, *never* … stands right before the match."""
    return bool(_pattern(_DENIED).search(normal[bounds[0] : start].rstrip()))


def supposed(normal: str, start: int, bounds: tuple[int, int]) -> bool:
    """*if*, *in case*, *unless* … stands right before the match."""
    return bool(_pattern(_SUPPOSED).search(normal[bounds[0] : start].rstrip()))


def reported(normal: str, start: int, bounds: tuple[int, int]) -> bool:
    """Somebody else is said to have said it: *the courier told you* …, *you said that* …"""
    return bool(_pattern(_REPORTED).search(normal[bounds[0] : start].rstrip()))


def quoted(text: str, start: int, end: int) -> bool:
    """The match lies inside quotation marks of the original text, and not all of the text does."""
    for opening, closing in _QUOTES.items():
        before = text.rfind(opening, 0, start)
        if before < 0 or text.find(closing, end) < 0:
            continue
        if opening == closing and text.count(opening, 0, start) % 2 == 0:
            continue
        if opening != closing and text.rfind(closing, before, start) >= 0:
            continue
        if text[:before].strip():
            return True
    return False
