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
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib.resources import files
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conversation import Conversation
from ..cues import CueMatch
from ..errors import ReadError, Rejected
from ..made import maker
from ..packs import CUSTOMER, HELPING, HURTING
from .features import BLOCK_SCALE, BLOCKS, LONGEST, LONGEST_PLACE, SHAPES, Read, Stretch, TurnText, grams

Floats = NDArray[np.float64]

ANY = "any deflection"
LABELS: Mapping[str, tuple[str, ...]] = {
    "agent": (ANY, *HURTING, *HELPING),
    "customer": CUSTOMER,
}
"""What each side's layers predict, in order."""

_CHANNELS: Mapping[str | None, int] = {name: place for place, name in enumerate(SHAPES[-4:])}
"""Their place among the inputs that tell the channel."""

_STATUSES = ("plain", "softened", "excused")
_NOTHING = -4.0
"""Log-odds that stand for a neighbour that isn't there."""

_MOST_ODDS = 8.0
"""Log-odds of the first layer that the second is told at most, for or against."""

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

    def own(self, text: str) -> Floats:
        """What the n-grams of a turn's own words and letters give, log-odds: shape (labels,)."""
        return self._sum(TurnText(0, text, "", ""), ("words", "letters"))

    def around(self, before: str, after: str) -> Floats:
        """What the n-grams of the turns before and after one give, log-odds: shape (labels,)."""
        return self._sum(TurnText(0, "", before, after), ("before", "after"))

    def _sum(self, turn: TurnText, blocks: Sequence[str]) -> Floats:
        found = _weighted(self, turn, blocks)
        if not found:
            return np.zeros(len(self.bias))
        return np.asarray([value for _, _, value in found]) @ self.weights[[row for _, row, _ in found]]

    def placed(self, shapes: Sequence[Sequence[float]], said: Sequence[Floats]) -> Floats:
        """The first layer's log-odds of turns, from their shapes and n-grams: shape (turns, labels)."""
        total = np.array(said, dtype=np.float64).reshape(-1, len(self.bias))
        for row, values in zip(total, shapes, strict=True):
            row += self.bias + np.asarray(values) @ self.shape_weights
        return total

    def chances(self, inputs: Floats) -> Floats:
        """The second layer's calibrated probabilities: shape (turns, labels) from (turns, inputs)."""
        rows = [((row - self.mean) / self.scale) @ self.second + self.second_bias for row in inputs]
        odds = np.array(rows).reshape(len(inputs), len(self.second_bias))
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30))))


def _fitted(grams: Any, name: str, side: Side) -> Any:
    """One side's numbers for the compiled layers; scaling is part of the second's weights."""
    scaled = side.second / side.scale[:, None]
    second = (scaled, side.second_bias - side.mean @ scaled)
    never = np.full(len(LABELS[name]), np.inf)  # while thresholds are still sought
    limits = [[side.thresholds.get(f"{g}/{base}", never) for base in ("phrase", "model")] for g in ("social", "other")]
    scales = [BLOCK_SCALE[block] for block in BLOCKS]
    known, first = [side.vocabulary[block] for block in BLOCKS], (side.shape_weights, side.bias)
    return grams.Fitted(LABELS[name], ANY, HURTING, scales, known, side.idf, side.weights, first, second, limits)


@cache
def compiled() -> Any:
    """The compiled half of this module, or None where the package was installed without a compiler."""
    try:
        from . import _grams  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        return None
    return _grams


