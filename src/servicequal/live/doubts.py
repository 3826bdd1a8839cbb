"""The hygiene notes of a growing conversation: the same as :func:`servicequal.hygiene.check`, from running counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import hygiene
from ..conversation import Turn
from ..hygiene import HygieneNote
from ..outline import AGENT, COMMON_WORDS, CUSTOMER, DUPLICATE_CHARACTERS, glance, plain

_NEAR = 1e-6


class Doubts:
    """What is counted of the turns so far; ``metadata`` is the conversation's."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        marks = metadata.get("roles_inferred")
        self._marks = marks if isinstance(marks, dict) else {}
        self._marked: list[int] = []
        self._by: dict[str, list[int]] = {"agent": [], "customer": [], "unknown": []}
        self._said: dict[str, list[int]] = {"wrong": [], "right": [], "swapped": []}
        self._greets = False
        self._again: list[int] = []
        self._before = ""
        self._announced: list[int] = []
        self._spoken = self._words = self._tellable = self._common = 0
        self._confidence: list[float] = []
        self._sure = 0.0
        self._unsure: list[int] = []

    def add(self, n: int, turn: Turn) -> None:
        """Turn ``n`` has come."""
        if turn.confidence is not None:
            self._confidence.append(turn.confidence)
            self._sure += turn.confidence
            if turn.confidence < hygiene.LOW_CONFIDENCE:
                self._unsure.append(n)
        if turn.speaker_id in self._marks:
            self._marked.append(n)
        if turn.scorable:
            self._read(n, turn)
        self._before = turn.text

    def _read(self, n: int, turn: Turn) -> None:
        words, signs = glance(turn.text)
        if turn.speaker in self._by:
            self._by[turn.speaker].append(n)
        self._spoken += 1
        self._words += words
        if n and len(turn.text) >= DUPLICATE_CHARACTERS and plain(turn.text) == plain(self._before):
            self._again.append(n)
        if signs:
            self._signs(n, turn, signs)
        told = hygiene.told_by(turn.text)
        self._tellable += len(told)
        self._common += sum(word in COMMON_WORDS for word in told)

    def _signs(self, n: int, turn: Turn, signs: int) -> None:
        if turn.speaker not in ("bot", "system") and hygiene.announces(turn, signs):
            self._announced.append(n)
        if turn.speaker == "customer" and signs & AGENT:
            self._said["wrong"].append(n)
            self._greets = self._greets or (n < hygiene.OPENING_TURNS and hygiene.greets(turn))
        elif turn.speaker == "agent":
            if signs & AGENT:
                self._said["right"].append(n)
            if signs & CUSTOMER:
                self._said["swapped"].append(n)

    def notes(self) -> tuple[HygieneNote, ...]:
        """The notes on what has come so far."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[HygieneNote]:
        agents, customers, unknown = (self._by[role] for role in ("agent", "customer", "unknown"))
        if not agents:
            yield HygieneNote("no_agent_turns", "no turn is spoken by an agent")
        if bool(agents) != bool(customers) and not unknown:
            who = "agent" if agents else "customer"
            yield HygieneNote("one_sided", f"only the {who} speaks", tuple(agents or customers))
        if unknown:
            share = len(unknown) / self._spoken
            yield HygieneNote("unknown_roles", f"{share:.0%} of the turns have an unknown speaker", tuple(unknown))
        yield from self._swapped()
        if self._again:
            message = f"{len(self._again)} turn(s) repeat the one before, word for word"
            yield HygieneNote("duplicated_turns", message, tuple(self._again))
        if self._spoken < 2 or self._words < hygiene.VERY_SHORT_WORDS:
            yield HygieneNote("very_short", f"{self._spoken} turn(s), {self._words} word(s)")
        if self._tellable >= hygiene.FEWEST_WORDS_TO_TELL_A_LANGUAGE:
            share = self._common / self._tellable
            if share < hygiene.ENGLISH_SHARE:
                yield HygieneNote("not_english", f"only {share:.0%} of the words are common English ones")
        if self._announced:
            message = f"{len(self._announced)} turn(s) sound like an announcement or a menu"
            yield HygieneNote("hold_or_ivr_text", message, tuple(self._announced))
        yield from self._low_confidence()
        if self._marks:
            yield self._inferred()

    def _swapped(self) -> Iterator[HygieneNote]:
        wrong, right, swapped = (self._said[what] for what in ("wrong", "right", "swapped"))
        if wrong and not right and (swapped or self._greets or len(wrong) >= 2):
            message = "the customer says what agents say: the roles may be swapped"
            yield HygieneNote("swapped_roles_suspected", message, tuple(sorted({*wrong, *swapped})))

    def _low_confidence(self) -> Iterator[HygieneNote]:
        """The mean is taken as the batch does, over all, only where it comes near the threshold."""
        count = len(self._confidence)
        if not count or self._sure / count > hygiene.LOW_CONFIDENCE + _NEAR:
            return
        mean = sum(self._confidence) / count
        if mean < hygiene.LOW_CONFIDENCE:
            message = f"mean confidence of the speech recogniser is {mean:.2f}"
            yield HygieneNote("low_asr_confidence", message, tuple(self._unsure))

    def _inferred(self) -> HygieneNote:
        said = "; ".join(
            f"{who}: {mark.get('role')} ({mark.get('reason')})" if isinstance(mark, dict) else str(who)
            for who, mark in self._marks.items()
        )
        return HygieneNote("roles_inferred", f"roles were inferred: {said}", tuple(self._marked))
