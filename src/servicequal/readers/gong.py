"""Gong call transcripts (``/v2/calls/transcript``), with the calls' parties if they are in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.conversation import Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, each, first_objects, pick, started
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import seconds

_SIDES: dict[str, Role] = {"internal": "agent", "external": "customer"}


def _fits(record: Mapping[str, Any]) -> Sniff:
    if isinstance(record.get("callTranscripts"), list):
        return Sniff(Fit.SIGNATURE, "has callTranscripts")
    if "callId" in record and any("sentences" in item for item in first_objects(record.get("transcript"))):
        return Sniff(Fit.SIGNATURE, "has callId and a transcript of sentences")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    calls = {str(child(call, "metaData").get("id")): call for call in record.get("calls") or ()}

    def one(value: Any, at: Place) -> Draft:
        return _call(value, calls.get(str(value["callId"]), value), at)

    yield from each(record.get("callTranscripts", [record]), place, one)


def _call(value: Mapping[str, Any], call: Mapping[str, Any], place: Place) -> Draft:
    parties = {str(pick(who, "speakerId")): who for who in call.get("parties") or ()}
    about = child(call, "metaData")
    return Draft(
        id=value["callId"],
        channel="call",
        source=place.source,
        turns=[_monologue(turn, parties) for turn in value["transcript"]],
        order="time",
        warnings=place.warnings,
        metadata={
            "started_at": started(about.get("started")),
            "title": about.get("title"),
            "file": place.source,
            "format": "gong",
        },
    )


def _monologue(turn: Mapping[str, Any], parties: Mapping[str, Mapping[str, Any]]) -> Said:
    sentences = turn["sentences"]
    who = parties.get(str(turn.get("speakerId")), {})
    starts = [t for s in sentences if (t := seconds(s.get("start"), "ms")) is not None]
    ends = [t for s in sentences if (t := seconds(s.get("end"), "ms")) is not None]
    return Said(
        text=" ".join(sentence["text"] for sentence in sentences),
        name=pick(who, "name"),
        speaker_id=turn.get("speakerId"),
        role=_SIDES.get(str(who.get("affiliation")).lower()),
        start=min(starts, default=None),
        end=max(ends, default=None),
    )


READER = json_reader("gong", "Gong call transcripts", _fits, _drafts)
