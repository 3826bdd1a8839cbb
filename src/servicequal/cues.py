"""Packs compiled to matchers: a conversation in, cues with their exact words out.

Two stages. One pass over the words of the normal form says which phrases *can* be in a turn
(:mod:`servicequal.sieve`); only those are located exactly, mapped back to the original text and looked at in context.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from . import context, families
from .conversation import Conversation, Role, Span
from .errors import PackError
from .forms import Forms
from .language import Sentences, sentences_of
from .made import maker
from .normal import QUOTES, Aligned, align, align_plainly, compiled_reader
from .packs import Pack, builtin_macros
from .phrases import Compiler, Shape, pattern_of
from .plan import Plan, builtin_plan, digest_of
from .sieve import AnyScan, Sieve

_KINDS_IN_NEXT_TURN = 2
_MOST_SPANS = 20
_EXCEPTION, _ASKED = "an exception of the pack", "asked, not said"
_SENTENCE = 600
"""Characters of the normal form to either side of a match that are taken for its sentence where nothing ends it."""

_FAMILIES = (
    families.MARK,
    families.ASKING,
    families.DENYING,
    families.DENIAL,
    families.FLATLY,
    families.SUPPOSING,
    families.REPORTING,
    families.REPORTER,
)

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
        self._softeners = softeners({pack.cue: pack for pack in self.packs}.values())
        shared = Compiler(builtin_macros())
        self._sides: dict[str, _Side] = {
            side: _Side(tuple(p for p in self.packs if p.speaker == side), shared, sentences, self._softeners)
            for side in ("agent", "customer")
        }
        self._talk = self._compiled_talk()

    def _compiled_talk(self) -> Any:
        """The compiled steps over all turns of a conversation; None where those of one turn have to do."""
        reader = compiled_reader()
        sides = [side.fast for side in self._sides.values()]
        compiled = next((side.compiled for side in self._sides.values() if side.compiled), None)
        if reader is None or compiled is None or any(fast is None for fast in sides):
            return None
        return compiled.Talk(
            [(side.fast, side.find_plainly) for side in self._sides.values()],
            reader,
            align_plainly,
            maker(CueMatch),
            maker(Span),
            self._softeners,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (CueFinder, (self.packs, self.nlp))

    def plans(self) -> dict[str, tuple[str, Plan]]:
        """Both sides' sieves as flat tables, with the digests of what they rest on, worked out anew: for the file that
        ships."""
        macros = builtin_macros()
        found = {}
        for side in self._sides:
            packs = [pack for pack in self.packs if pack.speaker == side]
            exceptions = [(p, s) for p in packs for sources in (p.unless, p.unless_turn) for s in sources]
            found[side] = (digest_of(packs, macros), self._sides[side]._worked_out(exceptions).plan)
        return found

    def find(self, conversation: Conversation, forms: Forms | None = None) -> tuple[CueMatch, ...]:
        """All cues of a conversation, in order of turn, start and cue; softening applied.

        ``forms`` are the normal forms of its turns, where the caller has use for them besides.
        """
        forms = forms or Forms(conversation)
        if self._talk is not None:
            every: tuple[CueMatch, ...] = self._talk.find(tuple(conversation.turns), forms.made)
            return every
        found: list[CueMatch] = []
        for number, turn in enumerate(conversation.turns):
            side = self._sides.get(turn.speaker)
            if side is not None and turn.kind == "message":  # one without words holds no cue
                found += side.find(forms[number], turn.speaker, number)
        return soften(found, conversation, self._softeners)

    def find_in_text(self, text: str, speaker: Role, turn: int = 0) -> list[CueMatch]:
        """Cues of one turn's text, looked at by itself. ``speaker`` chooses the packs."""
        side = self._sides.get(speaker)
        return side.find(align(text), speaker, turn) if side else []

    def find_naively(self, text: str, speaker: Role, turn: int = 0) -> list[CueMatch]:
        """The same result without the first stage: every phrase is tried. For checks and benchmarks."""
        side = self._sides.get(speaker)
        return side.find(align(text), speaker, turn, every=True) if side else []