@dataclass(frozen=True)
class Detector:
    """Both sides, and where they came from. Picklable; equal files give equal probabilities."""

    sides: Mapping[str, Side]
    about: Mapping[str, Any]
    digest: str

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    @cached_property
    def reader(self) -> Any:
        """Both layers of both sides, compiled; None where there was no compiler."""
        grams = compiled()
        if grams is None:
            return None
        fitted = [_fitted(grams, name, self.sides[name]) for name in ("agent", "customer")]
        vocabularies = [[self.sides[name].vocabulary[b] for b in BLOCKS] for name in ("agent", "customer")]
        sizes = (LONGEST, LONGEST_PLACE, _NOTHING, _MOST_ODDS, _REACH)
        return grams.Reader(*fitted, vocabularies, *sizes, maker(CueMatch))

    def talk(self, matches: Sequence[CueMatch], read: Read) -> Any:
        """A conversation and the matches in it, read by the compiled layers; None where there are none."""
        if self.reader is None:
            return None
        grams, stretch = compiled(), read.stretch
        conversation = read.conversation
        channel = _CHANNELS.get(conversation.channel, -1)
        return grams.Talk(
            self.reader, conversation.turns, read.forms, matches, stretch.known, stretch.start, stretch.of, channel
        )

    def first(self, side: str, read: Read) -> dict[int, Floats]:
        """First-layer log-odds by turn number: shape (labels,) each."""
        turns = read.turns(side)
        said = [self.own(turn, side, read) + self._around(turn, side, read.stretch) for turn in turns]
        odds = self.sides[side].placed([read.shape(turn) for turn in turns], said)
        return dict(zip((turn.number for turn in turns), odds, strict=True))

    def own(self, turn: TurnText, side: str, read: Read) -> Floats:
        """How much a turn's own words and letters, without what is said around it, speak for each of the side's labels
        (log-odds): shape (labels,)."""
        found = read.own.get(turn.number)
        if found is None:
            fitted = self.sides[side]
            found = read.stretch.remember(("own", side, turn.text), lambda: fitted.own(turn.text))
            read.own[turn.number] = found
        return np.asarray(found)

    def _around(self, turn: TurnText, side: str, stretch: Stretch) -> Floats:
        fitted = self.sides[side]
        return stretch.remember(
            ("around", side, turn.before, turn.after), lambda: fitted.around(turn.before, turn.after)
        )

    def probabilities(self, conversation: Conversation, matches: Sequence[CueMatch]) -> dict[int, dict[str, float]]:
        """Calibrated probability of every label, by turn number."""
        chances = self.chances(matches, Read(conversation))
        return {
            number: dict(zip(LABELS[side], row, strict=True))
            for side, rows in chances.items()
            for number, row in rows.items()
        }

    def chances(self, matches: Sequence[CueMatch], read: Read) -> dict[str, dict[int, list[float]]]:
        """By side and turn number the probabilities of the side's labels, in their order."""
        talk = self.talk(matches, read)
        if talk is not None:
            return dict(zip(("agent", "customer"), talk.probabilities(), strict=True))
        firsts = {side: self.first(side, read) for side in self.sides}
        inputs = _second_matrices(firsts, matches, read)
        return {
            side: dict(zip(firsts[side], self.sides[side].chances(matrix).tolist(), strict=True))
            for side, matrix in inputs.items()
        }

    def limits(self, side: str, channel: str | None) -> tuple[list[float], list[float]]:
        """The probabilities from which a side's labels count in a channel: named by a phrase, and not."""
        group = "social" if channel == "social" else "other"
        tables = self.sides[side].thresholds
        return tables[f"{group}/phrase"].tolist(), tables[f"{group}/model"].tolist()

    def telling_words(self, turn: TurnText, side: str, label: str) -> list[float]:
        """How much each word of a turn speaks for a label (log-odds): the weights of the runs of words that it is in,
        each shared out over its words; runs that speak against the label are left out."""
        fitted = self.sides[side]
        column = LABELS[side].index(label)
        telling: dict[str, float] = {}
        for gram, row, value in _weighted(fitted, turn, ("words",)):
            weight = float(value * fitted.weights[row, column])
            if weight > 0:
                telling[gram] = weight
        return _shared(turn.text.split(), telling)


def _shared(words: Sequence[str], telling: Mapping[str, float]) -> list[float]:
    """Each run's weight shared out over the words it stands on."""
    weights = [0.0] * len(words)
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            weight = telling.get(" ".join(words[at : at + size]))
            if weight:
                for k in range(at, at + size):
                    weights[k] += weight / size
    return weights


