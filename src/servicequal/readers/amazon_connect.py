"""Amazon Connect (Contact Lens voice and chat, real-time segments, plain chat) and Call Analytics.

All have a list of turns that name their participant. Contact Lens joins ``ParticipantId`` to
``Participants``; in older files the id is the role itself. Call Analytics has the role on the turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from servicequal.conversation import Conversation, Kind
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import SUFFIXES, Place, Record, guarded, parse, place_of, records
from servicequal.readers.lookups import child, first_objects, pick
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import BUILT_IN, Roles, built_in, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.speech import mean

_MARKS = ("CustomerMetadata", "ConversationCharacteristics", "ChatTranscriptVersion", "InitialContactId")
_ITEM_MARKS = ("ParticipantId", "ParticipantRole", "AbsoluteTime", "BeginOffsetMillis")
_ANALYTICS_MARKS = {"Items", "LoudnessScores"}
_SEGMENTS = ("Transcript", "Utterance", "Categories", "Event", "Attachments", "Issues", "PostContactSummary")
_FILE_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?=[_.])")
_SPOKEN_KEYS = ("title", "subtitle", "action", "label", "text")


def _is_call_analytics(record: Mapping[str, Any]) -> bool:
    items = first_objects(record.get("Transcript"))
    if "JobName" in record:
        return bool(items) or "JobStatus" in record
    return bool(items) and "ParticipantId" not in items[0] and bool(items[0].keys() & _ANALYTICS_MARKS)


def _fits_analytics(record: Mapping[str, Any]) -> Sniff:
    fits = _is_call_analytics(record)
    return Sniff(Fit.SIGNATURE, "has JobName and a Transcript with roles") if fits else Sniff(Fit.NO)


def _fits_connect(record: Mapping[str, Any]) -> Sniff:
    if _is_call_analytics(record):
        return Sniff(Fit.NO)
    if "ContactId" in record and "EventType" in record:
        return Sniff(Fit.SIGNATURE, "an event of a real-time stream, with ContactId and EventType")
    if any(child(segment, *_SEGMENTS) for segment in first_objects(record.get("Segments"))):
        return Sniff(Fit.SIGNATURE, "has Segments of a real-time analysis")
    if not isinstance(record.get("Transcript"), list):
        return Sniff(Fit.NO)
    marks = [mark for mark in _MARKS if mark in record]
    marks += [mark for item in first_objects(record["Transcript"]) for mark in _ITEM_MARKS if mark in item]
    return Sniff(Fit.SIGNATURE, f"has Transcript and {marks[0]}") if marks else Sniff(Fit.NO)


def _sniff(sample: Sample) -> Sniff:
    return _fits_connect(sample.mapping) if sample.mapping else Sniff(Fit.NO)


def _read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """Records as they come; the events of real-time streams are gathered by contact, and come last."""
    streams: dict[str, tuple[Place, dict[str, Any]]] = {}
    any_record = False
    for record in records(source):
        any_record = True
        if isinstance(record, Rejected):
            yield record
        elif _is_event(record):
            _gather(streams, record, source)
        else:
            place = place_of(source, record)
            yield from guarded(place, record.value, roles, _connect)
    for place, value in streams.values():
        yield from guarded(place, value, roles, _connect)
    if not any_record:
        raise source.fail("the file holds no conversation")


def _is_event(record: Record) -> bool:
    value = record.value
    return isinstance(value, dict) and "EventType" in value and isinstance(value.get("ContactId"), str)


def _gather(streams: dict[str, tuple[Place, dict[str, Any]]], record: Record, source: Source) -> None:
    event = record.value
    place = place_of(source, record)
    fresh = {**event, "Segments": []}
    segments = streams.setdefault(event["ContactId"], (place, fresh))[1]["Segments"]
    segments.extend(event["Segments"] if isinstance(event.get("Segments"), list) else [])


def _connect(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    yield _draft(record, place, "contact_lens", _contact_id(record, place))


def _analytics(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    yield _draft(record, place, "call_analytics", pick(record, "JobName") or place.stem)


def _contact_id(record: Any, place: Place) -> object:
    """From the file, else from its name: ``<contact>_analysis_<time>.json``."""
    stated = pick({**record, **child(record, "CustomerMetadata")}, "ContactId", "InitialContactId")
    named = _FILE_ID.match(f"{place.stem}.")
    return stated or (named.group() if named else place.stem)


def _draft(record: Any, place: Place, format: str, identity: object) -> Draft:
    status = record.get("JobStatus")
    if status not in (None, "COMPLETED"):
        raise ValueError(f"the job is {str(status)[:40]}, not COMPLETED: there is no transcript")
    items = record["Transcript"] if "Transcript" in record else _of_segments(record["Segments"])
    participants = {
        pick(who, "ParticipantId"): pick(who, "ParticipantRole") for who in record.get("Participants") or ()
    }
    spoken = any("BeginOffsetMillis" in item for item in items)
    channel = record.get("Channel") or ("call" if spoken else "chat")
    return Draft(
        id=identity,
        channel=channel,
        source=place.source,
        line=place.line,
        turns=[_turn(item, participants, spoken) for item in items],
        order="time",
        start_unit="ms",
        end_unit="ms",
        warnings=place.warnings,
        metadata={
            "instance_id": pick(child(record, "CustomerMetadata"), "InstanceId") or record.get("InstanceId"),
            "language": record.get("LanguageCode"),
            "output": child(record, "ContentMetadata").get("Output"),
            "file": place.source,
            "format": format,
        },
    )


def _of_segments(segments: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The turns of a real-time list; partial utterances are said again in full as Transcript."""
    found: list[Mapping[str, Any]] = []
    for segment in segments:
        for name in ("Transcript", "Event", "Attachments"):
            item = child(segment, name)
            if item:
                found.append(item if name == "Transcript" else {"Type": name.upper().rstrip("S"), **item})
    return found


