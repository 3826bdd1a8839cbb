"""Research corpora in JSON: ABCD (Action-Based Conversations Dataset) and Taskmaster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.conversation import Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.pieces import each, holds, ident, named, obj, objs
from servicequal.readers.registry import Fit, Sniff

_ABCD: dict[str, Role] = {"agent": "agent", "customer": "customer", "action": "system"}
_TASKMASTER: dict[str, Role] = {"user": "customer", "assistant": "agent"}
_SPLITS = ("train", "dev", "test")


def abcd_fits(record: Mapping[str, Any]) -> Sniff:
    """A signature for a conversation of ABCD, or for its three splits."""
    splits = [record[name] for name in _SPLITS if isinstance(record.get(name), list)]
    if _is_abcd(record) or any(_is_abcd(item) for split in splits for item in split[:3]):
        return Sniff(Fit.SIGNATURE, "ABCD: convo_id and original or delexed turns")
    return Sniff(Fit.NO)


def _is_abcd(item: object) -> bool:
    return holds(item, "convo_id") and (holds(item, "original") or holds(item, "delexed"))


def abcd_drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    """One conversation, or all of the splits. Actions are system notices."""
    found = obj(record, "the conversation")
    if not holds(found, "convo_id") and any(name in found for name in _SPLITS):
        for name in _SPLITS:
            if isinstance(found.get(name), list):
                yield from each(found[name], place, abcd_drafts)
        return
    scenario = obj(found.get("scenario"), "scenario")
    original = found.get("original")
    warnings = list(place.warnings)
    if original is None:
        warnings.append("only the delexicalised words are there")
        pairs = [(turn["speaker"], turn["text"]) for turn in objs(found["delexed"], "delexed")]
    else:
        pairs = [(speaker, text) for speaker, text in original]
    yield Draft(
        id=ident(found["convo_id"]),
        channel="chat",
        source=place.source,
        line=place.line,
        turns=[_abcd_turn(speaker, text) for speaker, text in pairs],
        warnings=warnings,
        metadata={
            "flow": named(scenario.get("flow")),
            "subflow": named(scenario.get("subflow")),
            "file": place.source,
            "format": "abcd",
        },
    )


def _abcd_turn(speaker: object, text: object) -> Said:
    role = _ABCD.get(speaker) if isinstance(speaker, str) else None
    return Said(text=text, label=speaker, role=role, kind="notice" if role == "system" else "message")


def taskmaster_fits(record: Mapping[str, Any]) -> Sniff:
    """A signature for a Taskmaster dialog: its instructions beside USER and ASSISTANT."""
    turns = record.get("utterances")
    told = "instruction_id" in record or holds(record, "vertical", "instructions")
    if "conversation_id" in record and told and isinstance(turns, list):
        return Sniff(Fit.SIGNATURE, "Taskmaster: instructions and utterances")
    return Sniff(Fit.NO)


def taskmaster_drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    """One dialog; here ASSISTANT is a person (or a writer in that part)."""
    found = obj(record, "the dialog")
    turns = objs(found["utterances"], "utterances")
    yield Draft(
        id=ident(found.get("conversation_id")) or place.stem,
        source=place.source,
        line=place.line,
        turns=[_taskmaster_turn(turn) for turn in turns],
        warnings=place.warnings,
        metadata={
            "instruction_id": named(found.get("instruction_id")),
            "vertical": named(found.get("vertical")),
            "file": place.source,
            "format": "taskmaster",
        },
    )


def _taskmaster_turn(turn: Mapping[str, Any]) -> Said:
    speaker = turn.get("speaker")
    role = _TASKMASTER.get(speaker.lower()) if isinstance(speaker, str) else None
    return Said(text=turn["text"], label=speaker, role=role)


READERS = (
    json_reader("abcd", "ABCD (Action-Based Conversations Dataset)", abcd_fits, abcd_drafts),
    json_reader("taskmaster", "Taskmaster", taskmaster_fits, taskmaster_drafts),
)
