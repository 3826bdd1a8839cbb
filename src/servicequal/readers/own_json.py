"""JSON and JSON lines: servicequal's own form, and the general shape of conversations with turns.

Own form: one ``Conversation.model_dump_json()`` a line; comes back exactly as it went. General
shape: an object with a list of turns (or a transcript text) beside an id; or one object per turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from servicequal.conversation import Conversation, Turn
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import match
from servicequal.readers.draft import LONGEST_TURN, Draft, first_problem, is_missing, known_channel
from servicequal.readers.infer import with_inferred_roles
from servicequal.readers.items import turns_of
from servicequal.readers.jsonio import SUFFIXES, Place, Record, guarded, is_lines, record_of, records
from servicequal.readers.layout import Row, Table
from servicequal.readers.lookups import started
from servicequal.readers.plain_text import parse_transcript
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.table import conversations

_OWN_KEYS = frozenset(Conversation.model_fields)
_OWN_TURN_KEYS = frozenset(Turn.model_fields)
_TURN_LISTS = (
    "turns",
    "messages",
    "utterances",
    "dialogue",
    "dialog",
    "conversation",
    "transcript",
    "conversations",
)
_CELLS = (
    "transcript",
    "content",
    "conversation",
    "dialogue",
    "dialog",
    "calltranscript",
    "chattranscript",
    "text",
)
_WRAPPERS = (
    "conversations",
    "data",
    "records",
    "items",
    "results",
    "calls",
    "chats",
    "dialogues",
    "transcripts",
)
_PEEK = 50


def is_own(record: Any) -> bool:
    """True for exactly what ``Conversation.model_dump_json`` writes."""
    return (
        isinstance(record, dict)
        and record.keys() == _OWN_KEYS
        and isinstance(record["turns"], list)
        and all(isinstance(turn, dict) and turn.keys() == _OWN_TURN_KEYS for turn in record["turns"])
    )


def sniff(sample: Sample) -> Sniff:
    """A signature for the own form, a shape for other conversations with turns."""
    record = sample.record
    if is_own(record):
        return Sniff(Fit.SIGNATURE, "servicequal's own JSON")
    if isinstance(record, dict) and "tweet_ids_sentence_offset" in record:
        return Sniff(Fit.NO, "TweetSumm annotations hold no text; they need twcs.csv")
    if isinstance(record, dict):
        if (name := _turns_key(record)) is not None:
            return Sniff(Fit.SHAPE, f"an object with turns under {name!r}")
        if _wrapped(record) is not None:
            return Sniff(Fit.SHAPE, "an object with a list of conversations")
        if _is_row(record):
            return Sniff(Fit.SHAPE, "one object per turn")
        if (name := _cell_key(record)) is not None and (key(name) != "text" or _labelled(record[name])):
            return Sniff(Fit.SHAPE, f"an object with a transcript under {name!r}")
        return Sniff(Fit.NO, f"no turns among its keys {', '.join(map(str, list(record)[:12]))}" if record else "")
    if isinstance(record, list) and record and all(_pair(item) or _is_row(item) for item in record[:5]):
        return Sniff(Fit.SHAPE, "a list of turns a record")
    return Sniff(Fit.NO)


def _pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)


def _is_row(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    fields = match(tuple(map(str, record)))
    return "text" in fields and not isinstance(record[fields["text"]], (list, dict)) and "speaker" in fields


def _turns_key(record: Mapping[str, Any], strict: bool = True) -> str | None:
    """The key of the list of turns: of objects with words in them, of pairs, or empty.

    Without ``strict`` a list under the right name is enough, so that a bad turn can be named.
    """
    for wanted in _TURN_LISTS:
        for name, value in record.items():
            if key(name) != wanted or not isinstance(value, list):
                continue
            if not value or not strict or any(_turn_like(item) for item in value[:5]):
                return name
    return None


def _turn_like(item: Any) -> bool:
    if isinstance(item, dict):
        fields = match(tuple(map(str, item)))
        name = fields.get("text") or fields.get("transcript")
        return name is not None and not isinstance(item.get(name), list)
    return _pair(item)


def _holds_turns(item: Any) -> bool:
    return isinstance(item, dict) and (_turns_key(item) or _cell_key(item)) is not None


def _wrapped(record: Any) -> list[Any] | None:
    """The conversations of ``{"conversations": [...]}`` and its like, None for anything else."""
    if not isinstance(record, dict) or _turns_key(record) is not None:
        return None
    for name, value in record.items():
        if key(name) in _WRAPPERS and isinstance(value, list) and any(map(_holds_turns, value[:5])):
            return value
    return None


def _labelled(text: str) -> bool:
    found = parse_transcript(text[:20_000], Roles())
    return found.labelled and len(found.turns) >= 2


def _cell_key(record: Mapping[str, Any]) -> str | None:
    for wanted in _CELLS:
        for name, value in record.items():
            if key(name) == wanted and isinstance(value, str):
                return name
    return None


def read(
    source: Source, roles: Roles, columns: Mapping[str, str | None] | None = None
) -> Iterator[Conversation | Rejected]:
    """Stream the conversations of a JSON file. Raises ReadError where nothing can be read."""
    stream = records(source)
    peek = list(islice(stream, _PEEK))
    values = [record.value for record in peek if isinstance(record, Record)]
    if (
        values
        and all(_is_row(value) and _turns_key(value) is None for value in values if isinstance(value, dict))
        and (isinstance(values[0], dict))
    ):
        yield from conversations(_table(source, values), columns, roles)
        return
    if not peek:
        raise source.fail("the file holds no conversation")
    for number, record in enumerate(chain(peek, stream), start=1):
        stem = source.stem if len(peek) == 1 else f"{source.stem}-{number}"
        yield from _found(record, Place(source.name, stem, None, source.warnings), roles)


def _found(record: Record | Rejected, place: Place, roles: Roles) -> Iterator[Conversation | Rejected]:
    """What one record holds: mostly one conversation, none or several in a list."""
    if isinstance(record, Rejected):
        yield record
        return
    place = replace(place, line=record.line)
    if is_own(record.value):
        yield _own(record.value, place, roles)
    else:
        yield from guarded(place, record.value, roles, lambda value, at: _draft(value, at, roles))


@dataclass(frozen=True, slots=True)
class LineFile:
    """A UTF-8 file of JSON lines of which each line can be read by itself, wherever that is done.

    ``only`` is True for a file with a single record. What :meth:`read` gives line by line is what :func:`read`
    gives for the file.
    """

    name: str
    stem: str
    roles: Roles
    only: bool = False

    @classmethod
    def of(cls, source: Source, roles: Roles) -> LineFile | None:
        """The file as lines; None for one that has to be read as a whole. Raises ReadError as reading it would."""
        if not is_lines(source) or source.encoding.name != "utf-8" or source.warnings:
            return None
        peek = list(islice(records(source), _PEEK))
        values = [record.value for record in peek if isinstance(record, Record)]
        first = values[0] if values else None
        one_each = isinstance(first, dict) and _turns_key(first) is not None and not any(map(_wrapped, values))
        return cls(source.name, source.stem, roles, len(peek) == 1) if one_each else None

    def read(self, line: bytes, number: int, record: int) -> list[Conversation | Rejected]:
        """What one line holds; ``number`` is the line's and ``record`` that of lines with something in them."""
        if (own := _own_line(line)) is not None:
            long = len(line) > LONGEST_TURN
            return [_finished(own, Place(self.name, self.stem, number), self.roles, long)]
        stem = self.stem if self.only else f"{self.stem}-{record}"
        found = record_of(line.decode("utf-8"), number, self.name)
        return list(_found(found, Place(self.name, stem), self.roles))


