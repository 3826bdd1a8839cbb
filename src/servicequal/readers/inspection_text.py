"""An inspection in words: what is there, what was made of it, and the command that would score it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from servicequal.readers.draft import printable

if TYPE_CHECKING:
    from servicequal.readers.inspection import Inspection

MOST = 10
"""Lines of one kind that are shown; the rest are counted."""


def described(found: Inspection) -> str:
    """The report as aligned lines of text."""
    return printable("\n".join(_lines(found)))


def _lines(found: Inspection) -> Iterator[str]:
    yield (
        f"{_many(len(found.files), 'file')}, {_many(found.conversations, 'conversation')}, "
        f"{_many(found.turns, 'turn')}; {len(found.skipped)} skipped, {len(found.rejected)} rejected"
    )
    yield from _block("format", list(_formats(found)), most=len(found.files))
    yield from _row("roles", _counts(found.roles))
    yield from _block("labels", [f"{x.label or '(none)'} → {x.role}, {_many(x.turns, 'turn')}" for x in found.labels])
    yield from _block("speakers", [f"{who} ({role}), {_many(n, 'turn')}" for role, who, n in found.speakers])
    yield from _block("inferred", [f"{said} ({_many(n, 'conversation')})" for said, n in found.inferred])
    yield from _row("kinds", _counts(found.kinds))
    yield from _row("channel", _counts(found.channels))
    yield from _row("times", _times(found))
    yield from _block("same id", list(found.duplicate_ids))
    yield from _block("warnings", [f"{said} ({_many(n, 'conversation')})" for said, n in found.warnings])
    yield from _block("skipped", [f"{path}: {why}" for path, why in found.skipped])
    yield from _block("rejected", [str(rejected) for rejected in found.rejected])
    yield from _next(found)


def _formats(found: Inspection) -> Iterator[str]:
    """One line a format: its name and title, how much it read, and why it was taken."""
    files = Counter(file.format for file in found.files)
    for name in found.formats:
        mine = [file for file in found.files if file.format == name]
        conversations, turns = sum(f.conversations for f in mine), sum(f.turns for f in mine)
        amount = f"{_many(files[name], 'file')}, {_many(conversations, 'conversation')}, {_many(turns, 'turn')}"
        why = f": {mine[0].why}" if mine[0].why else ""
        yield f"{name} ({mine[0].title}), {amount}{why}"


def _times(found: Inspection) -> str:
    given = [f"in {unit}, {_many(n, 'conversation')}" for unit, n in found.time_units]
    if found.without_times:
        given.append(f"none, {_many(found.without_times, 'conversation')}")
    return "; ".join(given)


def _next(found: Inspection) -> Iterator[str]:
    """The command, and what is missing for it to be worth while."""
    yield ""
    if not found.conversations:
        yield "Nothing here can be scored."
        return
    if turns := dict(found.roles).get("unknown", 0):
        yield f"{_many(turns, 'turn')} without a known role: in a conversation that has them nothing is scored."
        yield from _who(found)
        yield "As it is:"
    else:
        yield "Score it:"
    yield f"  {found.command}"


def _who(found: Inspection) -> Iterator[str]:
    """How to say who the unknown speakers are."""
    unknown = [label.label for label in found.labels if label.role == "unknown" and label.label]
    sayable = [label for label in unknown if "," not in label and "=" not in label][:MOST]
    if not unknown:
        yield "Their speakers have no label: name the column with --columns speaker=COLUMN, or try --infer-roles."
    elif "--roles" in found.command or not sayable:
        yield f"Add them to your role map, a CSV file label,role: {', '.join(unknown[:MOST])}"
    else:
        yield "Say who is who, with agent, customer, bot or system for ROLE; or try --infer-roles:"
        yield f"  {found.command} --roles {shlex.quote(','.join(f'{label}=ROLE' for label in sayable))}"


def _row(name: str, text: str) -> Iterator[str]:
    if text:
        yield f"{name:<10}{text}"


def _block(name: str, items: Sequence[str], most: int = MOST) -> Iterator[str]:
    for number, item in enumerate(items[:most]):
        yield f"{name if number == 0 else '':<10}{item}"
    if len(items) > most:
        yield f"{'':<10}… and {len(items) - most} more"


def _counts(pairs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {n}" for name, n in pairs)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
