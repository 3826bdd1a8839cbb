"""Reading paths and DataFrames: the way in for everything that becomes a Conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import printable
from servicequal.readers.registry import Options, Reader, detect, reader_named, readers, verdicts
from servicequal.readers.roles import Roles, RolesArgument
from servicequal.readers.sample import Sample
from servicequal.readers.source import PathArgument, Source, sources

if TYPE_CHECKING:
    import pandas as pd

    from servicequal.readers.layout import Row

OnError = Literal["raise", "collect"]
T = TypeVar("T")


def read(
    path: PathArgument,
    format: str | None = None,
    roles: RolesArgument = None,
    infer_roles: bool = False,
    on_error: OnError = "raise",
    *,
    columns: Mapping[str, str | None] | None = None,
) -> Iterator[Conversation | Rejected]:
    """Read conversations from a file, a folder, a glob, or a list of these, one at a time.

    Folders are read recursively in sorted order, ``.gz`` and ``.zip`` are read through; in a folder
    or zip, files whose extension no format has are passed over (``inspect`` lists them), and web pages. ``format``
    names a reader instead of detecting one. ``roles`` maps the file's labels, names, ids or channels
    to ``agent``, ``customer``, ``bot``, ``system`` or ``unknown``: a dict, or a CSV file of label and
    role; ``"*"`` stands for everybody left over. ``infer_roles`` fills in unknown roles where the
    words leave no doubt and marks them. ``columns`` maps our field names to a table's columns where
    they have unusual names: ``{"text": "utt_txt"}``; a field mapped to None is left out.

    With ``on_error="raise"`` the first thing that cannot be read raises ReadError, with file, line
    and what to do. With ``"collect"`` it comes as a Rejected, in its place, and the rest is read.
    """
    _check_on_error(on_error)
    mapping = Roles.of(roles, infer_roles)
    reader = None if format is None else reader_named(format)
    return _raising(read_all(path, reader, mapping, Options(columns)), on_error)


def from_frame(
    df: pd.DataFrame,
    columns: Mapping[str, str | None] | None = None,
    roles: RolesArgument = None,
    on_error: OnError = "raise",
    *,
    infer_roles: bool = False,
) -> Iterator[Conversation | Rejected]:
    """Conversations of a DataFrame: one row per turn, or one per conversation with a transcript cell.

    ``columns`` maps our field names (``id``, ``text``, ``speaker``, ``start``, …) to the frame's
    columns where they have unusual names; ``roles`` and ``on_error`` are as in :func:`read`. In
    errors, ``line`` is the number of the row from 1. Raises ReadError for a frame without words.
    """
    from servicequal.readers.layout import Row, Table  # here, so that importing servicequal stays quick
    from servicequal.readers.table import conversations

    _check_on_error(on_error)
    mapping = Roles.of(roles, infer_roles)
    names = tuple(str(name) for name in df.columns)

    def rows() -> Iterator[Row | Rejected]:
        for number, cells in enumerate(df.itertuples(index=False, name=None), start=1):
            yield Row(number, [_plain(cell) for cell in cells])

    table = Table(names, rows, None, "frame", "frame")
    return _raising(caught(lambda: conversations(table, columns, mapping), None), on_error)


def _check_on_error(on_error: str) -> None:
    if on_error not in ("raise", "collect"):
        raise ValueError(f'on_error is "raise" or "collect", not {on_error!r}')


def _plain(cell: Any) -> Any:
    """A pandas or numpy scalar as plain Python; NaT, NA as NaN, timestamps as datetimes."""
    if cell is None or (isinstance(cell, (str, bool, int, float, list, dict)) and type(cell).__module__ == "builtins"):
        return cell
    if type(cell).__name__ in ("NaTType", "NAType"):
        return float("nan")
    for method in ("to_pydatetime", "to_pytimedelta", "tolist"):
        if hasattr(cell, method):
            return getattr(cell, method)()
    return cell


def _raising(found: Iterable[Conversation | Rejected], on_error: OnError) -> Iterator[Conversation | Rejected]:
    for item in found:
        if isinstance(item, Rejected) and on_error == "raise":
            raise ReadError(item)
        yield item


def read_all(
    path: PathArgument, reader: Reader | None, roles: Roles, options: Options
) -> Iterator[Conversation | Rejected]:
    """Everything behind a path, what is wrong with it as Rejected, in place."""
    return read_each(path, reader, lambda source: read_source(source, reader, roles, options))


def read_each(
    path: PathArgument, reader: Reader | None, each: Callable[[Source], Iterator[T]]
) -> Iterator[T | Rejected]:
    """What ``each`` gives for every source behind a path that is not passed over."""
    read_any, passed_over = False, 0
    for source in sources(path):
        if isinstance(source, Rejected):
            read_any = True
            yield source
        elif passed(source) is not None and reader is None:
            passed_over += 1
        else:
            read_any = True
            yield from each(source)
    if not read_any:
        raise_hint = f"{passed_over} file(s) were passed over, as inspect tells; name one with format="
        yield Rejected("there is nothing to read", str(path)[:200], hint=raise_hint if passed_over else None)


def passed(source: Source) -> str | None:
    """Why a file of a folder or zip is not read, or None if it is. Chosen files always are."""
    having = [reader for reader in readers() if source.suffix in reader.extensions]
    if source.chosen or not all(reader.picky for reader in having):
        return None
    if not having:
        return f"no format has the extension {source.suffix or '(none)'!r}"
    try:
        best = verdicts(Sample.of(source))[0][1]
    except ReadError:
        return None
    return None if best.fit else f"another {source.suffix!r} file: it fits no format"


def read_source(
    source: Source, reader: Reader | None, roles: Roles, options: Options
) -> Iterator[Conversation | Rejected]:
    """Read one source, everything that is wrong with it as Rejected, in place."""
    return caught(lambda: (reader or detect(source)[0]).run(source, roles, options), source.name)


def caught(start: Callable[[], Iterable[T | Rejected]], name: str | None) -> Iterator[T | Rejected]:
    """What a reader yields; what it raises becomes a last Rejected. A foreign exception is a bug of
    the reader: it is rejected with its type, so that one file cannot stop a batch."""
    try:
        for item in start():
            yield printable_rejection(item) if isinstance(item, Rejected) else item
    except ReadError as error:
        yield printable_rejection(error.rejected)
    except Exception as error:  # the boundary to readers of other packages
        reason = f"the reader failed: {type(error).__name__}: {str(error)[:200]}"
        hint = "please report this with the file's shape"
        yield printable_rejection(Rejected(reason, name, hint=hint))


def printable_rejection(rejected: Rejected) -> Rejected:
    """The rejection with undecodable characters (of a cell, a file name) made visible."""
    texts = {"reason": rejected.reason, "source": rejected.source, "hint": rejected.hint}
    texts |= {"column": rejected.column, "conversation_id": rejected.conversation_id}
    return replace(rejected, **{name: printable(text) for name, text in texts.items() if text})  # type: ignore[arg-type]


def to_jsonl(conversations: Iterable[Conversation], path: str | Path) -> int:
    """Write conversations as servicequal's own JSON lines; returns how many.

    One ``Conversation.model_dump_json()`` a line, UTF-8, read back by :func:`read` exactly as it
    was. Raises TypeError for anything that is no Conversation.
    """
    count = 0
    with Path(path).open("w", encoding="utf-8", newline="\n") as stream:
        for conversation in conversations:
            if not isinstance(conversation, Conversation):
                raise TypeError(f"to_jsonl writes conversations, not {type(conversation).__name__}")
            stream.write(conversation.model_dump_json() + "\n")
            count += 1
    return count
