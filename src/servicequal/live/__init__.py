"""A conversation that is going on: a scorecard after every turn, at a cost that does not grow with its length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..agents import MOST_AGENTS, AgentShare
from ..conversation import Channel, Conversation, Turn
from ..packs import HELPING, HURTING
from ..scorer import Scorer
from ..scoring import Judgement, Scorecard
from .board import Board, facts
from .clock import Clock
from .doubts import Doubts
from .strand import Heard, Part, Strand

__all__ = ["LiveScorer"]


class LiveScorer:
    """Takes turns as they arrive and keeps the scorecard up to date.

    After every turn the scorecard equals ``scorer.score(conversation)`` of the conversation so far. Only what the
    new turn can change is worked out again: the turn itself, the detector's opinion of the few turns around it, the
    softening of the agent's last turn, and the rules' running counts. What grows with the conversation is copying
    the lists of pointers that a scorecard is made of. Two things cost more: within its first hundred turns the
    detector reads *how far on* a turn is, so its last layer is asked again about all of them; and with ``semantic``
    on, the whole conversation is scored every time.

    ``id``, ``channel`` and ``metadata`` are the conversation's; ``scorer`` is the default one if None. Not for use
    from several threads at once. Raises pydantic's ValidationError for an impossible id or channel.
    """

    def __init__(
        self,
        id: str = "live",
        channel: Channel | None = None,
        scorer: Scorer | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        empty = Conversation(id=id, channel=channel, metadata=dict(metadata or {}))
        self.id, self.channel, self.metadata = empty.id, empty.channel, empty.metadata
        self.scorer = scorer or Scorer()
        self._heard = Heard(self.channel)
        self._whole = Strand(self.scorer, self._heard)
        self._parts: dict[str | None, Strand] = {}
        self._said: dict[str | None, list[int]] = {}
        self._waiting: list[int] = []
        self._last_agent: str | None = None
        self._doubts = Doubts(self.metadata)
        self._clock = Clock()
        self._shares: dict[str | None, AgentShare] = {}
        self._card: Scorecard | None = None

    @property
    def conversation(self) -> Conversation:
        """The conversation so far."""
        return Conversation.model_construct(
            id=self.id, channel=self.channel, turns=tuple(self._heard.turns), metadata=self.metadata
        )

    @property
    def scorecard(self) -> Scorecard:
        """The scorecard of the conversation so far."""
        if self._card is None:
            self._card = self.scorer.score(self.conversation) if self.scorer.semantic else self._made()
        return self._card

    def add(self, turn: Turn | Mapping[str, Any]) -> Scorecard:
        """Take the next turn (or a mapping with a turn's keys) and give the scorecard of the conversation so far.

        Raises pydantic's ValidationError for a mapping that is no turn; nothing has changed then.
        """
        turn = Turn.model_validate(turn)
        self._card = None
        if self.scorer.semantic:
            self._heard.turns.append(turn)
            return self.scorecard
        self._hear(turn)
        return self.scorecard

    def _hear(self, turn: Turn) -> None:
        heard, n = self._heard, len(self._heard.turns)
        if turn.scorable and turn.speaker == "agent":
            self._enter(turn.speaker_id)
        sided = turn.scorable and turn.speaker in ("agent", "customer")
        found = self.scorer._finder.find_in_text(turn.text, turn.speaker, n) if sided else ()
        heard.turns.append(turn)
        heard.facts.append(facts(turn))
        heard.found.append(tuple(found))
        self._doubts.add(n, turn)
        self._clock.add(turn)
        self._own(n, turn)
        for strand in (self._whole, *self._parts.values()):
            if strand.sees(n):
                strand.show(n)
            strand.settle()

    def _enter(self, who: str | None) -> None:
        """An agent is about to speak. Parts are kept from the second agent on."""
        if who in self._said:
            return
        if len(self._said) == 1:
            (first,) = self._said
            self._parts[first] = self._whole.copy(Part(first))
        if self._said:
            part = self._parts[who] = Strand(self.scorer, self._heard, Part(who))
            part.board.see_others(self._whole.board)
        if len(self._said) >= MOST_AGENTS:
            self._parts.clear()
        self._said[who] = [0, 0]

    def _own(self, n: int, turn: Turn) -> None:
        """A customer's turn is the next agent's who speaks, or the last one's as long as nobody does."""
        owners = self._heard.owners
        if not self._heard.sided(n):
            return
        if turn.speaker == "customer":
            self._waiting.append(n)
            owners[n] = self._last_agent
            return
        who = turn.speaker_id
        counted = self._said[who]
        counted[0] += 1
        counted[1] += len(turn.text.split())
        owners[n] = who
        owners.update(dict.fromkeys(self._waiting, who))
        if self._parts and who != self._last_agent:
            for k in reversed(self._waiting):
                self._parts[self._last_agent].hide(k)
            for k in self._waiting:
                self._parts[who].show(k)
        self._waiting, self._last_agent = [], who

    def _made(self) -> Scorecard:
        notes = self._doubts.notes()
        account = self._whole.account(notes)
        return Judgement(
            self.id,
            self.channel,
            self._whole.board.cues.after(),
            account,
            notes,
            self.scorer.fingerprint,
            self._clock.dynamics(),
            self._agents(account.scores, account.overall),
        ).scorecard()

    def _agents(self, scores: dict[str, float | None], overall: float | None) -> tuple[AgentShare, ...]:
        if len(self._said) > MOST_AGENTS:
            return self._many_agents()
        if len(self._said) == 1:
            return tuple(self._share(who, self._whole.board, overall, scores) for who in self._said)
        notes = self._doubts.notes()
        parts = {who: strand.account(notes) for who, strand in self._parts.items()}
        return tuple(
            self._share(who, self._parts[who].board, parts[who].overall, parts[who].scores) for who in self._said
        )

    def _many_agents(self) -> tuple[AgentShare, ...]:
        """Counted only, and only those again about whom something has changed."""
        board = self._whole.board
        again = [*board.counted_again, self._last_agent] if self._shares else self._said
        for who in again:
            self._shares[who] = self._share(who, board, None, {})
        board.counted_again = set()
        return tuple(self._shares.values())

    def _share(
        self, who: str | None, board: Board, overall: float | None, scores: dict[str, float | None]
    ) -> AgentShare:
        turns, words = self._said[who]
        plain = board.plain.get(who, Counter())
        return AgentShare(
            speaker_id=who,
            turns=turns,
            words=words,
            deflections={cue: plain[cue] for cue in HURTING if plain.get(cue)},
            helping={cue: plain[cue] for cue in HELPING if plain.get(cue)},
            overall=overall,
            scores=dict(scores),
        )
