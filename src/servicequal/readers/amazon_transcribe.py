"""Amazon Transcribe with speaker labels or channels, and Bedrock Data Automation audio."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects, pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, bare, joined, mean, seconds, share, speech_draft, utterances


def _fits(record: Mapping[str, Any]) -> Sniff:
    results = child(record, "results")
    if isinstance(results.get("transcripts"), list) or isinstance(results.get("audio_segments"), list):
        return Sniff(Fit.SIGNATURE, "has results with transcripts or audio_segments")
    if "jobName" in record and record.get("status") not in (None, "COMPLETED"):
        return Sniff(Fit.SIGNATURE, "a Transcribe job without results")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    status = record.get("status")
    if status not in (None, "COMPLETED"):
        raise ValueError(f"the job is {str(status)[:40]}, not COMPLETED: there is no transcript")
    results = record["results"]
    language = results.get("language_code")
    metadata = {"language": language, "account_id": record.get("accountId")}
    yield speech_draft(place, "transcribe", _pieces(results), id=record.get("jobName") or place.stem, metadata=metadata)


def _pieces(results: Mapping[str, Any]) -> list[Piece]:
    """By what tells voices apart best: labelled segments, channels, words with labels, nothing."""
    items = results.get("items") or []
    segments = results.get("audio_segments") or []
    if segments and all(bare(pick(s, "speaker_label", "channel_label")) for s in segments):
        return [_audio_segment(segment, items) for segment in segments]
    if channels := child(results, "channel_labels").get("channels"):
        return utterances([w for c in channels for w in _words(c["items"], c["channel_label"])])
    if labelled := child(results, "speaker_labels").get("segments"):
        return _by_segment(labelled, _words(items))
    words = _words(items)
    if any(word.voice != ("", "") for word in words):
        return utterances(words)
    if segments:
        return [_audio_segment(segment, items) for segment in segments]
    if words:
        return [joined(words)]
    texts = [text["transcript"] for text in results["transcripts"]]
    return [Piece(text, None, None) for text in texts if text]


def _words(items: Sequence[Any], channel: object = None) -> list[Piece]:
    """The words, each with the punctuation that follows it."""
    found: list[Piece] = []
    for item in items:
        best = item["alternatives"][0]
        if item.get("type") == "punctuation" and found:
            found[-1] = replace(found[-1], text=f"{found[-1].text}{best['content']}")
            continue
        found.append(
            Piece(
                best["content"],
                seconds(item.get("start_time")),
                seconds(item.get("end_time")),
                speaker=item.get("speaker_label"),
                channel=channel if channel is not None else item.get("channel_label"),
                confidence=share(best.get("confidence")),
            )
        )
    return found


def _by_segment(segments: Sequence[Any], words: Sequence[Piece]) -> list[Piece]:
    """One piece a segment that has words; a word that no segment lists goes by its time."""
    starts = [seconds(segment["start_time"]) or 0.0 for segment in segments]
    listed = {
        seconds(item["start_time"]): number
        for number, segment in enumerate(segments)
        for item in segment.get("items") or ()
    }
    groups: dict[int, list[Piece]] = {}
    number = 0
    for word in words:
        if word.start is not None:
            number = listed.get(word.start, max(0, bisect_right(starts, word.start) - 1))
        groups.setdefault(number, []).append(word)
    return [_segment(segments[number], group) for number, group in sorted(groups.items())]


def _segment(segment: Mapping[str, Any], words: Sequence[Piece]) -> Piece:
    return replace(
        joined(words),
        start=seconds(segment["start_time"]),
        end=seconds(segment["end_time"]),
        speaker=segment.get("speaker_label") or words[0].speaker,
    )


def _audio_segment(segment: Mapping[str, Any], items: Sequence[Any]) -> Piece:
    ids = [i for i in segment.get("items") or () if isinstance(i, int) and 0 <= i < len(items)]
    best = [first_objects(items[i].get("alternatives"))[:1] for i in ids]
    return Piece(
        segment["transcript"],
        seconds(segment.get("start_time")),
        seconds(segment.get("end_time")),
        speaker=segment.get("speaker_label"),
        channel=segment.get("channel_label"),
        confidence=mean(one.get("confidence") for some in best for one in some),
    )


def _fits_bedrock(record: Mapping[str, Any]) -> Sniff:
    if any("start_timestamp_millis" in segment for segment in first_objects(record.get("audio_segments"))):
        return Sniff(Fit.SIGNATURE, "has audio_segments with start_timestamp_millis")
    return Sniff(Fit.NO)


def _bedrock(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    pieces = [
        Piece(
            segment["text"],
            seconds(segment.get("start_timestamp_millis"), "ms"),
            seconds(segment.get("end_timestamp_millis"), "ms"),
            speaker=child(segment, "speaker").get("speaker_label"),
            channel=child(segment, "channel").get("channel_label"),
        )
        for segment in record["audio_segments"]
    ]
    asset = child(record, "metadata")
    yield speech_draft(place, "bedrock_audio", pieces, metadata={"asset_id": asset.get("asset_id")})


READERS = (
    json_reader("transcribe", "Amazon Transcribe", _fits, _drafts),
    json_reader("bedrock_audio", "Amazon Bedrock Data Automation, audio", _fits_bedrock, _bedrock),
)