class _Side:
    """The packs of one side of the conversation, compiled."""

    def __init__(
        self, packs: Sequence[Pack], shared: Compiler, sentences: Sentences | None, softened: Container[str]
    ) -> None:
        import re2

        self._sentences = sentences
        self._options = re2.Options()
        self._options.max_mem = 64 << 20
        self._options.log_errors = False
        self._phrases = [_Phrase(pack, source) for pack in packs for source in pack.phrases]
        self._compilers = {pack.cue: Compiler(pack.macros, shared) for pack in packs}
        self._unless: dict[str, _Exceptions] = {}
        self._unless_turn: dict[str, _Exceptions] = {}
        exceptions: list[tuple[Pack, str]] = []
        for pack in packs:
            for table, sources in ((self._unless, pack.unless), (self._unless_turn, pack.unless_turn)):
                table[pack.cue] = _Exceptions(pack, sources, self._compilers[pack.cue], len(exceptions), self._options)
                exceptions += [(pack, source) for source in sources]
        self._sieve = self._planned(packs, shared) or self._worked_out(exceptions)
        self._compiled: dict[int, Any] = {}
        self.compiled = self._sieve.compiled
        self.fast = self._compiled_finder(packs, softened)

    def _compiled_finder(self, packs: Sequence[Pack], softened: Container[str]) -> Any:
        """The compiled steps from a normal form to its cues; None where these here have to do."""
        cues = sorted(packs, key=lambda pack: pack.cue)
        numbers = {pack.cue: number for number, pack in enumerate(cues)}
        if self.compiled is None or self._sentences is not None or len(numbers) != len(packs):
            return None
        return self.compiled.Finder(
            self._sieve.table,
            [(p.cue, p.cue in softened, _excuses(p), *self._numbered(p.cue)) for p in cues],
            [(numbers[phrase.pack.cue], phrase.source) for phrase in self._phrases],
            maker(CueMatch),
            _FAMILIES,
            (context.DENIED_WITHIN, context.SUPPOSED_WITHIN, context.REPORTED_WITHIN),
            (_EXCEPTION, _ASKED),
            list(QUOTES.items()),
            context.LOOK_BEHIND,
            _SENTENCE,
            partial(_Doubts, self),
        )

    def _numbered(self, cue: str) -> Iterator[int]:
        """The first exception of a cue and how many there are, then the same of those that may stand anywhere."""
        for exceptions in (self._unless[cue], self._unless_turn[cue]):
            yield self._sieve.count + exceptions.first
            yield len(exceptions.sources)

    @staticmethod
    def _planned(packs: Sequence[Pack], shared: Compiler) -> Sieve | None:
        """The sieve that ships, if it is of these packs: they need not be worked out again."""
        side = packs[0].speaker if packs else ""
        plan = builtin_plan(side, digest_of(packs, shared.macros))
        return Sieve.of(plan) if plan else None

    def _worked_out(self, exceptions: Sequence[tuple[Pack, str]]) -> Sieve:
        shapes = [self._shape(phrase.pack, phrase.source) for phrase in self._phrases]
        return Sieve(shapes, loose=[self._shape(pack, source) for pack, source in exceptions])

    def _shape(self, pack: Pack, source: str) -> Shape:
        return _checked(pack, source, self._compilers[pack.cue])

    def find(self, form: Aligned, speaker: Role, turn: int, every: bool = False) -> list[CueMatch]:
        """The cues of one turn; ``every`` phrase and exception is tried where the sieve is not trusted."""
        if self.fast is not None and not every:
            found: list[CueMatch] | None = self.fast.find(form, speaker, turn)
            if found is not None:
                return found
        return self.find_plainly(form, speaker, turn, every)

    def find_plainly(self, form: Aligned, speaker: Role, turn: int, every: bool) -> list[CueMatch]:
        """The same without the compiled steps from a normal form to its cues."""
        if not self._phrases:
            return []
        scan = None if every else self._sieve.scan(form.words)
        candidates = range(len(self._phrases)) if scan is None else scan.phrases()
        if not candidates:
            return []
        hits = [hit for index in candidates for hit in self._locate(index, form, scan)]
        if not hits:
            return []
        reading = context.Reading(form, self._sentences)
        merged = _merge(hits)
        spoilt = self._spoilt({hit.cue for hit in merged}, form.text, scan)
        return [self._judge(hit, form, reading, spoilt, speaker, turn, scan) for hit in merged]

    def _spoilt(self, cues: set[str], normal: str, scan: AnyScan | None) -> frozenset[str]:
        """The cues that an exception anywhere in the turn excuses."""
        return frozenset(c for c in cues if self._unless_turn[c].among(normal, scan, self._sieve))

    def _locate(self, index: int, form: Aligned, scan: AnyScan | None) -> list[_Hit]:
        """Where a phrase stands: the longest match at the first place, then on behind it."""
        phrase = self._phrases[index]
        found = scan.places(index) if scan is not None else None
        if found is None:
            places = self._searched(index, form.text)
        else:
            starts, words = form.starts, form.words
            places = [(starts[begin] - 1, starts[end - 1] + len(words[end - 1])) for begin, end in found]
        hits: list[_Hit] = []
        for place in places:
            start, end = _trim(form.text, *place)
            if start < end:
                hits.append(_Hit(phrase.pack.cue, start, end, phrase))
        return hits

    def _searched(self, index: int, normal: str) -> list[tuple[int, int]]:
        """Where RE2 finds a phrase; a match's last word may be the one before the next match."""
        if index not in self._compiled:
            self._compiled[index] = self._patterns(self._phrases[index])
        beginning, whole = self._compiled[index]
        data = normal.encode()  # RE2's own form, made once: a million characters may hold thousands of matches
        found: list[tuple[int, int]] = []
        at = counted = characters = 0
        while (begun := beginning.search(data, at)) is not None:
            match = whole.match(data, begun.start())
            characters += len(data[counted : match.start()].decode())
            counted = match.start()
            found.append((characters, characters + len(match.group().decode())))
            end = match.end() - (data[match.end() - 1 : match.end()] == b" ")
            at = max(end, at + 1)
        return found

    def _patterns(self, phrase: _Phrase) -> tuple[Any, Any]:
        """A pattern that finds where the first match begins, and one that takes the longest from there: asked for both
        at once RE2 has to follow every beginning."""
        import re2

        source = pattern_of(self._shape(phrase.pack, phrase.source))
        longest = re2.Options()
        longest.max_mem = self._options.max_mem
        longest.log_errors = False
        longest.longest_match = True
        return re2.compile(source, self._options), re2.compile(source, longest)

    def _judge(
        self,
        hit: _Hit,
        form: Aligned,
        reading: context.Reading,
        spoilt: frozenset[str],
        speaker: Role,
        turn: int,
        scan: AnyScan | bool | None,
    ) -> CueMatch:
        start, end = form.original(hit.start, hit.end)
        if hit.cue in spoilt:
            reason: str | None = _EXCEPTION
        else:
            reason = "quoted" if reading.quoted(start, end) else self._excuse(hit, reading, scan)
        return CueMatch(
            cue=hit.cue,
            turn=turn,
            start=start,
            end=end,
            text=form.source[start:end],
            speaker=speaker,
            status="excused" if reason else "plain",
            reason=reason,
            pattern=hit.phrase.source,
        )

    def _excuse(self, hit: _Hit, reading: context.Reading, scan: AnyScan | bool | None) -> str | None:
        pack = hit.phrase.pack
        bounds = reading.bounds(hit.start, hit.end)
        left, right = max(bounds[0], hit.start - _SENTENCE), min(bounds[1] + 2, hit.end + _SENTENCE)
        cut = left > bounds[0] or right < bounds[1]  # perhaps within a word: the sieve knows whole ones
        sentence = reading.normal[left:right]
        if self._unless[pack.cue].among(sentence, None if cut else scan, self._sieve):
            return _EXCEPTION
        if pack.asked == "excused" and reading.can_ask and context.asked(reading, bounds):
            return _ASKED
        if not (reading.can_deny or reading.can_suppose or reading.can_report):
            return None
        before = reading.before(hit.start, bounds)
        if pack.negated == "excused" and reading.can_deny and context.denied(before):
            return "denied, not said"
        if pack.supposed == "excused" and reading.can_suppose and context.supposed(before):
            return "only supposed"
        if pack.reported == "excused" and reading.can_report and context.reported(before):
            return "reported speech"
        return None


