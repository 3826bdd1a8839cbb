"""Deepgram: utterances if they were asked for, else paragraphs, else words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import child, first_objects
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, joined, seconds, share, speech_draft, utterances


def _fits(record: Mapping[str, Any]) -> Sniff:
    results = child(record, "results")
    asked = isinstance(results.get("utterances"), list) and "request_id" in child(record, "metadata")
    if asked or any("alternatives" in channel for channel in first_objects(results.get("channels"))):
        return Sniff(Fit.SIGNATURE, "has results with channels or utterances")
    return Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    about = child(record, "metadata")
    metadata = {"duration": about.get("duration"), "transcribed_at": about.get("created")}
    yield speech_draft(place, "deepgram", pieces(record["results"]), id=about.get("request_id"), metadata=metadata)


def pieces(results: Mapping[str, Any]) -> list[Piece]:
    """The turns of Deepgram's ``results``, by the best list there is."""
    if results.get("utterances"):
        return [
            _piece(utterance, utterance["transcript"], utterance.get("channel")) for utterance in results["utterances"]
        ]
    several = len(results["channels"]) > 1
    found: list[Piece] = []
    for number, channel in enumerate(results["channels"]):
        best = channel["alternatives"][0]
        paragraphs = child(best, "paragraphs").get("paragraphs")
        if paragraphs:
            found += [_paragraph(paragraph, number) for paragraph in paragraphs]
        elif best.get("words"):
            found += _of_words(best["words"], number, several)
        elif best.get("transcript"):
            found.append(Piece(best["transcript"], None, None, channel=number))
    return found


def _piece(item: Mapping[str, Any], text: object, channel: object) -> Piece:
    return Piece(
        text,
        seconds(item.get("start")),
        seconds(item.get("end")),
        speaker=item.get("speaker"),
        channel=channel,
        confidence=share(item.get("confidence")),
    )


def _paragraph(paragraph: Mapping[str, Any], channel: int) -> Piece:
    return _piece(paragraph, " ".join(sentence["text"] for sentence in paragraph["sentences"]), channel)


def _of_words(words: Sequence[Mapping[str, Any]], channel: int, several: bool) -> list[Piece]:
    """Words as turns; one turn where neither speakers nor a second channel say where turns end."""
    said = [_piece(word, word.get("punctuated_word") or word["word"], channel) for word in words]
    told = several or any(word.speaker is not None for word in said)
    return utterances(said) if told else [joined(said)]


READER = json_reader("deepgram", "Deepgram transcript", _fits, _drafts)
