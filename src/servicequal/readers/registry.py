"""The registry of formats, and how to add one.

A format is a :class:`Reader`: a name, a title, the extensions it may have, a ``sniff`` and a
``read``. Built-in ones live one to a module and are listed in ``BUILT_IN_MODULES``; a package of
your own offers its reader through the entry point group ``servicequal.readers``::

    [project.entry-points."servicequal.readers"]
    acme = "acme_servicequal:READER"

A whole reader for JSON exports (one object per conversation) is::

    from servicequal.readers import Draft, Fit, Said, Sniff, json_reader

    def fits(record):                      # a dict: the first conversation in the file
        if "acmeCallId" in record and "lines" in record:
            return Sniff(Fit.SIGNATURE, "has acmeCallId and lines")
        return Sniff(Fit.NO)

    def drafts(record, place):             # place: source, stem, line, warnings
        yield Draft(
            id=record["acmeCallId"],
            channel="call",
            source=place.source,
            line=place.line,
            start_unit="ms",
            order="time",
            turns=[Said(text=t["words"], label=t["who"], start=t["at"]) for t in record["lines"]],
        )

    READER = json_reader("acme", "ACME call export", fits, drafts)

``json_reader`` finds the records (one object, an array, one per line, ``.gz``, ``.zip``), turns a
``KeyError``, ``TypeError``, ``ValueError``, ``IndexError`` or ``AttributeError`` of yours into a
rejection that names file, line and key, and calls ``build``, which owns everything that formats
share: the role map, times in any unit to seconds from the start, ids, empty and broken text. So a
reader never decides a role by itself unless the format says so (``Said(role=...)``), never parses a
time, never strips text, and passes what is missing as None.

Rules for a reader:

- ``sniff`` looks at a :class:`Sample` only: ``sample.record`` (the first JSON record, or None),
  ``sample.columns`` (header of a table), ``sample.head`` (text), ``sample.suffix``. It answers
  ``Fit.SIGNATURE`` if keys that no other format has are there, ``Fit.SHAPE`` if it looks readable
  in a general way, ``Fit.FALLBACK`` if nothing better turns up, ``Fit.NO`` otherwise, with a reason
  in words where the file is nearly but not quite readable ("annotations without their tweets").
- Two readers with the same best fit are an error for the user that names both; make signatures
  disjoint.
- ``read(source, roles)`` yields ``Conversation`` or ``Rejected``, in file order; it raises
  ``ReadError`` only where nothing after it can be read.
- Turns that are not speech are kept with their ``kind`` (``note``, ``notice``, ``survey``,
  ``quote``) and, if automatic, ``role="bot"`` or ``"system"``.
- HTML becomes text once, with ``plain_text_of_html``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from servicequal.conversation import Conversation
from servicequal.errors import ReadError, Rejected
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source

ENTRY_POINTS = "servicequal.readers"
BUILT_IN_MODULES = (
    *("own_json", "plain_text", "delimited", "parquet", "subtitles"),
    *("amazon_connect", "amazon_transcribe", "aws_pca", "google_ccai", "genesys", "twilio", "gong"),
    *("deepgram", "assemblyai", "whisper", "azure_speech", "revai"),
    *("zendesk_tickets", "zendesk_chat", "zendesk_csv", "intercom", "vcon", "liveperson"),
    *("salesforce_chat", "convokit", "twcs", "corpora", "email_threads"),
)
"""Modules of this package with a ``READER`` or a tuple ``READERS``; add a format's module here."""


class Fit(IntEnum):
    """How well a file fits a format; the best fit reads it."""

    NO = 0
    FALLBACK = 1
    SHAPE = 2
    SIGNATURE = 3


@dataclass(frozen=True, slots=True)
class Sniff:
    """A reader's verdict on a sample, with its reason in words."""

    fit: Fit
    why: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller said beyond the roles: ``columns`` maps our field names to theirs."""

    columns: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class Reader:
    """One format. ``extensions`` have their dot; a folder's other files are passed over.

    ``read`` yields conversations and rejections; with ``takes_columns`` it gets the caller's column
    map as a third argument. ``picky`` formats have extensions that mostly hold other things: a file of
    a folder that fits no format is then passed over, not rejected.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    sniff: Callable[[Sample], Sniff]
    read: Callable[..., Iterator[Conversation | Rejected]]
    takes_columns: bool = False
    picky: bool = False

    def run(self, source: Source, roles: Roles, options: Options) -> Iterator[Conversation | Rejected]:
        """Read one source with the caller's roles and columns."""
        if self.takes_columns:
            return self.read(source, roles, options.columns)
        return self.read(source, roles)


@cache
def readers() -> tuple[Reader, ...]:
    """All readers: the built-in ones, then those of installed packages, by name."""
    found: dict[str, Reader] = {}
    for module in BUILT_IN_MODULES:
        loaded = import_module(f"{__package__}.{module}")
        for reader in getattr(loaded, "READERS", None) or (loaded.READER,):
            found[reader.name] = reader
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            reader = entry.load()
        except Exception as error:  # a broken package of somebody else must not stop the others
            warnings.warn(f"reader {entry.name} cannot be loaded: {error}", RuntimeWarning, stacklevel=2)
            continue
        if not isinstance(reader, Reader) or reader.name in found:
            why = "its name is taken" if isinstance(reader, Reader) else "it is no servicequal Reader"
            warnings.warn(f"reader {entry.name} is left out: {why}", RuntimeWarning, stacklevel=2)
            continue
        found[reader.name] = reader
    return tuple(found.values())


def reader_named(name: str) -> Reader:
    """The reader of that name. Raises ReadError listing the names there are."""
    for reader in readers():
        if reader.name == name:
            return reader
    known = ", ".join(reader.name for reader in readers())
    raise ReadError(Rejected(f"there is no format {name!r:.80}", hint=f"formats are {known}"))


def verdicts(sample: Sample, among: Sequence[Reader] | None = None) -> list[tuple[Reader, Sniff]]:
    """Every reader's verdict on a sample, best first; a sniff that breaks counts as no fit."""
    found = []
    for reader in readers() if among is None else among:
        try:
            sniff = reader.sniff(sample)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
            sniff = Sniff(Fit.NO, f"its sniff failed: {type(error).__name__}: {error}")
        found.append((reader, sniff))
    return sorted(found, key=lambda pair: -pair[1].fit)


def detect(source: Source) -> tuple[Reader, Sniff]:
    """The one reader that fits a source best.

    Raises ReadError where none fits, and where two fit equally well: then both are named.
    """
    sample = Sample.of(source)
    if not sample.head.strip():
        raise source.fail("the file is empty")
    ranked = verdicts(sample)
    best = [pair for pair in ranked if pair[1].fit and pair[1].fit == ranked[0][1].fit]
    if sample.problem is not None and (not best or best[0][1].fit <= Fit.FALLBACK):
        raise ReadError(sample.problem)
    if not best:
        reasons = [f"{reader.name}: {sniff.why}" for reader, sniff in ranked if sniff.why]
        said = f"; {'; '.join(reasons)}" if reasons else ""
        known = ", ".join(reader.name for reader in readers())
        raise source.fail(f"the format is not recognised{said}", f"name it with format=, one of {known}")
    if len(best) > 1:
        both = " and ".join(f"{reader.name} ({sniff.why or reader.title})" for reader, sniff in best)
        raise source.fail(f"fits {both}", f'say which with format="{best[0][0].name}" or the other')
    return best[0]
