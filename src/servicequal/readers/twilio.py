"""Twilio Conversational Intelligence: the sentences of a transcript."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects, pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import bare, seconds, share

_SID = re.compile(r"GT[0-9A-Za-z]{32}")


def _fits(record: Mapping[str, Any]) -> Sniff:
    if any("media_channel" in sentence for sentence in first_objects(record.get("sentences"))):
        return Sniff(Fit.SIGNATURE, "has sentences with media_channel")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    parent = child(record, "transcript") or record
    there = first_objects(child(parent, "channel").get("participants"))
    people = {bare(who.get("channel_participant")): who for who in there}
    yield Draft(
        id=_id(record, parent) or place.stem,
        channel="call",
        source=place.source,
        line=place.line,
        turns=[_sentence(sentence, people) for sentence in record["sentences"]],
        order="time",
        warnings=place.warnings,
        metadata={
            "language": parent.get("language_code"),
            "file": place.source,
            "format": "twilio_sentences",
        },
    )


def _id(record: Mapping[str, Any], parent: Mapping[str, Any]) -> str | None:
    """The transcript's sid: stated, of its parent, or from an address in the answer."""
    first = first_objects(record.get("sentences"))
    for value in (
        record.get("transcript_sid"),
        parent.get("sid"),
        *(pick(sentence, "transcript_sid") for sentence in first),
        child(record, "meta").get("url"),
    ):
        if isinstance(value, str) and (found := _SID.search(value)):
            return found.group()
    return None


def _sentence(sentence: Mapping[str, Any], people: Mapping[str | None, Mapping[str, Any]]) -> Said:
    channel = bare(sentence.get("media_channel"))
    who = people.get(channel, {})
    return Said(
        text=pick(sentence, "transcript"),
        label=pick(who, "role") or (f"Channel {channel}" if channel else None),
        name=pick(who, "full_name"),
        speaker_id=pick(who, "user_id", "full_name") or channel,
        channel=channel,
        start=seconds(sentence.get("start_time")),
        end=seconds(sentence.get("end_time")),
        confidence=share(sentence.get("confidence")),
    )


READER = json_reader("twilio_sentences", "Twilio Conversational Intelligence sentences", _fits, _drafts)
