"""Intercom conversations: single, listed, or as Airbyte records.

The first turn is ``source.body``, not a part. Notes are notes; parts without words (assignments,
attribute changes) are system notices. Operator and Fin are bots, also where the export calls them
admins. In an Airbyte file, parts are joined to their conversation by ``conversation_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from servicequal.conversation import Conversation, Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said, known_channel
from servicequal.readers.html import plain_text_of_html
from servicequal.readers.jsonio import SUFFIXES, Place, guarded, place_of, records
from servicequal.readers.pieces import each, first_holds, holds, ident, named, obj, objs, unfit
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

_SPOKEN = frozenset(
    ("comment", "open", "close", "assignment", "assign_and_reopen", "assign_and_unsnooze", "quick_reply")
)
_AUTHORS: dict[str, Role] = {
    **dict.fromkeys(("user", "lead", "contact"), "customer"),
    **dict.fromkeys(("admin", "teammate"), "agent"),
    "bot": "bot",
    "team": "system",
}
_STREAMS = ("conversations", "conversation_parts")


@dataclass(slots=True)
class _Joined:
    """A conversation of an Airbyte file: its record, and the parts that came apart from it."""

    record: Mapping[str, Any] | None = None
    parts: list[Mapping[str, Any]] = field(default_factory=list)
    line: int | None = None


def sniff(sample: Sample) -> Sniff:
    """A signature for a conversation, a list of them, or an Airbyte record."""
    record = sample.mapping
    stream, data = _streamed(record)
    if stream in _STREAMS and (_is_conversation(data) or holds(data, "part_type")):
        return Sniff(Fit.SIGNATURE, f"Intercom {stream} as Airbyte records")
    told = '"part_type"' in sample.head or '"delivered_as"' in sample.head
    if stream is not None and told and any(f'"{name}"' in sample.head for name in _STREAMS):
        return Sniff(Fit.SIGNATURE, "Intercom conversations among Airbyte records")
    if _is_conversation(record):
        return Sniff(Fit.SIGNATURE, "an Intercom conversation")
    if holds(record, "part_type", "conversation_id"):
        return Sniff(Fit.SIGNATURE, "an Intercom conversation part a record")
    if any(_is_conversation(item) for item in _listed(record)[:5]):
        return Sniff(Fit.SIGNATURE, "a list of Intercom conversations")
    return Sniff(Fit.NO)


def _is_conversation(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    parts, opening = item.get("conversation_parts"), item.get("source")
    nested = isinstance(parts, dict) and "conversation_parts" in parts
    return nested or first_holds(parts, "part_type") or holds(opening, "body", "delivered_as")


def _listed(record: Mapping[str, Any]) -> list[Any]:
    for name in ("conversations", "data"):
        if isinstance(record.get(name), list):
            return list(record[name])
    return []


def _streamed(record: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """Stream and data of an Airbyte record, in either wrapping."""
    inner = record.get("record") if record.get("type") == "RECORD" else record
    if isinstance(inner, dict) and isinstance(inner.get("stream"), str) and isinstance(inner.get("data"), dict):
        return inner["stream"], inner["data"]
    return None, record


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """Conversations in one piece at once, those of Airbyte records when all is read."""
    joined: dict[str, _Joined] = {}
    any_record = False
    for record in records(source):
        any_record = True
        if isinstance(record, Rejected):
            yield record
            continue
        place = place_of(source, record)
        try:
            apart = _keep(obj(record.value, "the record"), joined, record.line)
        except ValueError as error:
            yield unfit(error, place)
            continue
        if not apart:
            yield from guarded(place, record.value, roles, drafts)
    if not any_record:
        raise source.fail("the file holds no conversation")
    for identity, found in joined.items():
        place = Place(source.name, identity, found.line, source.warnings)
        yield from guarded(place, _whole(identity, found), roles, drafts)


def _keep(record: Mapping[str, Any], joined: dict[str, _Joined], line: int | None) -> bool:
    """Keep an Airbyte record or a loose part for later; False for anything else."""
    stream, data = _streamed(record)
    if stream is None and not holds(record, "part_type", "conversation_id"):
        return False
    if stream not in (None, *_STREAMS):
        return True
    key = "id" if stream == "conversations" else "conversation_id"
    identity = ident(data.get(key))
    if identity is None:
        raise ValueError(f"the record has no {key}")
    entry = joined.setdefault(identity, _Joined(line=line))
    if stream == "conversations":
        entry.record = data
    else:
        entry.parts.append(data)
    return True


def _whole(identity: str, found: _Joined) -> Mapping[str, Any]:
    record = dict(found.record or {"id": identity})
    inside = _parts(record)
    seen = {ident(part.get("id")) for part in inside}
    record["conversation_parts"] = [*inside, *(p for p in found.parts if ident(p.get("id")) not in seen)]
    return record


def _parts(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = record.get("conversation_parts")
    return objs(parts.get("conversation_parts") if isinstance(parts, dict) else parts, "conversation_parts")


def drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    """One conversation, or those of a list."""
    found = obj(record, "the conversation")
    if not _is_conversation(found) and _listed(found):
        yield from each(_listed(found), place, drafts)
        return
    opening = obj(found.get("source"), "source")
    parts = sorted(enumerate(_parts(found)), key=lambda pair: (_at(pair[1].get("created_at")), pair[0]))
    turns = _opening(found, opening, [part for _, part in parts])
    turns += [_turn(part) for _, part in parts]
    rating = obj(found.get("conversation_rating"), "conversation_rating")
    if named(rating.get("remark")):
        turns.append(Said(text=rating["remark"], role="customer", kind="survey", start=rating.get("created_at")))
    if not turns:
        raise ValueError("the conversation has neither a source body nor parts")
    kind = named(opening.get("type"))
    yield Draft(
        id=ident(found.get("id")) or place.stem,
        channel=known_channel(kind) or "chat",
        source=place.source,
        line=place.line,
        start_name="created_at",
        turns=turns,
        warnings=(*place.warnings, *_warnings(found, turns)),
        metadata={
            "subject": named(opening.get("subject")),
            "delivered_as": named(opening.get("delivered_as")),
            "via": kind,
            "state": named(found.get("state")),
            "rating": rating.get("rating"),
            "file": place.source,
            "format": "intercom",
        },
    )


def _at(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e15 else 0.0


def _opening(found: Mapping[str, Any], opening: Mapping[str, Any], parts: list[Mapping[str, Any]]) -> list[Said]:
    """What ``source`` says, as the first turn; without its time where that is later than a reply's."""
    body = opening.get("body")
    if body is None:
        return []
    author = obj(opening.get("author"), "source.author")
    role = _role(author)
    if opening.get("delivered_as") == "automated" and role == "agent":
        role = "bot"
    start = found.get("created_at")
    if any(0 < _at(part.get("created_at")) < _at(start) for part in parts):
        start = None
    return [_said(body, author, role, start)]


