"""The folder of a batch: what is written whole and renamed, what is done, and whose it is.

While a run is under way, ``OUT/journal`` holds ``begun.json`` (what is being scored, with what), one small file for
each finished part, and what is being written. A part counts as done when its file in the journal is there, which
is written last. ``OUT/run.json`` is written when all parts are there; then the journal goes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import BatchError
from .data import RUN
from .tables import DATASETS

_BEGUN = "begun.json"
_LOCK = "lock"
_PART = re.compile(r"part-\d{6,}\.parquet")
KINDS = ("parquet", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a run is written; ``kind`` is parquet, csv or jsonl, ``datasets`` the names of what is written."""

    out: Path
    kind: str = "parquet"
    datasets: tuple[str, ...] = DATASETS

    @property
    def journal(self) -> Path:
        """What there is only while a run is under way."""
        return self.out / "journal"

    @property
    def parts(self) -> Path:
        """The folder above the datasets' parts; CSV and JSON lines are made of them at the end."""
        return self.out if self.kind == "parquet" else self.journal / "parts"

    def part(self, dataset: str, number: int) -> Path:
        """The file of one dataset's part."""
        return self.parts / dataset / f"{part_name(number)}.parquet"

    def begun(self) -> dict[str, Any] | None:
        """What the run under way says of itself, None if there is none. Raises BatchError if it can't be read."""
        return _json(self.journal / _BEGUN)

    def finished(self) -> dict[str, Any] | None:
        """What run.json says, None if there is none. Raises BatchError if it can't be read."""
        return _json(self.out / RUN)

    def done(self, number: int) -> dict[str, Any] | None:
        """What the journal says of a part, None unless all of its files are there in full length."""
        try:
            said = _json(self.journal / f"{part_name(number)}.json")
        except BatchError:
            return None
        if said is None or set(said["sizes"]) != set(self.datasets):
            return None
        for name, size in said["sizes"].items():
            try:
                if self.part(name, number).stat().st_size != size:
                    return None
            except FileNotFoundError:
                return None
        return said

    def begin(self, about: dict[str, Any]) -> None:
        """Make the folder this run's: from here on it is unfinished, and what a finished run left is removed."""
        before = self.finished()
        replaces = None if before is None else before.get("options", {}).get("as")
        with told(self.out):
            self.journal.mkdir(parents=True, exist_ok=True)
            self._clear(keep=(_LOCK,))
            write_json(self.journal / _BEGUN, {**about, "replaces": replaces}, self.journal)
            sync(self.journal)
            (self.out / RUN).unlink(missing_ok=True)
            sync(self.out)
        self.prepare(())

    def prepare(self, keep: Iterable[int]) -> None:
        """Make the datasets' folders, and remove parts and unfinished files but for those to keep."""
        kept = {part_name(number) for number in keep}
        replaces = (self.begun() or {}).get("replaces")
        with told(self.out):
            (self.out / RUN).unlink(missing_ok=True)
            self._clear(keep=(_LOCK, _BEGUN, "parts", *(f"{name}.json" for name in kept)))
            for name in DATASETS:
                for folder in {self.out / name, self.parts / name}:
                    for file in _parts(folder):
                        if folder.parent != self.parts or file.stem not in kept or name not in self.datasets:
                            file.unlink()
                    if folder.is_dir() and (folder.parent != self.parts or name not in self.datasets):
                        with contextlib.suppress(OSError):  # not empty: somebody keeps something of his own there
                            folder.rmdir()
                if replaces in ("csv", "jsonl"):
                    (self.out / f"{name}.{replaces}").unlink(missing_ok=True)
            for name in self.datasets:
                (self.parts / name).mkdir(parents=True, exist_ok=True)

    def _clear(self, keep: Iterable[str]) -> None:
        """Empty the journal but for these names."""
        names = set(keep)
        for path in self.journal.iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def numbers(self) -> list[int]:
        """The parts that the journal has, whole or not, in order."""
        found = [f.stem for f in self.journal.glob("part-*.json") if f.stem.removeprefix("part-").isdigit()]
        return sorted(int(stem.removeprefix("part-")) for stem in found)

    def foreign(self) -> str | None:
        """Something in the folder under a name of ours that no run accounts for."""
        if self.begun() is not None or self.finished() is not None:
            return None
        names = [*DATASETS, *(f"{name}.{kind}" for name in DATASETS for kind in KINDS)]
        for path in (self.out / name for name in names):
            if path.is_file() or (path.is_dir() and any(path.iterdir())):
                return path.name
        others = [f.name for f in self.journal.iterdir() if f.name != _LOCK] if self.journal.is_dir() else []
        return self.journal.name if others else None

    def publish(
        self, number: int, said: dict[str, Any], writers: Mapping[str, Callable[[BinaryIO], None]], threads: Executor
    ) -> dict[str, Any]:
        """Write a part: each file whole under another name, then renamed, and the journal's line last.

        ``threads`` wait for the disk, which takes the files of a part together. Of new names nobody makes sure here: a
        part of which one is missing after a power cut is not done.
        """
        unfinished: dict[str, Path] = {}
        with told(self.out):
            try:
                for name, write in writers.items():
                    place = self.journal / f"{part_name(number)}.{name}.{os.getpid()}"
                    unfinished[name] = place
                    with place.open("wb") as stream:
                        write(stream)
                list(threads.map(sync, unfinished.values()))
                sizes = {name: place.stat().st_size for name, place in unfinished.items()}
                for name, place in unfinished.items():
                    place.replace(self.part(name, number))
                whole = {**said, "sizes": sizes}
                write_json(self.journal / f"{part_name(number)}.json", whole, self.journal)
                return whole
            except BaseException:
                for place in unfinished.values():
                    with contextlib.suppress(OSError):
                        place.unlink(missing_ok=True)
                raise

    def finish(self, run: dict[str, Any]) -> None:
        """Say that the run is complete, and remove what was needed only until then."""
        with told(self.out):
            for name in self.datasets:
                sync(self.parts / name)
            write_json(self.out / RUN, run, self.journal)
            sync(self.out)
        self.tidy()

    def tidy(self) -> None:
        """Remove the journal of a complete run: the parts first, so that what is left never looks unfinished."""
        if self.journal.is_dir():
            shutil.rmtree(self.journal, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep another process out of the folder, where the system can. Raises BatchError if one is in it."""
        with told(self.out):
            self.journal.mkdir(parents=True, exist_ok=True)
            stream = (self.journal / _LOCK).open("wb")
        with stream:
            try:
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BatchError(f"{self.out}: another process is writing there") from error
            except (ImportError, OSError):
                pass  # not on this system or not on this disk
            try:
                yield
            finally:
                if not (self.journal / _BEGUN).exists():
                    shutil.rmtree(self.journal, ignore_errors=True)


def part_name(number: int) -> str:
    """``part-000007``."""
    return f"part-{number:06d}"


def _parts(folder: Path) -> list[Path]:
    return [f for f in folder.iterdir() if _PART.fullmatch(f.name)] if folder.is_dir() else []


def write_json(path: Path, value: dict[str, Any], by: Path) -> None:
    """Write a JSON file whole: under another name in the folder ``by``, then renamed."""
    unfinished = by / f"{path.name}.{os.getpid()}"
    with unfinished.open("wb") as stream:
        stream.write(json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n")
    sync(unfinished)
    unfinished.replace(path)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder (where the system allows that), written to disk."""
    if path.is_dir():
        with contextlib.suppress(OSError):
            _synced(path, os.O_RDONLY)
    else:
        _synced(path, os.O_RDWR)


def _synced(path: Path, flags: int) -> None:
    place = os.open(path, flags)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise BatchError(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BatchError(f"{path}: is no file of a batch")
    return found


@contextlib.contextmanager
def told(out: Path) -> Iterator[None]:
    """What the system says about writing becomes a BatchError that says how to go on."""
    try:
        yield
    except OSError as error:
        raise BatchError(
            f"{out}: cannot be written: {error.strerror or error}; nothing finished is lost, go on with --resume"
        ) from error
