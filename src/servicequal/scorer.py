"""The one way through, composed: conversation, cues, rules, score."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from ._version import __version__
from .agents import shares
from .conversation import Conversation
from .cues import CueFinder, CueMatch
from .detector import Detector, builtin_detector, load_detector
from .detector.decide import decide
from .dynamics import dynamics
from .errors import Rejected
from .forms import Forms
from .hygiene import HygieneNote, check
from .outline import Outline, outlined
from .packs import Pack, builtin_macros, with_user_packs
from .pool import cut, ordered
from .rubric import Rubric, apply_rubric, dimension_weights, load_rubric, rubric_hash
from .rules import View
from .scoring import Account, Fingerprint, Judgement, Scorecard, Tariff
from .semantic import SemanticMatcher


class Scorer:
    """Packs, rules and rubric, compiled once; scores any number of conversations.

    ``rubric`` is a YAML file, a mapping or a :class:`Rubric` over the default; ``packs`` are a user's own
    packs (files or :class:`Pack`) over the built-in ones. ``model`` is the learned detector: the built-in one, a
    file of your own training, or False for phrases alone. ``nlp`` is a spaCy pipeline whose sentences are used for
    flagged turns. ``semantic`` is a sentence-transformers model (name or folder) or a :class:`SemanticMatcher`: off
    unless given. Immutable in use, and picklable.
    """

    def __init__(
        self,
        rubric: str | Path | Mapping[str, Any] | Rubric | None = None,
        packs: Iterable[Pack | str | Path] | None = None,
        nlp: Any | None = None,
        model: bool | str | Path | Detector = True,
        semantic: SemanticMatcher | str | Path | None = None,
    ) -> None:
        self.rubric = load_rubric(rubric)
        self.packs = with_user_packs(packs)
        self.nlp = nlp
        self._judged = apply_rubric(self.rubric)
        self._tariff = Tariff(self._judged, dimension_weights(self.rubric))
        self._finder = CueFinder(self.packs, nlp)
        self.detector = _detector(model)
        self.semantic = SemanticMatcher(semantic, self.packs) if isinstance(semantic, str | Path) else semantic
        self.fingerprint = self._fingerprint()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Scorer, (self.rubric, self.packs, self.nlp, self.detector or False, self.semantic))

    def __deepcopy__(self, memo: dict[int, Any]) -> Scorer:
        return self

    def score(self, conversation: Conversation) -> Scorecard:
        """The scorecard of one conversation. Never raises for what a transcript holds."""
        return self.judge(conversation).scorecard()

    def judge(self, conversation: Conversation) -> Judgement:
        """What :meth:`score` says, before it is spelled out: for those who write it straight to a table."""
        return self.judge_all((conversation,))[0]

    def judge_all(self, conversations: Sequence[Conversation]) -> list[Judgement]:
        """:meth:`judge` for several, step by step instead of one by one.

        Each step has tables and code of its own, about as much as a processor keeps at hand: taken in turns they
        would drive each other out. A few dozen conversations at a time are enough, and all are held until the end.
        """
        outlines = list(map(outlined, conversations))
        notes = list(map(check, conversations, outlines))
        forms = list(map(Forms, conversations))
        cues = self._cues(conversations, forms)
        accounts = self._accounts(list(map(View, conversations, cues, forms, outlines)), notes)
        found = zip(conversations, outlines, notes, forms, cues, accounts, strict=True)
        return [self._judgement(*of_one) for of_one in found]

    def _judgement(
        self,
        conversation: Conversation,
        outline: Outline,
        notes: tuple[HygieneNote, ...],
        forms: Forms,
        cues: tuple[CueMatch, ...],
        account: Account,
    ) -> Judgement:
        whole = (cues, account.overall, account.scores)
        return Judgement(
            conversation.id,
            conversation.channel,
            cues,
            account,
            notes,
            self.fingerprint,
            dynamics(conversation, outline),
            shares(conversation, outline, whole, lambda part: self._part(part, notes, forms)),
        )

    def _part(
        self, part: Conversation, notes: tuple[HygieneNote, ...], forms: Forms
    ) -> tuple[tuple[CueMatch, ...], float | None, dict[str, float | None]]:
        """Cues, overall and scores of one agent's part of a conversation with these notes."""
        cues = self.cues(part, forms)
        (account,) = self._accounts((View(part, cues, forms),), (notes,))
        return cues, account.overall, account.scores

    def cues(self, conversation: Conversation, forms: Forms | None = None) -> tuple[CueMatch, ...]:
        """The cues of one conversation, without rules or scores."""
        return self._cues((conversation,), (forms or Forms(conversation),))[0]

    def _cues(self, conversations: Sequence[Conversation], forms: Sequence[Forms]) -> list[tuple[CueMatch, ...]]:
        found = list(map(self._finder.find, conversations, forms))
        if self.semantic:
            found = list(map(self.semantic.join, conversations, found))
        if self.detector is None:
            return found
        own = self.detector
        return [decide(*of_one[:2], own, forms=of_one[2]) for of_one in zip(conversations, found, forms, strict=True)]

    def _accounts(self, views: Sequence[View], notes: Sequence[tuple[HygieneNote, ...]]) -> list[Account]:
        tariff = self._tariff
        return list(map(tariff.account, tariff.verdicts_on(views, list(map(_doubts, views, notes)))))

    def _fingerprint(self) -> Fingerprint:
        words = "".join(p.model_dump_json() for p in self.packs) + repr(sorted(builtin_macros().items()))
        packs = hashlib.sha256(words.encode()).hexdigest()[:12]
        rules = rubric_hash(self.rubric, self._judged, [packs, *([self.semantic.digest] if self.semantic else [])])
        digest = self.detector.digest if self.detector else None
        return Fingerprint(version=__version__, rules=rules, rubric=self.rubric.name, model=digest)


