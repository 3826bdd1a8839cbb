"""Zendesk tables as Fivetran and other connectors write them: comments, chat events, users.

``ticket_comment`` and ``ticket_chat_event`` hold what was said; ``user`` and ``ticket_chat`` say who
is who. The latter two are joined where they lie in the same folder (or zip), found by their columns;
without them the roles are unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from servicequal.conversation import Conversation, Kind, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import TABLE_SUFFIXES, header_of, match
from servicequal.readers.delimited import table_of
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.jsonio import parse
from servicequal.readers.layout import Row
from servicequal.readers.pieces import Group, beside, gathered, ident, named
from servicequal.readers.quoted import said, split_html, split_text
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

_COMMENTS = frozenset(("ticket_id", "public"))
_EVENTS = frozenset(("chat_id", "actor_id", "original_message"))
_USERS = frozenset(("id", "role"))
_OF_USERS = frozenset(("restricted_agent", "ticket_restriction", "shared_agent", "organization_id", "suspended"))
_CHATS = frozenset(("chat_id", "ticket_id", "visitor_id", "initiator"))
_ROLES: dict[str, Role] = {"end-user": "customer", "agent": "agent", "admin": "agent"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One row as a mapping, with its line in the file."""

    cells: Mapping[str, Any]
    line: int

    def text(self, *names: str) -> str | None:
        """The first of these cells that holds something."""
        return next((found for name in names if (found := _cell(self.cells.get(name))) is not None), None)


@dataclass(frozen=True, slots=True)
class _People:
    """Who is who: role and name by user id, the customer's user id by chat."""

    roles: dict[str, Role] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    visitors: dict[str, str] = field(default_factory=dict)


def _cell(value: object) -> str | None:
    text = ident(value)
    return text if text not in (None, "nan", "NaN", "NULL", "null") else None


def _fits(columns: Sequence[str]) -> str | None:
    """Which of the four tables these columns are."""
    names = frozenset(columns)
    if names >= _EVENTS:
        return "events"
    if names >= _COMMENTS and {"body", "html_body"} & names and {"user_id", "author_id"} & names:
        return "comments"
    if names >= _CHATS:
        return "chats"
    silent = not {"text", "transcript"} & set(match(tuple(columns)))
    return "users" if names >= _USERS and names & _OF_USERS and silent else None


def _sniff_comments(sample: Sample) -> Sniff:
    found = _fits(sample.columns) == "comments"
    return Sniff(Fit.SIGNATURE, "a Zendesk comment table") if found else Sniff(Fit.NO)


def _sniff_events(sample: Sample) -> Sniff:
    found = _fits(sample.columns) == "events"
    return Sniff(Fit.SIGNATURE, "a Zendesk chat event table") if found else Sniff(Fit.NO)


def _sniff_people(sample: Sample) -> Sniff:
    found = _fits(sample.columns) in ("users", "chats")
    why = "a Zendesk table of who is who: it is read with the conversations beside it"
    return Sniff(Fit.SIGNATURE, why) if found else Sniff(Fit.NO)


def _lines(source: Source) -> Callable[[], Iterator[_Line | Rejected]]:
    table = table_of(source)

    def rows() -> Iterator[_Line | Rejected]:
        for row in table.rows():
            if isinstance(row, Row) and row.problem is None:
                yield _Line(dict(zip(table.columns, row.cells, strict=False)), row.line)
            else:
                yield (row if isinstance(row, Rejected) else Rejected(row.problem or "", source.name, line=row.line))

    return rows


def _tables_beside(source: Source) -> Iterator[tuple[str, Source]]:
    for other in beside(source, TABLE_SUFFIXES):
        try:
            kind = _fits(header_of(other.head, other.suffix))
        except ReadError:
            continue
        if kind is not None:
            yield kind, other


def _people(source: Source) -> tuple[_People, tuple[str, ...]]:
    """What the tables beside say of people; a warning where there is none."""
    people, joined = _People(), []
    for kind, other in _tables_beside(source):
        if kind not in ("users", "chats"):
            continue
        joined.append(kind)
        for row in _lines(other)():
            if isinstance(row, Rejected):
                continue
            if kind == "chats" and (chat := row.text("chat_id")) and (who := row.text("user_id")):
                people.visitors[chat] = who
            elif kind == "users" and (who := row.text("id")):
                people.roles[who] = _ROLES.get(row.text("role") or "", "unknown")
                people.names[who] = row.text("name") or who
    missing = "no user table lies beside this one: roles are unknown where the table does not say"
    return people, () if "users" in joined else (missing,)


