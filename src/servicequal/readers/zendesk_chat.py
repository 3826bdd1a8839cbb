"""Zendesk Chat (Zopim): one chat with its history, or the lists that its API gives.

Only ``chat.msg`` is speech. Who speaks: ``sender_type`` where it is there, else the name (the
visitor's, or one of ``agent_names``); any other name is a trigger, hence a bot.
"""

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

_SENDERS: dict[str, Role] = {"visitor": "customer", "agent": "agent", "trigger": "bot", "bot": "bot"}


def fits(record: Mapping[str, Any]) -> Sniff:
    """A signature for a chat, an offline message, or a list of them."""
    for item in [record, *_listed(record)[:5]]:
        if _is_chat(item):
            return Sniff(Fit.SIGNATURE, "a Zendesk chat: history and visitor")
        if holds(item, "visitor", "message") and item.get("type") == "offline_msg":
            return Sniff(Fit.SIGNATURE, "a Zendesk offline message")
    return Sniff(Fit.NO)


def _is_chat(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("history"), list):
        return False
    kinds = [h.get("type") for h in item["history"][:5] if isinstance(h, dict)]
    return "visitor" in item and ("agent_names" in item or any(str(k).startswith("chat.") for k in kinds))


def _listed(record: Mapping[str, Any]) -> list[Any]:
    chats, docs = record.get("chats"), record.get("docs")
    if isinstance(docs, dict):
        return list(docs.values())
    return chats if isinstance(chats, list) else []


def drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    """The chats of one record."""
    if isinstance(record, dict) and "history" not in record and _listed(record):
        yield from each(_listed(record), place, drafts)
        return
    chat = obj(record, "the chat")
    visitor = obj(chat.get("visitor"), "visitor")
    if chat.get("type") == "offline_msg":
        words = Said(
            text=chat.get("message"),
            role="customer",
            name=named(visitor.get("name")),
            start=chat.get("timestamp"),
        )
        turns, left_out, warning = [words], 0, "an offline message: nobody answers in it"
    else:
        history = objs(chat["history"], "history")
        turns = [turn for event in history if (turn := _turn(event, chat, visitor)) is not None]
        left_out, warning = len(history) - len(turns), ""
        if not turns:
            raise ValueError("nobody says anything in the history of this chat")
    yield Draft(
        id=ident(chat.get("id")) or place.stem,
        channel="chat",
        source=place.source,
        line=place.line,
        order="time",
        start_name="timestamp",
        turns=turns,
        warnings=(*place.warnings, *([warning] if warning else [])),
        metadata={
            "department": named(chat.get("department_name")),
            "rating": named(chat.get("rating")),
            "started_by": named(chat.get("started_by")),
            "ticket_id": ident(chat.get("zendesk_ticket_id")),
            "events_left_out": left_out,
            "file": place.source,
            "format": "zendesk_chat",
        },
    )


def _turn(event: Mapping[str, Any], chat: Mapping[str, Any], visitor: Mapping[str, Any]) -> Said | None:
    """A message, or what the visitor wrote on a rating; None for joins, leaves, tags and files."""
    kind = event.get("type")
    if kind == "chat.msg":
        return Said(
            text=event.get("msg", event.get("message")),
            name=named(event.get("name")),
            speaker_id=ident(event.get("agent_id")) or named(event.get("name")),
            role=_role(event, chat, visitor),
            start=event.get("timestamp"),
        )
    words = event.get("new_comment") if kind == "chat.comment" else None
    words = event.get("new_rating") if kind == "chat.rating" else words
    if named(words) is None:
        return None
    name = named(event.get("name"))
    return Said(text=words, name=name, role="customer", kind="survey", start=event.get("timestamp"))


def _role(event: Mapping[str, Any], chat: Mapping[str, Any], visitor: Mapping[str, Any]) -> Role:
    sender = named(event.get("sender_type")) or (named(event.get("nick")) or "").partition(":")[0]
    if event.get("nick") == "agent:trigger":
        return "bot"
    if sender.lower() in _SENDERS:
        return _SENDERS[sender.lower()]
    agents = chat.get("agent_names")
    name = named(event.get("name"))
    is_agent = isinstance(agents, list) and name is not None and name in agents
    if name is not None and name == named(visitor.get("name")):
        return "unknown" if is_agent and "msg_id" not in event else "customer"
    if is_agent:
        return "agent"
    return "unknown" if name is None or not isinstance(agents, list) else "bot"


READER = json_reader("zendesk_chat", "Zendesk Chat", fits, drafts)
