"""Customer Support on Twitter (``twcs.csv``): reply threads, streamed.

A conversation is a whole thread: a tweet that answers nothing in the file, and all replies below it,
in time order. Where a thread branches, its branches are interleaved by time and a warning says so;
``speaker_id`` tells the writers apart. In memory are three numbers a tweet and the threads that are
still open.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any

from servicequal.conversation import Conversation, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.columns import TABLE_SUFFIXES
from servicequal.readers.delimited import table_of
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.grouping import without_float
from servicequal.readers.layout import Row, Table
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.threads import Reply, branches, in_order
from servicequal.readers.times import Moment, moment, of_datetime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NEEDED = ("tweet_id", "author_id", "inbound", "text", "in_response_to_tweet_id")
_NOBODY = -1
_LARGEST = 2**62
_MONTHS = {
    name: i
    for i, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1
    )
}
_ROLES: dict[str, Role] = {"true": "customer", "1": "customer", "false": "agent", "0": "agent"}


@dataclass(frozen=True, slots=True)
class _Tweet:
    """One row: ids as numbers, the rest as the file has it."""

    id: int
    parent: int
    author: str
    inbound: str
    text: Any
    created: Any
    line: int


def sniff(sample: Sample) -> Sniff:
    """A signature for the columns of twcs, whatever stands beside them."""
    if set(_NEEDED) <= set(sample.columns):
        return Sniff(Fit.SIGNATURE, "twcs: tweets with in_response_to_tweet_id")
    return Sniff(Fit.NO)


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """The threads of the file, each when its last tweet has been seen."""
    table = table_of(source)
    if missing := [name for name in _NEEDED if name not in table.columns]:
        raise source.fail(f"columns are missing: {', '.join(missing)}", line=1)
    ids, parents = array("q"), array("q")
    for tweet in _tweets(table):
        if isinstance(tweet, _Tweet):
            ids.append(tweet.id)
            parents.append(tweet.parent)
    if not ids:
        yield from (tweet for tweet in _tweets(table) if isinstance(tweet, Rejected))
        raise source.fail("the table has no tweets", line=1)
    roots, last = _roots(ids, parents)
    open_threads: dict[int, list[_Tweet]] = {}
    number = 0
    for tweet in _tweets(table):
        if isinstance(tweet, Rejected):
            yield tweet
            continue
        root = int(roots[number])
        open_threads.setdefault(root, []).append(tweet)
        if int(last[root]) == number:
            try:
                yield build(_draft(ids[root], open_threads.pop(root), source), roles)
            except ReadError as error:
                yield error.rejected
        number += 1


def _tweets(table: Table) -> Iterator[_Tweet | Rejected]:
    at = {name: i for i, name in reversed(list(enumerate(table.columns)))}
    places = [at[name] for name in _NEEDED]
    created_at = at.get("created_at")
    for row in table.rows():
        if isinstance(row, Rejected):
            yield row
            continue
        found = _tweet(row, places, created_at)
        yield found if isinstance(found, _Tweet) else Rejected(found, table.source, line=row.line)


def _tweet(row: Row, places: list[int], created_at: int | None) -> _Tweet | str:
    """The tweet of a row, or what is wrong with it."""
    if row.problem:
        return row.problem
    if len(row.cells) <= max(places):
        return f"the row has {len(row.cells)} cells: it is cut off"
    identity, author, inbound, text, parent = (row.cells[i] for i in places)
    number = _number(identity)
    if number is None or number < 0:
        return f"{str(identity)[:40]!r} is no tweet id"
    answered = _number(parent) if str(parent).strip() not in ("", "nan", "NaN") else _NOBODY
    if answered is None:
        return f"in_response_to_tweet_id {str(parent)[:40]!r} is no tweet id"
    created = row.cells[created_at] if created_at is not None and created_at < len(row.cells) else None
    return _Tweet(number, answered, str(author).strip(), str(inbound).strip().lower(), text, created, row.line)


def _number(cell: Any) -> int | None:
    if isinstance(cell, str) and len(cell) < 19 and cell.isdecimal():
        number = int(cell)
        return number if number < _LARGEST else None
    try:
        number = int(str(without_float(cell)).strip()[:40])
    except ValueError:
        return None
    return number if abs(number) < _LARGEST else None


def _roots(ids: array[int], parents: array[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each row the row of its thread's first tweet, and for each such row the thread's last row.

    A tweet whose parent is not in the file, or that is in a circle, begins a thread.
    """
    import numpy as np

    known, wanted = np.frombuffer(ids, dtype=np.int64), np.frombuffer(parents, dtype=np.int64)
    rows = np.arange(len(known), dtype=np.int64)
    order = np.argsort(known, kind="stable")
    spot = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    there = known[order][spot] == wanted
    up = np.where(there, order[spot], rows)
    is_root = up == rows
    roots = up
    for _ in range(64):
        further = roots[roots]
        if bool((further == roots).all()):
            break
        roots = further
    roots = np.where(is_root[roots], roots, rows)
    last = np.full(len(known), -1, dtype=np.int64)
    np.maximum.at(last, roots, rows)
    return roots, last


def _draft(identity: int, tweets: list[_Tweet], source: Source) -> Draft:
    times = [_time(tweet.created) for tweet in tweets]
    replies: list[Reply] = [
        (tweet.id, None if tweet.parent == _NOBODY else tweet.parent, time.seconds if time else None)
        for tweet, time in zip(tweets, times, strict=True)
    ]
    here = {tweet.id for tweet in tweets}
    warnings = list(source.warnings)
    if forks := branches(replies):
        warnings.append(f"the thread branches ({forks} further answers): branches are interleaved by time")
    if any(tweet.parent not in here and tweet.parent != _NOBODY for tweet in tweets):
        warnings.append("the tweet that the first one answers is not in the file: the beginning is missing")
    return Draft(
        id=identity,
        channel="social",
        source=source.name,
        line=tweets[0].line,
        start_name="created_at",
        turns=[_said(tweets[i], times[i]) for i in in_order(replies)],
        warnings=warnings,
        metadata={"file": source.name, "format": "twcs"},
    )


def _time(created: Any) -> Moment | None:
    """The moment of ``Wed Oct 11 06:55:44 +0000 2017``, by the quick way where that is how it looks."""
    parts = created.split(" ") if isinstance(created, str) else []
    try:
        if len(parts) == 6 and parts[1] in _MONTHS and parts[4] == "+0000":
            hour, minute, second = parts[3].split(":")
            day = (int(parts[5]), _MONTHS[parts[1]], int(parts[2]))
            return of_datetime(datetime(*day, int(hour), int(minute), int(second), tzinfo=UTC))
        return moment(created)
    except ValueError:
        return None


def _said(tweet: _Tweet, time: Moment | None) -> Said:
    return Said(
        text=unescape(tweet.text) if isinstance(tweet.text, str) else tweet.text,
        speaker_id=tweet.author or None,
        role=_ROLES.get(tweet.inbound),
        start=time or tweet.created,
        line=tweet.line,
    )


READER = Reader("twcs", "Customer Support on Twitter (twcs.csv)", TABLE_SUFFIXES, sniff, read)
