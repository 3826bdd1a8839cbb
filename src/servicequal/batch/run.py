"""Scoring any number of conversations to disk: bounded memory, in order, and nothing lost when it is interrupted."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

from .._version import __version__
from ..conversation import Conversation
from ..errors import BatchError, Rejected
from ..pool import Pool, result_of
from ..readers.bulk import Piece, Reading, Watch
from ..readers.draft import printable
from ..scorer import Scorer
from ..scoring import Scorecard
from .chunks import CONVERSATIONS, Chunk, chunks
from .data import SCHEMA_VERSION, RunData, open_run
from .export import export
from .files import KINDS, Folder
from .tables import DATASETS
from .work import Job, Summary, worker

Source = Iterable[Conversation | Rejected] | Reading | str | PathLike[str]
_REFUSED = 20
_TOTALS = ("conversations", "scored", "rejected", "turns")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: conversations so far, of them rejected, turns; bytes read, and bytes in all (0 if unknown)."""

    conversations: int = 0
    rejected: int = 0
    turns: int = 0
    bytes: int = 0
    all_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: where it is, and its totals. ``conversations`` is ``scored`` and ``rejected`` together.

    ``skipped`` conversations were there already, from before an interruption. ``shown`` are the first scorecards
    with their conversations, as many as were asked for, and ``refused`` the first 20 rejections.
    """

    out: Path
    conversations: int
    scored: int
    rejected: int
    turns: int
    skipped: int = 0
    shown: tuple[tuple[Scorecard, Conversation | None], ...] = ()
    refused: tuple[Rejected, ...] = ()

    def open(self) -> RunData:
        """The run for reading, see :func:`open_run`."""
        return open_run(self.out)


def score_to(
    conversations: Source,
    out: str | PathLike[str],
    scorer: Scorer | None = None,
    workers: int = 1,
    chunk: int = CONVERSATIONS,
    resume: bool = False,
    turns: bool = True,
    *,
    kind: str = "parquet",
    show: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Score conversations into a folder of datasets, in bounded memory, and say how many there were.

    ``conversations`` is what :func:`servicequal.read` gives, or a path, or a ``Reading`` of paths. With paths the lines
    of JSON-lines files are parsed by the workers. ``chunk`` is the most conversations that a part holds. ``kind``
    is parquet, csv or jsonl; ``turns=False`` leaves the transcripts out. ``show`` is how many scorecards to
    give back (-1: all), ``progress`` is called after every part.

    A run that was interrupted is continued with ``resume=True``: finished parts are kept, and at the end every file is
    as if it had not been interrupted. A finished run is replaced, an unfinished one is not. Raises BatchError for
    a folder that holds an unfinished or somebody else's data, for other input, rules or options than those that the run
    was begun with, and where writing fails; what ``conversations`` raises is passed on.
    """
    if chunk < 1 or workers < 1:
        raise ValueError("chunk and workers are 1 or more")
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, not {kind!r}")
    folder = Folder(Path(out), kind, DATASETS if turns else DATASETS[:-1])
    source = Reading(conversations) if isinstance(conversations, (str, PathLike)) else conversations
    use = scorer or Scorer()
    if folder.out.exists() and not folder.out.is_dir():
        raise BatchError(f"{out}: is a file; name a folder")
    if (found := folder.foreign()) is not None:
        raise BatchError(f"{out}: holds {found!r}, which no run of servicequal wrote; name another folder")
    with folder.locked():
        inputs = Inputs(source.files() if isinstance(source, Reading) else ())
        about = _about(source, use, folder, chunk)
        whole = _settled(folder, about, inputs, resume)
        batch = _Batch(folder, {**about, "inputs": inputs.described()}, inputs, progress)
        if whole is not None and isinstance(source, Reading):
            folder.tidy()
            return batch.result(whole, show, skipped=whole["totals"]["conversations"])
        if whole is not None:
            batch.compare(source, whole, chunk)
            folder.tidy()
            return batch.result(whole, show, skipped=whole["totals"]["conversations"])
        batch.score(source, use, workers, chunk)
        return batch.finish(show)


