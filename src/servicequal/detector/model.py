"""The fitted detector: two small linear layers, stored as plain numbers, applied without scikit-learn.

The first layer reads n-grams (:mod:`.features`) and gives a log-odds per cue. The second sees, for each turn, the
first layer's opinion of this turn and its neighbours, which packs matched there, and the place in the
conversation; it gives the calibrated probability per cue that decides with the phrases.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conversation import Conversation
from ..cues import CueMatch
from ..errors import ReadError, Rejected
from ..packs import CUSTOMER, HELPING, HURTING
from .features import BLOCK_SCALE, BLOCKS, SHAPES, WHOLE, Stretch, TurnText, grams, shape, turn_texts

Floats = NDArray[np.float64]

ANY = "any deflection"
LABELS: Mapping[str, tuple[str, ...]] = {
    "agent": (ANY, *HURTING, *HELPING),
    "customer": CUSTOMER,
}
"""What each side's layers predict, in order."""

_STATUSES = ("plain", "softened", "excused")
_NOTHING = -4.0
"""Log-odds that stand for a neighbour that isn't there."""

_REACH = 3
"""How many turns away a neighbour of the other side may be."""


@dataclass(frozen=True)
class Side:
    """One side's fitted numbers.

    ``vocabulary`` gives each block's n-grams their rows in ``weights`` (rows, labels); ``idf`` is per row.
    ``shape_weights`` are (shapes, labels), ``bias`` (labels). The second layer is ``mean``, ``scale`` (inputs) and
    ``second`` (inputs, labels) with ``second_bias``. ``thresholds`` are per label and channel group.
    """

    vocabulary: Mapping[str, Mapping[str, int]]
    idf: Floats
    weights: Floats
    shape_weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats
    second: Floats
    second_bias: Floats
    thresholds: Mapping[str, Floats]


@dataclass(frozen=True)
class Detector:
    """Both sides, and where they came from. Picklable; equal files give equal probabilities."""

    sides: Mapping[str, Side]
    about: Mapping[str, Any]
    digest: str

    def first(self, conversation: Conversation, side: str, stretch: Stretch = WHOLE) -> dict[int, Floats]:
        """First-layer log-odds by turn number: shape (labels,) each."""
        return {t.number: self._first(conversation, side, t, stretch) for t in turn_texts(conversation, side, stretch)}

    def _first(self, conversation: Conversation, side: str, turn: TurnText, stretch: Stretch) -> Floats:
        fitted = self.sides[side]
        said = stretch.remember(("said", side, turn.text, turn.before, turn.after), lambda: _said(fitted, turn))
        return _odds_of(fitted, conversation, turn, stretch, said)

    def probabilities(
        self, conversation: Conversation, matches: Sequence[CueMatch], stretch: Stretch = WHOLE
    ) -> dict[int, dict[str, float]]:
        """Calibrated probability of every label, by turn number."""
        firsts = {side: self.first(conversation, side, stretch) for side in self.sides}
        inputs = second_inputs(conversation, firsts, matches, stretch)
        out: dict[int, dict[str, float]] = {}
        for side, rows in inputs.items():
            fitted = self.sides[side]
            for number, row in rows.items():
                odds = ((row - fitted.mean) / fitted.scale) @ fitted.second + fitted.second_bias
                chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30)))
                out[number] = dict(zip(LABELS[side], map(float, chance), strict=True))
        return out

    def threshold(self, side: str, label: str, channel: str | None, named: bool) -> float:
        """The probability from which a label counts in a channel, where a phrase names it and where none does."""
        group = "social" if channel == "social" else "other"
        table = self.sides[side].thresholds[f"{group}/{'phrase' if named else 'model'}"]
        return float(table[LABELS[side].index(label)])

    def own_words(self, turn: TurnText, side: str, label: str) -> float:
        """How much the turn's own words and letters, without what is said around it, speak for a label (log-odds)."""
        fitted = self.sides[side]
        column = LABELS[side].index(label)
        found = _weighted(fitted, turn, ("words", "letters"))
        return float(sum(value * fitted.weights[row, column] for _, row, value in found))

    def telling_words(self, turn: TurnText, side: str, label: str) -> dict[str, float]:
        """How much each run of words of a turn speaks for a label (log-odds), positive ones only."""
        fitted = self.sides[side]
        column = LABELS[side].index(label)
        found: dict[str, float] = {}
        for gram, row, value in _weighted(fitted, turn, ("words",)):
            weight = value * fitted.weights[row, column]
            if weight > 0:
                found[gram] = found.get(gram, 0.0) + float(weight)
        return found