class _Doubts:
    """What the compiled steps leave open about the matches of one turn."""

    def __init__(self, side: _Side, form: Aligned, speaker: Role, turn: int) -> None:
        self._side = side
        self._form = form
        self._speaker: Role = speaker
        self._turn = turn
        self._reading = context.Reading(form)

    def judged(self, phrase: int, start: int, end: int, excepted: bool) -> CueMatch:
        """One match that no exception anywhere in the turn excuses; whether one can be in its sentence is known."""
        found = self._side._phrases[phrase]
        hit = _Hit(found.pack.cue, start, end, found)
        return self._side._judge(hit, self._form, self._reading, frozenset(), self._speaker, self._turn, excepted)


def _excuses(pack: Pack) -> int:
    """What excuses a cue, by bits as the compiled steps number them."""
    excused = (pack.asked, pack.negated, pack.supposed, pack.reported)
    return sum(1 << bit for bit, what in enumerate(excused) if what == "excused")


class _Exceptions:
    """Phrases that excuse a cue, numbered in the sieve after all phrases."""

    def __init__(self, pack: Pack, sources: Sequence[str], compiler: Compiler, first: int, options: Any) -> None:
        self._pack = pack
        self.sources = tuple(sources)
        self._compiler = compiler
        self.first = first
        self._options = options
        self._pattern: Any = None

    def among(self, text: str, scan: AnyScan | bool | None, sieve: Sieve) -> bool:
        """Whether one of them is in a text, which is all or a part of what was scanned, if it is known that one can be
        there, or the scan says so."""
        if not self.sources:
            return False
        can = scan if isinstance(scan, bool) else scan is None or scan.can(sieve.count + self.first, len(self.sources))
        if not can:
            return False
        if self._pattern is None:
            import re2

            patterns = [pattern_of(_checked(self._pack, s, self._compiler)) for s in self.sources]
            self._pattern = re2.compile("|".join(f"(?:{p})" for p in patterns), self._options)
        return self._pattern.search(text) is not None


