"""From what a reader found to a Conversation: the one place where roles, times and text are checked.

A reader fills a :class:`Draft` with :class:`Said` turns, as the file has them, and calls
:func:`build`. Everything that can be wrong with a single conversation is found here, once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import ValidationError

from servicequal.conversation import Channel, Conversation, Kind, Role, Turn
from servicequal.errors import ReadError, Rejected
from servicequal.readers.infer import INFERRED, with_inferred_roles
from servicequal.readers.roles import Roles, key, person
from servicequal.readers.times import Aligned, Moment, Unit, align, moment
from servicequal.readers.words import words

LONGEST_TURN = 500_000
"""Characters. A longer turn is a broken export (an unclosed quote, a file in a cell), not speech."""

_CHANNELS: dict[str, Channel] = {
    **dict.fromkeys(
        words("call phone phonecall voice telephone telephony inboundcall outboundcall audio"),
        "call",
    ),
    **dict.fromkeys(
        words("chat webchat livechat messaging message sms text whatsapp webmessaging messenger"),
        "chat",
    ),
    **dict.fromkeys(words("email mail"), "email"),
    **dict.fromkeys(words("social twitter facebook tweet instagram x socialmedia"), "social"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn as the file has it.

    ``label`` is what the file calls the speaker, ``name`` a person's name, ``speaker_id`` an id,
    ``channel`` an audio channel; ``role`` is given only where the format itself knows it.
    ``inferred`` is the reason where it does not and ``role`` is the reader's inference (only to be made
    with ``roles.infer``). ``start`` and ``end`` are raw values or moments. ``line`` is where the turn
    is found, from 1.
    """

    text: object
    label: object = None
    name: object = None
    speaker_id: object = None
    channel: object = None
    role: Role | None = None
    inferred: str | None = None
    start: object = None
    end: object = None
    kind: Kind = "message"
    confidence: object = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One conversation as the file has it, not yet checked.

    ``order`` is ``given`` or ``time`` (sorted by start, stable, if every turn has one);
    ``start_unit`` and ``end_unit`` are the units of bare numbers (None: seconds, or an epoch by
    magnitude); ``start_name`` and ``end_name`` name the column or key for messages.
    """

    id: object
    turns: Sequence[Said]
    source: str | None
    channel: object = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    order: Literal["given", "time"] = "given"
    start_unit: Unit | None = None
    end_unit: Unit | None = None
    start_name: str = "start"
    end_name: str = "end"
    text_name: str = "text"
    line: int | None = None

    def fail(
        self, reason: str, hint: str | None = None, *, turn: int | None = None, column: str | None = None
    ) -> ReadError:
        """A ReadError about this conversation (and one turn of it), to be raised."""
        line = self.line if turn is None else self.turns[turn].line or self.line
        name = None if self.id is None else printable(str(self.id)[:200])
        return ReadError(Rejected(reason, self.source, name, line, column, turn, hint))


def printable(text: str) -> str:
    """The text with lone surrogates made visible, so that messages can be printed."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def build(draft: Draft, roles: Roles) -> Conversation:
    """Check a draft and make it a Conversation. Raises ReadError about file, line and turn."""
    identity = _identity(draft)
    if not draft.turns:
        raise draft.fail("the conversation has no turns", "drop it from the export")
    warnings = list(draft.warnings)
    aligned = _times(draft)
    warnings.extend(aligned.warnings)
    turns = [_turn(draft, i, aligned, roles, warnings) for i in range(len(draft.turns))]
    marks = _inferred(draft, turns)
    if draft.order == "time" and all(turn.start is not None for turn in turns):
        turns.sort(key=lambda turn: turn.start or 0.0)
    metadata = _metadata(draft, aligned)
    channel = known_channel(draft.channel)
    if channel is None and draft.channel not in (None, ""):
        metadata.setdefault("channel", _sound(str(draft.channel)[:200], draft, None))
    if marks:
        metadata[INFERRED] = marks
    if warnings:
        metadata["warnings"] = list(dict.fromkeys(map(printable, warnings)))
    try:
        found = Conversation(id=identity, channel=channel, turns=tuple(turns), metadata=metadata)
    except ValidationError as error:
        raise draft.fail(first_problem(error)) from error
    return with_inferred_roles(found) if roles.infer else found


def _inferred(draft: Draft, turns: Sequence[Turn]) -> dict[str, dict[str, str]]:
    """The reader's own inferences by speaker, but for those that the caller's map overrules."""
    pairs = zip(draft.turns, turns, strict=True)
    return {
        turn.speaker_id or "?": {"role": turn.speaker, "reason": printable(said.inferred)}
        for said, turn in pairs
        if said.inferred is not None and turn.speaker == said.role
    }


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's complaints, as one short sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    return printable(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:300])


def known_channel(value: object) -> Channel | None:
    """``call``, ``chat``, ``email`` or ``social`` for their usual names, None for anything else."""
    return _CHANNELS.get(key(value)) if isinstance(value, str) else None


