"""Google: CCAI conversation entries, Insights conversations, CCAI Platform (UJET) chats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from servicequal.conversation import Kind, Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, each, first_objects, pick, started
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import bare, mean, seconds

_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/conversations/([^/]+)/?$")
_ROLE_NUMBERS = {1: "HUMAN_AGENT", 2: "AUTOMATED_AGENT", 3: "END_USER", 4: "ANY_AGENT"}
_MEDIA_NUMBERS = {1: "PHONE_CALL", 2: "CHAT"}
_NO_TRANSCRIPT = "list the conversations with view=FULL, or export them one by one"
_PLATFORM_ROLES: dict[str, Role] = {
    "manager": "agent",
    "virtual_agent": "bot",
    "task_virtual_agent": "bot",
}
_WRITTEN = ("text", "markdown", "text_template", "markdown_template")


def _fits_entries(record: Mapping[str, Any]) -> Sniff:
    if "comm_type" in record:
        return Sniff(Fit.NO)
    for entry in first_objects(record.get("entries")):
        if "text" in entry and entry.keys() & {"role", "user_id", "userId"}:
            return Sniff(Fit.SIGNATURE, "has entries with text and role or user_id")
    return Sniff(Fit.NO)


def _entries(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    about = child(record, "conversation_info", "conversationInfo")
    yield Draft(
        id=pick(record, "conversation_id", "conversationId") or place.stem,
        channel=pick(record, "medium", "channel"),
        source=place.source,
        line=place.line,
        turns=[_entry(entry) for entry in record["entries"]],
        order="time",
        start_unit="us",
        warnings=place.warnings,
        metadata={
            "category": next((pick(c, "display_name") for c in first_objects(about.get("categories"))), None),
            "file": place.source,
            "format": "ccai_entries",
        },
    )


def _entry(entry: Mapping[str, Any]) -> Said:
    return Said(
        text=entry["text"],
        label=pick(entry, "role"),
        speaker_id=pick(entry, "user_id", "userId"),
        start=pick(entry, "start_timestamp_usec", "startTimestampUsec"),
    )


def _is_conversation(value: Mapping[str, Any]) -> bool:
    listed = pick(child(value, "transcript"), "transcriptSegments", "transcript_segments")
    return listed is not None or bool(_NAME.search(str(value.get("name"))[:500]))


def _listed(record: Mapping[str, Any]) -> Any:
    """The conversations of a list answer, the one inside an operation, or the record itself."""
    if any(_is_conversation(item) for item in first_objects(record.get("conversations"))):
        return record["conversations"]
    inner = child(record, "conversation", "response")
    return [inner] if _is_conversation(inner) else [record]


def _fits_insights(record: Mapping[str, Any]) -> Sniff:
    found = first_objects(_listed(record))
    if any(_is_conversation(value) for value in found):
        return Sniff(Fit.SIGNATURE, "has transcript segments, or the name of an Insights conversation")
    return Sniff(Fit.NO)


def _insights(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    yield from each(_listed(record), place, _conversation)


def _conversation(value: Any, place: Place) -> Draft | Rejected:
    name = str(pick(value, "name") or "").rstrip("/").rpartition("/")[2]
    segments = pick(child(value, "transcript"), "transcriptSegments", "transcript_segments")
    if segments is None:
        return Rejected("the conversation has no transcript", place.source, name or None, hint=_NO_TRANSCRIPT)
    medium = value.get("medium")
    calls = child(value, "callMetadata", "call_metadata")
    channels: dict[str | None, Role] = {
        bare(pick(calls, "agentChannel", "agent_channel")): "agent",
        bare(pick(calls, "customerChannel", "customer_channel")): "customer",
    }
    channels.pop(None, None)
    agent = pick(value, "agentId", "agent_id")
    return Draft(
        id=name or place.stem,
        channel=_MEDIA_NUMBERS.get(medium, medium) if not isinstance(medium, (dict, list)) else None,
        source=place.source,
        line=place.line,
        turns=_segments(segments, channels, agent),
        order="time",
        warnings=place.warnings,
        metadata={
            "started_at": started(pick(value, "startTime", "start_time")),
            "language": pick(value, "languageCode", "language_code"),
            "agent_id": agent,
            "file": place.source,
            "format": "ccai_insights",
        },
    )


def _segments(segments: Sequence[Any], channels: Mapping[str | None, Role], agent: object) -> list[Said]:
    """By the words' offsets if every segment has them, else by the moments of the messages."""
    spoken = all(_offset(segment, 0, "start") is not None for segment in segments)
    return [_segment(segment, channels, agent, spoken) for segment in segments]


