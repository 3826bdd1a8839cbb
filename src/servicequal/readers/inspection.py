"""What is in a path before anything is scored: formats, conversations, roles, times, problems."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from typing import TypeVar

from servicequal.conversation import Conversation, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.api import passed, printable_rejection, read_source
from servicequal.readers.inspection_text import described
from servicequal.readers.registry import Options, Reader, detect, reader_named
from servicequal.readers.roles import Roles, RolesArgument
from servicequal.readers.source import PathArgument, Source, sources

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: which format read it and why, and how much it held."""

    path: str
    format: str | None
    title: str | None
    why: str
    conversations: int
    turns: int


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What a file calls a speaker, the role that it became, and on how many turns."""

    label: str
    role: Role
    turns: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """The report of :func:`inspect`. Counts are (name, number) pairs, most frequent first.

    ``roles`` and ``kinds`` count turns, ``channels`` and ``time_units`` conversations; ``speakers``
    are (role, speaker id, turns); ``inferred`` are roles that no file states, with the reason, by
    conversations; ``skipped`` are (path, reason); ``without_times`` counts conversations with no
    times at all; ``command`` scores what was inspected. ``str`` of it is the whole report in words.
    """

    files: tuple[FileReport, ...]
    conversations: int
    turns: int
    roles: tuple[tuple[str, int], ...]
    labels: tuple[LabelReport, ...]
    speakers: tuple[tuple[str, str, int], ...]
    inferred: tuple[tuple[str, int], ...]
    channels: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[str, int], ...]
    time_units: tuple[tuple[str, int], ...]
    without_times: int
    duplicate_ids: tuple[str, ...]
    warnings: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, str], ...]
    rejected: tuple[Rejected, ...]
    command: str

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats found, sorted."""
        return tuple(sorted({file.format for file in self.files if file.format}))

    def __str__(self) -> str:
        return described(self)


@dataclass(slots=True)
class _Tally:
    """Counts that grow while files are read."""

    roles: Counter[str] = field(default_factory=Counter)
    speakers: Counter[tuple[str, str]] = field(default_factory=Counter)
    inferred: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    time_units: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    without_times: int = 0

    def add(self, conversation: Conversation) -> None:
        turns = conversation.turns
        self.roles.update(turn.speaker for turn in turns)
        self.kinds.update(turn.kind for turn in turns)
        self.speakers.update((turn.speaker, turn.speaker_id) for turn in turns if turn.speaker_id)
        self.channels[conversation.channel or "not said"] += 1
        self.ids[conversation.id] += 1
        if all(turn.start is None for turn in turns):
            self.without_times += 1
        else:
            self.time_units[str(conversation.metadata.get("time_unit", "seconds"))] += 1
        marks = conversation.metadata.get("roles_inferred")
        for who, mark in marks.items() if isinstance(marks, dict) else ():
            said = mark if isinstance(mark, dict) else {}
            self.inferred[f"{who}: {said.get('role')}, {said.get('reason')}"] += 1
        warnings = conversation.metadata.get("warnings", ())
        self.warnings.update(map(str, warnings if isinstance(warnings, (list, tuple)) else ()))


def inspect(
    path: PathArgument,
    format: str | None = None,
    roles: RolesArgument = None,
    infer_roles: bool = False,
    *,
    columns: Mapping[str, str | None] | None = None,
) -> Inspection:
    """Read everything behind a path and say what it is; the arguments are those of ``read``.

    Nothing that is wrong with a file raises: it is in ``rejected``. Raises ReadError only for a
    ``format`` or role map that does not exist.
    """
    labels: Counter[tuple[str, Role]] = Counter()
    mapping = replace(Roles.of(roles, infer_roles), seen=labels)
    named = None if format is None else reader_named(format)
    tally, files, skipped, rejected = _Tally(), [], [], []
    for source in sources(path):
        if isinstance(source, Rejected):
            rejected.append(source)
        elif (why := passed(source)) is not None and named is None:
            skipped.append((source.name, why))
        else:
            files.append(_file(source, named, mapping, Options(columns), tally, rejected))
    return Inspection(
        files=tuple(files),
        conversations=sum(file.conversations for file in files),
        turns=sum(file.turns for file in files),
        roles=_most(tally.roles),
        labels=tuple(LabelReport(label, role, n) for (label, role), n in _most(labels)),
        speakers=tuple((role, who, n) for (role, who), n in _most(tally.speakers)),
        inferred=_most(tally.inferred),
        channels=_most(tally.channels),
        kinds=_most(tally.kinds),
        time_units=_most(tally.time_units),
        without_times=tally.without_times,
        duplicate_ids=tuple(sorted(name for name, n in tally.ids.items() if n > 1)),
        warnings=_most(tally.warnings),
        skipped=tuple(skipped),
        rejected=tuple(rejected),
        command=_command(path, format, roles, infer_roles, columns),
    )


def _file(
    source: Source,
    named: Reader | None,
    roles: Roles,
    options: Options,
    tally: _Tally,
    rejected: list[Rejected],
) -> FileReport:
    reader, why = named, "named by format="
    if reader is None:
        try:
            reader, sniff = detect(source)
            why = sniff.why
        except ReadError as error:
            rejected.append(printable_rejection(error.rejected))
            return FileReport(source.name, None, None, rejected[-1].reason, 0, 0)
    if options.columns and not reader.takes_columns:
        why = f"{why}; columns= is for tables and is not used here"
    conversations = turns = 0
    for item in read_source(source, reader, roles, options):
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        conversations += 1
        turns += len(item.turns)
        tally.add(item)
    return FileReport(source.name, reader.name, reader.title, why, conversations, turns)


def _most(counts: Counter[T]) -> tuple[tuple[T, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def _command(
    path: PathArgument,
    format: str | None,
    roles: RolesArgument,
    infer: bool,
    columns: Mapping[str, str | None] | None,
) -> str:
    paths = [fspath(path)] if isinstance(path, (str, PathLike)) else [fspath(one) for one in path]
    words = ["servicequal", "score", *paths]
    if format is not None:
        words += ["--format", format]
    if isinstance(roles, (str, PathLike)):
        words += ["--roles", fspath(roles)]
    elif roles:
        pairs = [f"{label}={role}" for label, role in roles.items()]
        sayable = not any("," in pair or pair.count("=") > 1 for pair in pairs)
        words += ["--roles", ",".join(pairs) if sayable else "roles.csv"]
    words += ["--infer-roles"] if infer else []
    for field_name, column in (columns or {}).items():
        words += ["--columns", f"{field_name}={column or ''}"]
    return shlex.join(words)
