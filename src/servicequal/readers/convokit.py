"""ConvoKit corpora: a folder with ``utterances.jsonl`` and what belongs to it.

Roles are in the meta data of utterances or speakers, if anywhere; else map the speakers' ids. The
corpus' other files (speakers, conversations, index) are read with the utterances, not by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, Said
from servicequal.readers.jsonio import SUFFIXES, Place, Record, guarded, records
from servicequal.readers.pieces import Group, beside, gathered, ident, named, obj
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles, built_in
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.threads import branches, in_order
from servicequal.readers.times import moment

_COMPANIONS = ("speakers", "users", "conversations", "corpus", "index")
_ROLE_KEYS = ("role", "speaker_role", "user_role", "speaker_type", "user_type", "author_role", "type")


def sniff(sample: Sample) -> Sniff:
    """A signature for utterances, and for the files that lie beside them."""
    record = sample.mapping
    replies = "reply-to" in record or "reply_to" in record
    spoken = "text" in record and ("speaker" in record or "user" in record)
    if replies and spoken and (ident(record.get("conversation_id")) is not None or "root" in record):
        return Sniff(Fit.SIGNATURE, "ConvoKit utterances")
    stem = sample.name.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    companion = stem in _COMPANIONS and sample.suffix == ".json" and bool(sample.mapping)
    if companion and _utterances_beside(sample.name):
        return Sniff(Fit.SIGNATURE, f"the {stem} of a ConvoKit corpus, read with the utterances beside it")
    return Sniff(Fit.NO)


def _nowhere() -> Any:
    raise OSError("not to be opened")


def _others(name: str) -> dict[str, Source]:
    return {other.stem: other for other in beside(Source(name, _nowhere), SUFFIXES)}


def _utterances_beside(name: str) -> bool:
    return "utterances" in _others(name)


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """The conversations of the utterances; nothing for the files beside them."""
    if source.stem in _COMPANIONS and _utterances_beside(source.name):
        return
    others = _others(source.name) if source.stem == "utterances" else {}
    speakers = _table(others.get("speakers") or others.get("users"))
    about = _table(others.get("conversations"))
    any_group = False
    for group in gathered(lambda: records(source), _conversation):
        any_group = True
        if isinstance(group, Rejected):
            yield group
        elif group.key == "":
            for record in group.items:
                yield Rejected("the utterance has no conversation_id", source.name, line=record.line)
        else:
            place = Place(source.name, source.stem, group.items[0].line, (*source.warnings, *group.warnings))
            yield from guarded(place, group, roles, lambda value, at: _drafts(value, at, speakers, about))
    if not any_group:
        raise source.fail("the file holds no utterance")


def _table(source: Source | None) -> Mapping[str, Mapping[str, Any]]:
    """Id to meta data of speakers or conversations; empty where the file cannot be read."""
    try:
        values = [r.value for r in records(source) if isinstance(r, Record)] if source is not None else []
    except ReadError:
        return {}
    found: dict[str, Mapping[str, Any]] = {}
    for value in values:
        for name, entry in value.items() if isinstance(value, dict) else ():
            if isinstance(entry, dict):
                meta = entry.get("meta")
                found[str(name)] = meta if isinstance(meta, dict) else entry
    return found


def _conversation(record: Record) -> str:
    value = record.value if isinstance(record.value, dict) else {}
    return ident(value.get("conversation_id")) or ident(value.get("root")) or ""


def _drafts(
    group: Group[Record],
    place: Place,
    speakers: Mapping[str, Mapping[str, Any]],
    about: Mapping[str, Mapping[str, Any]],
) -> Iterator[Draft]:
    said = [obj(record.value, "the utterance") for record in group.items]
    replies = [(ident(u.get("id")), ident(u.get("reply-to", u.get("reply_to"))), _time(u)) for u in said]
    order = in_order(replies)
    warnings = list(place.warnings)
    if any(time is None for _, _, time in replies):
        warnings.append("utterances without a time: they stand in the order of replies")
    if forks := branches(replies):
        warnings.append(f"the conversation branches ({forks} further answers): its branches are interleaved")
    yield Draft(
        id=group.key,
        source=place.source,
        line=place.line,
        start_name="timestamp",
        turns=[_turn(said[i], group.items[i].line, speakers) for i in order],
        warnings=warnings,
        metadata={**about.get(str(group.key), {}), "file": place.source, "format": "convokit"},
    )


def _time(utterance: Mapping[str, Any]) -> float | None:
    try:
        found = moment(_when(utterance))
    except ValueError:
        return None
    return None if found is None else found.seconds


def _when(utterance: Mapping[str, Any]) -> object:
    value = utterance.get("timestamp")
    return None if isinstance(value, str) and value.strip().lower() in ("none", "null", "nan") else value


def _turn(utterance: Mapping[str, Any], line: int | None, speakers: Mapping[str, Mapping[str, Any]]) -> Said:
    who = utterance.get("speaker", utterance.get("user"))
    who = ident(who.get("id") if isinstance(who, dict) else who)
    meta = utterance.get("meta")
    return Said(
        text=utterance.get("text"),
        label=_role(meta if isinstance(meta, dict) else {}) or _role(speakers.get(who or "", {})),
        speaker_id=who,
        start=_when(utterance),
        line=line,
    )


def _role(meta: Mapping[str, Any]) -> str | None:
    """What the meta data call the speaker, if that is a role at all."""
    given = [found for name in _ROLE_KEYS if (found := named(meta.get(name))) is not None]
    return next((found for found in given if built_in(found) != "unknown"), given[0] if given else None)


READER = Reader("convokit", "ConvoKit corpus", SUFFIXES, sniff, read)
