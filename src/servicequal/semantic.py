"""Optional: sentence embeddings for paraphrases of the packs' examples; off unless a model is named.

A phrase knows the words that somebody thought of; an embedding knows what a sentence is about. A sentence that is
near to what a pack flags, clearly nearer than to what it passes and to what the packs of opposite effect flag, is
proposed as that cue. Nothing is downloaded or loaded until a :class:`SemanticMatcher` is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .context import quoted
from .conversation import Conversation
from .cues import CueMatch, soften, softeners
from .errors import MissingExtraError, ServicequalError
from .packs import HURTING, Pack, builtin_packs

Vectors = NDArray[np.float32]

SEMANTIC = "semantic"
"""The ``pattern`` of a match that embeddings proposed."""

_FEWEST_WORDS = 3
_MOST_WORDS = 40
"""Sentences of fewer words are not looked at; longer ones (speech without full stops) are cut."""

_MARKS = re.compile(r"[.!?;…\n\r\u2028\u2029]+")
_WORD = re.compile(r"\S+")


class Encoder(Protocol):
    """What turns sentences into vectors; a ``SentenceTransformer`` is one."""

    def encode(self, sentences: list[str], /, **options: Any) -> Any:
        """One row per sentence."""


class SemanticMatcher:
    """The packs' examples as vectors; a conversation in, proposed cues out.

    ``model`` is the name or folder of any sentence-transformers model, or an object with its ``encode``.
    A sentence is proposed as a cue where its cosine similarity to the nearest example that the cue's pack flags is
    at least ``threshold``, exceeds that to the nearest one it passes by ``margin``, and that to the nearest
    one flagged by a pack of opposite effect by ``margin``. ``cues`` are those to propose: the seven deflections
    by default. Raises MissingExtraError without sentence-transformers. Immutable in use, and picklable.
    """

    def __init__(
        self,
        model: str | Path | Encoder,
        packs: Iterable[Pack] | None = None,
        cues: Iterable[str] = HURTING,
        threshold: float = 0.6,
        margin: float = 0.05,
    ) -> None:
        self.model = str(model) if isinstance(model, Path) else model
        self.packs = tuple(packs) if packs is not None else builtin_packs()
        self.cues = tuple(sorted(set(cues) & {p.cue for p in self.packs if p.examples.flags}))
        self.threshold = threshold
        self.margin = margin
        self._by_cue = {pack.cue: pack for pack in self.packs}
        self._sides = self._embed_examples()
        self.digest = self._digest()

    def find(self, conversation: Conversation) -> tuple[CueMatch, ...]:
        """The proposals of one conversation, in order of turn, start and cue: the nearest sentence
        per turn and cue, unless it is quoted.

        ``confidence`` is None: a similarity is not a probability. One call of the model per conversation, so that
        the same conversation always gives the same vectors, whatever it is scored with.
        """
        sentences = list(self._sentences(conversation))
        texts = list(dict.fromkeys(s.text for s in sentences))
        if not texts:
            return ()
        row = {text: i for i, text in enumerate(texts)}
        vectors = _encode(self.model, texts)
        best: dict[tuple[int, str], tuple[float, _Sentence]] = {}
        for name, side in self._sides.items():
            mine = [s for s in sentences if s.speaker == name]
            if mine:
                self._propose(mine, vectors[[row[s.text] for s in mine]], side, best)
        matches = [
            _match(cue, s)
            for (_, cue), (_, s) in best.items()
            if not quoted(conversation.turns[s.turn].text, s.start, s.end)
        ]
        return tuple(sorted(matches, key=lambda m: (m.turn, m.start, m.cue)))

    def join(self, conversation: Conversation, found: Sequence[CueMatch]) -> tuple[CueMatch, ...]:
        """The matches of the phrases with the proposals among them, softening applied to these too.

        Where the phrases have found a cue in a turn, whatever its status, their word stands.
        """
        named = {(m.turn, m.cue) for m in found}
        new = [m for m in self.find(conversation) if (m.turn, m.cue) not in named]
        if not new:
            return tuple(found)
        joined = sorted((*found, *new), key=lambda m: (m.turn, m.start, m.cue, m.end))
        return soften(joined, conversation, softeners(self._by_cue.values()))

    def _embed_examples(self) -> dict[str, _SideExamples]:
        """By side: the examples' vectors, all in one call of the model."""
        texts = list(
            dict.fromkeys(e.text for p in self.packs for kind in (p.examples.flags, p.examples.passes) for e in kind)
        )
        vectors = _encode(self.model, texts) if texts else np.zeros((0, 1), np.float32)
        row = {text: vectors[i] for i, text in enumerate(texts)}

        def stacked(examples: Iterable[Any]) -> Vectors:
            rows = [row[e.text] for e in examples]
            return np.stack(rows) if rows else np.zeros((0, vectors.shape[1]), np.float32)

        sides = {}
        for side in ("agent", "customer"):
            packs = [self._by_cue[c] for c in self.cues if self._by_cue[c].speaker == side]
            if packs:
                sides[side] = _SideExamples(
                    tuple(p.cue for p in packs),
                    tuple(stacked(p.examples.flags) for p in packs),
                    tuple(
                        stacked([*p.examples.passes, *(e for q in self._against(p) for e in q.examples.flags)])
                        for p in packs
                    ),
                )
        return sides

    def _against(self, pack: Pack) -> list[Pack]:
        return [p for p in self.packs if p.speaker == pack.speaker and {p.effect, pack.effect} == {"hurts", "helps"}]

    def _propose(
        self,
        sentences: Sequence[_Sentence],
        vectors: Vectors,
        side: _SideExamples,
        best: dict[tuple[int, str], tuple[float, _Sentence]],
    ) -> None:
        for cue, flags, passes in zip(side.cues, side.flags, side.passes, strict=True):
            near = _nearest(vectors, flags)
            far = _nearest(vectors, passes)
            excused = self._by_cue[cue].asked == "excused"
            proposed = (near >= self.threshold) & (near - far >= self.margin - 1e-9)
            for i, sentence in enumerate(sentences):
                if not proposed[i]:
                    continue
                if excused and sentence.text.endswith("?"):
                    continue
                key = (sentence.turn, cue)
                if key not in best or near[i] > best[key][0]:
                    best[key] = (float(near[i]), sentence)

    def _sentences(self, conversation: Conversation) -> Iterator[_Sentence]:
        for number, turn in enumerate(conversation.turns):
            if turn.scorable and turn.speaker in self._sides:
                for start, end in sentence_spans(turn.text):
                    yield _Sentence(number, turn.speaker, start, end, turn.text[start:end])

    def _digest(self) -> str:
        """What decides about the proposals: the model, the examples and the settings."""
        parts = [
            _identity(self.model),
            *(p.model_dump_json() for p in self.packs),
            repr((self.cues, self.threshold, self.margin)),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Sentence:
    turn: int
    speaker: Any
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _SideExamples:
    """One side's cues with the vectors of what each should be near to, and of what it should not."""

    cues: tuple[str, ...]
    flags: tuple[Vectors, ...]
    passes: tuple[Vectors, ...]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of every sentence in the original text: from three words on, cut after forty. Linear time."""
    ends = [m.end() for m in _MARKS.finditer(text) if m.end() == len(text) or _breaks(text, m)]
    if not ends or ends[-1] != len(text):
        ends.append(len(text))
    spans = []
    begin = 0
    for end in ends:
        words = list(_WORD.finditer(text, begin, end))
        for at in range(0, len(words), _MOST_WORDS):
            part = words[at : at + _MOST_WORDS]
            if len(part) >= _FEWEST_WORDS:
                spans.append((part[0].start(), part[-1].end()))
        begin = end
    return spans


def _breaks(text: str, mark: re.Match[str]) -> bool:
    """A mark ends a sentence before a space, or where it is a line break itself: *3.50* goes on."""
    return text[mark.end()].isspace() or text[mark.end() - 1].isspace()


def _match(cue: str, s: _Sentence) -> CueMatch:
    return CueMatch(cue, s.turn, s.start, s.end, s.text, s.speaker, pattern=SEMANTIC)


def _nearest(vectors: Vectors, examples: Vectors) -> NDArray[np.float64]:
    """Cosine similarity to the nearest example; to three places, so that the last bits of a sum decide nothing."""
    if not len(examples):
        return np.full(len(vectors), -1.0)
    return np.asarray(np.round((vectors @ examples.T).max(axis=1).astype(np.float64), 3))


# -- models ------------------------------------------------------------------------------------------


def _encode(model: str | Encoder, texts: list[str]) -> Vectors:
    """Vectors of length 1, one row per text."""
    encoder = _load(model) if isinstance(model, str) else model
    raw = encoder.encode(texts, batch_size=64, show_progress_bar=False, convert_to_numpy=True)
    vectors = np.asarray(raw, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


@lru_cache(maxsize=2)
def _load(name: str) -> Encoder:
    """The model by name or folder: once per process, so that workers load it once too."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError("matching by meaning", "semantic") from error
    try:
        encoder: Encoder = SentenceTransformer(name, device="cpu")
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ServicequalError(f"the model {name!r} cannot be loaded: {first}") from error
    return encoder


def _identity(model: str | Encoder) -> str:
    """A name that is the same for the same model: the files of a folder, wherever it lies; else name and revision."""
    if not isinstance(model, str):
        return str(getattr(model, "name", type(model).__qualname__))
    return _folder_hash(model) if Path(model).is_dir() else f"{model}@{_revision(_load(model))}"


@lru_cache(maxsize=2)
def _folder_hash(folder: str) -> str:
    total = hashlib.sha256()
    root = Path(folder)
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".json", ".txt", ".safetensors", ".bin", ".model")):
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _revision(encoder: Any) -> str:
    """The commit of a model from the hub, or '' where the model does not tell."""
    try:
        return str(getattr(encoder[0].auto_model.config, "_commit_hash", None) or "")
    except (AttributeError, IndexError, KeyError, TypeError):
        return ""