def _read_people(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """Nothing where conversations lie beside; a rejection of a table that is alone."""
    del roles
    if not any(kind in ("comments", "events") for kind, _ in _tables_beside(source)):
        hint = "put the table of comments or chat events beside it"
        yield Rejected("holds users or chats, but nothing that was said", source.name, hint=hint)


def _reading(
    key: str, draft: Callable[[Group[_Line], Source, _People], Draft]
) -> Callable[[Source, Roles], Iterator[Conversation | Rejected]]:
    def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
        rows = _lines(source)
        people, warnings = _people(source)
        any_group = False
        for group in gathered(rows, lambda row: row.text(key) or ""):
            any_group = True
            if isinstance(group, Rejected):
                yield group
            elif not group.key:
                yield from (
                    Rejected(f"the row has no {key}", source.name, line=r.line, column=key) for r in group.items
                )
            else:
                whole = Group(group.key, group.items, (*source.warnings, *group.warnings, *warnings))
                try:
                    yield build(draft(whole, source, people), roles)
                except ReadError as error:
                    yield error.rejected
        if not any_group:
            raise source.fail("the table has no rows", line=1)

    return read


def _ticket(group: Group[_Line], source: Source, people: _People) -> Draft:
    """The comments of one ticket."""
    turns = [turn for row in group.items for turn in _comment(row, people)]
    return Draft(
        id=group.key,
        channel="email",
        source=source.name,
        line=group.items[0].line,
        order="time",
        start_name="created",
        text_name="body",
        turns=turns,
        warnings=group.warnings,
        metadata={"file": source.name, "format": "zendesk_comments"},
    )


def _comment(row: _Line, people: _People) -> list[Said]:
    who = row.text("user_id", "author_id")
    internal = (row.text("public") or "").lower() in ("false", "0", "f", "no")
    kind: Kind = "note" if internal else "message"
    if (row.text("voice_comment") or "false").lower() in ("true", "1", "t"):
        kind = "note" if internal else "notice"
    given = _ROLES.get(row.text("role", "author_role", "user_role") or "")
    role: Role | None = "system" if who == "-1" or kind == "notice" else given or people.roles.get(who or "")
    body = row.cells.get("body")
    turn = Said(
        text=body,
        speaker_id=who,
        name=people.names.get(who or ""),
        role=role,
        kind=kind,
        start=row.text("created", "created_at"),
        line=row.line,
    )
    if html := row.text("html_body"):
        return said(split_html(html), turn)
    return said(split_text(body), turn) if isinstance(body, str) else [turn]


def _chat(group: Group[_Line], source: Source, people: _People) -> Draft:
    """The events of one chat: what was said, by time and then by number."""
    rows = sorted(group.items, key=lambda row: _number(row.text("chat_index")))
    return Draft(
        id=group.key,
        channel="chat",
        source=source.name,
        line=group.items[0].line,
        order="time",
        start_name="created_at",
        text_name="message",
        turns=[_event(row, people) for row in rows],
        warnings=group.warnings,
        metadata={"file": source.name, "format": "zendesk_chat_events"},
    )


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _event(row: _Line, people: _People) -> Said:
    """One message; a join, a form or a file, which hold no words, is a notice that says so."""
    original = _original(row.text("original_message"))
    kind = row.text("type") or "ChatMessage"
    words = row.text("message") or _words(original)
    actor = row.text("actor_id") or ""
    who = actor.partition(":")[2] if actor.startswith("agent:") else actor
    author = original.get("author")
    shown = named(author.get("display_name")) if isinstance(author, dict) else None
    role = _actor(actor, who, row.text("chat_id") or "", original, people)
    return Said(
        text=words or _spaced(_content(original) if kind == "ChatMessage" else kind),
        speaker_id=who or shown,
        name=people.names.get(who) or shown,
        role=role if words or role == "bot" else "system",
        kind=_kind(kind) if words else "notice",
        start=row.text("created_at"),
        line=row.line,
    )


def _kind(event: str) -> Kind:
    if event in ("ChatRating", "ChatComment"):
        return "survey"
    return "message" if event == "ChatMessage" else "notice"


def _content(original: Mapping[str, Any]) -> str:
    """What a message without words is: ``form``, ``file``, …"""
    content = original.get("content")
    return str(next(iter(content), "empty message")) if isinstance(content, dict) else "empty message"


def _spaced(name: str) -> str:
    """``ChatDepartmentTransfer`` as ``chat department transfer``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name[:100]).strip()


def _original(text: str | None) -> Mapping[str, Any]:
    try:
        found = parse(text) if text else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(original: Mapping[str, Any]) -> str | None:
    content = original.get("content")
    inner = content.get("text") if isinstance(content, dict) else None
    return named(inner.get("text")) if isinstance(inner, dict) else named(inner)


def _actor(actor: str, who: str, chat: str, original: Mapping[str, Any], people: _People) -> Role:
    """The bot says so only in the original message; then the actor's form, then the tables beside."""
    source, author = original.get("source"), original.get("author")
    if actor.startswith("__"):
        return "system" if actor == "__system" else "bot"
    if isinstance(source, dict) and "bot" in str(source.get("type")).lower():
        return "bot"
    if isinstance(author, dict) and author.get("type") == "USER":
        return "customer"
    if people.visitors.get(chat) == who and who:
        return "customer"
    if actor.startswith("agent:"):
        return "agent"
    return people.roles.get(who, "unknown")


READERS = (
    Reader(
        "zendesk_comments",
        "Zendesk ticket comments as a table",
        TABLE_SUFFIXES,
        _sniff_comments,
        _reading("ticket_id", _ticket),
    ),
    Reader(
        "zendesk_chat_events",
        "Zendesk chat events as a table",
        TABLE_SUFFIXES,
        _sniff_events,
        _reading("chat_id", _chat),
    ),
    Reader("zendesk_people", "Zendesk users and chats", TABLE_SUFFIXES, _sniff_people, _read_people),
)
