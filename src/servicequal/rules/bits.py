"""Cues as bits of a number, so that whether a turn holds one of a dozen is a single ``&``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from ..packs import CUES

BITS: Mapping[str, int] = {cue: 1 << at for at, cue in enumerate(CUES)}
"""The bit of each cue of the codebook."""
OWN = 1 << len(CUES)
"""The bit of all cues of a user's own packs: no rule asks for it."""
PLAIN, SOFTENED, COUNTING = range(3)
"""Which cues of a turn: those that are plainly said, those softened by help, or both."""


def bits(*cues: str) -> int:
    """These cues of the codebook as one number."""
    return reduce(or_, map(BITS.__getitem__, cues), 0)
