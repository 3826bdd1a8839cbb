"""Packs compiled to matchers: a conversation in, cues with their exact words out.

Two stages. One scan of an RE2 ``Set`` of literal keys over the normal form says which phrases *can* be in a
turn; only those are located exactly, mapped back to the original text and looked at in context.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from . import context
from .conversation import Conversation, Role, Span
from .errors import PackError
from .language import Sentences, sentences_of
from .normal import Aligned, align, normalise
from .packs import Pack, builtin_macros, macros_for
from .phrases import Compiled, Compiler

_KINDS_IN_NEXT_TURN = 2
_MOST_SPANS = 20
_EXCEPTION = "an exception of the pack"
_SENTENCE = 600
"""Characters of the normal form to either side of a match that are taken for its sentence where nothing ends it."""

Status = Literal["plain", "softened", "excused"]


@dataclass(frozen=True, slots=True)
class CueMatch:
    """One cue found: the exact words, and whether they count.

    ``status`` is ``plain`` (said, and counts), ``softened`` (a deflection that help follows; ``softened_by``
    holds the spans of that help) or ``excused`` (asked, denied, supposed, quoted or reported). ``reason``
    says why it is not plain. ``pattern`` is the phrase of the pack that matched, or ``model``;
    ``confidence`` is the learned detector's calibrated probability, or None where it was not asked.
    """

    cue: str
    turn: int
    start: int
    end: int
    text: str
    speaker: Role
    status: Status = "plain"
    reason: str | None = None
    pattern: str = ""
    confidence: float | None = None
    softened_by: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        """Where the words stand."""
        return Span(self.turn, self.start, self.end)


@dataclass(frozen=True, slots=True)
class _Phrase:
    pack: Pack
    source: str
    pattern: str
    keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    cue: str
    start: int
    end: int
    phrase: _Phrase


class CueFinder:
    """Compiled packs. Build once, use on any number of conversations; picklable."""

    def __init__(self, packs: Sequence[Pack], nlp: Any | None = None) -> None:
        self.packs = tuple(packs)
        self.nlp = nlp
        sentences = sentences_of(nlp) if nlp is not None else None
        self._by_cue = {pack.cue: pack for pack in self.packs}
        shared = builtin_macros()
        self._sides: dict[str, _Side] = {
            side: _Side(tuple(p for p in self.packs if p.speaker == side), shared, sentences)
            for side in ("agent", "customer")
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return (CueFinder, (self.packs, self.nlp))

    def find(self, conversation: Conversation) -> tuple[CueMatch, ...]:
        """All cues of a conversation, in order of turn, start and cue; softening applied."""
        found: list[CueMatch] = []
        for number, turn in enumerate(conversation.turns):
            if turn.scorable and turn.speaker in self._sides:
                found += self.find_in_text(turn.text, turn.speaker, number)
        return soften(found, conversation, self._by_cue)

    def find_in_text(self, text: str, speaker: Role, turn: int = 0) -> list[CueMatch]:
        """Cues of one turn's text, looked at by itself. ``speaker`` chooses the packs."""
        side = self._sides.get(speaker)
        return side.find(text, speaker, turn) if side else []

    def find_naively(self, text: str, speaker: Role, turn: int = 0) -> list[CueMatch]:
        """The same result without the first stage: every phrase is tried. For checks and benchmarks."""
        side = self._sides.get(speaker)
        return side.find(text, speaker, turn, every=True) if side else []