def _said(body: object, author: Mapping[str, Any], role: Role | None, start: object) -> Said:
    return Said(
        text=plain_text_of_html(body) if isinstance(body, str) else body,
        label=named(author.get("type")),
        name=named(author.get("name")),
        speaker_id=ident(author.get("id")),
        role=role,
        start=start,
    )


def _turn(part: Mapping[str, Any]) -> Said:
    author = obj(part.get("author"), "author")
    kind = named(part.get("part_type")) or "comment"
    body, start = part.get("body"), part.get("created_at")
    if body is None or (isinstance(body, str) and not body.strip() and kind != "comment"):
        return Said(text=kind.replace("_", " "), role="system", kind="notice", start=start)
    said = _said(body, author, _role(author), start)
    if kind.startswith("note"):
        return _as(said, "note")
    return said if kind in _SPOKEN else _as(said, "notice")


def _as(said: Said, kind: Any) -> Said:
    return Said(
        text=said.text,
        label=said.label if kind == "note" else None,
        name=said.name,
        speaker_id=said.speaker_id,
        role=said.role if kind == "note" else "system",
        kind=kind,
        start=said.start,
    )


def _role(author: Mapping[str, Any]) -> Role | None:
    kind, name = named(author.get("type")), named(author.get("name"))
    email = (named(author.get("email")) or "").lower()
    local, _, domain = email.partition("@")
    automatic = author.get("from_ai_agent") is True or author.get("is_ai_answer") is True
    operator = domain == "intercom.io" and local.startswith("operator")
    if kind != "admin" and kind != "teammate":
        return _AUTHORS.get(kind or "")
    return "bot" if automatic or operator or name == "Operator" else "agent"


def _warnings(found: Mapping[str, Any], turns: list[Said]) -> Iterator[str]:
    parts = found.get("conversation_parts")
    total = parts.get("total_count") if isinstance(parts, dict) else None
    held = len(_parts(found))
    if isinstance(total, int) and total > held:
        yield f"{held} of {total} parts are in the export: turns are missing"
    if parts is None:
        yield "the export holds no conversation parts, only the first message: retrieve each conversation"
    if "source" not in found:
        yield "the first message is missing: the export holds only parts of this conversation"
    elif turns and turns[0].start is None and found.get("created_at") is not None and held:
        yield "the first message is dated after a reply: its time is left out"


READER = Reader("intercom", "Intercom conversations", SUFFIXES, sniff, read)