class Inputs:
    """The files that are read, as they are now; of one that can't be read (it will be rejected), that it can't."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = tuple(files)
        self._stat = [_stat(file) for file in self.files]
        self._hashes: list[str | None] = []

    def sizes(self) -> dict[str, int]:
        """Bytes of each file by its name."""
        return {str(file): size or 0 for file, (size, _) in zip(self.files, self._stat, strict=True)}

    def described(self, hashed: bool = True) -> list[dict[str, Any]]:
        """Path, bytes and, unless only a cheap look is wanted, SHA-256 of each file."""
        about = [
            {"path": printable(str(f)), "bytes": size} for f, (size, _) in zip(self.files, self._stat, strict=True)
        ]
        if not hashed:
            return about
        self._hashes = self._hashes or [_sha256(file) for file in self.files]
        return [{**one, "sha256": sha256} for one, sha256 in zip(about, self._hashes, strict=True)]

    def check_unchanged(self) -> None:
        """Raises BatchError for a file that has been written to since it was looked at."""
        for file, before in zip(self.files, self._stat, strict=True):
            if _stat(file) != before:
                raise BatchError(f"{file}: was changed while it was being scored; score again into another folder")


def _stat(file: Path) -> tuple[int | None, int]:
    try:
        found = file.stat()
    except OSError:
        return None, 0
    return found.st_size, found.st_mtime_ns


def _sha256(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def _about(source: Source, scorer: Scorer, folder: Folder, chunk: int) -> dict[str, Any]:
    """What a run is of beside its input: the same for two runs that write the same bytes."""
    import pyarrow

    how: dict[str, Any] = {"as": folder.kind, "turns": "turns" in folder.datasets, "chunk": chunk}
    if isinstance(source, Reading):
        how |= {
            "format": source.format,
            "roles": dict(source.mapping.own),
            "infer_roles": source.mapping.infer,
            "columns": dict(source.columns or {}),
        }
    return {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        "fingerprint": asdict(scorer.fingerprint),
        "options": how,
        "pyarrow": pyarrow.__version__,
    }


def _settled(folder: Folder, about: dict[str, Any], inputs: Inputs, resume: bool) -> dict[str, Any] | None:
    """The finished run that there is nothing to do for, or None with the folder made ready to write to.

    Raises BatchError where the folder holds what must not be replaced or continued.
    """
    begun, run = folder.begun(), folder.finished()
    whole = run is not None and (begun is None or all(begun.get(k) == run.get(k) for k in _SAME))
    before = run if whole else begun
    if before is not None and not resume and not whole:
        raise BatchError(
            f"{folder.out}: holds a run that is not finished; go on with it (--resume), or remove the folder"
        )
    if before is None or not resume:
        folder.begin({**about, "inputs": inputs.described()})
        return None
    _check_same(folder.out, before, {**about, "inputs": inputs.described(hashed=False)})
    _check_same(folder.out, before, {**about, "inputs": inputs.described()})
    if whole:
        return run
    folder.prepare(number for number in folder.numbers() if folder.done(number) is not None)
    return None


_SAME = ("version", "fingerprint", "options", "inputs")


def _check_same(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises BatchError that says what differs between a run and the one that would go on with it."""
    for key, said in (("version", "servicequal"), ("pyarrow", "pyarrow")):
        if key in before and before[key] != now[key]:
            raise _other(out, f"with {said} {before[key]}, this is {now[key]}")
    for key, said in (("fingerprint", "rules or models"), ("options", "options")):
        for name in {**before[key], **now[key]}:
            then, here = before[key].get(name), now[key].get(name)
            if then != here:
                raise _other(out, f"with other {said}: {name} was {_short(then)}, is {_short(here)}")
    then, here = ({one["path"]: one for one in about["inputs"]} for about in (before, now))
    for path in {**then, **here}:
        if path not in then or path not in here:
            raise _other(out, f"on other input: {path} {'is new' if path in here else 'is missing now'}")
        if any(then[path].get(key) != value for key, value in here[path].items()):
            raise _other(out, f"on other input: {path} has changed")
    if list(then) != list(here):
        raise _other(out, "on the same files in another order")


