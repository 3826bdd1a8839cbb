"""AssemblyAI transcripts: utterances by speaker or channel; times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import first_objects, pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, seconds, share, speech_draft, utterances

_MARKS = ("audio_url", "audio_duration", "acoustic_model", "speech_model", "speech_models")
_LISTS = ("utterances", "sentences", "paragraphs")


def _fits(record: Mapping[str, Any]) -> Sniff:
    marks = [mark for mark in _MARKS if mark in record]
    held = any(name in record for name in (*_LISTS, "words", "error"))
    if marks and held and not isinstance(record.get("segments"), list):
        return Sniff(Fit.SIGNATURE, f"has {marks[0]} and a transcript's lists")
    for item in first_objects(record.get("utterances")):
        if item.keys() >= {"speaker", "text", "start", "end", "words", "confidence"}:
            return Sniff(Fit.SIGNATURE, "has utterances with speaker, words and confidence")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    status = record.get("status")
    if status not in (None, "completed"):
        said = f": {str(record['error'])[:200]}" if record.get("error") else ""
        raise ValueError(f"the transcript is {str(status)[:40]}, not completed{said}")
    metadata = {"duration": record.get("audio_duration"), "language": record.get("language_code")}
    yield speech_draft(place, "assemblyai", _pieces(record), id=record.get("id"), metadata=metadata)


def _pieces(record: Mapping[str, Any]) -> list[Piece]:
    for name in _LISTS:
        if record.get(name):
            return [_piece(item) for item in record[name]]
    words = [_piece(word) for word in record.get("words") or ()]
    if any(word.voice != ("", "") for word in words):
        return utterances(words)
    text = pick(record, "text") or " ".join(str(word.text) for word in words)
    if not text:
        return []
    return [Piece(text, words[0].start if words else None, words[-1].end if words else None)]


def _piece(item: Mapping[str, Any]) -> Piece:
    return Piece(
        item["text"],
        seconds(item.get("start"), "ms"),
        seconds(item.get("end"), "ms"),
        speaker=item.get("speaker"),
        channel=item.get("channel"),
        confidence=share(item.get("confidence")),
    )


READER = json_reader("assemblyai", "AssemblyAI transcript", _fits, _drafts)