_TURN_KEYS = len(_OWN_TURN_KEYS)
_keys_of = attrgetter("__pydantic_fields_set__")


def _own_line(line: bytes) -> Conversation | None:
    """A line of the own form straight from its bytes; None for whatever else it may be."""
    try:
        found = Conversation.model_validate_json(line)
    except ValidationError:
        return None
    if len(found.model_fields_set) != len(_OWN_KEYS):
        return None
    keys = sum(map(len, map(_keys_of, found.turns)))  # no turn has more than all of them
    return found if keys == _TURN_KEYS * len(found.turns) else None


def _table(source: Source, peek: list[Any]) -> Table:
    """JSON objects, one per turn, as a table whose columns are the keys of the first ones."""
    names = tuple(dict.fromkeys(str(name) for value in peek if isinstance(value, dict) for name in value))

    def rows() -> Iterator[Row | Rejected]:
        for number, record in enumerate(records(source), start=1):
            if isinstance(record, Rejected):
                yield record
            elif isinstance(record.value, dict):
                yield Row(record.line or number, [record.value.get(name) for name in names])
            else:
                yield Rejected("is no object like the records before", source.name, line=record.line or number)

    return Table(names, rows, source.name, source.stem, "json", source.warnings)


def _own(value: Any, place: Place, roles: Roles) -> Conversation | Rejected:
    """The own form, unchanged but for the caller's role map and what the bytes have to say."""
    try:
        found = Conversation.model_validate(value)
        found.model_dump_json()
    except ValidationError as error:
        return Rejected(f"not servicequal's form: {first_problem(error)}", place.source, line=place.line)
    except (ValueError, RecursionError):
        return Rejected("holds characters that are no text", place.source, line=place.line, hint="save it as UTF-8")
    return _finished(found, place, roles)


