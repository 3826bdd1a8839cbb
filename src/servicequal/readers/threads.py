"""Replies put in order: by time where all have one, else down the tree of replies."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

Reply = tuple[Hashable, Hashable | None, float | None]
"""Id, id of what it answers (None for a root, or an id that is not here), and time."""


def in_order(replies: Sequence[Reply]) -> list[int]:
    """Positions in reading order: by time, an answer after what it answers; else parents first.

    Ends for replies in a circle too. Linear but for sorting.
    """
    depths = _depths(replies)
    if all(time is not None for _, _, time in replies):
        return sorted(range(len(replies)), key=lambda i: (replies[i][2] or 0.0, depths[i], i))
    children: dict[Hashable, list[int]] = {}
    ids = {identity for identity, _, _ in replies}
    roots = []
    for i, (identity, parent, _) in enumerate(replies):
        if parent is None or parent not in ids or parent == identity or depths[i] == 0:
            roots.append(i)
        else:
            children.setdefault(parent, []).append(i)
    order: list[int] = []
    stack = roots[::-1]
    while stack:
        i = stack.pop()
        order.append(i)
        stack.extend(children.pop(replies[i][0], [])[::-1])
    left = set(range(len(replies))) - set(order)
    return order + sorted(left)


def branches(replies: Sequence[Reply]) -> int:
    """How many replies more than one answer the same: 0 for a thread in one line."""
    parents = [parent for _, parent, _ in replies if parent is not None]
    return len(parents) - len(set(parents))


def _depths(replies: Sequence[Reply]) -> list[int]:
    """How far each is from its root; 0 for everything in a circle."""
    at = {identity: i for i, (identity, _, _) in reversed(list(enumerate(replies)))}
    depths: list[int | None] = [None] * len(replies)
    for start in range(len(replies)):
        path: list[int] = []
        seen: set[int] = set()
        i = start
        while depths[i] is None and i not in seen:
            path.append(i)
            seen.add(i)
            parent = replies[i][1]
            if parent is None or parent not in at or at[parent] == i:
                break
            i = at[parent]
        circle = depths[i] is None and bool(path) and i in seen and path[-1] != i
        depth = -1 if depths[i] is None else depths[i] or 0
        for node in reversed(path):
            depth = 0 if circle else depth + 1
            depths[node] = depth
    return [depth or 0 for depth in depths]
