"""Whisper and its kin: WhisperX, whisper-timestamped, whisper.cpp, chunked pipelines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects, pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, bare, mean, seconds, share, speech_draft

_MARKS = ("language", "word_segments", "text", "task", "duration")
_SEGMENT_MARKS = ("words", "speaker", "seek", "avg_logprob", "no_speech_prob", "tokens")


def _fits(record: Mapping[str, Any]) -> Sniff:
    for segment in first_objects(record.get("segments")):
        marks = [m for m in _MARKS if m in record] + [m for m in _SEGMENT_MARKS if m in segment]
        if segment.keys() >= {"start", "end", "text"} and marks:
            return Sniff(Fit.SIGNATURE, f"has segments with start, end, text, and {marks[0]}")
        if "speaker" in segment and "text" not in segment and "start" in segment:
            return Sniff(Fit.NO, "segments with speakers but no text: diarisation alone (pyannote)")
    if any("offsets" in item and "text" in item for item in first_objects(record.get("transcription"))):
        return Sniff(Fit.SIGNATURE, "has transcription with offsets (whisper.cpp)")
    if any("timestamp" in item and "text" in item for item in first_objects(record.get("chunks"))):
        return Sniff(Fit.SIGNATURE, "has chunks with timestamp and text")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    if "segments" in record:
        pieces = [_segment(segment) for segment in record["segments"]]
    elif "transcription" in record:
        pieces = [_offsets(item) for item in record["transcription"]]
    else:
        pieces = [_chunk(chunk) for chunk in record.get("speakers") or record["chunks"]]
    language = pick(record, "language") or child(record, "result").get("language")
    yield speech_draft(place, "whisper", pieces, metadata={"language": language})


def _segment(segment: Mapping[str, Any]) -> Piece:
    words = [word for word in segment.get("words") or () if isinstance(word, dict)]
    return Piece(
        segment["text"],
        seconds(segment.get("start")),
        seconds(segment.get("end")),
        speaker=segment.get("speaker") or _majority(words),
        channel=segment.get("channel"),
        confidence=_confidence(segment, words),
    )


def _majority(words: list[dict[str, Any]]) -> str | None:
    """The speaker of most words: WhisperX leaves some segments without one."""
    votes = Counter(speaker for word in words if (speaker := bare(word.get("speaker"))))
    return votes.most_common(1)[0][0] if votes else None


def _confidence(segment: Mapping[str, Any], words: list[dict[str, Any]]) -> float | None:
    stated = share(segment.get("confidence"))
    heard = mean(pick(word, "score", "probability", "confidence") for word in words)
    found = heard if stated is None else stated
    logarithm = segment.get("avg_logprob")
    if found is None and isinstance(logarithm, float) and logarithm <= 0:
        return round(math.exp(logarithm), 4)
    return found


def _offsets(item: Mapping[str, Any]) -> Piece:
    offsets = item["offsets"]
    return Piece(
        item["text"],
        seconds(offsets.get("from"), "ms"),
        seconds(offsets.get("to"), "ms"),
        speaker=item.get("speaker"),
        confidence=mean(token.get("p") for token in item.get("tokens") or ()),
    )


def _chunk(chunk: Mapping[str, Any]) -> Piece:
    start, end = chunk["timestamp"]
    return Piece(chunk["text"], seconds(start), seconds(end), speaker=chunk.get("speaker"))


READER = json_reader("whisper", "Whisper, WhisperX or whisper.cpp", _fits, _drafts)
