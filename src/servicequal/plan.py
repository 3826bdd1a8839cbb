"""A sieve's phrases as flat tables of numbers: what its compiled steps work on, and what is kept in a file.

Working the built-in phrases out takes most of a second, reading their tables a few hundredths. The file that ships is
used only where its digest is that of the packs' phrases, exceptions and macros; otherwise they are worked out.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .packs import Pack

Table = NDArray[np.int32]

STEPS, ANCHORS, PAIR, NEEDS = 4, 3, 3, 4
"""Numbers of a step, further words that a unit may need besides its first group, numbers of a phrase's pairs, and
groups of words that it may need besides them."""

FAR = 100
"""Words that nothing which belongs together is apart."""

_TABLES = ("steps", "sequences", "owner_at", "owners", "others", "pairs", "needs", "ranges", "set_at", "set_words")
FILE = "sieve.zip"


@dataclass(frozen=True)
class Plan:
    """Flat tables of a sieve.

    ``words`` are numbered by their place. ``steps`` (steps, 4) are code, value, first unit and count; ``sequences`` is
    where each unit, then each optional part, begins among them, and their end. ``owners`` are the units that a word
    is a first anchor of, word by word as ``owner_at`` says, then those that need no word. ``others`` (units, 3) are
    words that must be there besides, -1 for none. ``pairs`` (rows, 3) are a phrase and two sets of which words must
    stand side by side; of several rows of a phrase one is enough. ``needs`` (phrases, 4) are sets of which a word each
    must be there besides, the rarest first, -1 for none; ``ranges`` (phrases, 8) are how far from the first word of a
    pair each of these sets can be, first all beginnings, then all ends. ``set_words`` are the sets of words, one behind
    the other as ``set_at`` says. ``phrases`` units are phrases; ``begins`` are what words may begin with.
    """

    phrases: int
    units: int
    words: tuple[str, ...]
    begins: tuple[str, ...]
    tables: Mapping[str, Table]


def flatten(
    units: Sequence[Sequence[tuple[int, Any]]],
    anchors: Sequence[Sequence[frozenset[str]]],
    pairs: Sequence[Sequence[tuple[frozenset[str], frozenset[str]]]],
    ranges: Sequence[Mapping[frozenset[str], tuple[int, int]]],
    begins: Iterable[str],
    codes: Mapping[str, int],
    needed: Iterable[str],
) -> Plan:
    """The plan of units of steps. ``codes`` are those of steps whose value is a word, a set of words, a group of
    alternatives or a sequence; ``pairs`` those of the phrases, the first units, and ``ranges`` where what they need
    besides can stand; ``needed`` are words that have a number
    in any case."""
    words: dict[str, int] = {}
    sets: dict[frozenset[str], int] = {}

    def number(word: str) -> int:
        return words.setdefault(word, len(words))

    for word in needed:
        number(word)
    sequences: list[Sequence[tuple[int, Any]]] = list(units)
    rows: list[tuple[int, int, int, int]] = []
    starts: list[int] = []
    for sequence in sequences:  # grows by the optional parts that are met
        starts.append(len(rows))
        for code, value in sequence:
            if code == codes["word"]:
                rows.append((code, number(value), 0, 0))
            elif code == codes["words"]:
                rows.append((code, sets.setdefault(value, len(sets)), 0, 0))
            elif code == codes["one"]:
                single, base, count = value
                rows.append((code, sets.setdefault(single, len(sets)) if single else -1, base, count))
            elif code == codes["maybe"]:
                rows.append((code, len(sequences), 0, 0))
                sequences.append(value)
            else:
                rows.append((code, int(value or 0), 0, 0))
    owners: dict[int, list[int]] = {}
    others = np.full((len(units), ANCHORS), -1, np.int32)
    free = []
    for unit, groups in enumerate(anchors):
        for word in sorted(groups[0]) if groups else ():
            owners.setdefault(number(word), []).append(unit)
        if not groups:
            free.append(unit)
        alone = [number(*group) for group in groups[1:] if len(group) == 1][:ANCHORS]
        others[unit, : len(alone)] = alone
    beside = [(n, *(sets.setdefault(s, len(sets)) for s in pair)) for n, own in enumerate(pairs) for pair in own]
    needs = np.full((len(pairs), NEEDS), -1, np.int32)
    near = np.repeat(np.array([[-FAR, FAR]], np.int32), NEEDS, axis=1).repeat(len(pairs), axis=0)
    for unit, own in enumerate(pairs):
        groups = _besides(anchors[unit], own)[:NEEDS]
        for at, group in enumerate(groups):
            low, high = ranges[unit].get(group, (-FAR, FAR))
            near[unit, at], near[unit, NEEDS + at] = max(low, -FAR), min(high, FAR)
        more = [sets.setdefault(group, len(sets)) for group in groups]
        needs[unit, : len(more)] = more
    members = [[number(word) for word in sorted(group)] for group in sets]
    owned = [*(owners.get(word, []) for word in range(len(words))), free]
    tables: dict[str, Any] = {
        "steps": np.array(rows, np.int32).reshape(-1, STEPS),
        "sequences": [*starts, len(rows)],
        "owner_at": [0, *accumulate(map(len, owned))],
        "owners": [unit for some in owned for unit in some],
        "others": others,
        "pairs": np.array(beside, np.int32).reshape(-1, PAIR),
        "needs": needs,
        "ranges": near,
        "set_at": [0, *accumulate(map(len, members))],
        "set_words": [word for some in members for word in some],
    }
    arrays = {name: np.ascontiguousarray(table, dtype=np.int32) for name, table in tables.items()}
    return Plan(len(pairs), len(units), tuple(words), tuple(sorted(begins)), arrays)


def _besides(
    groups: Sequence[frozenset[str]], pairs: Sequence[tuple[frozenset[str], frozenset[str]]]
) -> Sequence[frozenset[str]]:
    """The groups that are not there already where one of the pairs is, or without pairs a word of the first group."""
    if not pairs:
        return groups[1:]
    return [group for group in groups if not all(first <= group or second <= group for first, second in pairs)]


def digest_of(packs: Sequence[Pack], macros: Mapping[str, Sequence[str]]) -> str:
    """What a plan of these packs rests on."""
    said = [[p.cue, p.phrases, p.unless, p.unless_turn, sorted(p.macros.items())] for p in packs]
    return hashlib.sha256(json.dumps([said, sorted(macros.items())]).encode()).hexdigest()


def save_plans(plans: Mapping[str, tuple[str, Plan]], path: str | Path) -> None:
    """Write plans with their digests by name: JSON and plain arrays in a zip; same plans, same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (digest, plan) in sorted(plans.items()):
            about = {
                "digest": digest, "phrases": plan.phrases, "units": plan.units,
                "words": plan.words, "begins": plan.begins,
            }  # fmt: skip
            entries = {f"{name}.json": json.dumps(about, ensure_ascii=False).encode()}
            for table in _TABLES:
                buffer = io.BytesIO()
                np.save(buffer, plan.tables[table].astype("<i4"), allow_pickle=False)
                entries[f"{name}/{table}.npy"] = buffer.getvalue()
            for entry in sorted(entries):
                info = zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0))
                archive.writestr(info, entries[entry], zipfile.ZIP_DEFLATED, 9)


def builtin_plan(name: str, digest: str) -> Plan | None:
    """The plan that ships, if it is of packs with this digest."""
    found = _shipped().get(name)
    return found[1] if found and found[0] == digest else None


@cache
def _shipped() -> Mapping[str, tuple[str, Plan]]:
    entry = files("servicequal.packs") / FILE
    if not entry.is_file():
        return {}
    with zipfile.ZipFile(io.BytesIO(entry.read_bytes())) as archive:
        held = set(archive.namelist())
        names = [n.removesuffix(".json") for n in archive.namelist() if n.endswith(".json")]
        whole = [name for name in names if all(f"{name}/{table}.npy" in held for table in _TABLES)]
        return {name: _parsed(archive, name) for name in whole}


def _parsed(archive: zipfile.ZipFile, name: str) -> tuple[str, Plan]:
    about = json.loads(archive.read(f"{name}.json"))
    tables = {
        t: np.load(io.BytesIO(archive.read(f"{name}/{t}.npy")), allow_pickle=False).astype(np.int32) for t in _TABLES
    }
    words, begins = tuple(about["words"]), tuple(about["begins"])
    return about["digest"], Plan(about["phrases"], about["units"], words, begins, tables)