class _Side:
    """The packs of one side of the conversation, compiled."""

    def __init__(self, packs: Sequence[Pack], shared: dict[str, tuple[str, ...]], sentences: Sentences | None) -> None:
        import re2

        self._sentences = sentences
        options = re2.Options()
        options.max_mem = 64 << 20
        options.log_errors = False
        self._options = options
        self._phrases: list[_Phrase] = []
        self._unless: dict[str, tuple[Any, Any]] = {}
        for pack in packs:
            self._add(pack, Compiler(macros_for(pack, shared)))
        self._compiled: dict[int, Any] = {}
        self._build_keys()

    def _add(self, pack: Pack, compiler: Compiler) -> None:
        for source in pack.phrases:
            compiled = _checked(pack, source, compiler)
            self._phrases.append(_Phrase(pack, source, compiled.pattern, compiled.keys))
        self._unless[pack.cue] = (
            self._any(pack, pack.unless, compiler),
            self._any(pack, pack.unless_turn, compiler),
        )

    def _build_keys(self) -> None:
        """One set of all keys: literals only, so its automaton stays small whatever the phrases."""
        import re2

        owners: dict[str, list[tuple[int, int]]] = {}
        self._always: list[int] = []
        self._needed: list[int] = []
        for index, phrase in enumerate(self._phrases):
            for bit, group in enumerate(phrase.keys):
                for key in group:
                    owners.setdefault(key, []).append((index, 1 << bit))
            self._needed.append((1 << len(phrase.keys)) - 1)
            if not phrase.keys:
                self._always.append(index)
        self._owners = tuple(tuple(pairs) for pairs in owners.values())
        self._set = re2.Set.SearchSet(self._options)
        for key in owners:
            self._set.Add(key.replace("$", r"\$"))
        if owners:
            self._set.Compile()

    def _candidates(self, normal: str) -> list[int]:
        """The phrases that can be in a normal form, in order: those of which every group has a key there."""
        seen: dict[int, int] = {}
        if self._owners:
            for key in self._set.Match(normal) or ():
                for index, bit in self._owners[key]:
                    seen[index] = seen.get(index, 0) | bit
        wanted = [index for index, bits in seen.items() if bits == self._needed[index]]
        return sorted([*wanted, *self._always])

    def _any(self, pack: Pack, sources: Iterable[str], compiler: Compiler) -> Any:
        import re2

        patterns = [_checked(pack, source, compiler).pattern for source in sources]
        return re2.compile("|".join(f"(?:{p})" for p in patterns), self._options) if patterns else None

    def find(self, text: str, speaker: Role, turn: int, every: bool = False) -> list[CueMatch]:
        if not self._phrases:
            return []
        normal = normalise(text)
        candidates = range(len(self._phrases)) if every else self._candidates(normal)
        hits = [hit for index in candidates for hit in self._locate(index, normal)]
        if not hits:
            return []
        aligned = align(text)
        reading = context.Reading(text, aligned, self._sentences)
        merged = _merge(hits)
        spoilt = self._spoilt({hit.cue for hit in merged}, aligned.text)
        return [self._judge(hit, text, aligned, reading, spoilt, speaker, turn) for hit in merged]

    def _spoilt(self, cues: set[str], normal: str) -> frozenset[str]:
        """The cues that an exception anywhere in the turn excuses."""
        return frozenset(c for c in cues if (rule := self._unless[c][1]) is not None and rule.search(normal))

    def _locate(self, index: int, normal: str) -> list[_Hit]:
        import re2

        phrase = self._phrases[index]
        if index not in self._compiled:
            self._compiled[index] = re2.compile(phrase.pattern, self._options)
        hits: list[_Hit] = []
        for match in self._compiled[index].finditer(normal):
            start, end = _trim(normal, match.start(), match.end())
            if start < end:
                hits.append(_Hit(phrase.pack.cue, start, end, phrase))
        return hits

    def _judge(
        self,
        hit: _Hit,
        text: str,
        aligned: Aligned,
        reading: context.Reading,
        spoilt: frozenset[str],
        speaker: Role,
        turn: int,
    ) -> CueMatch:
        start, end = aligned.original(hit.start, hit.end)
        if hit.cue in spoilt:
            reason: str | None = _EXCEPTION
        else:
            reason = "quoted" if reading.quoted(start, end) else self._excuse(hit, reading)
        return CueMatch(
            cue=hit.cue,
            turn=turn,
            start=start,
            end=end,
            text=text[start:end],
            speaker=speaker,
            status="excused" if reason else "plain",
            reason=reason,
            pattern=hit.phrase.source,
        )

    def _excuse(self, hit: _Hit, reading: context.Reading) -> str | None:
        pack = hit.phrase.pack
        exception = self._unless[pack.cue][0]
        bounds = reading.bounds(hit.start, hit.end)
        left, right = max(bounds[0], hit.start - _SENTENCE), min(bounds[1] + 2, hit.end + _SENTENCE)
        if exception is not None and exception.search(reading.normal[left:right]):
            return _EXCEPTION
        before = reading.before(hit.start, bounds)
        checks = (
            (pack.asked == "excused" and context.asked(reading, bounds), "asked, not said"),
            (pack.negated == "excused" and context.denied(before), "denied, not said"),
            (pack.supposed == "excused" and context.supposed(before), "only supposed"),
            (pack.reported == "excused" and context.reported(before), "reported speech"),
        )
        return next((reason for holds, reason in checks if holds), None)


