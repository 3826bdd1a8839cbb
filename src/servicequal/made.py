"""Frozen values made fast.

A frozen dataclass sets each of its fields through ``object.__setattr__``, which takes more than a microsecond for a
value of a dozen. Where many are made of what is known to be right, that is most of what they cost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def maker(made: Callable[P, T]) -> Callable[P, T]:
    """What makes values of a frozen dataclass with slots, given every field by its place.

    It is the class itself or, where the package was installed with a compiler, something a tenth as slow. The values
    are the same.
    """
    try:
        from ._made import Maker
    except ImportError:
        return made
    found: Callable[P, T] = Maker(made, tuple(field.name for field in dataclasses.fields(made)))  # type: ignore[arg-type]
    return found


def row_maker(made: Callable[P, T]) -> Callable[P, T]:
    """:func:`maker` for a named tuple: fields are given by their place; those that have a default may be left out."""
    try:
        from ._made import RowMaker
    except ImportError:
        return made
    names, defaults = made._fields, made._field_defaults  # type: ignore[attr-defined]
    found: Callable[P, T] = RowMaker(made, len(names), tuple(defaults[name] for name in names if name in defaults))
    return found