def _turn(item: Mapping[str, Any], participants: Mapping[Any, Any], spoken: bool) -> Said:
    who = item.get("ParticipantId")
    role = item.get("ParticipantRole") or participants.get(who)
    if role is None and built_in(who) != "unknown":
        role = who
    kind = _kind(item, role)
    event = kind == "notice" and item.get("Type", "MESSAGE") == "EVENT"
    moments = {**child(item, "Time"), **item}
    return Said(
        text=_notice(item) if kind == "notice" else item.get("Content"),
        label=role,
        name=item.get("DisplayName"),
        speaker_id=None if who is None or key(who) in BUILT_IN else who,
        role="system" if event else None,
        start=moments.get("BeginOffsetMillis") if spoken else moments.get("AbsoluteTime"),
        end=moments.get("EndOffsetMillis") if spoken else None,
        kind=kind,
        confidence=mean(
            word.get("Confidence") for word in item.get("Items") or () if word.get("Type") != "punctuation"
        ),  # punctuation has 0.0
    )


def _kind(item: Mapping[str, Any], role: object) -> Kind:
    """Only text that a person or bot wrote or said is a message; queue notices and events are not."""
    text = str(item.get("ContentType") or "text/plain").startswith("text/")
    written = text and item.get("Type", "MESSAGE") == "MESSAGE"
    return "message" if written and built_in(role) != "system" else "notice"


def _notice(item: Mapping[str, Any]) -> Any:
    """The words of a notice: its text, what an interactive message shows, or what happened."""
    content = item.get("Content")
    if isinstance(content, str) and "interactive" in str(item.get("ContentType")):
        return "\n".join(_shown(content)) or content
    names = [str(pick(file, "AttachmentName")) for file in first_objects(item.get("Attachments"))]
    if content is None and names:
        return "\n".join(names)
    happened = str(item.get("EventType") or item.get("ContentType") or item.get("Type") or "")
    return happened.rpartition(".event.")[2] if content is None else content


def _shown(content: str) -> list[str]:
    """The titles and choices in the JSON of an interactive message, in order."""
    try:
        left = [parse(content)]
    except ValueError:
        return []
    found: list[str] = []
    while left:
        value = left.pop()
        if isinstance(value, dict):
            found += [value[name] for name in _SPOKEN_KEYS if isinstance(value.get(name), str)]
            left += reversed(value.values())
        elif isinstance(value, list):
            left += reversed(value)
    return [text for text in dict.fromkeys(found) if text.strip()]


READERS = (
    Reader("contact_lens", "Amazon Connect Contact Lens, voice or chat", SUFFIXES, _sniff, _read),
    json_reader("call_analytics", "Amazon Transcribe Call Analytics", _fits_analytics, _analytics),
)
