"""Careful looks into exports: objects and ids out of JSON, rows gathered, the files beside a file."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, printable
from servicequal.readers.jsonio import SHAPE_ERRORS, Place
from servicequal.readers.source import Source, sources

T = TypeVar("T")


def obj(value: object, name: str) -> Mapping[str, Any]:
    """An object; an empty one for None. Raises ValueError naming what is no object."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object but a {type(value).__name__}")
    return value


def objs(value: object, name: str) -> list[Mapping[str, Any]]:
    """A list of objects; an empty one for None. Raises ValueError naming what is none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list but a {type(value).__name__}")
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise ValueError(f"{name}[{number}] is no object but a {type(item).__name__}")
    return value


def ident(value: object) -> str | None:
    """An id as text, whether the export has a number or a string; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value).strip() or None if isinstance(value, (str, int)) else None


def named(value: object) -> str | None:
    """A string with something in it, or None (for ``""``, ``"null"`` and ``"undefined"`` too)."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text not in ("", "null", "undefined", "None") else None


def holds(value: object, *keys: str) -> bool:
    """True for an object that has all of these keys."""
    return isinstance(value, dict) and all(name in value for name in keys)


def first_holds(value: object, *keys: str) -> bool:
    """True for a list with an object among its first that has all of these keys."""
    return isinstance(value, list) and any(holds(item, *keys) for item in value[:5])


def unfit(error: Exception, place: Place, identity: str | None = None) -> Rejected:
    """The rejection of something that is not as its format has it."""
    if isinstance(error, ReadError):
        return error.rejected
    said = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
    reason = printable(f"the record is not as the format has it: {said}"[:300])
    return Rejected(reason, place.source, None if identity is None else printable(identity[:200]), place.line)


def each(
    items: Iterable[Any], place: Place, drafts: Callable[[Any, Place], Iterator[Draft | Rejected]]
) -> Iterator[Draft | Rejected]:
    """The drafts of every conversation in a list; one that cannot be read costs no other."""
    for number, item in enumerate(items, start=1):
        try:
            yield from drafts(item, replace(place, stem=f"{place.stem}-{number}"))
        except SHAPE_ERRORS as error:
            found = unfit(error, place)
            yield replace(found, reason=f"conversation {number} of the list: {found.reason}")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """What belongs to one conversation, in file order, and what to warn of."""

    key: Hashable
    items: Sequence[T]
    warnings: tuple[str, ...] = ()


def gathered(
    items: Callable[[], Iterator[T | Rejected]], key: Callable[[T], Hashable]
) -> Iterator[Group[T] | Rejected]:
    """Items of mixed conversations, whole and each at its last item; ``items`` is gone through twice.

    Held are the keys and the conversations that are still open.
    """
    last: dict[Hashable, int] = {}
    for number, item in enumerate(items()):
        if not isinstance(item, Rejected):
            last[key(item)] = number
    open_items: dict[Hashable, list[T]] = {}
    damaged: dict[Hashable, str] = {}
    before: Hashable = None
    for number, item in enumerate(items()):
        if isinstance(item, Rejected):
            yield item
            if before in open_items:
                damaged[before] = f"something near line {item.line} cannot be read: turns may be missing"
            continue
        before = key(item)
        open_items.setdefault(before, []).append(item)
        if last[before] == number:
            warnings = (damaged.pop(before),) if before in damaged else ()
            yield Group(before, open_items.pop(before), warnings)


def beside(source: Source, suffixes: tuple[str, ...]) -> list[Source]:
    """The other files in the same folder, or in the same folder of the same zip, by name."""
    archive, mark, _ = source.name.rpartition("!")
    if mark and not Path(source.name).exists():
        found = [s for s in sources(archive) if isinstance(s, Source) and s.path.parent == source.path.parent]
    else:
        try:
            files = sorted(file for file in Path(source.name).parent.iterdir() if file.is_file())
        except (OSError, ValueError):
            return []
        wanted = [f for f in files if f.name.lower().removesuffix(".gz").endswith(suffixes)]
        found = [s for file in wanted for s in sources(file) if isinstance(s, Source)]
    return [Source(s.name, s.opener, chosen=False) for s in found if s.name != source.name and s.suffix in suffixes]
