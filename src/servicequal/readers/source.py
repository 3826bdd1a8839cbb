"""Where bytes come from: files, folders, globs, ``.gz`` and ``.zip``, and how they become text.

A :class:`Source` can be opened as often as a reader likes; nothing is kept open or held whole.
"""

from __future__ import annotations

import codecs
import glob
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO, cast

from servicequal.errors import ReadError, Rejected

PathArgument = str | PathLike[str] | Iterable[str | PathLike[str]]
HEAD = 65536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    RuntimeError,
    UnicodeError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes become text, and the warning that goes with it."""

    name: str
    errors: str = "strict"
    warning: str | None = None


@dataclass(frozen=True)
class Source:
    """One file, or one member of a zip: its name for messages and a way to open it anew.

    ``chosen`` is True where the caller named the file itself; such a file is never skipped. ``file`` is
    the file on disk, the zip of a member.
    """

    name: str
    opener: Callable[[], BinaryIO]
    chosen: bool = True
    file: Path | None = None

    @property
    def path(self) -> PurePosixPath:
        """The inner path, without ``.gz`` and without the zip around it."""
        inner = PurePosixPath(self.name.rpartition("!")[2].replace("\\", "/"))
        return inner.with_suffix("") if inner.suffix.lower() == ".gz" else inner

    @cached_property
    def suffix(self) -> str:
        """The extension in lower case: ``.jsonl`` of ``calls.JSONL.gz``."""
        return self.path.suffix.lower()

    @property
    def stem(self) -> str:
        """The file name without folder and extension: the id of a file with one conversation."""
        return self.path.stem.encode("utf-8", "backslashreplace").decode() or "conversation"

    def fail(self, reason: str, hint: str | None = None, line: int | None = None) -> ReadError:
        """A ReadError about this file, to be raised."""
        return ReadError(Rejected(reason, self.name, line=line, hint=hint))

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the operating system, gzip and zip throw into a ReadError about this file."""
        try:
            yield
        except ReadError:
            raise
        except FileNotFoundError as error:
            raise self.fail("there is no such file") from error
        except _FOREIGN as error:
            raise self.fail(f"cannot be opened or unpacked: {_said(error)}") from error

    def chunks(self) -> Iterator[bytes]:
        """The raw bytes, a mebibyte at a time. Raises ReadError."""
        with self.guarded(), self.opener() as stream:
            while block := stream.read(1 << 20):
                yield block

    @cached_property
    def raw_head(self) -> bytes:
        """The first 64 KiB. Raises ReadError."""
        with self.guarded(), self.opener() as stream:
            return stream.read(HEAD)

    @cached_property
    def encoding(self) -> Encoding:
        """UTF-8 or UTF-16/32 by BOM, UTF-8 if all of it is, else cp1252 with a warning.

        A file that is UTF-8 apart from a few bytes keeps those as lone surrogates, so that only
        the conversations that hold them are rejected. Raises ReadError for binary files.
        """
        head = self.raw_head
        for bom, name in _BOMS:
            if head.startswith(bom):
                return Encoding(name, "surrogateescape" if name == "utf-8-sig" else "strict")
        if b"\0" in head:
            raise self.fail("is no text file", "UTF-16 needs a byte order mark; save it as UTF-8")
        valid, non_ascii = self._utf8()
        if valid:
            return Encoding("utf-8")
        if non_ascii:
            return Encoding("utf-8", "surrogateescape", "some bytes are not UTF-8")
        return Encoding("cp1252", "strict", "not UTF-8: read as cp1252 (Windows)")

    def _utf8(self) -> tuple[bool, bool]:
        """Whether all bytes are UTF-8, and whether any valid multi-byte character is among them."""
        strict = codecs.getincrementaldecoder("utf-8")("strict")
        ascii_so_far = True
        try:
            for block in self.chunks():
                ascii_so_far = strict.decode(block).isascii() and ascii_so_far
            strict.decode(b"", final=True)
        except UnicodeDecodeError:
            loose = codecs.getincrementaldecoder("utf-8")("ignore")
            return False, any(not loose.decode(block).isascii() for block in self.chunks())
        return True, not ascii_so_far

    @contextmanager
    def text_stream(self, newline: str | None = None) -> Iterator[TextIO]:
        """The file as decoded text. Raises ReadError."""
        encoding = self.encoding
        with self.guarded(), self.opener() as stream:
            yield io.TextIOWrapper(stream, encoding.name, encoding.errors, newline=newline)

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number from 1, text without line end) of every line. Raises ReadError."""
        with self.text_stream() as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.rstrip("\n")

    def byte_lines(self) -> Iterator[tuple[int, bytes]]:
        """(number from 1, bytes without line end) of every line of a UTF-8 file, as :meth:`lines` numbers them."""
        number = 0
        with self.guarded(), self.opener() as stream:
            for line in stream:
                parts = [line[:-1] if line.endswith(b"\n") else line]
                if b"\r" in line:
                    parts = line.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
                for part in parts:
                    number += 1
                    yield number, part

    def text(self) -> str:
        """The whole file as text with ``\\n`` line ends. Raises ReadError."""
        with self.text_stream() as stream:
            return stream.read()

    @cached_property
    def head(self) -> str:
        """The first 64 Ki characters as text. Raises ReadError."""
        with self.text_stream() as stream:
            return stream.read(HEAD)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reading of the bytes has to say about every conversation of this file."""
        return (self.encoding.warning,) if self.encoding.warning else ()


