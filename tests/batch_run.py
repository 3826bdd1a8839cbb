"""A batch run in a process of its own, to be killed: a quick scorer that notes whom it has scored."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import servicequal as sq
from servicequal.conversation import Span
from servicequal.rules import DIMENSIONS
from servicequal.scoring import Finding, Fingerprint, LedgerLine


@dataclass
class Quick:
    """Scores by the number of characters; as a Scorer does it, but in no time."""

    delay: float = 0.0
    log: str | None = None
    rules: str = "r1"

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint("0", self.rules, "quick", None)

    def score(self, conversation: sq.Conversation) -> sq.Scorecard:
        if self.log:
            with open(self.log, "ab", buffering=0) as stream:  # noqa: PTH123
                stream.write(f"{conversation.id}\n".encode())
        if self.delay:
            time.sleep(self.delay)
        if any(turn.text == "raise" for turn in conversation.turns):
            raise ValueError("a bug")
        size = sum(len(turn.text) for turn in conversation.turns)
        spans = tuple(Span(n, 0, len(turn.text)) for n, turn in enumerate(conversation.turns) if turn.text)
        cues = tuple(
            sq.CueMatch("apology", s.turn, s.start, s.end, conversation.text_at(s), "agent", softened_by=spans[:1])
            for s in spans
        )
        findings = tuple(
            Finding(code, code.lower(), d, "met", float(size), None, spans, (0, 1), f"{size} in {code}", "why", "say")
            for code, d in zip("ABCD", DIMENSIONS, strict=True)
        )
        return sq.Scorecard(
            conversation_id=conversation.id,
            channel=conversation.channel,
            overall=float(size),
            scores={d: float(size) for d in DIMENSIONS},
            coverage=dict.fromkeys(DIMENSIONS, 1.0),
            cues=cues,
            findings=findings,
            ledger=(LedgerLine("overall", "all", "dimension", 1.0, 1.0, float(size)),),
            notes=(),
            fingerprint=self.fingerprint,
        )


def main() -> None:
    source, out, workers, delay, log = sys.argv[1:]
    print(f"begun {os.getpid()}", flush=True)
    sq.score_to(source, out, Quick(float(delay), log), workers=int(workers), chunk=7, resume=True)


if __name__ == "__main__":
    main()
