"""The normal forms of a conversation's turns, each worked out once and shared by everything that reads them."""

from __future__ import annotations

from .conversation import Conversation
from .normal import Aligned, align


class Forms:
    """Normal forms by turn number, made when first asked for. ``made`` has one for each turn, None where it is not
    made yet."""

    __slots__ = ("_turns", "made")

    def __init__(self, conversation: Conversation) -> None:
        self._turns = conversation.turns
        self.made: list[Aligned | None] = [None] * len(self._turns)

    def __getitem__(self, turn: int) -> Aligned:
        form = self.made[turn]
        if form is None:
            form = self.made[turn] = align(self._turns[turn].text)
        return form
