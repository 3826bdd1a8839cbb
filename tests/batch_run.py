"""A batch run in a process of its own, to be killed: a quick scorer that notes whom it has scored."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import servicequal as sq
from servicequal.conversation import Span
from servicequal.rubric import Judged
from servicequal.rules import DIMENSIONS, Verdict
from servicequal.rules.base import rule
from servicequal.scoring import Account, Fingerprint, Judgement, LedgerLine, Tariff


def _rule(code: str, dimension: str) -> Judged:
    made = rule(code, code.lower(), dimension, why="why", source="", say_instead="say")
    return Judged(rule=made(lambda *_: Verdict(None, "")), weight=1.0, params={})


TARIFF = Tariff([_rule(code, d) for code, d in zip("ABCD", DIMENSIONS, strict=True)], dict.fromkeys(DIMENSIONS, 1.0))


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
        return self.judge(conversation).scorecard()

    def judge_all(self, conversations: list[sq.Conversation]) -> list[Judgement]:
        return list(map(self.judge, conversations))

    def judge(self, conversation: sq.Conversation) -> Judgement:
        if self.log:
            with open(self.log, "ab", buffering=0) as stream:  # noqa: PTH123
                stream.write(f"{conversation.id}\n".encode())
        if self.delay:
            time.sleep(self.delay)
        if any(turn.text == "raise" for turn in conversation.turns):
            raise ValueError("a bug")
        size = float(sum(len(turn.text) for turn in conversation.turns))
        spans = tuple(Span(n, 0, len(turn.text)) for n, turn in enumerate(conversation.turns) if turn.text)
        cues = tuple(
            sq.CueMatch("apology", s.turn, s.start, s.end, conversation.text_at(s), "agent", softened_by=spans[:1])
            for s in spans
        )
        account = Account(
            tariff=TARIFF,
            verdicts=[Verdict(1.0, f"{size} in {judged.rule.code}", spans, (0, 1)) for judged in TARIFF.rules],
            outcomes=["met"] * 4,
            counted=(),
            credited=[1.0] * 4,
            points=[size] * 4,
            lost=[None] * 4,
            scores=dict.fromkeys(DIMENSIONS, size),
            coverage=dict.fromkeys(DIMENSIONS, 1.0),
            totals=(LedgerLine("overall", "all", "dimension", 1.0, 1.0, size),),
            overall=size,
        )
        return Judgement(conversation.id, conversation.channel, cues, account, (), self.fingerprint, None, ())


def main() -> None:
    source, out, workers, delay, log = sys.argv[1:]
    print(f"begun {os.getpid()}", flush=True)
    sq.score_to(source, out, Quick(float(delay), log), workers=int(workers), chunk=7, resume=True)


if __name__ == "__main__":
    main()
