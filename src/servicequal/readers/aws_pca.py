"""Output of the AWS post-call-analytics (PCA) sample solution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects, pick, started
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import mean, seconds


def _fits(record: Mapping[str, Any]) -> Sniff:
    if isinstance(record.get("SpeechSegments"), list) and "ConversationAnalytics" in record:
        return Sniff(Fit.SIGNATURE, "has ConversationAnalytics and SpeechSegments")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    about = record["ConversationAnalytics"]
    labels = {label["Speaker"]: label.get("DisplayText") for label in about.get("SpeakerLabels") or ()}
    yield Draft(
        id=_named(about.get("GUID")) or _job(about) or place.stem,
        channel="call",
        source=place.source,
        line=place.line,
        turns=[_turn(segment, labels) for segment in record["SpeechSegments"]],
        order="time",
        warnings=place.warnings,
        metadata={
            "started_at": started(about.get("ConversationTime")),
            "agent": _named(about.get("Agent")),
            "language": about.get("LanguageCode"),
            "file": place.source,
            "format": "aws_pca",
        },
    )


def _named(value: object) -> object:
    """A value, unless it is the word None that the solution writes for nothing."""
    return None if value in ("None", "", None) else value


def _job(about: Mapping[str, Any]) -> object:
    for source in first_objects(about.get("SourceInformation")):
        if name := _named(child(source, "TranscribeJobInfo").get("TranscriptionJobName")):
            return name
    return None


def _turn(segment: Mapping[str, Any], labels: Mapping[Any, Any]) -> Said:
    speaker = segment.get("SegmentSpeaker")
    return Said(
        text=pick(segment, "DisplayText", "OriginalText"),
        label=labels.get(speaker) or speaker,
        speaker_id=speaker,
        start=seconds(segment.get("SegmentStartTime")),
        end=seconds(segment.get("SegmentEndTime")),
        confidence=mean(word.get("Confidence") for word in segment.get("WordConfidence") or ()),
    )


READER = json_reader("aws_pca", "AWS post-call analytics (PCA)", _fits, _drafts)
