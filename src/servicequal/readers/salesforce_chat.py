"""Salesforce LiveChatTranscript bodies: an HTML file, a CSV with a Body column, or JSON records.

A body is ``( 1m 13s ) Name: words<br>``, with the start, the origin and the agents' names in centred
lines. An agent is who such a line names; with one named ``Visitor``, the only other is the agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicequal.conversation import Conversation, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import TABLE_SUFFIXES
from servicequal.readers.delimited import table_of
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.html import plain_text_of_html
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.pieces import each, first_holds, ident, named, obj, unfit
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles, built_in, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.times import Moment

_CENTRED = re.compile(r"<p\s+align\s?=\s?[\"']?center[\"']?\s?>", re.IGNORECASE)
_SAID = re.compile(r"\(\s?((?:\d{1,4}\s?[hms]\s?){1,3})\)\s*", re.IGNORECASE)
_NAME = re.compile(r"([^:\n<>]{1,80}?)\s?:(?:\s|$)")
_UNIT = re.compile(r"(\d{1,4})\s?([hms])", re.IGNORECASE)
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_CLOCK = re.compile(r"(\d{1,2}:\d{2}:\d{2})\s\(([+-]\d{4})\)")
_COLUMNS = frozenset(("chatkey", "livechatvisitorid", "livechatdeploymentid", "livechatbuttonid"))
_HEADER = "\x02"
_STARTED = "Chat Started:"


@dataclass(frozen=True, slots=True)
class _Body:
    """What a body holds: header lines, and lines with an offset or without."""

    turns: tuple[Said, ...]
    headers: tuple[str, ...]
    agents: tuple[str, ...]


def _is_body(text: str) -> bool:
    started = _STARTED in text[:2000] or _CENTRED.search(text[:2000]) is not None
    return started and _SAID.search(text[:20_000]) is not None


def _sniff_html(sample: Sample) -> Sniff:
    start = sample.head.lstrip("\ufeff \t\r\n")[:1] == "<" and sample.record is None
    if start and sample.suffix not in TABLE_SUFFIXES and _is_body(sample.head):
        return Sniff(Fit.SIGNATURE, "a Salesforce chat body: centred header and ( 10s ) Name: words")
    if sample.suffix in (".html", ".htm"):
        return Sniff(Fit.NO, "HTML is read as a Salesforce chat body only")
    return Sniff(Fit.NO)


def _sniff_table(sample: Sample) -> Sniff:
    names = {key(name) for name in sample.columns}
    if "body" not in names or {"role", "speaker", "author"} & names:
        return Sniff(Fit.NO)
    if _COLUMNS & names or (_STARTED in sample.head and _SAID.search(sample.head)):
        return Sniff(Fit.SIGNATURE, "a table of Salesforce chat bodies")
    return Sniff(Fit.NO)


def _fits_json(record: Mapping[str, Any]) -> Sniff:
    listed = record.get("records")
    items = [record, *(listed[:5] if isinstance(listed, list) else [])]
    if any(isinstance(item, dict) and _is_body(str(item.get("Body", ""))[:20_000]) for item in items):
        return Sniff(Fit.SIGNATURE, "Salesforce chat transcripts with a Body")
    return Sniff(Fit.NO)


def body_of(html: str) -> _Body:
    """The turns of a body, with the centred lines before the first one as headers."""
    flat = _CENTRED.sub(lambda _: f"<br>{_HEADER}", html.replace("\r", " ").replace("\n", " "))
    headers: list[str] = []
    turns: list[Said] = []
    agents: list[str] = []
    offset: float | None = None
    for line in plain_text_of_html(flat.replace("</p>", "<br></p>")).split("\n"):
        if line.startswith(_HEADER):
            words = line.strip(_HEADER + " ")
            if words.startswith("Agent ") and len(words) < 100:
                agents.append(words.removeprefix("Agent ").strip(" ()"))
            if turns and words:
                turns.append(Said(text=words, role="system", kind="notice", start=_moment(offset)))
            elif words:
                headers.append(words)
            continue
        offset = _add(line, turns, headers, offset)
    return _Body(tuple(_without_litter(turns)), tuple(headers), tuple(agents))


def _moment(offset: float | None) -> Moment | None:
    return None if offset is None else Moment(offset)


def _add(line: str, turns: list[Said], headers: list[str], offset: float | None) -> float | None:
    """Take one line: a new turn, or more of the last one. Gives the latest offset."""
    timed = _SAID.match(line)
    if timed is None:
        if turns and turns[-1].kind == "message":
            last = turns.pop()
            turns.append(Said(text=f"{last.text}\n{line}", name=last.name, start=last.start))
        elif line.strip():
            headers.append(line)
        return offset
    offset = float(sum(int(n) * _SECONDS[unit.lower()] for n, unit in _UNIT.findall(timed.group(1))))
    rest = line[timed.end() :]
    name = _NAME.match(rest)
    if name is not None:
        turns.append(Said(text=rest[name.end() :].strip(), name=name.group(1).strip(), start=_moment(offset)))
    elif any(c.isalnum() for c in rest):
        turns.append(Said(text=rest.strip(), role="system", kind="notice", start=_moment(offset)))
    return offset


def _without_litter(turns: Sequence[Said]) -> Iterator[Said]:
    """Turns with outer blank space gone from what was put together."""
    for turn in turns:
        text = str(turn.text).strip()
        yield Said(text=text, name=turn.name, role=turn.role, kind=turn.kind, start=turn.start)


def _roles(body: _Body) -> dict[str, Role]:
    """Roles by name. A header that names nobody who speaks is a placeholder."""
    names = list(dict.fromkeys(str(turn.name) for turn in body.turns if turn.name is not None))
    usual: dict[str, Role] = {n: built_in(n) for n in names if built_in(n) != "unknown"}
    agents = {n for n in names if n not in usual and any(_same(n, agent) for agent in body.agents)}
    rest = [n for n in names if n not in usual and n not in agents]
    if agents or "agent" in usual.values():
        return {**usual, **dict.fromkeys(agents, "agent"), **dict.fromkeys(rest, "customer")}
    if len(rest) == 1 and "customer" in usual.values():
        return {**usual, rest[0]: "agent"}
    return usual


def _same(name: str, agent: str) -> bool:
    one, other = name.casefold().strip(), agent.casefold().strip()
    return bool(one) and (one == other or other.startswith(f"{one} ") or one.startswith(f"{other} "))


def _started(headers: Sequence[str]) -> str | None:
    """``Monday, December 17, 2018, 23:27:57 (-0500)`` as ISO 8601; as it stands in other languages."""
    text = next((h.partition(":")[2].strip() for h in headers if _CLOCK.search(h)), None)
    if text is None:
        return None
    for pattern in ("%A, %B %d, %Y, %H:%M:%S (%z)", "%A, %d %B %Y, %H:%M:%S (%z)"):
        try:
            return datetime.strptime(text, pattern).isoformat()
        except ValueError:
            continue
    return text


def draft_of(html: object, identity: object, place: Place, metadata: Mapping[str, object]) -> Draft:
    """The draft of one body. Raises ValueError where nobody speaks in it."""
    if not isinstance(html, str) or not html.strip():
        raise ValueError("the Body is empty")
    body = body_of(html)
    if not body.turns:
        raise ValueError("no line like ( 10s ) Name: words in the Body")
    roles = _roles(body)
    warnings = list(place.warnings)
    if "agent" not in roles.values():
        warnings.append("the header names no agent who speaks: map the names")
    origin = next((h.partition(":")[2].strip() for h in body.headers if h.startswith("Chat Origin")), None)
    return Draft(
        id=identity,
        channel="chat",
        source=place.source,
        line=place.line,
        text_name="Body",
        turns=[_with_role(turn, roles) for turn in body.turns],
        warnings=warnings,
        metadata={
            "started_at": _started(body.headers),
            "origin": origin,
            "agents": ", ".join(body.agents) or None,
            **metadata,
            "file": place.source,
            "format": "salesforce_chat",
        },
    )


def _with_role(turn: Said, roles: Mapping[str, Role]) -> Said:
    role = roles.get(str(turn.name), turn.role)
    return Said(text=turn.text, name=turn.name, role=role, kind=turn.kind, start=turn.start)


def _read_html(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    place = Place(source.name, source.stem, None, source.warnings)
    try:
        yield build(draft_of(source.text(), source.stem, place, {}), roles)
    except ValueError as error:
        yield unfit(error, place)


def _read_table(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    table = table_of(source)
    at = {key(name): i for i, name in reversed(list(enumerate(table.columns)))}
    number = 0
    for number, row in enumerate(table.rows(), start=1):
        if isinstance(row, Rejected):
            yield row
            continue
        cells = {name: row.cells[i] for name, i in at.items() if i < len(row.cells)}
        identity = next((cells[n] for n in ("id", "chatkey", "name") if cells.get(n)), f"{source.stem}-{number}")
        place = Place(source.name, source.stem, row.line, source.warnings)
        rest = {table.columns[i]: row.cells[i] for n, i in at.items() if n not in ("body", "id") and cells.get(n)}
        try:
            if row.problem:
                raise ReadError(Rejected(row.problem, source.name, str(identity)[:200], row.line))
            yield build(draft_of(cells.get("body"), identity, place, rest), roles)
        except ValueError as error:
            yield unfit(error, place, str(identity))
    if not number:
        raise source.fail("the table has no rows", line=1)


def _json_drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    found = obj(record, "the record")
    if "Body" not in found and first_holds(found.get("records"), "Body"):
        yield from each(found["records"], place, _json_drafts)
        return
    identity = ident(found.get("Id")) or ident(found.get("ChatKey")) or named(found.get("Name")) or place.stem
    yield draft_of(found["Body"], identity, place, {k: v for k, v in found.items() if k not in ("Body", "Id")})


READERS = (
    Reader(
        "salesforce_chat",
        "Salesforce chat transcript body",
        (".html", ".htm"),
        _sniff_html,
        _read_html,
        picky=True,
    ),
    Reader(
        "salesforce_chat_table",
        "Salesforce chat transcripts as a table",
        TABLE_SUFFIXES,
        _sniff_table,
        _read_table,
    ),
    json_reader("salesforce_chat_json", "Salesforce chat transcripts as JSON", _fits_json, _json_drafts),
)