def is_missing(value: object) -> bool:
    """True for None, NaN and what pandas writes for them."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, str) and value.strip() in ("NaN", "nan", "<NA>", "NaT")


def _identity(draft: Draft) -> str:
    value = draft.id
    if is_missing(value) or isinstance(value, (bool, dict, list)) or not str(value).strip():
        raise draft.fail("the conversation has no id", "every conversation needs one")
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= 2**53:
            raise draft.fail(f"the id was read as the number {value}", "read ids as text (dtype=str)")
        value = int(value)
    try:
        return _sound(str(value).strip(), draft, None)
    except ValueError as error:  # an integer of thousands of digits
        if isinstance(error, ReadError):
            raise
        raise draft.fail("the id is a number too long to be one") from error


def _turn(draft: Draft, index: int, times: Aligned, roles: Roles, warnings: list[str]) -> Turn:
    said = draft.turns[index]
    text = _text(draft, index, warnings)
    label = None if is_missing(said.label) else said.label
    role = roles.role(label, name=said.name, speaker_id=said.speaker_id, channel=said.channel, certain=said.role)
    try:
        return Turn(
            speaker=role,
            text=text,
            start=times.starts[index],
            end=times.ends[index],
            speaker_id=_speaker_id(draft, said, index),
            kind=said.kind,
            confidence=_confidence(draft, index),
        )
    except ValidationError as error:
        raise draft.fail(first_problem(error), turn=index) from error


def _text(draft: Draft, index: int, warnings: list[str]) -> str:
    text = draft.turns[index].text
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if is_missing(text):
        raise draft.fail(
            "the text is missing (NaN or null)",
            'drop the row, or fill it with ""',
            turn=index,
            column=draft.text_name,
        )
    if not isinstance(text, str):
        kind = type(text).__name__
        raise draft.fail(
            f"the text is no text but a {kind}",
            "read it as text (dtype=str)",
            turn=index,
            column=draft.text_name,
        )
    if len(text) > LONGEST_TURN:
        raise draft.fail(
            f"the turn has {len(text):,} characters",
            "no turn is that long: look for an unclosed quote before it",
            turn=index,
            column=draft.text_name,
        )
    sound = _sound(text, draft, index)
    if sound is not text:
        warnings.append("half characters (lone surrogates) were read as \N{REPLACEMENT CHARACTER}")
    return sound


def _sound(text: str, draft: Draft, turn: int | None) -> str:
    """Text that can be written as UTF-8: undecodable bytes are an error, half an emoji is marked."""
    try:
        text.encode()
    except UnicodeEncodeError:
        if any("\udc80" <= c <= "\udcff" for c in text) and not any("\ud800" <= c <= "\udbff" for c in text):
            raise draft.fail(
                "holds bytes that are no UTF-8", "save the file in one encoding, best UTF-8", turn=turn
            ) from None
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _speaker_id(draft: Draft, said: Said, index: int) -> str | None:
    for value in (said.speaker_id, said.name):
        if not is_missing(value) and str(value).strip():
            return _sound(_whole(value), draft, index)
    if not is_missing(said.label) and (found := person(said.label)):
        return _sound(found, draft, index)
    return None if is_missing(said.channel) else _sound(_whole(said.channel), draft, index) or None


def _whole(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()[:1000]


def _confidence(draft: Draft, index: int) -> float | None:
    value = draft.turns[index].confidence
    if is_missing(value) or value == "":
        return None
    try:
        number = float(cast(Any, value))
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise draft.fail(f"confidence {value!r:.40} is not between 0 and 1", turn=index, column="confidence")
    return number


def _times(draft: Draft) -> Aligned:
    starts = [_moment(draft, i, draft.start_name, draft.start_unit, t.start) for i, t in enumerate(draft.turns)]
    ends = [_moment(draft, i, draft.end_name, draft.end_unit, t.end) for i, t in enumerate(draft.turns)]
    return align(starts, ends)


def _moment(draft: Draft, turn: int, column: str, unit: Unit | None, value: object) -> Moment | None:
    if isinstance(value, Moment):
        return value
    try:
        return moment(value, unit)
    except ValueError as error:
        raise draft.fail(
            str(error), "mend it, or leave the column out if times do not matter", turn=turn, column=column
        ) from error


def _metadata(draft: Draft, times: Aligned) -> dict[str, Any]:
    """Scalars only, and only what JSON can hold."""
    found: dict[str, Any] = {}
    for name, value in draft.metadata.items():
        if is_missing(value) or not isinstance(value, (str, int, float, bool)):
            continue
        if isinstance(value, float) and not math.isfinite(value):
            continue
        if name == "file" and isinstance(value, str):
            value = printable(value)
        found[_sound(str(name), draft, None)] = _sound(value, draft, None) if isinstance(value, str) else value
    if times.started_at:
        found["started_at"] = times.started_at
    if times.unit:
        found["time_unit"] = times.unit
    return found
