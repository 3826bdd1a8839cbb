"""Rev AI and Rev transcripts: monologues of text and punctuation, joined as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.json_reader import json_reader
from servicequal.readers.jsonio import Place
from servicequal.readers.lookups import pick
from servicequal.readers.registry import Fit, Sniff
from servicequal.readers.speech import Piece, bare, mean, seconds, speech_draft


def _fits(record: Mapping[str, Any]) -> Sniff:
    found = isinstance(record.get("monologues"), list)
    return Sniff(Fit.SIGNATURE, "has monologues") if found else Sniff(Fit.NO)


def _drafts(record: Any, place: Place) -> Iterator[Draft | Rejected]:
    names = {bare(who.get("id")): bare(who.get("name")) for who in record.get("speakers") or ()}
    pieces = [_monologue(monologue, names) for monologue in record["monologues"]]
    yield speech_draft(place, "revai", pieces, id=pick(record, "id", "job_id"))


def _monologue(monologue: Mapping[str, Any], names: Mapping[str | None, str | None]) -> Piece:
    elements = monologue["elements"]
    starts = [t for e in elements if (t := seconds(pick(e, "ts", "timestamp"))) is not None]
    ends = [t for e in elements if (t := seconds(pick(e, "end_ts", "end_timestamp"))) is not None]
    speaker = monologue.get("speaker")
    name = names.get(bare(speaker)) or ""
    return Piece(
        "".join(str(element.get("value") or "") for element in elements),
        min(starts, default=None),
        max(ends, default=None),
        speaker=speaker if not name or name.casefold().startswith("speaker") else name,
        confidence=mean(element.get("confidence") for element in elements),
    )


READER = json_reader("revai", "Rev AI transcript", _fits, _drafts)
