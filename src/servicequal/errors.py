"""Errors and rejections: what was wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class ServicequalError(Exception):
    """Base of every error that servicequal raises on purpose."""


class MissingExtraError(ServicequalError, ImportError):
    """An optional dependency is needed; the message names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}': pip install 'servicequal[{extra}]'")
        self.extra = extra


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that could not become a scored conversation, and why.

    ``source`` is the file (or None for objects handed over in memory), ``line`` and ``column``
    count from 1, ``turn`` from 0; each is None where it does not apply. ``hint`` says what to do.
    """

    reason: str
    source: str | None = None
    conversation_id: str | None = None
    line: int | None = None
    column: str | None = None
    turn: int | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = [
            self.source or "",
            *(
                f"{name} {value}"
                for name, value in (
                    ("line", self.line),
                    ("column", self.column),
                    ("conversation", self.conversation_id),
                    ("turn", self.turn),
                )
                if value is not None
            ),
        ]
        where = ", ".join(part for part in place if part)
        text = f"{where}: {self.reason}" if where else self.reason
        return f"{text} ({self.hint})" if self.hint else text


class ReadError(ServicequalError, ValueError):
    """An input cannot be read; carries the :class:`Rejected` that a batch would keep instead."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected


class PackError(ServicequalError, ValueError):
    """A cue pack does not keep its contract; the message names file, key and mend."""


class RubricError(ServicequalError, ValueError):
    """A rubric names an unknown rule or an impossible number; the message says which and why."""


class BatchError(ServicequalError):
    """A batch run cannot be started, continued, finished or opened; the message says why and what to do."""