def _checked(pack: Pack, source: str, compiler: Compiler) -> Compiled:
    try:
        return compiler.compile(source)
    except PackError as error:
        raise PackError(f"pack '{pack.cue}': {error}") from error


def _trim(normal: str, start: int, end: int) -> tuple[int, int]:
    """A match without the sentence marks and spaces at its borders ('?' is kept: it belongs to a question)."""
    while start < end and normal[start] in " .?:":
        start += 1
    while end > start and normal[end - 1] in " .:":
        end -= 1
    return start, end


def _merge(hits: list[_Hit]) -> list[_Hit]:
    """Overlapping hits of one cue become one, the longest phrase naming it; in order of start and cue."""
    hits.sort(key=lambda h: (h.cue, h.start, h.start - h.end))
    merged: list[_Hit] = []
    for hit in hits:
        last = merged[-1] if merged else None
        if last is not None and last.cue == hit.cue and hit.start < last.end:
            longer = last.phrase if last.end - last.start >= hit.end - hit.start else hit.phrase
            merged[-1] = _Hit(last.cue, last.start, max(last.end, hit.end), longer)
        else:
            merged.append(hit)
    return sorted(merged, key=lambda h: (h.start, h.cue, h.end))


def soften(found: Sequence[CueMatch], conversation: Conversation, packs: dict[str, Pack]) -> tuple[CueMatch, ...]:
    """Deflections that help follows later in the same turn, or in the agent's next one, become ``softened``.

    The next turn must hold at least two kinds of help: graders keep marking a deflection that is followed
    by a mere "let me check", and no longer hold it against an agent who turned the matter round.
    """
    following = _next_agent_turn(conversation)
    help_in: dict[int, list[CueMatch]] = {}
    softeners = {cue for pack in packs.values() for cue in pack.softened_by}
    for match in found:
        if match.status == "plain" and match.cue in softeners:
            help_in.setdefault(match.turn, []).append(match)

    def helps(match: CueMatch) -> tuple[Span, ...]:
        wanted = packs[match.cue].softened_by if match.cue in packs else ()
        if not wanted or match.status != "plain":
            return ()
        own = help_in.get(match.turn, [])
        here = [m for m in own[bisect_left(own, match.end, key=_start) :][:_MOST_SPANS] if m.cue in wanted]
        after = [m for m in help_in.get(following.get(match.turn, -1), [])[:_MOST_SPANS] if m.cue in wanted]
        if len({m.cue for m in after}) < _KINDS_IN_NEXT_TURN:
            after = []
        return tuple(m.span for m in (*here, *after))

    out = []
    for match in found:
        spans = helps(match)
        out.append(replace(match, status="softened", reason="help follows", softened_by=spans) if spans else match)
    return tuple(out)


def _start(match: CueMatch) -> int:
    return match.start


def _next_agent_turn(conversation: Conversation) -> dict[int, int]:
    following: dict[int, int] = {}
    later = -1
    for number in range(len(conversation.turns) - 1, -1, -1):
        turn = conversation.turns[number]
        if turn.speaker == "agent" and turn.scorable:
            following[number] = later
            later = number
    return following