def _finished(found: Conversation, place: Place, roles: Roles, long: bool = True) -> Conversation | Rejected:
    """The own form with the caller's role map, unless nothing can be scored in it; a turn ``long``: may be too long."""
    if long and any(len(turn.text) > LONGEST_TURN for turn in found.turns):
        turn = next(i for i, turn in enumerate(found.turns) if len(turn.text) > LONGEST_TURN)
        reason = f"the turn has {len(found.turns[turn].text):,} characters"
        return Rejected(reason, place.source, found.id, place.line, "text", turn, "no turn is that long")
    if not found.turns:
        return Rejected("the conversation has no turns", place.source, found.id, place.line)
    if not (roles.own or place.warnings or roles.infer):
        return found
    update: dict[str, Any] = {"turns": tuple(_remapped(turn, roles) for turn in found.turns)}
    if place.warnings:
        before = found.metadata.get("warnings")
        kept = before if isinstance(before, list) else []
        update["metadata"] = {**found.metadata, "warnings": [*kept, *place.warnings]}
    if roles.own or place.warnings:
        found = found.model_copy(update=update)
    return with_inferred_roles(found) if roles.infer else found


def _remapped(turn: Turn, roles: Roles) -> Turn:
    role = roles.role(turn.speaker, speaker_id=turn.speaker_id, certain=turn.speaker)
    return turn if role == turn.speaker else turn.model_copy(update={"speaker": role})


def _draft(value: Any, place: Place, roles: Roles) -> Iterator[Draft | Rejected]:
    """One object with turns or a transcript, a bare list of turns, or a list of these in an object."""
    if (inner := _wrapped(value)) is not None:
        for number, item in enumerate(inner, start=1):
            try:
                yield from _draft(item, replace(place, stem=f"{place.stem}-{number}"), roles)
            except ReadError as error:
                yield error.rejected
            except ValueError as error:
                yield Rejected(f"conversation {number} of the list: {error}", place.source, line=place.line)
        return
    record = value if isinstance(value, dict) else {"turns": value}
    name = _turns_key(record) or _cell_key(record) or _turns_key(record, strict=False)
    if name is None:
        raise ValueError(f"no turns among its keys {', '.join(map(str, list(record)[:20]))}")
    turns = turns_of(record[name], roles)
    rest = {str(k): v for k, v in record.items() if k != name}
    fields = match(tuple(rest))
    used = {fields[field] for field in ("id", "channel") if field in fields}
    nested = {k: v for k, v in rest.items() if key(k) in ("meta", "metadata") and isinstance(v, dict)}
    metadata = {k: v for d in nested.values() for k, v in d.items()} | {
        k: v for k, v in rest.items() if k not in used and k not in nested
    }
    if "start" in fields:
        metadata["started_at"] = started(rest[fields["start"]])
    start_unit, end_unit = turns.units
    identity = rest[fields["id"]] if "id" in fields else place.stem
    channel = rest.get(fields.get("channel", ""))
    if is_missing(identity) and not isinstance(identity, float):
        raise ReadError(Rejected("the conversation has no id", place.source, line=place.line, column=fields["id"]))
    yield Draft(
        id=identity,
        turns=turns.said,
        source=place.source,
        channel=channel if known_channel(channel) or isinstance(channel, str) else None,
        metadata={**metadata, "file": place.source, "format": "json", "header": turns.header or None},
        warnings=(*place.warnings, *turns.warnings),
        start_unit=start_unit,
        end_unit=end_unit,
        start_name=turns.start_name,
        end_name=turns.end_name,
        line=place.line,
    )


READER = Reader("json", "JSON or JSON lines, conversations with turns", SUFFIXES, sniff, read, True)