def _said(error: BaseException) -> str:
    return str(error).strip()[:200] or type(error).__name__


def sources(path: PathArgument) -> Iterator[Source | Rejected]:
    """Every file behind a path, folder, glob or list of them, in sorted order; zips are opened.

    A path that leads nowhere or a broken zip comes as Rejected, in place.
    """
    if isinstance(path, (str, PathLike)):
        yield from _expanded(fspath(path))
        return
    for one in path:
        yield from _expanded(fspath(one))


def _expanded(path: str) -> Iterator[Source | Rejected]:
    place = Path(path)
    try:
        if "\0" in path:
            raise ValueError("it holds a NUL character")
        folder, present = place.is_dir(), place.exists()
    except (OSError, ValueError) as error:
        yield Rejected(f"is no usable path: {_said(error)}", path[:200])
        return
    if folder:
        files = [file for file in _walk(place) if file.is_file()]
        if not files:
            yield Rejected("the folder holds no files", path)
        for file in files:
            yield from _unzipped(file, chosen=False)
    elif not present and any(mark in path for mark in "*?["):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207  (absolute patterns)
        if not matches:
            yield Rejected("no file matches", path)
        for match in matches:
            yield from _expanded(match)
    else:
        yield from _unzipped(place, chosen=True)


def _walk(folder: Path) -> list[Path]:
    """Files below a folder, sorted; hidden ones and archive litter are passed over."""
    return sorted(
        file for file in folder.rglob("*") if not any(_litter(part) for part in file.relative_to(folder).parts)
    )


def _litter(part: str) -> bool:
    return part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _unzipped(file: Path, chosen: bool) -> Iterator[Source | Rejected]:
    if file.suffix.lower() == ".gz":
        yield Source(str(file), lambda: cast(BinaryIO, gzip.GzipFile(file, "rb")), chosen, file)
        return
    if file.suffix.lower() != ".zip":
        yield Source(str(file), lambda: file.open("rb"), chosen, file)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            members = sorted({info.filename for info in archive.infolist() if not info.is_dir()})
    except FileNotFoundError:
        yield Rejected("there is no such file", str(file))
        return
    except (*_FOREIGN, ValueError) as error:
        yield Rejected(f"is no readable zip file: {_said(error)}", str(file))
        return
    for member in members:
        if not any(_litter(part) for part in PurePosixPath(member).parts):
            yield Source(f"{file}!{member}", _member(file, member), chosen and len(members) == 1, file)


def _member(file: Path, member: str) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        with zipfile.ZipFile(file) as archive:
            stream = archive.open(member)
            if member.lower().endswith(".gz"):
                return cast(BinaryIO, gzip.open(stream, "rb"))
            return cast(BinaryIO, stream)

    return opened
