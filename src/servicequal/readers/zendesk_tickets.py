"""Zendesk Support: ticket comments, audits, incremental ticket events, and tickets with comments.

The comments response has neither ticket id nor roles. The id then is the file's name; roles come
from a ``users`` side-load, from the ticket's requester and assignee (also as audits tell them), else
they stay unknown: map them by author id. ``public: false`` is an internal note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from servicequal.conversation import Conversation, Kind, Role
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft, Said, build, known_channel
from servicequal.readers.jsonio import SUFFIXES, Place, records
from servicequal.readers.pieces import first_holds, holds, ident, named, obj, objs, unfit
from servicequal.readers.quoted import said, split_html, split_text
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

_AUTOMATIC = ("rule", "system", "closed_ticket", "ticket_sharing", "answer_bot", "symphony")
_FIRST = "the first to write is taken for the requester"
_LISTS = ("comments", "audits", "ticket_events", "tickets", "ticket", "users", "results", "next_page", "meta")


@dataclass(slots=True)
class _Ticket:
    """A ticket while its pieces are being collected."""

    id: str | None = None
    requester: str | None = None
    assignee: str | None = None
    comments: list[Mapping[str, Any]] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)
    line: int | None = None

    def learn(self, ticket: Mapping[str, Any]) -> None:
        """Take requester, assignee, subject and the like from a ticket object."""
        for name in ("requester", "assignee"):
            inner = ticket.get(name)
            nested = inner.get("id") if isinstance(inner, dict) else None
            if (who := ident(ticket.get(f"{name}_id")) or ident(nested)) is not None:
                setattr(self, name, who)
        for name in ("subject", "status", "priority", "group_id", "brand_id"):
            if isinstance(ticket.get(name), (str, int)):
                self.metadata[name] = ticket[name]
        score = ticket.get("satisfaction_rating")
        if isinstance(score, dict):
            self.metadata["satisfaction_rating"] = score.get("score")


@dataclass(slots=True)
class _File:
    """What a file has told so far: users by id, tickets by id, whether more pages follow."""

    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tickets: dict[str, _Ticket] = field(default_factory=dict)
    more: bool = False

    def ticket(self, identity: str | None, line: int | None) -> _Ticket:
        """The ticket of that id; comments without one are one ticket."""
        return self.tickets.setdefault(identity or "", _Ticket(identity, line=line))


def sniff(sample: Sample) -> Sniff:
    """A signature for each of the shapes that Zendesk gives ticket conversations."""
    record = _unwrapped(sample.mapping)
    events = record.get("ticket_events")
    if first_holds(record.get("audits"), "ticket_id", "events"):
        return Sniff(Fit.SIGNATURE, "Zendesk ticket audits")
    if holds(record, "ticket_id", "events", "author_id"):
        return Sniff(Fit.SIGNATURE, "a Zendesk ticket audit a record")
    if first_holds(events, "ticket_id", "child_events") or holds(record, "ticket_id", "child_events"):
        return Sniff(Fit.SIGNATURE, "Zendesk incremental ticket events")
    if any(_is_comment(item) for item in _listed(record.get("comments"))[:5]):
        return Sniff(Fit.SIGNATURE, "Zendesk ticket comments")
    if any(holds(item, "comments", "requester_id") for item in _listed(record.get("tickets"))[:5]):
        return Sniff(Fit.SIGNATURE, "Zendesk tickets with comments")
    if "data" in sample.mapping and "stream" in sample.mapping and '"ticket_comments"' in sample.head:
        return Sniff(Fit.SIGNATURE, "Zendesk ticket comments among Airbyte records")
    if _is_comment(record):
        return Sniff(Fit.SIGNATURE, "a Zendesk ticket comment a record")
    if holds(record, "tickets", "end_time") or holds(record, "requester_id", "assignee_id", "subject"):
        return Sniff(Fit.NO, "Zendesk tickets without their comments: export the comments or audits")
    return Sniff(Fit.NO)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_comment(item: object) -> bool:
    return holds(item, "author_id", "public") and (holds(item, "body") or holds(item, "html_body"))


def _unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of an Airbyte record, ``{"stream": …, "data": {…}}``; anything else as it is."""
    inner = record.get("record") if record.get("type") == "RECORD" else record
    if isinstance(inner, dict) and isinstance(inner.get("data"), dict) and "stream" in inner:
        return dict(inner["data"])
    return record


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """The tickets of a file: those that come whole at once, the others when all is read."""
    file, any_found = _File(), False
    for record in records(source):
        if isinstance(record, Rejected):
            any_found = True
            yield record
            continue
        place = Place(source.name, source.stem, record.line, source.warnings)
        try:
            whole = _collect(obj(record.value, "the record"), file, place)
        except (ValueError, TypeError, AttributeError) as error:
            any_found = True
            yield unfit(error, place)
            continue
        for ticket in whole:
            any_found = True
            if isinstance(ticket, Rejected):
                yield ticket
            else:
                yield from _built([ticket], file, place, roles)
    if not any_found and not any(ticket.comments for ticket in file.tickets.values()):
        raise source.fail("the file holds no comments")
    place = Place(source.name, source.stem, None, source.warnings)
    yield from _built([t for t in file.tickets.values() if t.comments], file, place, roles)


