"""Reading for a batch: the same conversations as :func:`read` gives, in pieces that others may parse.

Plain JSON lines come as lines, unparsed; everything else as conversations. Nothing is held but what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers import own_json
from servicequal.readers.api import caught, passed, printable_rejection, read_all, read_each
from servicequal.readers.own_json import LineFile
from servicequal.readers.registry import Options, detect, reader_named
from servicequal.readers.roles import Roles, RolesArgument
from servicequal.readers.source import PathArgument, Source, sources


class Line(NamedTuple):
    """One line with something in it; ``number`` counts lines and ``record`` such lines, both from 1."""

    file: LineFile
    number: int
    record: int
    data: bytes


Piece = Conversation | Rejected | Line


def read_line(file: LineFile, data: bytes, number: int, record: int) -> list[Conversation | Rejected]:
    """What one line holds. What a reader raises becomes a Rejected, as it does in :func:`read`."""
    try:
        found = file.read(data, number, record)
    except Exception as error:  # as for a whole file: one line cannot stop a batch
        reason = f"the reader failed: {type(error).__name__}: {str(error)[:200]}"
        found = [Rejected(reason, file.name, line=number, hint="please report this with the file's shape")]
    return [printable_rejection(item) if isinstance(item, Rejected) else item for item in found]


@dataclass
class Watch:
    """How far the reading is, in bytes of the files on disk: what is done, and the newest stream's place."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    done: int = 0
    _seen: set[str] = field(default_factory=set)
    _newest: Any = None

    @property
    def bytes(self) -> int:
        """Bytes read so far, about: of a member of a zip nothing is known until the zip is done."""
        try:
            return self.done + int(self._newest.tell() if self._newest is not None else 0)
        except (OSError, ValueError):
            return self.done

    def watched(self, source: Source) -> Source:
        """The source, its newest stream looked at."""

        def opener() -> BinaryIO:
            stream = source.opener()
            self._newest = stream if source.name == str(source.file) else None
            self._newest = getattr(self._newest, "fileobj", self._newest)  # of a .gz, the file below
            return stream

        return replace(source, opener=opener)

    def finished(self, source: Source) -> None:
        """Put a source's file down as read."""
        name = str(source.file)
        self._newest = None
        if name not in self._seen:
            self._seen.add(name)
            self.done += self.sizes.get(name, 0)


class Reading:
    """Paths and how to read them: the arguments of :func:`read`. Raises ReadError for wrong ones."""

    def __init__(
        self,
        path: PathArgument,
        format: str | None = None,
        roles: RolesArgument = None,
        infer_roles: bool = False,
        columns: Mapping[str, str | None] | None = None,
    ) -> None:
        self.path = path if isinstance(path, (str, PathLike)) else tuple(path)
        self.format = format
        self.columns = columns
        self.mapping = Roles.of(roles, infer_roles)
        self.reader = None if format is None else reader_named(format)

    def __iter__(self) -> Iterator[Conversation | Rejected]:
        """What :func:`read` gives with ``on_error="collect"``."""
        return read_all(self.path, self.reader, self.mapping, Options(self.columns))

    def files(self) -> list[Path]:
        """The files on disk that are read, in order, each once."""
        found: dict[Path, None] = {}
        for source in sources(self.path):
            if isinstance(source, Rejected):
                place = Path(source.source or "\0")
                if "\0" not in str(place) and place.is_file():
                    found[place] = None
            elif source.file is not None and (self.reader is not None or passed(source) is None):
                found[source.file] = None
        return list(found)

    def pieces(self, watch: Watch | None = None) -> Iterator[Piece]:
        """Conversations, rejections, and lines that :func:`read_line` makes into them, in the order of the input."""
        look = watch or Watch()

        def each(source: Source) -> Iterator[Piece]:
            def start() -> Iterator[Piece]:
                return self._of(look.watched(source))

            found: Iterator[Piece] = caught(start, source.name)
            yield from found
            look.finished(source)

        return read_each(self.path, self.reader, each)

    def _of(self, source: Source) -> Iterator[Piece]:
        reader = self.reader or detect(source)[0]
        lines = LineFile.of(source, self.mapping) if reader is own_json.READER else None
        if lines is None:
            yield from reader.run(source, self.mapping, Options(self.columns))
            return
        record = 0
        for number, data in source.byte_lines():
            if data[:1] == b"{" or data.decode("utf-8").strip():
                record += 1
                yield Line(lines, number, record, data)
