"""LivePerson Messaging Interactions: ``conversationHistoryRecords``.

Bots are ``sentBy: Agent`` too: only ``agentParticipants`` tells them from people, so without that
list nobody is called an agent. ``"undefined"`` and ``"null"`` mean that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.conversation import Kind, Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said, known_channel
from servicequal.readers.html import plain_text_of_html
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place, parse
from servicequal.readers.pieces import each, first_holds, holds, ident, named, obj, objs
from servicequal.readers.registry import Fit, Sniff

_LIST = "conversationHistoryRecords"
_SHOWN = ("text", "title", "tooltip", "alt", "caption")


def fits(record: Mapping[str, Any]) -> Sniff:
    """A signature for the API's answer and for single records of it."""
    if first_holds(record.get(_LIST), "messageRecords") or first_holds(record.get(_LIST), "info"):
        return Sniff(Fit.SIGNATURE, f"LivePerson {_LIST}")
    if holds(record, "info", "messageRecords"):
        return Sniff(Fit.SIGNATURE, "a LivePerson conversation record")
    return Sniff(Fit.NO)


def drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    """The conversations of one record."""
    found = obj(record, "the record")
    if _LIST in found:
        if not isinstance(found[_LIST], list) or not found[_LIST]:
            raise ValueError(f"{_LIST} is no list with something in it")
        yield from each(found[_LIST], place, drafts)
        return
    info = obj(found.get("info"), "info")
    bots = {ident(a.get("agentId")): a for a in objs(found.get("agentParticipants"), "agentParticipants")}
    surveys = {d.get("dialogId") for d in objs(found.get("dialogs"), "dialogs") if _is_survey(d)}
    messages = objs(found["messageRecords"], "messageRecords")
    turns = [turn for message in messages if (turn := _turn(message, bots, surveys)) is not None]
    if not turns:
        raise ValueError("no message in this conversation has words")
    warnings = list(place.warnings)
    if not bots and any(message.get("sentBy") == "Agent" for message in messages):
        warnings.append("agentParticipants is missing: people and bots cannot be told apart, roles are unknown")
    yield Draft(
        id=ident(info.get("conversationId")) or place.stem,
        channel=known_channel(info.get("source")) or "chat",
        source=place.source,
        line=place.line,
        order="time",
        start_name="timeL",
        turns=turns,
        warnings=warnings,
        metadata={
            "skill": named(info.get("latestSkillName")),
            "csat": info.get("csat"),
            "transfers": len(objs(found.get("transfers"), "transfers")),
            "messages_left_out": len(messages) - len(turns),
            "file": place.source,
            "format": "liveperson",
        },
    )


def _is_survey(dialog: Mapping[str, Any]) -> bool:
    return "SURVEY" in str(dialog.get("dialogType")).upper() and named(dialog.get("dialogId")) is not None


def _turn(message: Mapping[str, Any], agents: Mapping[str | None, Mapping[str, Any]], surveys: set[Any]) -> Said | None:
    """A message with words, else None. Survey dialogs and words for colleagues only keep their kind."""
    data = obj(message.get("messageData"), "messageData")
    words, kind = _words(data)
    if words is None:
        return None
    if str(message.get("audience")).upper() == "AGENTS_AND_MANAGERS":
        kind = "note"
    if named(message.get("dialogId")) in surveys or message.get("dialogId") == "POST_SURVEY":
        kind = "survey"
    who = named(message.get("participantId"))
    agent = agents.get(who, {})
    return Said(
        text=words,
        channel=named(message.get("sentBy")),
        role=_role(message, who, agents),
        kind=kind,
        speaker_id=who,
        name=named(agent.get("agentNickname")) or named(agent.get("agentFullName")),
        start=message.get("timeL") or named(message.get("time")),
    )


def _role(message: Mapping[str, Any], who: str | None, agents: Mapping[str | None, Mapping[str, Any]]) -> Role | None:
    """The role, None where only the caller can say; the map may name the id, or ``Agent`` for all."""
    sender = (named(message.get("sentBy")) or "").lower()
    if sender == "agent":
        kind = (named(agents.get(who, {}).get("userTypeName")) or "").lower()
        if kind in ("bot", "system"):
            return "bot"
        if kind or named(agents.get(who, {}).get("role")) is not None:
            return "agent"
        context = obj(message.get("contextData"), "contextData")
        return "bot" if "botResponse" in str(context)[:5000] else None
    roles: dict[str, Role] = {"consumer": "customer", "system": "system", "bot": "bot"}
    return roles.get(sender)


def _words(data: Mapping[str, Any]) -> tuple[object, Kind]:
    """The text of a message; of rich content what it shows; of a file its caption, as a notice."""
    msg = data.get("msg")
    if msg is not None:
        text = msg if isinstance(msg, str) else obj(msg, "msg").get("text")
        if isinstance(text, str) and "</" in text:
            text = plain_text_of_html(text)
        return text if named(text) is not None or not isinstance(text, str) else None, "message"
    rich = obj(data.get("richContent"), "richContent").get("content")
    if rich is not None:
        return "\n".join(_shown(_parsed(rich))) or None, "message"
    file = obj(data.get("file"), "file")
    return named(file.get("caption")), "notice"


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except ValueError:
        return None


def _shown(value: object, depth: int = 0) -> list[str]:
    """The words that a rich card shows, in order."""
    if depth > 20:
        return []
    if isinstance(value, list):
        return [text for item in value for text in _shown(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    own = [text for name in _SHOWN if (text := named(value.get(name))) is not None][:1]
    inner = [item for name, item in value.items() if name not in ("click", "metadata", *_SHOWN)]
    return own + [text for item in inner for text in _shown(item, depth + 1)]


READER = json_reader("liveperson", "LivePerson messaging", fits, drafts)
