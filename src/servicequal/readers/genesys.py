"""Genesys Cloud transcripts: ``internal`` is resolved by who was there when a phrase began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicequal.conversation import Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects, pick, started
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import bare, plus, seconds, share
from servicequal.readers.times import moment
from servicequal.readers.words import words

_PURPOSES: dict[str, Role] = {
    **dict.fromkeys(words("agent user"), "agent"),
    **dict.fromkeys(words("customer external"), "customer"),
    **dict.fromkeys(
        words("ivr acd workflow botflow voicemail dialer campaign station fax inbound outbound group"), "bot"
    ),
}


def _fits(record: Mapping[str, Any]) -> Sniff:
    if any(isinstance(part.get("phrases"), list) for part in first_objects(record.get("transcripts"))):
        return Sniff(Fit.SIGNATURE, "has transcripts with phrases")
    if "conversationId" in record and "communicationId" in record and "transcripts" in record:
        return Sniff(Fit.SIGNATURE, "has conversationId, communicationId and transcripts")
    return Sniff(Fit.NO)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who took part, and when."""

    purpose: str
    role: Role | None
    who: str | None
    start: float
    end: float


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    people = [_person(value) for value in record.get("participants") or ()]
    begun = record.get("conversationStartTime")
    yield Draft(
        id=pick(record, "conversationId") or place.stem,
        channel=pick(record, "mediaType"),
        source=place.source,
        line=place.line,
        turns=[_phrase(p, people) for part in record["transcripts"] for p in part["phrases"]],
        order="time",
        start_unit="ms",
        warnings=place.warnings,
        metadata={
            "started_at": started(begun),
            "communication_id": record.get("communicationId"),
            "language": next((pick(p, "language") for p in first_objects(record["transcripts"])), None),
            "file": place.source,
            "format": "genesys",
        },
    )


def _person(value: Mapping[str, Any]) -> _Person:
    purpose = str(value.get("participantPurpose") or "").lower()
    who = bare(pick(value, "userId", "participantId", "name"))
    role = _PURPOSES.get(purpose)
    if role is None and purpose == "internal" and value.get("userId"):
        role = "agent"  # only people have a user id; queues and flows have their own
    start, end = seconds(value.get("startTimeMs"), "ms"), seconds(value.get("endTimeMs"), "ms")
    return _Person(purpose, role, who, float("-inf") if start is None else start, float("inf") if end is None else end)


def _phrase(phrase: Mapping[str, Any], people: Sequence[_Person]) -> Said:
    purpose = str(phrase.get("participantPurpose") or "").lower()
    at = seconds(phrase.get("startTimeMs"), "ms")
    person = _speaker(purpose, at, people)
    began = moment(phrase.get("startTimeMs"), "ms")
    length = seconds(pick(child(phrase, "duration"), "milliseconds"), "ms")
    return Said(
        text=pick(phrase, "decoratedText", "text"),
        label=(person.purpose if person else purpose) or None,
        speaker_id=(person.who if person else None) or bare(phrase.get("userId")),
        role=_PURPOSES.get(purpose) or (person.role if person else None),
        start=began,
        end=None if (end := plus(at, length)) is None else moment(end * 1000, "ms"),
        confidence=share(phrase.get("confidence")),
    )


def _speaker(purpose: str, at: float | None, people: Sequence[_Person]) -> _Person | None:
    """Who was there at that moment, of the side that spoke: people before machines, the latest to come."""
    stated = _PURPOSES.get(purpose)
    side = [p for p in people if p.role and (p.role == stated if stated else p.role != "customer")]
    there = [p for p in side if at is not None and p.start <= at < p.end]
    if not there and len({(p.role, p.who) for p in side}) == 1:
        return side[0]
    return max(there, key=lambda p: (p.role == "agent", p.start), default=None)


READER = json_reader("genesys", "Genesys Cloud transcript", _fits, _drafts)
