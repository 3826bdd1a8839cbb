"""What all speech recognisers' output has in common: numbered voices, words, seconds.

A reader makes :class:`Piece` objects, of turns or of words, and calls :func:`speech_draft`. None of
these formats knows roles: a voice becomes ``speaker_id`` and a label, and the role comes from the
caller's map (by either, or by audio channel) or stays ``unknown``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from servicequal.readers.draft import Draft, Said, is_missing
from servicequal.readers.jsonio import Place
from servicequal.readers.times import Unit, moment

PAUSE = 1.5
"""Seconds of silence after which the same voice begins a new turn, where a file has only words."""

_LOOK_BACK = 200
NO_VOICES = "the file does not tell speakers apart; transcribe again with diarisation or two channels"


@dataclass(frozen=True, slots=True)
class Piece:
    """A turn or a word: its voice by ``speaker`` and audio ``channel``, its times in seconds."""

    text: object
    start: float | None
    end: float | None
    speaker: object = None
    channel: object = None
    confidence: float | None = None

    @property
    def voice(self) -> tuple[str, str]:
        """Channel and speaker as text, to compare."""
        return bare(self.channel) or "", bare(self.speaker) or ""


def bare(value: object) -> str | None:
    """A speaker or channel as text; None if there is none. ``""`` is nobody, 0 is somebody."""
    if is_missing(value) or isinstance(value, (dict, list)) or not str(value).strip():
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()[:100]


def seconds(value: object, unit: Unit | None = None) -> float | None:
    """Seconds of a raw time; None if it is missing or NaN. Raises ValueError if it is no time."""
    if is_missing(value):
        return None
    found = moment(value, unit)
    return None if found is None else found.seconds


def plus(start: float | None, length: float | None) -> float | None:
    """The end of something that begins and lasts; None if either is unknown."""
    return None if start is None or length is None else round(start + length, 6)


def share(value: object) -> float | None:
    """A confidence between 0 and 1, also as text; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value[:40])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        return None
    return float(value)


def mean(values: Iterable[object]) -> float | None:
    """The mean of the confidences among some values, None if there is none."""
    found = [number for value in values if (number := share(value)) is not None]
    return round(sum(found) / len(found), 4) if found else None


def utterances(words: Sequence[Piece]) -> list[Piece]:
    """Words as turns, in the order of time.

    A turn of a voice ends where it pauses for :data:`PAUSE` seconds, or where another voice says a
    whole word within a shorter pause. Words said over each other stay in two turns that overlap.
    """
    timed = all(word.start is not None for word in words)
    ordered = sorted(words, key=lambda word: word.start or 0.0) if timed else list(words)
    groups: list[list[Piece]] = []
    latest: dict[tuple[str, str], tuple[int, list[Piece]]] = {}
    for index, word in enumerate(ordered):
        at, group = latest.get(word.voice, (index - 1, []))
        if not group or _ended(group[-1], ordered[at + 1 : index][:_LOOK_BACK], word):
            group = []
            groups.append(group)
        group.append(word)
        latest[word.voice] = (index, group)
    return [joined(group) for group in groups]


def _ended(last: Piece, between: Sequence[Piece], word: Piece) -> bool:
    if last.end is None or word.start is None:
        return bool(between)
    if word.start - last.end > PAUSE:
        return True
    return any(
        other.start is not None and other.start >= last.end and (other.end or other.start) <= word.start
        for other in between
    )


def joined(words: Sequence[Piece]) -> Piece:
    """The words of one voice as one piece, with blanks between them."""
    ends = [word.end for word in words if word.end is not None]
    return Piece(
        text=" ".join(str(word.text).strip() for word in words),
        start=next((word.start for word in words if word.start is not None), None),
        end=max(ends, default=None),
        speaker=words[0].speaker,
        channel=words[0].channel,
        confidence=mean(word.confidence for word in words),
    )


def speech_draft(
    place: Place,
    format: str,
    pieces: Sequence[Piece],
    *,
    id: object = None,
    metadata: Mapping[str, object] | None = None,
) -> Draft:
    """The draft of one recording: voices named, turns in the order of time, channel ``call``."""
    said = voices(pieces)
    told = any(turn.speaker_id is not None for turn in said)
    return Draft(
        id=place.stem if is_missing(id) or id == "" else id,
        turns=said,
        source=place.source,
        channel="call",
        metadata={**(metadata or {}), "file": place.source, "format": format},
        warnings=place.warnings if told or not said else (*place.warnings, NO_VOICES),
        order="time",
        line=place.line,
    )


def voices(pieces: Sequence[Piece]) -> list[Said]:
    """Pieces as turns with ``speaker_id`` and label: one layer for every way to number voices.

    With several audio channels, the channel is the speaker, and speakers within a channel are told
    apart as ``1-0``. With one, it is the speaker. Neither: nobody knows.
    """
    speakers: dict[str, set[str]] = defaultdict(set)
    for piece in pieces:
        channel, speaker = piece.voice
        speakers[channel].add(speaker)
    several = len(speakers.keys() - {""}) > 1
    return [_said(piece, several, speakers) for piece in pieces]


def _said(piece: Piece, several: bool, speakers: Mapping[str, set[str]]) -> Said:
    channel, speaker = piece.voice
    label, who = _label("Speaker", speaker), speaker
    if several and channel:
        mixed = len(speakers[channel]) > 1 and bool(speaker)
        who = f"{channel}-{speaker}" if mixed else channel
        label = _label("Channel", channel)
    return Said(
        text=piece.text.strip() if isinstance(piece.text, str) else piece.text,  # blanks of tokens
        label=label or None,
        speaker_id=who or None,
        channel=channel if several and channel else None,
        start=piece.start,
        end=piece.end,
        confidence=piece.confidence,
    )


def _label(what: str, voice: str) -> str:
    """``Speaker 0`` for a bare number or letter; anything longer speaks for itself."""
    return f"{what} {voice}" if voice and (voice.isdigit() or len(voice) == 1) else voice
