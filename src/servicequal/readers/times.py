"""Reading times: every spelling that exports use becomes one :class:`Moment`.

A moment is an ``offset`` (seconds from the start of the recording), a ``clock`` (``16:55:50``: an
offset or a time of day, the conversation as a whole tells which) or an ``epoch`` (a date and time).
:func:`align` turns the moments of one conversation into seconds from its start.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

Unit = Literal["s", "ms", "us", "ticks"]

PER_SECOND: dict[str, float] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ticks": 1e7}

_UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ticks": "100-ns ticks"}
_EPOCH_FROM = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))
_LATEST = 4_102_444_800.0  # 2100-01-01: a number beyond it is no date
_CLOCK = re.compile(r"(\d{1,3}):(\d{2})(?:([:.,])(\d{1,3}))?(?:[.,](\d{1,6}))?\s?([AaPp]\.?[Mm]\.?)?$")
_ISO_DURATION = re.compile(r"-?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_WORDY_DURATION = re.compile(r"(?:(\d+)\s?h\s*)?(?:(\d+)\s?m\s*)?(?:(\d+(?:\.\d+)?)\s?s)?$")
_TWITTER = "%a %b %d %H:%M:%S %z %Y"
_SLASHED = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f")


@dataclass(frozen=True, slots=True)
class Moment:
    """One point in time. ``seconds`` is an offset, a clock reading, or seconds since 1970.

    ``zoned`` is False for a date and time without a zone; ``unit`` names the unit it was read in.
    """

    seconds: float
    kind: Literal["offset", "clock", "epoch"] = "offset"
    zoned: bool = True
    unit: str = "seconds"


@dataclass(frozen=True, slots=True)
class Aligned:
    """The times of one conversation, in seconds from its start, beside what was learnt from them."""

    starts: tuple[float | None, ...]
    ends: tuple[float | None, ...]
    started_at: str | None = None
    unit: str | None = None
    warnings: tuple[str, ...] = ()


def unit_of(name: str) -> Unit | None:
    """The unit that a column or key name states (``start_ms``, ``beginOffsetMillis``), or None."""
    low = name.lower()
    for ending, unit in (
        (("_ms", "millis", "milliseconds", "msec", "(ms)"), "ms"),
        (("_us", "_usec", "micros", "microseconds", "usec"), "us"),
        (("ticks",), "ticks"),
        (("_s", "_sec", "_secs", "seconds", "(s)"), "s"),
    ):
        if low.endswith(ending):
            return unit  # type: ignore[return-value]
    return "ms" if name.endswith(("Ms", "MS")) else None


def clock(text: str) -> float | None:
    """Seconds of ``h:mm:ss(.fff)``, ``m:ss``, ``mm:ss:fff`` or ``10:30 AM``; None if it is no clock.

    Three fields are not hours, minutes, seconds when the last has three digits (``06:59:755``).
    """
    match = _CLOCK.match(text.strip()[:24])
    if match is None:
        return None
    first, second, mark, third, fraction, half = match.groups()
    if half is not None:
        return _half_day(int(first), int(second), int(third or 0), half)
    if int(second) > 59:
        return None
    if third is None:
        return int(first) * 60.0 + int(second)
    if mark == ":" and len(third) == 2:
        if int(third) > 59:
            return None
        tail = float(f"0.{fraction}") if fraction else 0.0
        return int(first) * 3600.0 + int(second) * 60 + int(third) + tail
    return int(first) * 60.0 + int(second) + float(f"0.{third}")


def _half_day(hour: int, minute: int, second: int, half: str) -> float | None:
    if not 1 <= hour <= 12 or minute > 59 or second > 59:
        return None
    return (hour % 12 + (12 if half[0] in "pP" else 0)) * 3600.0 + minute * 60 + second


def duration(text: str) -> float | None:
    """Seconds of ``PT1M2.58S``, ``1.200s`` or ``1m 13s``; None if it is none of these."""
    text = text.strip()[:40]
    for pattern in (_ISO_DURATION, _WORDY_DURATION):
        match = pattern.match(text)
        if match and any(match.groups()):
            parts = [float(part or 0) for part in match.groups()]
            days = parts.pop(0) if len(parts) == 4 else 0.0
            return days * 86400 + parts[0] * 3600 + parts[1] * 60 + parts[2]
    return None


def date_time(text: str) -> Moment | None:
    """The moment of an ISO, RFC 3339, Twitter or slashed date with a time; None if it is no date.

    Raises ValueError for a slashed date that can be read as day/month and as month/day.
    """
    text = text.strip()[:48]
    if text.endswith(" UTC") or text.endswith(" GMT"):
        text = text[:-4] + "+00:00"
    try:
        found = datetime.fromisoformat(text) if len(text) > 10 and text[:4].isdigit() else None
        found = found or (datetime.strptime(text, _TWITTER) if text[:3].isalpha() else None)
    except (ValueError, OverflowError):
        return None
    found = found or _slashed(text)
    return None if found is None else of_datetime(found)


def of_datetime(when: datetime) -> Moment:
    """The moment of a Python datetime, with or without a zone."""
    zoned = when.tzinfo is not None
    try:
        seconds = (when if zoned else when.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise ValueError(f"{when!s:.40} is no time that can be reckoned with") from error
    return Moment(seconds, "epoch", zoned, "date and time")


def _slashed(text: str) -> datetime | None:
    day, _, hours = text.replace(", ", " ").partition(" ")
    if day.count("/") != 2 and day.count(".") != 2:
        return None
    mark = "/" if "/" in day else "."
    orders = [f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y", f"%Y{mark}%m{mark}%d"]
    found = {when for order in orders for when in _tried(f"{day} {hours.strip()}", order)}
    if len(found) > 1:
        raise ValueError(f"{text!r} can be read as day/month and as month/day")
    return found.pop() if found else None


def _tried(text: str, order: str) -> list[datetime]:
    found = []
    for hours in _SLASHED:
        try:
            found.append(datetime.strptime(text, f"{order} {hours}"))
        except ValueError:
            continue
    return found[:1]


def number(value: float, unit: Unit | None = None) -> Moment:
    """The moment of a number: an epoch where its magnitude says so, else an offset in ``unit``.

    Raises ValueError for NaN, infinity and numbers that are no time at all.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no time")
    scale = PER_SECOND[unit or "s"]
    if unit != "ticks":
        for least, per_second in _EPOCH_FROM:
            stated = unit is None or per_second == scale or (unit == "s" and per_second == 1.0)
            if least <= abs(value) <= _LATEST * per_second and stated:
                return Moment(value / per_second, "epoch", True, "epoch")
    seconds = value / scale
    if abs(seconds) > _LATEST:
        raise ValueError(f"{value!s:.40} is no time")
    return Moment(seconds, "offset", True, _UNIT_NAMES[unit or "s"])


