"""The rules, one module per dimension; their registry is this tuple and nothing else."""

from __future__ import annotations

from . import common_sense, flexibility, problem_solving, recovery
from .base import DIMENSIONS, Dimension, Outcome, Rule, Verdict
from .view import View

RULES: tuple[Rule, ...] = tuple(
    value
    for module in (common_sense, flexibility, problem_solving, recovery)
    for value in vars(module).values()
    if isinstance(value, Rule)
)
"""Every built-in rule, by dimension and in the order of its module."""

__all__ = ["DIMENSIONS", "RULES", "Dimension", "Outcome", "Rule", "Verdict", "View"]
