"""What a rule is, what it returns, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from ..conversation import Span
from ..made import row_maker
from .view import View

Dimension = Literal["common_sense", "flexibility", "problem_solving", "recovery"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

Outcome = Literal["met", "missed", "not_applicable", "undetermined"]

MET_FROM = 0.5
"""A rule whose credit is at least this much counts as met; the points follow the credit in either case."""


class Verdict(NamedTuple):
    """A rule's answer before weights: credit 0-1 (None where not applicable), its evidence and the reason.

    ``spans`` are the words that prove it; for a miss, what triggered the rule. ``searched`` are the turns in
    which the answer was looked for.
    """

    credit: float | None
    explanation: str
    spans: tuple[Span, ...] = ()
    searched: tuple[int, ...] = ()
    undetermined: bool = False

    @property
    def outcome(self) -> Outcome:
        """The verdict in a word."""
        if self.undetermined:
            return "undetermined"
        if self.credit is None:
            return "not_applicable"
        return "met" if self.credit >= MET_FROM else "missed"


verdict = row_maker(Verdict)
"""A :class:`Verdict`, made fast: its fields by their place."""

Check = Callable[[View, Mapping[str, float]], Verdict]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a good service conversation owes at some point.

    ``weight``, ``params``, ``critical`` and ``cap`` are the defaults that a rubric may change: a critical rule that
    is missed caps the overall score. ``needs_customer`` rules are undetermined in a recording of the agent alone.
    """

    code: str
    name: str
    dimension: Dimension
    what: str
    why: str
    source: str
    say_instead: str
    check: Check
    weight: float = 1.0
    params: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    needs_customer: bool = True
    critical: bool = False
    cap: float = 40.0
    aliases: tuple[str, ...] = ()


def rule(
    code: str,
    name: str,
    dimension: Dimension,
    *,
    why: str,
    source: str,
    say_instead: str,
    weight: float = 1.0,
    needs_customer: bool = True,
    critical: bool = False,
    cap: float = 40.0,
    **params: float,
) -> Callable[[Check], Rule]:
    """Declare a rule: the decorated function is its check, its docstring says what it does."""

    def declare(check: Check) -> Rule:
        return Rule(
            code=code,
            name=name,
            dimension=dimension,
            what=" ".join((check.__doc__ or "").split()),
            why=why,
            source=source,
            say_instead=say_instead,
            check=check,
            weight=weight,
            params=MappingProxyType(dict(params)),
            needs_customer=needs_customer,
            critical=critical,
            cap=cap,
        )

    return declare


@lru_cache(maxsize=4096)
def worded(template: str, *numbers: int) -> str:
    """An explanation with its numbers, which are mostly the same few."""
    return template.format(*numbers)


@lru_cache(maxsize=256)
def not_applicable(explanation: str) -> Verdict:
    """The conversation gave no occasion for the rule: neither good nor bad."""
    return Verdict(None, explanation)