def _segment(segment: Mapping[str, Any], channels: Mapping[str | None, Role], agent: object, spoken: bool) -> Said:
    who = child(segment, "segmentParticipant", "segment_participant")
    role = pick(who, "role") or pick(segment, "participantRole", "participant_role")
    role = _ROLE_NUMBERS.get(role) if isinstance(role, int) else role
    if str(role).endswith("UNSPECIFIED"):
        role = None
    tag = bare(pick(segment, "channelTag", "channel_tag"))
    ids = ("userId", "user_id", "obfuscatedExternalUserId", "obfuscated_external_user_id")
    named = pick(who, *ids, "dialogflowParticipantName", "dialogflow_participant_name")
    return Said(
        text=segment.get("text", ""),
        label=role or (f"Channel {tag}" if tag else None),
        speaker_id=named or (agent if role in ("HUMAN_AGENT", "AGENT") else None if role else tag),
        channel=None if role else tag,
        role=None if role else channels.get(tag),
        start=_offset(segment, 0, "start") if spoken else pick(segment, "messageTime", "message_time"),
        end=_offset(segment, -1, "end") if spoken else None,
        confidence=mean(pick(word, "confidence") or None for word in segment.get("words") or ()),
    )


def _offset(segment: Mapping[str, Any], index: int, edge: str) -> float | None:
    """``"1.1s"`` or ``{"seconds": 1, "nanos": 100000000}`` of a word; a zero is left out by Google."""
    words = segment.get("words") or ()
    if not words or not isinstance(words[index], dict):
        return None
    word = words[index]
    value = pick(word, f"{edge}Offset", f"{edge}_offset")
    if isinstance(value, dict):
        return (seconds(value.get("seconds")) or 0.0) + (seconds(value.get("nanos")) or 0.0) / 1e9
    if value is None and edge == "start" and pick(word, "endOffset", "end_offset") is not None:
        return 0.0
    return seconds(value)


def _fits_platform(record: Mapping[str, Any]) -> Sniff:
    if "comm_type" in record and isinstance(record.get("entries"), list):
        return Sniff(Fit.SIGNATURE, "has comm_type and entries")
    return Sniff(Fit.NO)


def _platform(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    yield Draft(
        id=pick(record, "comm_id") or place.stem,
        channel=record["comm_type"],
        source=place.source,
        line=place.line,
        turns=[_message(entry) for entry in record["entries"]],
        order="time",
        warnings=place.warnings,
        metadata={
            "assigned_at": record.get("assigned_at"),
            "timezone": record.get("timezone"),
            "file": place.source,
            "format": "ccai_platform",
        },
    )


def _message(entry: Mapping[str, Any]) -> Said:
    body, sender = child(entry, "body"), child(entry, "user_data")
    form = pick(body, "type") or pick(entry, "type")
    role = pick(entry, "role")
    kind: Kind = "message" if form in _WRITTEN and role != "system" else "notice"
    text = pick(body, "content", "title", "event")
    return Said(
        text=text if kind == "message" or isinstance(text, str) else str(form or ""),
        label=role,
        name=pick(sender, "name"),
        speaker_id=pick(sender, "id"),
        role=_PLATFORM_ROLES.get(str(role)),
        start=pick(entry, "timestamp", "created_at"),
        kind=kind,
    )


READERS = (
    json_reader("ccai_entries", "Google CCAI conversation entries", _fits_entries, _entries),
    json_reader("ccai_insights", "Google CCAI Insights conversation", _fits_insights, _insights),
    json_reader("ccai_platform", "Google CCAI Platform chat", _fits_platform, _platform),
)
