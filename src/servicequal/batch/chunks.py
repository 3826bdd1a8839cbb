"""The input of a batch cut into chunks, the same whatever the number of workers, and what one holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field

from ..conversation import Conversation
from ..errors import Rejected
from ..readers.bulk import Line, Piece, Watch, read_line
from ..readers.draft import printable
from ..readers.own_json import LineFile

CONVERSATIONS = 500
"""Conversations of a part at most."""
_FIRST, _EVERY = 250, 2
"""The first two parts are smaller, so that an input of 500 is shared out too.

Still smaller ones would not be worth their files, nor a process: 250 conversations are scored in a fifth of a second,
and to write the files of a part takes as long as scoring some ten."""
_HEAVIEST = 6_000_000
"""Bytes of JSON of a chunk at most, unless one conversation has more: some two thousand conversations."""


KEPT = ("started_at", "file")
"""The metadata that the datasets have columns for."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one file, with their numbers in it, that are parsed where they are scored."""

    file: LineFile
    numbers: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ready:
    """Conversations, as JSON with as much of their metadata as a batch keeps, and rejections."""

    items: list[bytes | Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part's worth of input. ``count`` is how many records there are, ``read`` bytes of files read until its end."""

    number: int
    segments: tuple[Lines | Ready, ...]
    count: int
    read: int

    def items(self) -> Iterator[Conversation | Rejected]:
        """The conversations and rejections, in order; a line mostly gives one, a list in a line several."""
        for segment in self.segments:
            if isinstance(segment, Ready):
                for item in segment.items:
                    yield item if isinstance(item, Rejected) else Conversation.model_validate_json(item)
            else:
                for data, number, record in zip(segment.data, segment.numbers, segment.records, strict=True):
                    yield from read_line(segment.file, data, number, record)

    def digest(self) -> str:
        """SHA-256 over all that the chunk holds."""
        made = hashlib.sha256()
        for segment in self.segments:
            if isinstance(segment, Ready):
                for item in segment.items:
                    made.update(repr(astuple(item)).encode() if isinstance(item, Rejected) else item)
                    made.update(b"\n")
            else:
                made.update(f"{segment.file.name}\n".encode("utf-8", "backslashreplace"))
                for number, data in zip(segment.numbers, segment.data, strict=True):
                    made.update(b"%d " % number)
                    made.update(data)
                    made.update(b"\n")
        return made.hexdigest()


def _packed(item: Conversation | Rejected) -> bytes | Rejected:
    if isinstance(item, Rejected):
        return item
    kept = {key: printable(value) for key in KEPT if isinstance(value := item.metadata.get(key), str)}
    try:
        return item.model_copy(update={"metadata": kept}).model_dump_json().encode()
    except ValueError as error:  # of pydantic, for what was made without its checks
        reason = f"is no valid conversation: {printable(str(error))[:200]}"
        return Rejected(reason, kept.get("file"), printable(str(item.id))[:200])


@dataclass
class _Open:
    """A chunk that is being filled."""

    segments: list[Lines | Ready] = field(default_factory=list)
    count: int = 0
    weight: int = 0

    def add_line(self, line: Line) -> None:
        last = self.segments[-1] if self.segments else None
        if not isinstance(last, Lines) or last.file is not line.file:
            self.segments.append(last := Lines(line.file))
        last.numbers.append(line.number)
        last.records.append(line.record)
        last.data.append(line.data)

    def add(self, item: bytes | Rejected) -> None:
        last = self.segments[-1] if self.segments else None
        if not isinstance(last, Ready):
            self.segments.append(last := Ready())
        last.items.append(item)

    def closed(self, number: int, read: int) -> Chunk:
        return Chunk(number, tuple(self.segments), self.count, read)


def chunks(pieces: Iterable[Piece], most: int, watch: Watch | None = None) -> Iterator[Chunk]:
    """Chunks of up to ``most`` conversations, by the input alone; at least one, which may be empty."""
    look, number, chunk = watch or Watch(), 0, _Open()
    for piece in pieces:
        line = piece if isinstance(piece, Line) else None
        item = _packed(piece) if not isinstance(piece, Line) else b""
        weight = len(line.data) if line else len(item) if isinstance(item, bytes) else 0
        full = chunk.count >= min(most, _FIRST << min(number // _EVERY, 40)) or chunk.weight + weight > _HEAVIEST
        if chunk.count and full:
            yield chunk.closed(number, look.bytes)
            number, chunk = number + 1, _Open()
        chunk.count += 1
        chunk.weight += weight
        if line:
            chunk.add_line(line)
        else:
            chunk.add(item)
    if chunk.count or not number:
        yield chunk.closed(number, look.bytes)
