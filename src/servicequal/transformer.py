"""Conversations as numbers for scikit-learn: what was said, what the rules found, how the time went."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.base import BaseEstimator, TransformerMixin

from .conversation import Conversation
from .dynamics import Dynamics
from .errors import ReadError, Rejected
from .packs import CUES, CUSTOMER, HURTING, Pack
from .rules import DIMENSIONS, RULES
from .scorer import Scorer, score_many
from .scoring import Scorecard

_CLOCK = tuple(
    name for name in (f.name for f in dataclasses.fields(Dynamics)) if name not in ("latency_from", "talk_by")
)
"""What of the dynamics is a number."""


class ConversationFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features of conversations, one row each; fitting learns nothing.

    ``X`` is a sequence (list, tuple, object array, Series, or a DataFrame with one column) of
    :class:`~servicequal.Conversation` or of mappings of the same fields. The result has float64 columns (see
    :meth:`get_feature_names_out`); nan stands where a rule did not apply or a time is not known, so put an imputer
    behind it. ``scorer`` is a :class:`~servicequal.Scorer`, the default one if None.
    ``cues``, ``rules``, ``scores`` and ``dynamics`` switch groups of features on and off.
    """

    def __init__(
        self,
        scorer: Scorer | None = None,
        *,
        cues: bool = True,
        rules: bool = True,
        scores: bool = True,
        dynamics: bool = True,
    ) -> None:
        self.scorer = scorer
        self.cues = cues
        self.rules = rules
        self.scores = scores
        self.dynamics = dynamics

    def fit(self, X: Any, y: Any = None) -> ConversationFeatures:  # noqa: N803, ARG002
        """Nothing to learn: looks only whether ``X`` is a sequence of conversations."""
        for _ in _conversations(X):
            pass
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Features, shape (conversations, features). Raises ReadError where an item is no conversation."""
        conversations = list(_conversations(X))
        cards = score_many(conversations, scorer=self.scorer)
        rows = [
            list(self._row(conversation, card))
            for conversation, card in zip(conversations, cards, strict=True)
            if isinstance(card, Scorecard)
        ]
        return np.array(rows, float).reshape(len(rows), len(self.get_feature_names_out()))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """The names of the columns.

        ``agent_turns``, ``agent_words``, ``customer_turns``, ``customer_words``; ``agent_<cue>`` and
        ``customer_<cue>``, how often a cue is plainly said, and ``agent_<cue>_softened``; ``rule_<code>``, the rule's
        credit 0-1; ``score_<dimension>`` and ``score_overall`` (0-100), ``coverage_<dimension>`` (0-1);
        ``dynamics_…``, seconds, shares and counts.
        """
        names = ["agent_turns", "agent_words", "customer_turns", "customer_words"]
        if self.cues:
            sides = _sides(self.scorer.packs if self.scorer else ())
            names += [f"{side}_{cue}" for cue, side in sides.items()]
            names += [f"agent_{cue}_softened" for cue in _softened(self.scorer)]
        if self.rules:
            names += [f"rule_{rule.code}" for rule in RULES]
        if self.scores:
            names += [*(f"score_{d}" for d in (*DIMENSIONS, "overall")), *(f"coverage_{d}" for d in DIMENSIONS)]
        if self.dynamics:
            names += [f"dynamics_{name}" for name in _CLOCK]
        return np.array(names, dtype=object)

    def _row(self, conversation: Conversation, card: Scorecard) -> Iterator[float]:
        for side in ("agent", "customer"):
            said = [turn.text for turn in conversation.turns if turn.speaker == side and turn.scorable]
            yield len(said)
            yield sum(len(text.split()) for text in said)
        if self.cues:
            plain = Counter(m.cue for m in card.cues if m.status == "plain")
            softened = Counter(m.cue for m in card.cues if m.status == "softened")
            yield from (plain[cue] for cue in _sides(self.scorer.packs if self.scorer else ()))
            yield from (softened[cue] for cue in _softened(self.scorer))
        if self.rules:
            yield from _credits(card)
        if self.scores:
            yield from (_number(card.scores[d]) for d in DIMENSIONS)
            yield _number(card.overall)
            yield from (card.coverage[d] for d in DIMENSIONS)
        if self.dynamics:
            yield from (_number(getattr(card.dynamics, name, None)) for name in _CLOCK)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        tags.no_validation = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The same for scikit-learn before 1.6."""
        return {
            "X_types": ["conversations"],
            "allow_nan": True,
            "requires_fit": False,
            "stateless": True,
            "no_validation": True,
            "preserves_dtype": [],
        }


def _sides(packs: Iterable[Pack]) -> dict[str, str]:
    """Every cue with the side that says it: those of the codebook, then those of a user's own packs."""
    sides = {cue: "customer" if cue in CUSTOMER else "agent" for cue in CUES}
    return {**sides, **{pack.cue: pack.speaker for pack in packs}}


def _softened(scorer: Scorer | None) -> tuple[str, ...]:
    own = [p.cue for p in scorer.packs if p.effect == "hurts" and p.cue not in HURTING] if scorer else []
    return (*HURTING, *own)


def _credits(card: Scorecard) -> Iterator[float]:
    """The credit of every rule: its points over what it could have given."""
    found = {f.code: f for f in card.findings}
    for rule in RULES:
        finding = found.get(rule.code)
        if finding is None or finding.points is None or finding.lost is None:
            yield math.nan
        else:
            yield finding.points / (finding.points + finding.lost)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _conversations(items: Any) -> Iterator[Conversation]:
    """The items as conversations. Raises ReadError with the number of the one that is none."""
    if hasattr(items, "columns"):
        if len(items.columns) != 1:
            raise ReadError(_no_conversations("a DataFrame with more than one column"))
        items = items[items.columns[0]]
    if isinstance(items, str | bytes | Mapping | Conversation) or not hasattr(items, "__iter__"):
        raise ReadError(_no_conversations(type(items).__name__))
    if isinstance(items, np.ndarray) and items.ndim == 2 and items.shape[1] == 1:
        items = items[:, 0]
    for number, item in enumerate(items):
        if isinstance(item, Conversation):
            yield item
            continue
        try:
            yield Conversation.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            reason = f"item {number} is no conversation: {place + ': ' if place else ''}{first['msg']}"
            raise ReadError(Rejected(reason, hint="give Conversations, or mappings of their fields")) from error


def _no_conversations(what: str) -> Rejected:
    return Rejected(
        f"{what} is no sequence of conversations", hint="servicequal.from_frame makes them from a DataFrame of turns"
    )
