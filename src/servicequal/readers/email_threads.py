"""E-mail threads: ``.eml`` files and mbox mailboxes.

A conversation is a thread by ``References`` and ``In-Reply-To`` (or by ``Re:`` subject and people). In
a folder of ``.eml`` files those of one thread come together. Roles come from the caller's map, by
address, by domain or by name; without one they are unknown. Quoted history and signatures are turns
of kind ``quote``, never the sender's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, build
from servicequal.readers.mail import Head, head_of, turns_of
from servicequal.readers.pieces import beside, gathered
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

EML = (".eml",)
MBOX = (".mbox", ".mbx")
_NAMES = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60}):", re.MULTILINE)
_ENVELOPE = re.compile(rb"From \S.*\d{2}:\d{2}.*\d{4}|From \S+@\S+\s*$|From -\s*$|From MAILER-DAEMON")
_SURE = {"message-id", "received", "mime-version", "return-path", "delivered-to"}


class _Mail(NamedTuple):
    """A message in a mailbox: its number, its line, its bytes, and the file it lies in."""

    number: int
    line: int
    raw: bytes
    file: str


def _headers(text: str) -> set[str]:
    block = text.lstrip("\ufeff\r\n").replace("\r\n", "\n").partition("\n\n")[0]
    return {name.lower() for name in _NAMES.findall(block[:60_000])}


def _sniff_mbox(sample: Sample) -> Sniff:
    first, _, rest = sample.head.lstrip("\ufeff\r\n").partition("\n")
    if first.startswith("From ") and "from" in _headers(rest) and (_SURE | {"date", "subject"}) & _headers(rest):
        return Sniff(Fit.SIGNATURE, "an mbox mailbox")
    return Sniff(Fit.NO)


def _sniff_eml(sample: Sample) -> Sniff:
    if sample.record is not None or sample.head.lstrip("\ufeff\r\n").startswith("From "):
        return Sniff(Fit.NO)
    names = _headers(sample.head)
    mailed = "from" in names and (_SURE & names or (sample.suffix in EML and {"date", "subject", "to"} & names))
    return Sniff(Fit.SIGNATURE, "an e-mail message") if mailed else Sniff(Fit.NO)


def _mails(source: Source) -> Iterator[_Mail]:
    """The messages of an mbox, one at a time."""
    lines: list[bytes] = []
    number, began, blank, count = 0, 0, True, 0
    with source.guarded(), source.opener() as stream:
        for count, line in enumerate(stream, start=1):
            if blank and line.startswith(b"From ") and (not began or _ENVELOPE.match(line[:500])):
                if began:
                    yield _Mail(number, began, b"".join(lines), source.name)
                    number += 1
                lines, began = [], count
            elif began:
                lines.append(line[1:] if line.startswith(b">From ") else line)
            blank = not line.strip()
    if began:
        yield _Mail(number, began, b"".join(lines), source.name)


def _threads(heads: Sequence[Head]) -> list[int]:
    """For each message the number of its thread's first one in the file."""
    up: dict[object, object] = {}

    def top(node: object) -> object:
        while (above := up.setdefault(node, node)) != node:
            up[node] = up.setdefault(above, above)
            node = above
        return node

    by_subject: dict[tuple[str, frozenset[str]], int] = {}
    for number, head in enumerate(heads):
        for other in (*((head.id,) if head.id else ()), *head.answers):
            up[top(other)] = top(number)
        key = (head.subject.casefold(), head.people)
        if head.is_reply and not head.answers and head.subject and key in by_subject:
            up[top(number)] = top(by_subject[key])
        by_subject.setdefault(key, number)
    first: dict[object, int] = {}
    return [first.setdefault(top(number), number) for number in range(len(heads))]


def _draft(identity: str, mails: Sequence[_Mail], source: Source, warnings: tuple[str, ...]) -> Draft:
    """One thread as a draft: each message once, by date."""
    turns, all_warnings, seen, subject = [], list(warnings), set(), ""
    for mail in mails:
        head = head_of(mail.raw)
        if head.id is not None and head.id in seen:
            all_warnings.append("messages that are there twice were taken once")
            continue
        seen.add(head.id)
        subject = subject or head.subject
        found, said = turns_of(mail.raw, head)
        turns += found
        all_warnings += said
        if head.date is None:
            all_warnings.append("a message has no date: the messages stand in the order of the file")
    return Draft(
        id=identity,
        channel="email",
        source=source.name,
        line=mails[0].line,
        order="time",
        start_name="Date",
        turns=turns,
        warnings=all_warnings,
        metadata={"subject": subject or None, "file": source.name, "format": "email"},
    )


def _built(make: Callable[[], Draft], roles: Roles) -> Conversation | Rejected:
    try:
        return build(make(), roles)
    except ReadError as error:
        return error.rejected


def _read_mbox(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    heads = [head_of(mail.raw) for mail in _mails(source)]
    if not heads:
        raise source.fail("the mailbox holds no message")
    threads = _threads(heads)
    mails: Callable[[], Iterator[_Mail | Rejected]] = lambda: _mails(source)  # noqa: E731
    for group in gathered(mails, lambda mail: threads[mail.number]):
        if isinstance(group, Rejected):
            yield group
            continue
        first = group.items[0].number
        identity = heads[first].id or f"{source.stem}-{first + 1}"
        yield _built(lambda i=identity, g=group: _draft(i, g.items, source, g.warnings), roles)  # type: ignore[misc]


def _read_eml(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """One message; in a folder its whole thread, at the thread's first file by name."""
    thread = [source]
    if not source.chosen:
        folder = sorted([source, *beside(source, EML)], key=lambda one: one.name)
        numbers = _folder_threads(folder)
        mine = numbers[next(i for i, one in enumerate(folder) if one.name == source.name)]
        thread = [one for one, number in zip(folder, numbers, strict=True) if number == mine]
        if thread[0].name != source.name:
            return
    mails = [_Mail(i, 1, b"".join(one.chunks()), one.name) for i, one in enumerate(thread)]
    yield _built(lambda: _draft(source.stem, mails, source, ()), roles)


_known_folders: dict[object, list[int]] = {}


def _folder_threads(folder: Sequence[Source]) -> list[int]:
    """The thread of each file of a folder; kept while no file of it changes."""
    key = tuple((one.name, _stamp(one.name)) for one in folder)
    if key not in _known_folders:
        heads = [_head(one) for one in folder]
        _known_folders.clear()
        _known_folders[key] = _threads(heads)
    return _known_folders[key]


def _head(source: Source) -> Head:
    try:
        return head_of(b"".join(source.chunks()))
    except ReadError:
        return head_of(b"")


def _stamp(name: str) -> tuple[int, int]:
    """When a file was last written and its size; those of the zip that it lies in."""
    place = Path(name)
    try:
        stat = (place if "!" not in name or place.exists() else Path(name.rpartition("!")[0])).stat()
    except (OSError, ValueError):
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


READERS = (
    Reader("email", "e-mail messages (.eml)", EML, _sniff_eml, _read_eml),
    Reader("mbox", "mbox mailbox", MBOX, _sniff_mbox, _read_mbox),
)