def _built(tickets: list[_Ticket], file: _File, place: Place, roles: Roles) -> Iterator[Conversation | Rejected]:
    for ticket in tickets:
        try:
            yield build(_draft(ticket, file, place, roles), roles)
        except (ValueError, TypeError, AttributeError) as error:
            yield unfit(error, place, ticket.id)


def _collect(record: Mapping[str, Any], file: _File, place: Place) -> list[_Ticket | Rejected]:
    """Put a record where it belongs; the tickets that it holds whole, with their comments, come back."""
    stream = record.get("stream") if isinstance(record.get("stream"), str) else None
    data = _unwrapped(record)
    for user in [*objs(data.get("users"), "users"), *([data] if stream == "users" else [])]:
        if (who := ident(user.get("id"))) is not None:
            file.users[who] = user
    meta = data.get("meta")
    file.more = file.more or bool(data.get("next_page")) or (isinstance(meta, dict) and meta.get("has_more") is True)
    whole = [found for ticket in _listed(data.get("tickets")) for found in _ticket(ticket, file, place)]
    if holds(data, "comments") and isinstance(data.get("ticket"), dict):
        return [*whole, *_ticket({**data["ticket"], "comments": data["comments"]}, file, place)]
    if holds(data, "comments", "requester_id") or holds(data, "comments", "requester"):
        return [*whole, *_ticket(data, file, place)]
    return [*whole, *_loose(data, stream, file, place)]


def _loose(data: Mapping[str, Any], stream: str | None, file: _File, place: Place) -> list[_Ticket | Rejected]:
    """Put comments, audits and events to the ticket they belong to; what is wrong comes back."""
    wrong: list[_Ticket | Rejected] = []
    for comment in objs(data.get("comments"), "comments"):
        file.ticket(ident(comment.get("ticket_id")) or _of_links(data), place.line).comments.append(comment)
    for audit in [*_listed(data.get("audits")), *_listed(data.get("ticket_events"))]:
        wrong.extend(_audit(audit, file, place))
    if holds(data, "ticket_id", "events") or holds(data, "ticket_id", "child_events"):
        wrong.extend(_audit(data, file, place))
    elif _is_comment(data) or (stream == "ticket_comments" and holds(data, "author_id")):
        file.ticket(ident(data.get("ticket_id")), place.line).comments.append(data)
    elif not any(name in data for name in _LISTS) and stream is None:
        raise ValueError(f"no comments among its keys {', '.join(map(str, list(data)[:12]))}")
    return wrong


def _of_links(data: Mapping[str, Any]) -> str | None:
    """The ticket id in ``https://…/tickets/123/comments.json?page=2`` of a page link."""
    for name in ("next_page", "previous_page", "url"):
        parts = str(data.get(name) or "")[:500].split("/tickets/")
        digits = parts[1].partition("/")[0] if len(parts) == 2 else ""
        if digits.isdigit():
            return digits
    return None


def _ticket(value: Any, file: _File, place: Place) -> list[_Ticket | Rejected]:
    """A ticket object with its comments in it; nothing for one without comments."""
    try:
        ticket = _Ticket(ident(obj(value, "the ticket").get("id")), line=place.line)
        ticket.learn(value)
        ticket.comments = [dict(comment) for comment in objs(value.get("comments"), "comments")]
        for side in ("requester", "assignee", "submitter"):
            if isinstance(value.get(side), dict) and (who := ident(value[side].get("id"))) is not None:
                file.users.setdefault(who, value[side])
    except (ValueError, TypeError, AttributeError) as error:
        return [unfit(error, place)]
    return [ticket] if "comments" in value else []


