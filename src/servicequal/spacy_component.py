"""The spaCy component: ``nlp.add_pipe("servicequal")`` puts the cues of a Doc into ``doc.spans["servicequal"]``.

spaCy finds it by its entry point; no import of servicequal is needed. A Doc is one turn by one speaker. Phrases alone
are used: the learned detector and the rules look at a whole conversation, which a Doc is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from .conversation import Conversation, Turn
from .cues import CueFinder, CueMatch, Status
from .packs import Pack, load_pack, with_user_packs

SPAN_KEY = "servicequal"
_STATUSES: tuple[str, ...] = get_args(Status)


@Language.factory(
    "servicequal",
    default_config={"speaker": "agent", "spans_key": SPAN_KEY, "statuses": ["plain"]},
    assigns=["doc.spans"],
)
def create_component(
    nlp: Language,  # noqa: ARG001
    name: str,  # noqa: ARG001
    speaker: str,
    spans_key: str,
    statuses: list[str],
) -> CueComponent:
    """Factory of the component; its settings are part of the pipeline's config, and so saved with it."""
    return CueComponent(speaker, spans_key, statuses)


class CueComponent:
    """Sets ``doc.spans[spans_key]``: one span for each cue, in the order of the text.

    ``speaker`` (agent or customer) chooses the packs. A span's label is the cue and its id the phrase that matched:
    ``disowning.12`` is ``phrases[12]`` of the pack of ``disowning``. Words that begin or end within a token are
    widened to the token. ``statuses`` says which matches become spans: what counts (``plain``), what help makes good
    later in the text (``softened``), what only looks like it (``excused``); the group's ``attrs["statuses"]`` has the
    status of each span, in order. Raises ValueError for a setting that does not exist.
    """

    def __init__(self, speaker: str = "agent", spans_key: str = SPAN_KEY, statuses: Sequence[str] = ("plain",)) -> None:
        if speaker not in ("agent", "customer"):
            raise ValueError(f"speaker is 'agent' or 'customer', not {speaker!r}")
        unknown = [status for status in statuses if status not in _STATUSES]
        if unknown:
            raise ValueError(f"statuses are of {', '.join(_STATUSES)}, not {', '.join(map(repr, unknown))}")
        self.speaker: Any = speaker
        self.spans_key = spans_key
        self.statuses = tuple(statuses)
        self.packs: tuple[Pack, ...] = ()
        self._compile()

    def add_packs(self, packs: Iterable[Pack | str | Path]) -> None:
        """Put your own packs over the built-in ones; they are saved with the pipeline. Raises PackError."""
        own = {pack.cue: pack for pack in self.packs}
        for item in packs:
            pack = item if isinstance(item, Pack) else load_pack(item)
            own[pack.cue] = pack
        self._use(own.values())

    def __call__(self, doc: Doc) -> Doc:
        """Find the cues of the Doc's text and set them as spans; an empty group where there are none."""
        turn = Turn(speaker=self.speaker, text=doc.text)
        found = [m for m in self._finder.find(Conversation(id="doc", turns=(turn,))) if m.status in self.statuses]
        pairs = [(span, match.status) for match in found if (span := self._span(doc, match)) is not None]
        group = SpanGroup(doc, name=self.spans_key, spans=[span for span, _ in pairs])
        group.attrs["statuses"] = [status for _, status in pairs]
        doc.spans[self.spans_key] = group
        return doc

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002
        """Your own packs, a JSON line each. The settings are in the pipeline's config."""
        return "".join(pack.model_dump_json() + "\n" for pack in self.packs).encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> CueComponent:  # noqa: ARG002
        """The component with the packs that :meth:`to_bytes` wrote, in place of those it has."""
        self._use(Pack.model_validate_json(line) for line in data.splitlines())
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write your own packs into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "packs.jsonl").write_bytes(self.to_bytes(exclude=exclude))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> CueComponent:
        """The component with the packs that :meth:`to_disk` wrote."""
        return self.from_bytes((Path(path) / "packs.jsonl").read_bytes(), exclude=exclude)

    def _use(self, packs: Iterable[Pack]) -> None:
        packs = tuple(packs)
        if packs != self.packs:
            self.packs = packs
            self._compile()

    def _compile(self) -> None:
        mine = [pack for pack in with_user_packs(self.packs) if pack.speaker == self.speaker]
        self._ids = {(p.cue, phrase): f"{p.cue}.{n}" for p in mine for n, phrase in enumerate(p.phrases)}
        self._finder = CueFinder(mine)

    def _span(self, doc: Doc, match: CueMatch) -> Any:
        name = self._ids[match.cue, match.pattern]
        return doc.char_span(match.start, match.end, label=match.cue, span_id=name, alignment_mode="expand")
