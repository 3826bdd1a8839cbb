"""Sentences from a spaCy pipeline of one's own, where somebody wants them.

The default path reads sentence ends off the normal form and never imports spaCy. With ``Scorer(nlp=…)`` the sentences
of flagged turns come from that pipeline instead, so that a parser's better borders decide what is asked, denied or
reported.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING

from .normal import Aligned

if TYPE_CHECKING:
    from spacy.language import Language

Sentences = Callable[[str], list[tuple[int, int]]]
"""A text in; the (start, end) characters of its sentences out, in order."""


def sentences_of(nlp: Language) -> Sentences:
    """A sentence splitter from a spaCy pipeline; a rule-based sentencizer is used where it sets no sentences.

    The pipeline itself is not changed.
    """
    import spacy

    fallback = spacy.blank("en")
    fallback.add_pipe("sentencizer")

    def split(text: str) -> list[tuple[int, int]]:
        doc = nlp(text)
        if not doc.has_annotation("SENT_START"):
            doc = fallback(text)
        return [(s.start_char, s.end_char) for s in doc.sents]

    return split


def bounds_in(aligned: Aligned, sentences: list[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """The sentence around original characters ``start`` to ``end``, as offsets of the normal form.

    The right border is the sentence's closing mark, as :meth:`servicequal.context.Reading.bounds` gives it.
    """
    inside = [s for s in sentences if s[0] < end and s[1] > start]
    if not inside or not aligned.starts:
        return None
    left_char, right_char = inside[0][0], inside[-1][1]
    begins = [span[0] for span in aligned.spans]
    first, last = bisect_left(begins, left_char), bisect_left(begins, right_char) - 1
    if first > last:
        return None
    left = aligned.starts[first] - 1
    if aligned.text[aligned.starts[last]] in ".?:":
        return left, aligned.starts[last] - 1
    after = aligned.starts[last + 1] - 1 if last + 1 < len(aligned.starts) else len(aligned.text)
    return left, after