def _short(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 60 else repr(value)[:60] + "…"


def _other(out: Path, how: str) -> BatchError:
    return BatchError(f"{out}: the run there was begun {how}; it can't be gone on with, name another folder")


class _Batch:
    """A run under way: parts in order, and the sums of what they say."""

    def __init__(
        self, folder: Folder, about: dict[str, Any], inputs: Inputs, progress: Callable[[Progress], None] | None
    ) -> None:
        self.folder = folder
        self.about = {key: value for key, value in about.items() if key != "pyarrow"}
        self.inputs = inputs
        self.parts: list[Summary] = []
        self.totals = dict.fromkeys(_TOTALS, 0)
        self.skipped = 0
        self._all_bytes = sum(inputs.sizes().values())
        self._tell = progress or (lambda _: None)
        self._waiting: deque[tuple[Chunk, Future[Summary], int]] = deque()
        self._expected = 0

    def _chunks(self, source: Iterable[Conversation | Rejected] | Reading, most: int) -> Iterator[Chunk]:
        watch = Watch(self.inputs.sizes())
        pieces: Iterable[Piece] = source.pieces(watch) if isinstance(source, Reading) else source
        return chunks(pieces, most, watch)

    def score(
        self, source: Iterable[Conversation | Rejected] | Reading, scorer: Scorer, workers: int, most: int
    ) -> None:
        """Score every chunk that is not done, a bounded number of them at a time."""
        coming = self._chunks(source, most)
        head = list(islice(coming, 2))
        with Pool(partial(worker, scorer, self.folder), workers if len(head) > 1 else 1) as pool:
            for chunk in chain(head, coming):
                self._begin(pool, chunk)
                while len(self._waiting) > pool.ahead:
                    self._end(pool)
            while self._waiting:
                self._end(pool)

    def _begin(self, pool: Pool[Job, Summary], chunk: Chunk) -> None:
        """Have a chunk scored at the position that it should begin at, unless its part is there."""
        said = self.folder.done(chunk.number)
        if said is None or said["position"] != self._expected:
            future = pool.submit(Job(chunk, self._expected))
            count = chunk.count
        else:
            if said["digest"] != chunk.digest():
                raise _other(self.folder.out, f"on other input: from conversation {said['position']} on it has changed")
            future = Future()
            future.set_result(said)
            count = said["conversations"]
            self.skipped += count
        self._expected += count
        self._waiting.append((chunk, future, count))

    def _end(self, pool: Pool[Job, Summary]) -> None:
        """Take the part that is next. After a line that holds several conversations others were begun too early."""
        chunk, future, _ = self._waiting.popleft()
        said = result_of(future)
        if said["position"] != self.totals["conversations"]:
            said = result_of(pool.submit(Job(chunk, self.totals["conversations"])))
        for name in _TOTALS:
            self.totals[name] += said[name]
        self._expected = self.totals["conversations"] + sum(count for _, _, count in self._waiting)
        self.parts.append({key: value for key, value in said.items() if key != "sizes"})
        done = {name: self.totals[name] for name in ("conversations", "rejected", "turns")}
        self._tell(Progress(**done, bytes=chunk.read, all_bytes=self._all_bytes))

    def finish(self, show: int) -> Run:
        """Check that nothing is missing, write what is written of all parts together, and say that it is done."""
        self.inputs.check_unchanged()
        self._check_rows()
        self.folder.prepare(range(len(self.parts)))
        run = {**self.about, "totals": dict(self.totals), "parts": self.parts}
        result = self.result(run, show, self.skipped)
        if self.folder.kind != "parquet":
            export(self.folder, range(len(self.parts)))
        self.folder.finish(run)
        return result

    def _check_rows(self) -> None:
        import pyarrow.parquet as pq

        for number, part in enumerate(self.parts):
            rows = {n: pq.read_metadata(self.folder.part(n, number)).num_rows for n in ("scores", "rejected")}
            if (rows["scores"], rows["rejected"], sum(rows.values())) != tuple(
                part[name] for name in ("scored", "rejected", "conversations")
            ):
                raise BatchError(f"{self.folder.out}: {part['part']} holds {rows}, not what it says; remove the folder")

    def compare(self, source: Iterable[Conversation | Rejected] | Reading, run: dict[str, Any], most: int) -> None:
        """Raises BatchError unless the conversations are those of a finished run."""
        now = [chunk.digest() for chunk in self._chunks(source, most)]
        if now != [part["digest"] for part in run["parts"]]:
            raise _other(self.folder.out, "on other conversations")

    def result(self, run: dict[str, Any], show: int, skipped: int) -> Run:
        """What there is to tell of a run whose parts are all there."""
        data = RunData(self.folder.parts, run)
        totals = {name: run["totals"][name] for name in _TOTALS}
        there = show and self.folder.parts.is_dir()  # CSV is made of parts that are gone afterwards
        shown = data.first(totals["scored"] if show < 0 else show) if there else ()
        refused = data.refused(_REFUSED) if self.folder.parts.is_dir() else ()
        return Run(self.folder.out, **totals, skipped=skipped, shown=shown, refused=refused)
