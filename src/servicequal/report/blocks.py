"""A run's conversations as compressed blocks for the page: a table of all, and transcripts in chunks.

A block is JSON, deflated, in base 85. Columns and short codes keep it small; ``data.js`` reads it back. What each
place holds is said beside the code that fills it, here and there.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..rules import DIMENSIONS
from ..scoring import OVERALL
from ..verdicts import digest_of_turns

CHUNK = 50
"""Conversations that are unpacked together when one of them is opened."""

OUTCOMES = ("met", "missed", "not_applicable", "undetermined")
STATUSES = ("plain", "softened", "excused")
_QUOTED = 240
"""Characters of flagged words for each conversation that the list can show and search."""

Rows = Sequence[Mapping[str, Any]]
Shown = Callable[[str], str]


def packed(value: Any) -> str:
    """A JSON value as a block."""
    return squeezed(compact(value))


def compact(value: Any) -> str:
    """A JSON value as text without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def squeezed(text: str) -> str:
    """Text as a block; the last character tells how many bytes fill up the last group of four."""
    small = zlib.compress(text.encode(), 9)
    padding = -len(small) % 4
    return base64.b85encode(small + bytes(padding)).translate(_INERT).decode("ascii") + str(padding)


_INERT = bytes.maketrans(b"<", b",")
"""Base 85 without the character that could end a script element or begin a comment in it."""


def tenths(points: Sequence[float]) -> list[int]:
    """Points in tenths, rounded so that they add up to the rounded sum (largest remainders)."""
    exact = [10 * p for p in points]
    whole = [math.floor(x) for x in exact]
    missing = math.floor(math.fsum(exact) + 0.5) - sum(whole)
    order = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for i in order[:missing]:
        whole[i] += 1
    return whole


def symbol(index: int) -> str:
    """One character for the index of a rule or a cue in the list's columns; ``data.js`` counts the same way."""
    return chr(0x30 + index if index < 44 else 0x5D + index - 44)


def symbols(names: Iterable[str], index: Mapping[str, int]) -> str:
    """The names as a string of symbols, each once, in the order of the index."""
    return "".join(symbol(i) for i in sorted({index[n] for n in names}))


def quoted(texts: Iterable[str], shown: Shown) -> str:
    """Flagged words for the list, each once."""
    words = dict.fromkeys(" ".join(shown(text).split()) for text in texts)
    joined = " · ".join(w for w in words if w)
    return joined if len(joined) <= _QUOTED else joined[: _QUOTED - 1].rstrip() + "…"


def talk(turns: Rows, shown: Shown) -> list[list[Any]]:
    """A transcript: speaker's first letter, name or 0, kind or 0 for a message, start in seconds or null, text."""
    return [
        [
            t["speaker"][0],
            shown(t["speaker_id"]) if t["speaker_id"] else 0,
            0 if t["kind"] == "message" else t["kind"],
            None if t["start"] is None else round(t["start"], 1),
            shown(t["text"]),
        ]
        for t in turns
    ]


def facts(
    score: Mapping[str, Any],
    turns: Rows,
    cues: Rows,
    findings: Rows,
    ledger: Rows,
    rule_index: Mapping[str, int],
    cue_index: Mapping[str, int],
    shown: Shown,
) -> dict[str, Any]:
    """Everything about one conversation but its words.

    ``p`` position, ``i`` id, ``d`` digest, ``n`` notes, ``t`` tenths of overall and the four scores, ``v`` coverage
    in percent, ``k`` cues and ``f`` findings by column, ``o`` the overall score's lines.
    """
    by_item = {(line["score"], line["item"]): line for line in ledger if line["kind"] != "cap"}
    points = _points(ledger)
    scores = [score[name] for name in (OVERALL, *DIMENSIONS)]
    places = {(c["turn"], c["start"], c["end"]): number for number, c in reversed(list(enumerate(cues)))}
    return {
        "p": score["position"],
        "i": shown(score["conversation_id"]),
        "d": digest_of_turns((t["speaker"], t["text"]) for t in turns),
        "n": shown(score["notes"] or ""),
        "t": [None if s is None else math.floor(10 * s + 0.5) for s in scores],
        "v": [round(100 * score[f"coverage_{d}"]) for d in DIMENSIONS],
        "k": _columns([_cue(c, cue_index, shown) for c in cues]),
        "f": _columns(
            [_finding(f, by_item.get((f["dimension"], f["code"])), points, rule_index, places, shown) for f in findings]
        ),
        "o": [
            [x["item"], x["kind"], x["weight"], round(x["credit"], 4), points[x["score"], x["item"], x["kind"]]]
            for x in ledger
            if x["score"] == OVERALL
        ],
    }


def _columns(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows as columns: like beside like takes less room."""
    return [list(column) for column in zip(*rows, strict=True)]


def _points(ledger: Rows) -> dict[tuple[str, str, str], int]:
    """Tenths of points by score, item and kind, that add up within each score."""
    points: dict[tuple[str, str, str], int] = {}
    for name in (OVERALL, *DIMENSIONS):
        lines = [x for x in ledger if x["score"] == name]
        for line, value in zip(lines, tenths([x["points"] for x in lines]), strict=True):
            points[name, line["item"], line["kind"]] = value
    return points


def _cue(cue: Mapping[str, Any], index: Mapping[str, int], shown: Shown) -> list[Any]:
    """Index, turn, start, length, status, reason or 0, confidence in percent (in steps of five) or null."""
    sure = cue["confidence"]
    return [
        index[cue["cue"]],
        cue["turn"],
        cue["start"],
        cue["end"] - cue["start"],
        STATUSES.index(cue["status"]),
        shown(cue["reason"]) if cue["reason"] else 0,
        None if sure is None or math.isnan(sure) else 5 * round(20 * sure),
    ]


def _finding(
    finding: Mapping[str, Any],
    line: Mapping[str, Any] | None,
    points: Mapping[tuple[str, str, str], int],
    index: Mapping[str, int],
    places: Mapping[tuple[int, int, int], int],
    shown: Shown,
) -> list[Any]:
    """Index, outcome, points and possible points in tenths or null, weight, credit in percent, spans (the number of
    the cue that stands there, else turn, start and end), turns searched, explanation, whether it is critical."""
    got = None if line is None else points[line["score"], line["item"], "rule"]
    lost = finding["lost"]
    return [
        index[finding["code"]],
        OUTCOMES.index(finding["outcome"]),
        got,
        None if got is None or lost is None else got + math.floor(10 * lost + 0.5),
        None if line is None else line["weight"],
        None if line is None else round(100 * line["credit"]),
        [places.get(place, place) for place in ((s["turn"], s["start"], s["end"]) for s in finding["spans"])],
        list(finding["searched"]),
        shown(finding["explanation"]),
        1 if finding["critical"] else 0,
    ]