def _checked(pack: Pack, source: str, compiler: Compiler) -> Shape:
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


def softeners(packs: Iterable[Pack]) -> dict[str, frozenset[str]]:
    """By cue the cues of help that soften it; only cues that can be softened."""
    return {pack.cue: frozenset(pack.softened_by) for pack in packs if pack.softened_by}


def soften(
    found: Sequence[CueMatch], conversation: Conversation, softened_by: Mapping[str, frozenset[str]]
) -> tuple[CueMatch, ...]:
    """Deflections that help follows later in the same turn, or in the agent's next one, become ``softened``.

    The next turn must hold at least two kinds of help: graders keep marking a deflection that is followed
    by a mere "let me check", and no longer hold it against an agent who turned the matter round.
    """
    harsh = [at for at, match in enumerate(found) if match.cue in softened_by and match.status == "plain"]
    if not harsh:
        return tuple(found)
    following = _next_agent_turn(conversation)
    help_in: dict[int, list[CueMatch]] = {}
    helping = frozenset().union(*softened_by.values())
    for match in found:
        if match.cue in helping and match.status == "plain":
            help_in.setdefault(match.turn, []).append(match)
    out = list(found)
    for at in harsh:
        match = found[at]
        wanted = softened_by[match.cue]
        own = help_in.get(match.turn, [])
        here = [m for m in own[bisect_left(own, match.end, key=_start) :][:_MOST_SPANS] if m.cue in wanted]
        after = [m for m in help_in.get(following.get(match.turn, -1), [])[:_MOST_SPANS] if m.cue in wanted]
        if len({m.cue for m in after}) < _KINDS_IN_NEXT_TURN:
            after = []
        spans = tuple(m.span for m in (*here, *after))
        if spans:
            out[at] = replace(match, status="softened", reason="help follows", softened_by=spans)
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