def moment(value: object, unit: Unit | None = None) -> Moment | None:
    """The moment that a cell or JSON value states; None for an empty one.

    Raises ValueError, with a sentence for the user, for a value that is no time.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise ValueError(f"{value} is no time")
    if isinstance(value, (int, float)):
        try:
            return number(float(value), unit)
        except OverflowError as error:
            raise ValueError("a number this large is no time") from error
    if isinstance(value, datetime):
        return of_datetime(value)
    if isinstance(value, timedelta):
        return Moment(value.total_seconds())
    if isinstance(value, str):
        return _written(value.strip(), unit)
    raise ValueError(f"{value!r:.60} is no time")


def _written(text: str, unit: Unit | None) -> Moment:
    try:
        plain = float(text[:40])
    except ValueError:
        plain = None
    if plain is not None:
        return number(plain, unit)
    seconds = clock(text)
    if seconds is not None:
        return Moment(seconds, "clock", True, "clock")
    seconds = duration(text)
    if seconds is not None:
        return Moment(seconds)
    found = date_time(text)
    if found is None:
        raise ValueError(f"{text[:60]!r} is no time that is understood")
    return found


def align(starts: Sequence[Moment | None], ends: Sequence[Moment | None]) -> Aligned:
    """Bring the moments of one conversation to seconds from its start.

    Offsets stay as they are. Dates lose the earliest start, which is kept as ``started_at`` (ISO
    8601). Clocks that begin after the first hour are times of day and lose theirs. Moments of
    different kinds cannot be compared: then there are no times, and a warning says so.
    """
    given = [m for m in (*starts, *ends) if m is not None]
    none = (None,) * len(starts)
    if not given:
        return Aligned(none, none)
    if len({(m.kind, m.zoned) for m in given}) > 1:
        return Aligned(none, none, warnings=("times of different kinds or zones; all left out",))
    kind, unit = given[0].kind, given[0].unit
    if kind == "clock":
        starts, ends = _past_midnight(starts, ends)
    base = min(m.seconds for m in (*starts, *ends) if m is not None)
    shift = base if kind == "epoch" or (kind == "clock" and base >= 3600) else 0.0
    return Aligned(
        _shifted(starts, shift),
        _shifted(ends, shift),
        _iso(base, given[0].zoned) if kind == "epoch" else None,
        "time of day" if kind == "clock" and shift else unit,
    )


def _shifted(moments: Sequence[Moment | None], shift: float) -> tuple[float | None, ...]:
    if not shift:
        return tuple(None if m is None else m.seconds for m in moments)
    return tuple(None if m is None else round(m.seconds - shift, 6) for m in moments)


def _past_midnight(
    starts: Sequence[Moment | None], ends: Sequence[Moment | None]
) -> tuple[list[Moment | None], list[Moment | None]]:
    """A clock that falls by more than half a day has passed midnight."""
    days, last = 0, 0.0
    new_starts: list[Moment | None] = []
    new_ends: list[Moment | None] = []
    for start, end in zip(starts, ends, strict=True):
        if start is not None:
            days += last - start.seconds > 43200
            last = start.seconds
        new_starts.append(start and replace(start, seconds=start.seconds + 86400 * days))
        new_ends.append(end and replace(end, seconds=end.seconds + 86400 * days))
    return new_starts, new_ends


def _iso(seconds: float, zoned: bool) -> str:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return when.isoformat() if zoned else when.replace(tzinfo=None).isoformat()