def named_labels(matches: Sequence[CueMatch], turn: int) -> frozenset[str]:
    """The labels that a phrase names in a turn, excused matches left out."""
    cues = {m.cue for m in matches if m.turn == turn and m.status != "excused"}
    return frozenset(cues | {ANY}) if cues & set(HURTING) else frozenset(cues)


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
    conversation: Conversation, firsts: Mapping[str, Mapping[int, Floats]], matches: Sequence[CueMatch]
) -> dict[str, dict[int, Floats]]:
    """The second layer's inputs by side and turn."""
    matrices = _second_matrices(firsts, matches, Read(conversation))
    return {side: dict(zip(rows, matrices[side], strict=True)) for side, rows in firsts.items()}


def _second_matrices(
    firsts: Mapping[str, Mapping[int, Floats]], matches: Sequence[CueMatch], read: Read
) -> dict[str, Floats]:
    """The second layer's inputs by side, a row for each of its turns in order. A neighbour that isn't there is the
    row behind the last."""
    odds = {side: _opinions(rows, len(LABELS[side])) for side, rows in firsts.items()}
    place = {side: {number: row for row, number in enumerate(rows)} for side, rows in firsts.items()}
    said = _said_table(matches, place)
    out: dict[str, Floats] = {}
    for side, rows in firsts.items():
        other = "customer" if side == "agent" else "agent"
        mine, theirs = odds[side], odds[other]
        before = [_neighbour(number, -1, place[other]) for number in rows]
        after = [_neighbour(number, +1, place[other]) for number in rows]
        same_before = [_neighbour(number, -1, place[side]) for number in rows]
        same_after = [_neighbour(number, +1, place[side]) for number in rows]
        shapes = np.array([read.shape(turn) for turn in read.turns(side)]).reshape(len(rows), len(SHAPES))
        out[side] = np.concatenate(
            [
                mine[:-1],
                theirs[before],
                theirs[after],
                mine[same_before, :1],
                mine[same_after, :1],
                *(said[side, status][:-1] for status in _STATUSES),
                said[other, "plain"][before],
                said[other, "plain"][after],
                said[side, "plain"][same_after],
                shapes,
            ],
            axis=1,
        )
    return out


def _opinions(rows: Mapping[int, Floats], labels: int) -> Floats:
    found = np.full((len(rows) + 1, labels), _NOTHING)
    for at, row in enumerate(rows.values()):
        found[at] = row
    np.clip(found[:-1], -_MOST_ODDS, _MOST_ODDS, out=found[:-1])
    return found


def _said_table(matches: Sequence[CueMatch], place: Mapping[str, Mapping[int, int]]) -> dict[tuple[str, str], Floats]:
    """By side and status which cues phrases name in which turn (rows as in ``place``, one more for nobody)."""
    columns = {side: {cue: k for k, cue in enumerate(_cues(side))} for side in place}
    table = {
        (side, s): np.zeros((len(rows) + 1, len(columns[side]))) for side, rows in place.items() for s in _STATUSES
    }
    for match in matches:
        for side, rows in place.items():
            row, column = rows.get(match.turn), columns[side].get(match.cue)
            if row is not None and column is not None:
                table[side, match.status][row, column] = 1.0
    return table


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


def _neighbour(number: int, step: int, rows: Mapping[int, int]) -> int:
    """The row of the nearest turn of a side before or after a turn; -1 where there is none within reach."""
    for k in range(1, _REACH + 1):
        if number + step * k in rows:
            return rows[number + step * k]
    return -1


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
    labels, inputs = len(LABELS[name]), len(second_names(name))
    sizes = ((row,), (row, labels), (len(SHAPES), labels), (labels,), (inputs,), (inputs,), (inputs, labels), (labels,))
    if [arrays[a].shape for a in _ARRAYS] != list(sizes):
        raise ValueError("made by another version of servicequal; train it again")
    thresholds = json.loads(archive.read(f"{name}/thresholds.json"))
    tables = {k: np.asarray(v, dtype=np.float64) for k, v in thresholds.items()}
    if any(table.shape != (labels,) for table in tables.values()):
        raise ValueError("made by another version of servicequal; train it again")
    return Side(vocabulary=vocabulary, thresholds=tables, **arrays)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