def _detector(model: bool | str | Path | Detector) -> Detector | None:
    if isinstance(model, Detector):
        return model
    if isinstance(model, bool):
        return builtin_detector() if model else None
    return load_detector(model)


_BLOCKING = ("no_agent_turns", "swapped_roles_suspected", "not_english", "low_asr_confidence")
_MOST_UNKNOWN = 0.2
"""Share of turns with words whose speaker may be unknown before nothing can be judged."""


def doubts(
    notes: Iterable[HygieneNote], spoken: int, unknown: int, agent: bool, customer: bool
) -> tuple[str | None, str | None]:
    """Why all rules, or those that need a customer, can't be judged on this transcript.

    ``spoken`` turns have words in them, ``unknown`` of these an unknown speaker; ``agent`` and ``customer`` say
    whether these speak.
    """
    by_code = {note.code: note for note in notes}
    for code in _BLOCKING:
        if code in by_code:
            return by_code[code].message, None
    if unknown > _MOST_UNKNOWN * spoken:
        return f"{unknown} of {spoken} turns have an unknown speaker; map them with roles", None
    if not agent:
        return "no agent turn with words in it", None
    return None, None if customer else "no customer turn: one side of the conversation only"


def _doubts(view: View, notes: tuple[HygieneNote, ...]) -> tuple[str | None, str | None]:
    outline = view.outline
    return doubts(notes, len(outline.spoken), len(outline.unknown), bool(view.agent), bool(view.customer))


@cache
def _default() -> Scorer:
    return Scorer()


def score(conversation: Conversation) -> Scorecard:
    """The scorecard of one conversation with the default rubric and packs."""
    return _default().score(conversation)


def judged_each(
    scorer: Scorer, items: Iterable[Conversation | Rejected]
) -> Iterator[tuple[Conversation | Rejected, Judgement | Exception | None]]:
    """Each item with its judgement, in order: what judging it raised where it did, None for a Rejected."""
    for some in cut(items, _length, _AT_ONCE, _MOST_TURNS):
        talks = [item for item in some if isinstance(item, Conversation)]
        try:
            judged: Iterator[Judgement | Exception] = iter(scorer.judge_all(talks))
        except MemoryError:
            raise
        except Exception:  # of one of them: a bug that it brings out costs it alone
            judged = map(partial(_judged, scorer), talks)
        yield from ((item, None if isinstance(item, Rejected) else next(judged)) for item in some)


def _judged(scorer: Scorer, conversation: Conversation) -> Judgement | Exception:
    try:
        return scorer.judge(conversation)
    except MemoryError:
        raise
    except Exception as error:
        return error


def score_many(
    conversations: Iterable[Conversation | Rejected], workers: int = 1, scorer: Scorer | None = None
) -> Iterator[Scorecard | Rejected]:
    """Scorecards in the order of the conversations; a :class:`Rejected` that comes in goes out as it is.

    ``workers`` above 1 spreads the work over processes, in chunks that are bounded by conversations and by
    characters: memory doesn't grow with the input, and a long conversation doesn't hold up the others. Whoever
    stops early stops the processes. What ``conversations`` raises is raised after the scorecards before it.
    """
    use = scorer or _default()
    if workers <= 1:
        for item in conversations:
            yield item if isinstance(item, Rejected) else use.score(item)
        return
    for chunk in ordered(partial(_chunk_scorer, use), cut(conversations, _weight, _CHUNK, _HEAVIEST), workers):
        yield from chunk


_CHUNK, _HEAVIEST = 64, 400_000
"""Conversations of a chunk at most, and characters."""
_TURN = 40
"""What a turn without words costs, in characters."""
_AT_ONCE, _MOST_TURNS = 32, 2_000
"""Conversations that are taken through the steps together at most, and turns."""


def _length(item: Conversation | Rejected) -> int:
    return 0 if isinstance(item, Rejected) else len(item.turns)


def _weight(item: Conversation | Rejected) -> int:
    return 0 if isinstance(item, Rejected) else sum(len(turn.text) + _TURN for turn in item.turns)


Items = list[Conversation | Rejected]


def _chunk_scorer(scorer: Scorer) -> Callable[[Items], list[Scorecard | Rejected]]:
    return lambda items: [item if isinstance(item, Rejected) else scorer.score(item) for item in items]
