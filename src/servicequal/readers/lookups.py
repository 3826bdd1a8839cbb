"""What the readers of platform exports share: lists inside one record, ids and start moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, printable
from servicequal.readers.jsonio import SHAPE_ERRORS, Place
from servicequal.readers.times import align, moment


def first_objects(value: object) -> list[Mapping[str, Any]]:
    """The objects among the first five items of a list; empty for anything else. For sniffing."""
    return [item for item in value[:5] if isinstance(item, dict)] if isinstance(value, list) else []


def child(value: object, *names: str) -> Mapping[str, Any]:
    """The object under the first of these names that holds one; empty if none does."""
    if isinstance(value, Mapping):
        for name in names:
            if isinstance(found := value.get(name), dict):
                return found
    return {}


def pick(value: Mapping[str, Any], *names: str) -> Any:
    """What stands under the first of these names that is there and not None."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def started(value: object) -> str | None:
    """A date and time, or an epoch, as ISO 8601 for ``metadata["started_at"]``; else None."""
    try:
        found = moment(value)
    except ValueError:
        return None
    return None if found is None else align([found], [None]).started_at


def each(items: Any, place: Place, draft: Callable[[Any, Place], Draft | Rejected]) -> Iterator[Draft | Rejected]:
    """The drafts of a list of conversations inside one record; a broken one costs no other."""
    if not isinstance(items, list):
        raise ValueError(f"the list of conversations is a {type(items).__name__}")
    if not items:
        raise ValueError("the list of conversations is empty")
    for number, item in enumerate(items, start=1):
        stem = place.stem if len(items) == 1 else f"{place.stem}-{number}"
        try:
            yield draft(item, replace(place, stem=stem, line=None))
        except ReadError as error:
            yield error.rejected
        except SHAPE_ERRORS as error:
            said = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
            reason = printable(f"conversation {number} of the list is not as the format has it: {said}")
            yield Rejected(reason[:300], place.source, line=place.line)
