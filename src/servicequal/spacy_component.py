"""The spaCy component: ``nlp.add_pipe("servicequal")`` puts the cues of a Doc into ``doc.spans["servicequal"]``.

spaCy finds it by its entry point; no import of servicequal is needed.
"""

from __future__ import annotations

from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from .cues import CueFinder
from .packs import builtin_packs

SPAN_KEY = "servicequal"


@Language.factory("servicequal", default_config={"speaker": "agent"}, assigns=["doc.spans"])
def create_component(nlp: Language, name: str, speaker: str) -> CueComponent:  # noqa: ARG001
    """Factory of the component; ``speaker`` (agent or customer) chooses the packs."""
    return CueComponent(speaker)


class CueComponent:
    """Sets ``doc.spans["servicequal"]``: one span per plain cue, the cue as its label, its status as its id."""

    def __init__(self, speaker: str = "agent") -> None:
        if speaker not in ("agent", "customer"):
            raise ValueError(f"speaker is 'agent' or 'customer', not {speaker!r}")
        self.speaker: Any = speaker
        self._finder = CueFinder([p for p in builtin_packs() if p.speaker == speaker])

    def __call__(self, doc: Doc) -> Doc:
        """Find the cues of the Doc's text and set them as spans."""
        found = self._finder.find_in_text(doc.text, self.speaker)
        spans = [
            span
            for m in found
            if m.status == "plain"
            and (span := doc.char_span(m.start, m.end, label=m.cue, span_id=m.status, alignment_mode="expand"))
            is not None
        ]
        doc.spans[SPAN_KEY] = SpanGroup(doc, name=SPAN_KEY, spans=spans)
        return doc