def _audit(value: Any, file: _File, place: Place) -> list[_Ticket | Rejected]:
    """The comments of an audit or of an incremental ticket event, and whom it names requester."""
    try:
        audit = obj(value, "the audit")
        events = objs(audit.get("events", audit.get("child_events")), "events")
        ticket = file.ticket(ident(audit.get("ticket_id")), place.line)
        for event in events:
            kind = event.get("type", event.get("event_type"))
            if kind in ("Create", "Change") and event.get("field_name") in ("requester_id", "assignee_id"):
                ticket.learn({str(event["field_name"]): event.get("value")})
            ticket.learn({k: v for k, v in event.items() if k in ("requester_id", "assignee_id", "subject")})
            if kind in ("Comment", "VoiceComment") or (kind is None and "body" in event):
                when = audit.get("created_at", audit.get("timestamp"))
                author = audit.get("author_id", audit.get("updater_id"))
                shared = {"created_at": when, "author_id": author, "via": audit.get("via"), "type": kind}
                ticket.comments.append({**shared, **{k: v for k, v in event.items() if v is not None}})
    except (ValueError, TypeError, AttributeError) as error:
        return [unfit(error, place)]
    return []


def _draft(ticket: _Ticket, file: _File, place: Place, roles: Roles) -> Draft:
    authors = {ident(c.get("author_id")): _role(ident(c.get("author_id")), ticket, file) for c in ticket.comments}
    warnings = list(place.warnings)
    if file.more:
        warnings.append("the export has further pages: comments may be missing")
    first = next((ident(c.get("author_id")) for c in ticket.comments if c.get("public") is not False), None)
    inferred: str | None = None
    if roles.infer and not {"agent", "customer"} & set(authors.values()) and first is not None:
        inferred = first
        authors[first] = "customer"
    turns = [turn for comment in ticket.comments for turn in _turns(comment, authors, file)]
    if inferred is not None:
        turns = [replace(turn, inferred=_FIRST) if turn.speaker_id == inferred else turn for turn in turns]
    via = named(obj(obj(ticket.comments[0] if ticket.comments else None, "comment").get("via"), "via").get("channel"))
    return Draft(
        id=ticket.id or place.stem,
        channel=known_channel(via) or "email",
        source=place.source,
        line=ticket.line or place.line,
        order="time",
        start_name="created_at",
        turns=turns,
        warnings=warnings,
        metadata={**ticket.metadata, "via": via, "file": place.source, "format": "zendesk_tickets"},
    )


def _role(author: str | None, ticket: _Ticket, file: _File) -> Role | None:
    """What ticket and side-load say of an author: requester, then the user's role, then assignee."""
    if author is None:
        return None
    if author in ("-1", "0"):
        return "system"
    if author == ticket.requester and author != ticket.assignee:
        return "customer"
    known = named(file.users[author].get("role")) if author in file.users else None
    if known is not None:
        return {"end-user": "customer", "agent": "agent", "admin": "agent"}.get(known)  # type: ignore[return-value]
    return "agent" if author == ticket.assignee else None


def _turns(comment: Mapping[str, Any], authors: Mapping[str | None, Role | None], file: _File) -> list[Said]:
    author = ident(comment.get("author_id"))
    role, kind = authors.get(author), _kind(comment)
    if _automatic(comment):
        role, kind = "system", ("note" if kind == "note" else "notice")
    via = named(obj(comment.get("via"), "via").get("channel")) or ""
    if via.startswith("answer_bot"):
        role, kind = "bot", kind if kind == "note" else "message"
    html, plain = comment.get("html_body"), comment.get("body")
    if not isinstance(plain, str) and isinstance(comment.get("plain_body"), str):
        plain = comment["plain_body"]
    turn = Said(
        text=plain,
        speaker_id=author,
        name=None if author is None else named(file.users.get(author, {}).get("name")),
        role=role,
        kind=kind,
        start=comment.get("created_at"),
    )
    if isinstance(html, str) and html.strip():
        return said(split_html(html), turn)
    return said(split_text(plain), turn) if isinstance(plain, str) else [turn]


def _kind(comment: Mapping[str, Any]) -> Kind:
    public = comment.get("public", comment.get("comment_public"))
    if public is False or (isinstance(public, str) and public.strip().lower() == "false"):
        return "note"
    return "notice" if comment.get("type") == "VoiceComment" else "message"


def _automatic(comment: Mapping[str, Any]) -> bool:
    """True for what triggers, automations, merges and calls write by themselves."""
    via = obj(comment.get("via"), "via")
    rel = named(obj(via.get("source"), "via.source").get("rel"))
    automatic = via.get("channel") in _AUTOMATIC or rel in ("trigger", "automation", "merge")
    return automatic or comment.get("type") == "VoiceComment"


READER = Reader("zendesk_tickets", "Zendesk ticket comments, audits and events", SUFFIXES, sniff, read)
