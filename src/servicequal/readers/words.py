"""Word lists as text, so that they can be read."""

from __future__ import annotations


def words(*lines: str) -> tuple[str, ...]:
    """The blank-separated words of some lines, in order."""
    return tuple(word for line in lines for word in line.split())
