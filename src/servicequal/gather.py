"""What many objects hold put into columns: lists, and arrays of numbers. In Python where there is no compiler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

try:
    from . import _gather as _compiled
except ImportError:
    _compiled = None

_place = attrgetter("turn", "start", "end")


def add_fields(objects: Sequence[Any], names: tuple[str, ...], columns: list[list[Any]]) -> None:
    """Append what pydantic models hold under these names, each to its column."""
    if _compiled is not None:
        _compiled.add_fields(objects, names, columns)
    else:
        add_slowly(objects, names, columns)


def add_attributes(objects: Sequence[Any], names: tuple[str, ...], columns: list[list[Any]]) -> None:
    """Append the objects' attributes of these names, each to its column."""
    if _compiled is not None:
        _compiled.add_attributes(objects, names, columns)
    else:
        add_slowly(objects, names, columns)


def add_slowly(objects: Sequence[Any], names: tuple[str, ...], columns: list[list[Any]]) -> None:
    """Both of these without the compiled steps."""
    for name, column in zip(names, columns, strict=True):
        column.extend(map(attrgetter(name), objects))


def lengths_of(lists: Sequence[Sequence[Any]]) -> Any:
    """How long each list is, as an array."""
    import numpy as np

    if _compiled is None:
        return np.fromiter(map(len, lists), np.int32, len(lists))
    out = np.empty(len(lists), np.int32)
    _compiled.lengths(lists, out)
    return out


def numbers_of(lists: Sequence[Sequence[int]], count: int) -> Any:
    """The ``count`` numbers of all lists, one behind the other, as an array."""
    import numpy as np

    if _compiled is None:
        return np.fromiter(chain.from_iterable(lists), np.int32, count)
    out = np.empty(count, np.int32)
    _compiled.numbers(lists, out)
    return out


def places_of(lists: Iterable[Sequence[Any]], count: int) -> tuple[Any, Any, Any]:
    """Turn, start and end of the ``count`` things in all lists, one behind the other, as arrays."""
    import numpy as np

    if _compiled is None:
        flat = chain.from_iterable(map(_place, chain.from_iterable(lists)))
        turn, start, end = np.fromiter(flat, np.int32, 3 * count).reshape(-1, 3).T.copy()
    else:
        turn, start, end = (np.empty(count, np.int32) for _ in range(3))
        _compiled.places(lists, turn, start, end)
    return turn, start, end