def named_labels(matches: Sequence[CueMatch], turn: int) -> frozenset[str]:
    """The labels that a phrase names in a turn, excused matches left out."""
    cues = {m.cue for m in matches if m.turn == turn and m.status != "excused"}
    return frozenset(cues | {ANY}) if cues & set(HURTING) else frozenset(cues)


def first_layer(fitted: Side, conversation: Conversation, turn: TurnText, stretch: Stretch = WHOLE) -> Floats:
    """Log-odds of one turn: shape (labels,)."""
    return _odds_of(fitted, conversation, turn, stretch, _said(fitted, turn))


def _said(fitted: Side, turn: TurnText) -> Floats | None:
    """What a turn's n-grams give, None where none is known."""
    rows: list[int] = []
    values: list[float] = []
    for _, row, value in _weighted(fitted, turn, BLOCKS):
        rows.append(row)
        values.append(value)
    return np.asarray(np.asarray(values) @ fitted.weights[rows]) if rows else None


def _odds_of(fitted: Side, conversation: Conversation, turn: TurnText, stretch: Stretch, said: Floats | None) -> Floats:
    total = fitted.bias + np.asarray(shape(conversation, turn, stretch)) @ fitted.shape_weights
    return np.asarray(total if said is None else total + said, dtype=np.float64)


def _weighted(fitted: Side, turn: TurnText, blocks: Sequence[str]) -> list[tuple[str, int, float]]:
    """Known n-grams of a turn with their row and value (sublinear count, idf, block scaled to length 1)."""
    out: list[tuple[str, int, float]] = []
    for block in blocks:
        known = fitted.vocabulary[block]
        found = [
            (gram, row, (1.0 + log(n)) * float(fitted.idf[row]))
            for gram, n in grams(block, turn).items()
            if (row := known.get(gram)) is not None
        ]
        length = sqrt(sum(v * v for _, _, v in found))
        if length:
            scale = BLOCK_SCALE[block] / length
            out += [(gram, row, v * scale) for gram, row, v in found]
    return out


# -- second layer ------------------------------------------------------------------------------------


def second_inputs(
    conversation: Conversation,
    firsts: Mapping[str, Mapping[int, Floats]],
    matches: Sequence[CueMatch],
    stretch: Stretch = WHOLE,
) -> dict[str, dict[int, Floats]]:
    """The second layer's inputs by side and turn."""
    packs = _pack_table(matches)
    texts = {side: {t.number: t for t in turn_texts(conversation, side, stretch)} for side in firsts}
    out: dict[str, dict[int, Floats]] = {}
    for side, rows in firsts.items():
        other = "customer" if side == "agent" else "agent"
        out[side] = {}
        for number, own in rows.items():
            before = _neighbour(number, -1, firsts[other])
            after = _neighbour(number, +1, firsts[other])
            same_before = _neighbour(number, -1, rows)
            same_after = _neighbour(number, +1, rows)
            out[side][number] = np.concatenate(
                [
                    np.clip(own, -8, 8),
                    _odds(firsts[other], before, len(LABELS[other])),
                    _odds(firsts[other], after, len(LABELS[other])),
                    _odds(rows, same_before, len(LABELS[side]))[:1],
                    _odds(rows, same_after, len(LABELS[side]))[:1],
                    _packs(packs, number, side, _STATUSES),
                    _packs(packs, before, other, ("plain",)),
                    _packs(packs, after, other, ("plain",)),
                    _packs(packs, same_after, side, ("plain",)),
                    np.asarray(shape(conversation, texts[side][number], stretch)),
                ]
            )
    return out


def second_names(side: str) -> list[str]:
    """Names of the second layer's inputs, in order."""
    other = "customer" if side == "agent" else "agent"
    mine, theirs = LABELS[side], LABELS[other]
    cues, their_cues = _cues(side), _cues(other)
    return [
        *(f"model: {c}" for c in mine),
        *(f"model before: {c}" for c in theirs),
        *(f"model after: {c}" for c in theirs),
        f"model own before: {mine[0]}",
        f"model own after: {mine[0]}",
        *(f"phrases {s}: {c}" for s in _STATUSES for c in cues),
        *(f"phrases before: {c}" for c in their_cues),
        *(f"phrases after: {c}" for c in their_cues),
        *(f"phrases own after: {c}" for c in cues),
        *SHAPES,
    ]


