"""Azure AI: batch and fast transcription, and conversations of the language service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, each, first_objects, pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, plus, seconds, share, speech_draft


def _fits_batch(record: Mapping[str, Any]) -> Sniff:
    if isinstance(record.get("recognizedPhrases"), list):
        return Sniff(Fit.SIGNATURE, "has recognizedPhrases")
    if isinstance(record.get("combinedPhrases"), list) and isinstance(record.get("phrases"), list):
        return Sniff(Fit.SIGNATURE, "has phrases and combinedPhrases (fast transcription)")
    return Sniff(Fit.NO)


def _batch(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    if "recognizedPhrases" in record:
        pieces = [_phrase(phrase) for phrase in record["recognizedPhrases"] if _recognised(phrase)]
    else:
        pieces = [_fast(phrase) for phrase in record["phrases"]]
    metadata = {
        "audio": str(record["source"]).partition("?")[0] if record.get("source") else None,
        "transcribed_at": pick(record, "timestamp", "timeStamp"),
    }
    yield speech_draft(place, "azure_batch", pieces, id=_audio_name(record, place), metadata=metadata)


def _audio_name(record: Mapping[str, Any], place: Place) -> str:
    """The file's stem; the audio's name where the file is one of Azure's ``contenturl_0.json``."""
    address = unquote(str(record.get("source") or "").partition("?")[0])
    audio = PurePosixPath(address.rpartition("/")[2])
    return audio.stem if place.stem.startswith("contenturl") and audio.suffix else place.stem


def _recognised(phrase: Mapping[str, Any]) -> bool:
    return phrase.get("recognitionStatus", "Success") == "Success" and bool(phrase.get("nBest"))


def _phrase(phrase: Mapping[str, Any]) -> Piece:
    best = phrase["nBest"][0]
    start = _ticks(phrase, "offset")
    return Piece(
        pick(best, "display", "itn", "lexical"),
        start,
        plus(start, _ticks(phrase, "duration")),
        speaker=phrase.get("speaker"),
        channel=phrase.get("channel"),
        confidence=share(best.get("confidence")),
    )


def _ticks(phrase: Mapping[str, Any], name: str) -> float | None:
    """A time given as ticks of 100 ns, as milliseconds or as ``PT1.41S``."""
    if phrase.get(f"{name}InTicks") is not None:
        return seconds(phrase[f"{name}InTicks"], "ticks")
    if phrase.get(f"{name}Milliseconds") is not None:
        return seconds(phrase[f"{name}Milliseconds"], "ms")
    return seconds(phrase.get(name), "ticks")


def _fast(phrase: Mapping[str, Any]) -> Piece:
    start = _ticks(phrase, "offset")
    return Piece(
        phrase["text"],
        start,
        plus(start, _ticks(phrase, "duration")),
        speaker=phrase.get("speaker"),
        channel=phrase.get("channel"),
        confidence=share(phrase.get("confidence")),
    )


def _conversations(record: Any) -> Any:
    """The list of conversations, wherever the request or the answer keeps it; None if nowhere."""
    if isinstance(record, dict) and isinstance(record.get("conversationItems"), list):
        return [record]
    places = [record, child(record, "analysisInput"), child(record, "results")]
    places += [child(task, "results") for task in first_objects(child(record, "tasks").get("items"))]
    for place in places:
        if any("conversationItems" in item for item in first_objects(place.get("conversations"))):
            return place["conversations"]
    return None


def _fits_language(record: Mapping[str, Any]) -> Sniff:
    found = _conversations(record) is not None
    return Sniff(Fit.SIGNATURE, "has conversations with conversationItems") if found else Sniff(Fit.NO)


def _language(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    found = _conversations(record)
    if found is None:
        raise ValueError("there are no conversations with conversationItems")
    yield from each(found, place, _conversation)


def _conversation(value: Any, place: Place) -> Draft:
    modality = value.get("modality") or next(
        (item.get("modality") for item in value["conversationItems"] if isinstance(item, dict)), None
    )
    return Draft(
        id=pick(value, "id") or place.stem,
        channel={"transcript": "call", "text": "chat"}.get(str(modality).lower()),
        source=place.source,
        turns=[_item(item) for item in value["conversationItems"]],
        warnings=place.warnings,
        metadata={"language": value.get("language"), "file": place.source, "format": "azure_language"},
    )


def _item(item: Mapping[str, Any]) -> Said:
    who, role = pick(item, "participantId"), pick(item, "role")
    timing = child(item, "conversationItemLevelTiming")
    start = seconds(timing.get("offset"), "ticks")
    return Said(
        text=pick(item, "text") or child(item, "redactedContent").get("text") or pick(item, "itn", "lexical"),
        label=who if role in (None, "Generic", "generic") else role,
        name=who,
        speaker_id=who,
        start=start,
        end=plus(start, seconds(timing.get("duration"), "ticks")),
    )


READERS = (
    json_reader("azure_batch", "Azure batch or fast transcription", _fits_batch, _batch),
    json_reader("azure_language", "Azure language service, conversations", _fits_language, _language),
)
