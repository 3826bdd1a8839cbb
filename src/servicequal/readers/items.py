"""Turns inside a cell or under a key: lists of objects, pairs or strings, or a text transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicequal.conversation import Kind
from servicequal.readers.columns import match
from servicequal.readers.draft import Said, is_missing
from servicequal.readers.jsonio import parse
from servicequal.readers.plain_text import parse_transcript
from servicequal.readers.roles import Roles
from servicequal.readers.times import Unit, unit_of

KINDS: tuple[Kind, ...] = ("message", "note", "notice", "survey", "quote")


@dataclass(frozen=True, slots=True)
class Turns:
    """Turns as found, with the names that their times had and what to warn of."""

    said: tuple[Said, ...]
    warnings: tuple[str, ...] = ()
    header: str = ""
    start_name: str = "start"
    end_name: str = "end"

    @property
    def units(self) -> tuple[Unit | None, Unit | None]:
        """The units that the names of the times state."""
        return unit_of(self.start_name), unit_of(self.end_name)


def turns_of(value: object, roles: Roles) -> Turns:
    """The turns of a cell: a list, a JSON string of one, or a text transcript.

    Raises ValueError, with a sentence for the user, for anything else.
    """
    if is_missing(value):
        raise ValueError("the transcript is missing (NaN or null)")
    if isinstance(value, str):
        if value.lstrip()[:1] in ("[", "{"):
            try:
                parsed = parse(value)
            except ValueError:
                parsed = None
            if isinstance(parsed, dict):
                parsed = next((v for v in parsed.values() if isinstance(v, list) and v), None)
            if isinstance(parsed, list):
                return of_list(parsed)
        found = parse_transcript(value, roles)
        return Turns(found.turns, found.warnings, found.header)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return of_list(value)
    raise ValueError(f"the transcript is no text and no list but a {type(value).__name__}")


def of_list(items: Sequence[Any]) -> Turns:
    """Turns of a list of objects, of [speaker, text] pairs, or of strings. Raises ValueError."""
    said, names = [], {"start": "start", "end": "end"}
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            fields = match(tuple(str(k) for k in item))
            said.append(_of_mapping(item, fields, index))
            names.update({f: fields[f] for f in ("start", "end") if f in fields})
        elif isinstance(item, (list, tuple)) and len(item) == 2:
            said.append(Said(text=item[1], label=item[0]))
        else:
            raise ValueError(f"turn {index} is neither an object nor a [speaker, text] pair")
    return Turns(tuple(said), start_name=names["start"], end_name=names["end"])


def _of_mapping(item: Mapping[str, Any], fields: Mapping[str, str], index: int) -> Said:
    words = fields.get("text") or fields.get("transcript")
    if words is None:
        raise ValueError(f"turn {index} has no text: its keys are {', '.join(map(str, list(item)[:20]))}")

    def of(field: str) -> Any:
        return item.get(fields[field]) if field in fields else None

    label, who = of("speaker"), of("speaker_id")
    if isinstance(label, Mapping):
        who = who or label.get("name") or label.get("id")
        label = label.get("role") or label.get("type")
    kind = of("kind")
    return Said(
        text=item.get(words),
        label=label,
        speaker_id=None if isinstance(who, (Mapping, list)) else who,
        start=of("start"),
        end=of("end"),
        confidence=of("confidence"),
        kind=kind if kind in KINDS else "message",
    )