def _cues(side: str) -> tuple[str, ...]:
    return tuple(label for label in LABELS[side] if label != ANY)


def _pack_table(matches: Sequence[CueMatch]) -> dict[int, dict[str, set[str]]]:
    table: dict[int, dict[str, set[str]]] = {}
    for m in matches:
        table.setdefault(m.turn, {}).setdefault(m.status, set()).add(m.cue)
    return table


def _packs(
    table: Mapping[int, Mapping[str, set[str]]], number: int | None, side: str, statuses: Sequence[str]
) -> Floats:
    found = table.get(number, {}) if number is not None else {}
    return np.array([float(c in found.get(s, ())) for s in statuses for c in _cues(side)])


def _neighbour(number: int, step: int, rows: Mapping[int, Any]) -> int | None:
    return next((n for n in (number + step * k for k in range(1, _REACH + 1)) if n in rows), None)


def _odds(rows: Mapping[int, Floats], number: int | None, labels: int) -> Floats:
    return np.full(labels, _NOTHING) if number is None else np.clip(rows[number], -8, 8)


# -- files -------------------------------------------------------------------------------------------

_ARRAYS = (
    "idf", "weights", "shape_weights", "bias", "mean", "scale", "second", "second_bias",
)  # fmt: skip


def save_detector(sides: Mapping[str, Side], about: Mapping[str, Any], path: str | Path) -> None:
    """Write a detector: a zip of JSON and raw little-endian float16 and float32 arrays; same model, same bytes."""
    entries: dict[str, bytes] = {"about.json": _json(about)}
    for name, side in sorted(sides.items()):
        words = {b: sorted(side.vocabulary[b], key=side.vocabulary[b].__getitem__) for b in BLOCKS}
        entries[f"{name}/vocabulary.json"] = _json(words)
        entries[f"{name}/thresholds.json"] = _json({k: v.tolist() for k, v in sorted(side.thresholds.items())})
        for array in _ARRAYS:
            buffer = io.BytesIO()
            kind = "<f2" if array in ("idf", "weights") else "<f4"
            np.save(buffer, np.ascontiguousarray(getattr(side, array)).astype(kind), allow_pickle=False)
            entries[f"{name}/{array}.npy"] = buffer.getvalue()
    target = Path(path)
    unfinished = target.with_name(target.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, entries[name], zipfile.ZIP_DEFLATED, 9)
    unfinished.replace(target)


def load_detector(path: str | Path) -> Detector:
    """Read a detector file. Raises ReadError where it is not one; nothing in it is ever executed."""
    try:
        data = Path(path).read_bytes()
        return _parsed(data)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ReadError(Rejected(f"not a detector file: {error}", str(path))) from error


@cache
def builtin_detector() -> Detector | None:
    """The detector that ships with servicequal, or None where the installation has none."""
    entry = files("servicequal.detector") / "detector.zip"
    return _parsed(entry.read_bytes()) if entry.is_file() else None


def _parsed(data: bytes) -> Detector:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        about = json.loads(archive.read("about.json"))
        names = sorted({n.split("/")[0] for n in archive.namelist() if "/" in n})
        sides = {name: _side(archive, name) for name in names}
    return Detector(sides, about, hashlib.sha256(data).hexdigest()[:12])


def _side(archive: zipfile.ZipFile, name: str) -> Side:
    arrays = {
        a: np.load(io.BytesIO(archive.read(f"{name}/{a}.npy")), allow_pickle=False).astype(np.float64) for a in _ARRAYS
    }
    words = json.loads(archive.read(f"{name}/vocabulary.json"))
    vocabulary: dict[str, dict[str, int]] = {}
    row = 0
    for block in BLOCKS:
        vocabulary[block] = {gram: row + i for i, gram in enumerate(words[block])}
        row += len(words[block])
    inputs = len(second_names(name))
    fits = arrays["weights"].shape == (row, len(LABELS[name])) and arrays["shape_weights"].shape[0] == len(SHAPES)
    if not fits or arrays["second"].shape != (inputs, len(LABELS[name])):
        raise ValueError("made by another version of servicequal; train it again")
    thresholds = json.loads(archive.read(f"{name}/thresholds.json"))
    return Side(vocabulary=vocabulary, thresholds={k: np.asarray(v) for k, v in thresholds.items()}, **arrays)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
