"""Transcripts in a vCon's analysis, in every shape seen: lists, recognisers' own JSON, prose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicequal.readers.jsonio import parse
from servicequal.readers.pieces import objs
from servicequal.readers.plain_text import parse_transcript
from servicequal.readers.roles import Roles

_LISTS = (
    "utterances",
    "segments",
    "conversation",
    "messages",
    "turns",
    "dialogue",
    "monologues",
    "transcript",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One piece of speech: a speaker's label or a party's index, and seconds or dates."""

    text: object
    label: object = None
    party: object = None
    start: object = None
    end: object = None
    duration: float | None = None
    confidence: object = None


def spoken_of(body: object, roles: Roles) -> list[Spoken]:
    """What is said in the body of an analysis; empty if it holds no words. Raises ValueError."""
    if isinstance(body, str):
        return _of_text(body, roles)
    if isinstance(body, list):
        return [_of_item(item) for item in objs(body, "body")]
    if not isinstance(body, dict):
        return []
    if isinstance(body.get("results"), dict):
        return _of_deepgram(body["results"])
    for name in _LISTS:
        found = body.get(name)
        if isinstance(found, list) and found:
            return [_of_item(item) for item in objs(found, name)]
        if name == "transcript" and isinstance(found, dict):
            return spoken_of(found, roles)
    if "paragraphs" in body or "words" in body:
        return _of_alternative(body)
    text = next((body[n] for n in ("transcript", "text", "body", "content") if isinstance(body.get(n), str)), "")
    return _of_text(text, roles)


def _of_text(text: str, roles: Roles) -> list[Spoken]:
    if text.lstrip()[:1] in ("[", "{"):
        try:
            parsed = parse(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, (list, dict)):
            return spoken_of(parsed, roles)
    if not text.strip():
        return []
    return [Spoken(text=said.text, label=said.label, start=said.start) for said in parse_transcript(text, roles).turns]


def _of_item(item: Mapping[str, Any]) -> Spoken:
    """One object with words in it: ``{speaker, message}``, ``{parties, start, duration, text}``, …"""
    words = next((item[n] for n in ("text", "message", "transcript", "content", "body") if n in item), None)
    if words is None and "sentences" in item:
        words = _joined(objs(item["sentences"], "sentences"), ("text",))
    speaker = next((item[n] for n in ("speaker", "role", "speaker_label", "name") if item.get(n) is not None), None)
    if isinstance(speaker, dict):
        speaker = speaker.get("role") or speaker.get("name") or speaker.get("id")
    party = item.get("parties", item.get("party"))
    return Spoken(
        text=words,
        label=None if party is not None else _label(speaker),
        party=party,
        start=item.get("start", item.get("start_time")),
        end=item.get("end", item.get("end_time")),
        duration=_number(item.get("duration")),
        confidence=item.get("confidence"),
    )


def _label(speaker: object) -> object:
    return f"speaker {speaker}" if isinstance(speaker, int) and not isinstance(speaker, bool) else speaker


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else None


def _of_deepgram(results: Mapping[str, Any]) -> list[Spoken]:
    if utterances := objs(results.get("utterances"), "utterances"):
        apart = len({str(item.get("channel")) for item in utterances}) > 1
        return [_of_item({**u, "speaker": f"channel {u.get('channel')}"} if apart else u) for u in utterances]
    channels = objs(results.get("channels"), "channels")
    found = []
    for number, channel in enumerate(channels):
        alternatives = objs(channel.get("alternatives"), "alternatives")
        speaker = f"channel {number}" if len(channels) > 1 else None
        found += _of_alternative(alternatives[0], speaker) if alternatives else []
    return found


def _of_alternative(value: Mapping[str, Any], channel: str | None = None) -> list[Spoken]:
    """Deepgram's paragraphs, else its words run together, else the bare transcript."""
    paragraphs = value.get("paragraphs")
    listed = objs(paragraphs.get("paragraphs") if isinstance(paragraphs, dict) else paragraphs, "paragraphs")
    spoken = [_of_item(item) for item in listed]
    words = objs(value.get("words"), "words")
    if not spoken or (all(one.label is None for one in spoken) and any("speaker" in word for word in words)):
        spoken = [_of_words(run) for run in _runs(words)] or spoken
    if not spoken and isinstance(value.get("transcript"), str) and value["transcript"].strip():
        spoken = [Spoken(text=value["transcript"], confidence=value.get("confidence"))]
    if channel is None:
        return spoken
    return [Spoken(text=s.text, label=channel, start=s.start, end=s.end, confidence=s.confidence) for s in spoken]


def _runs(words: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Words of one speaker after each other."""
    runs: list[list[Mapping[str, Any]]] = []
    for word in words:
        if runs and runs[-1][-1].get("speaker") == word.get("speaker"):
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _of_words(run: Sequence[Mapping[str, Any]]) -> Spoken:
    return Spoken(
        text=_joined(run, ("punctuated_word", "word", "text")),
        label=_label(run[0].get("speaker")),
        start=run[0].get("start"),
        end=run[-1].get("end"),
    )


def _joined(items: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> str:
    words = [next((str(item[n]) for n in names if item.get(n) is not None), "") for item in items]
    return " ".join(word.strip() for word in words if word.strip())
