"""The short way to a reader of JSON exports: two functions about one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from servicequal.conversation import Conversation
from servicequal.errors import Rejected
from servicequal.readers.draft import Draft
from servicequal.readers.jsonio import SUFFIXES, Place, convert
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import Roles
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source


def json_reader(
    name: str,
    title: str,
    fits: Callable[[Mapping[str, Any]], Sniff],
    drafts: Callable[[Any, Place], Iterator[Draft | Rejected]],
) -> Reader:
    """A reader for exports in JSON: one object, an array of them, or one a line.

    ``fits`` judges the first record (it is asked only about objects); ``drafts`` makes the drafts of
    one record. What ``drafts`` throws for a missing or mistyped key becomes a rejection of that
    record. See :mod:`servicequal.readers.registry` for an example.
    """

    def sniff(sample: Sample) -> Sniff:
        return fits(sample.mapping) if sample.mapping else Sniff(Fit.NO)

    def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
        return convert(source, roles, drafts)

    return Reader(name, title, SUFFIXES, sniff, read)
