"""What would help an agent most: the rules that cost their conversations most, in their own words.

Costs are points of the overall score: what a rule lost, times the weight of its dimension within overall in that
conversation. Where several agents share a conversation, a cost is an agent's by the share of the words that it
rests on (a customer's words belong to the agent who speaks next); a cost that rests on no words is nobody's there.
Caps are left out: what they take stands on the scorecard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .agents import owners
from .conversation import Conversation, Span, Turn
from .errors import ServicequalError
from .masking import Masker
from .packs import HELPING, HURTING, builtin_packs
from .scoring import OVERALL

if TYPE_CHECKING:
    import pandas as pd

    from .batch import RunData

RESULTS = ("CSE106", "FLX106", "SOL105", "REC105")
"""Rules about how the customer fares in the end: they tell a result, and not a habit that one could change."""

LEAST = 5
"""Conversations below which nothing is said of an agent, and occasions below which nothing is called a habit."""

_REPEATED = 2
"""Conversations that something must have cost before it is a habit."""

_MOMENTS = 3
_CANDIDATES = 8
"""Conversations looked through for words, for each habit."""

_LONGEST = 280
"""Characters of a quotation; what is longer is cut and ends in ``…``."""

_AROUND = 120
"""Characters shown of a turn before and after the words."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a conversation. ``words`` are the agent's, at ``start`` to ``end`` of turn ``turn``.

    ``lead`` and ``tail`` are what the turn says before and after them, cut short. ``before`` is what the customer says,
    where that is the occasion. ``cue`` is the cue in the words, or None, and ``say_instead`` what its pack advises.
    ``turn``, ``start`` and ``end`` are None and ``words`` empty where something was never said; ``explanation`` tells
    what the rule found.
    """

    position: int
    conversation_id: str
    turn: int | None
    start: int | None
    end: int | None
    lead: str
    words: str
    tail: str
    before: str
    cue: str | None
    say_instead: str | None
    explanation: str


@dataclass(frozen=True, slots=True)
class Habit:
    """A rule that costs an agent points again and again.

    ``cost`` is the mean over all conversations of the agent, in points of the overall score (0-100), with its 95 %
    interval ``low`` to ``high`` (Student's t); ``team`` the same mean of all the other agents, and ``more_low`` to
    ``more_high`` the 95 % interval of the difference (Welch), None without a team. ``occasions`` are the
    conversations in which the rule applied, ``costly`` those in which it cost points. ``moments`` are where, the
    dearest first, and ``well`` is where the agent did it well, or None.
    """

    code: str
    name: str
    dimension: str
    why: str
    say_instead: str
    cost: float
    low: float
    high: float
    team: float | None
    more_low: float | None
    more_high: float | None
    occasions: int
    costly: int
    moments: tuple[Moment, ...]
    well: Moment | None

    @property
    def beside_team(self) -> str:
        """``more``, ``less`` or ``alike``: alike unless the interval of the difference leaves out 0; else empty."""
        if self.more_low is None or self.more_high is None:
            return ""
        return "more" if self.more_low > 0 else "less" if self.more_high < 0 else "alike"


@dataclass(frozen=True, slots=True)
class AgentHabits:
    """One agent's conversations, and the habits that would raise their scores most, the dearest first.

    ``speaker_id`` is None for turns whose source does not tell agents apart. ``overall`` is the mean score of the
    agent's own parts with its 95 % interval, ``team`` that of all other agents; None where there is none. ``note``
    says why there are no habits, and is empty otherwise.
    """

    speaker_id: str | None
    conversations: int
    overall: float | None
    low: float | None
    high: float | None
    team: float | None
    habits: tuple[Habit, ...]
    note: str


def habits(
    run: RunData, agent: str | None = None, most: int = 3, least: int = LEAST, masker: Masker | None = None
) -> tuple[AgentHabits, ...]:
    """What to coach each agent of a batch run on; by name, those without a name last. ``agent`` asks for one alone.

    ``most`` is how many habits are named; ``least`` how many conversations it takes (see :data:`LEAST`). ``masker``
    masks personal data in what is quoted. Raises ServicequalError where the run has no such agent.
    """
    parts = run.table("agents", ["position", "speaker_id", "overall"]).to_pandas()
    costs = _costs(run, parts)
    named = sorted({name for name in parts["speaker_id"] if isinstance(name, str)})
    asked: list[str | None] = [*named, *([None] if parts["speaker_id"].isna().any() else [])]
    if agent is not None:
        asked = [_known(agent, named)]
    team = _Team(parts, costs)
    chosen = {name: team.dearest(name, most, least) for name in asked}
    words = _Words(run, masker)
    words.load(row.position for name in asked for _, rows in chosen[name] for row in _candidates(rows))
    return tuple(team.of(name, chosen[name], least, words) for name in asked)


def agents_of(run: RunData) -> dict[str | None, int]:
    """The agents of a run with the number of their conversations, by name; those without a name last."""
    counts = run.table("agents", ["speaker_id"]).to_pandas()["speaker_id"].value_counts(dropna=False)
    found = {name if isinstance(name, str) else None: int(count) for name, count in counts.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: (name is None, name or ""))}


def _known(agent: str, named: Sequence[str]) -> str:
    import difflib

    if agent in named:
        return agent
    near = difflib.get_close_matches(agent, named, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`servicequal coach OUT` lists them"
    raise ServicequalError(f"no agent {agent!r} in this run; {hint}")


# -- costs ---------------------------------------------------------------------------------------------


def _costs(run: RunData, parts: pd.DataFrame) -> pd.DataFrame:
    """One row for each agent, conversation and rule that applied: position, speaker_id, code, cost, share."""
    import pandas as pd
    import pyarrow.compute as pc

    applied = pc.field("outcome").isin(["met", "missed"])
    columns = ["position", "code", "dimension", "outcome", "lost"]
    found: pd.DataFrame = run.table("findings", columns, applied & pc.field("lost").is_valid()).to_pandas()
    found = found[~found["code"].isin(RESULTS)]
    lines = run.table(
        "ledger", ["position", "item", "weight"], (pc.field("score") == OVERALL) & (pc.field("kind") == "dimension")
    ).to_pandas()
    lines["part"] = lines["weight"] / lines.groupby("position")["weight"].transform("sum")
    found = found.merge(
        lines[["position", "item", "part"]], left_on=["position", "dimension"], right_on=["position", "item"]
    )
    found["cost"] = found["lost"] * found["part"]
    several = parts["position"].duplicated(keep=False)
    alone = found.merge(parts.loc[~several, ["position", "speaker_id"]], on="position").assign(share=1.0)
    shared = found.merge(_shares(run, parts.loc[several, "position"].unique()), on=["position", "code"])
    shared["cost"] *= shared["share"]
    kept = ["position", "speaker_id", "code", "dimension", "outcome", "cost", "share"]
    return pd.concat([alone[kept], shared[kept]]).sort_values(["position", "code"], ignore_index=True)


def _shares(run: RunData, positions: Any) -> pd.DataFrame:
    """For conversations with several agents: the share of each finding's spans that is each agent's."""
    import pandas as pd
    import pyarrow.compute as pc

    rows: list[tuple[int, str, str | None, float]] = []
    if len(positions) and run.has_turns:
        here = pc.field("position").isin(positions)
        whose = {position: owners(talk) for position, talk in _conversations(run, positions).items()}
        found = run.table(
            "findings", ["position", "code", "spans"], here & (pc.list_value_length(pc.field("spans")) > 0)
        )
        for row in found.to_pylist():
            said = [whose[row["position"]][span["turn"]] for span in row["spans"]]
            rows += [(row["position"], row["code"], who, said.count(who) / len(said)) for who in dict.fromkeys(said)]
    return pd.DataFrame(rows, columns=["position", "code", "speaker_id", "share"]).astype({"position": "int64"})


def _conversations(run: RunData, positions: Iterable[int]) -> dict[int, Conversation]:
    """Conversations by position, without their metadata, read all at once."""
    import pyarrow.compute as pc

    turns: dict[int, list[Any]] = defaultdict(list)
    ids: dict[int, str] = {}
    columns = ["position", "conversation_id", "turn", "speaker", "speaker_id", "kind", "text"]
    for row in run.table("turns", columns, pc.field("position").isin(list(positions))).to_pylist():
        ids[row["position"]] = row["conversation_id"]
        turns[row["position"]].append(row)
    return {
        position: Conversation(
            id=ids[position],
            turns=tuple(
                Turn(speaker=r["speaker"], speaker_id=r["speaker_id"], kind=r["kind"], text=r["text"])
                for r in sorted(rows, key=lambda r: r["turn"])
            ),
        )
        for position, rows in turns.items()
    }


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of numbers: how many, their sum and the sum of their squares."""

    count: int
    total: float
    squares: float

    def without(self, other: _Sums) -> _Sums:
        return _Sums(self.count - other.count, self.total - other.total, self.squares - other.squares)

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def error(self) -> float:
        """The squared standard error of the mean."""
        if self.count < 2:
            return 0.0
        return max(0.0, self.squares - self.total**2 / self.count) / (self.count - 1) / self.count


def _interval(middle: float, error: float, freedom: float) -> tuple[float, float]:
    """The 95 % interval of Student's t around a mean with this squared standard error."""
    from scipy.special import stdtrit

    half = float(stdtrit(max(freedom, 1.0), 0.975)) * error**0.5
    return middle - half, middle + half


def _difference(mine: _Sums, others: _Sums) -> tuple[float, float]:
    """Welch's 95 % interval of the difference of two means."""
    error = mine.error + others.error
    parts = sum(s.error**2 / (s.count - 1) for s in (mine, others))
    return _interval(mine.mean - others.mean, error, error**2 / parts if parts else mine.count + others.count - 2)


class _Team:
    """Costs by agent and rule, and what all agents together make of them."""

    def __init__(self, parts: pd.DataFrame, costs: pd.DataFrame) -> None:
        named = parts.assign(speaker_id=parts["speaker_id"].map(_key), squared=parts["overall"] ** 2)
        self._conversations = named.groupby("speaker_id").size().to_dict()
        scores = named.groupby("speaker_id")[["overall", "squared"]].agg(
            {"overall": ["count", "sum"], "squared": "sum"}
        )
        self._scores = {k: _Sums(int(n), float(s), float(q)) for k, n, s, q in scores.itertuples()}
        self._rows = costs.assign(speaker_id=costs["speaker_id"].map(_key), squared=costs["cost"] ** 2)
        self._by_agent: dict[Any, pd.DataFrame] = dict(iter(self._rows.groupby("speaker_id")))
        sums = self._rows.groupby("code")[["cost", "squared"]].sum()
        everybody = sum(self._conversations.values())
        self._all = {code: _Sums(everybody, float(c), float(q)) for code, c, q in sums.itertuples()}

    def dearest(self, name: str | None, most: int, least: int) -> list[tuple[str, pd.DataFrame]]:
        """The rules that cost an agent most, with their rows, the dearest conversation first."""
        count = self._conversations.get(_key(name), 0)
        mine = self._by_agent.get(_key(name))
        if count < least or mine is None:
            return []
        found = []
        for code, rows in mine.groupby("code"):
            if len(rows) >= least and (rows["cost"] > 0).sum() >= min(_REPEATED, least):
                found.append((str(code), rows.sort_values(["cost", "position"], ascending=[False, True])))
        found.sort(key=lambda pair: (-pair[1]["cost"].sum(), pair[0]))
        return found[:most]

    def of(
        self, name: str | None, chosen: Sequence[tuple[str, pd.DataFrame]], least: int, words: _Words
    ) -> AgentHabits:
        count = self._conversations.get(_key(name), 0)
        mine = self._scores[_key(name)]
        others = [sums for key, sums in self._scores.items() if key != _key(name)]
        scored = sum(s.count for s in others)
        low, high = _interval(mine.mean, mine.error, mine.count - 1) if mine.count > 1 else (None, None)
        note = ""
        if not chosen:
            few = f"{count} conversation{'' if count == 1 else 's'}: too few to tell, {least} are needed"
            note = few if count < least else "nothing costs points again and again"
        return AgentHabits(
            speaker_id=name,
            conversations=count,
            overall=mine.mean if mine.count else None,
            low=None if low is None else max(0.0, low),
            high=None if high is None else min(100.0, high),
            team=sum(s.total for s in others) / scored if scored else None,
            habits=tuple(self._habit(name, code, rows, count, words) for code, rows in chosen),
            note=note,
        )

    def _habit(self, name: str | None, code: str, rows: pd.DataFrame, count: int, words: _Words) -> Habit:
        mine = _Sums(count, float(rows["cost"].sum()), float(rows["squared"].sum()))
        others = self._all[code].without(mine)
        low, high = _interval(mine.mean, mine.error, count - 1)
        more = _difference(mine, others) if others.count >= 2 and count >= 2 else (None, None)
        about = words.about(code)
        return Habit(
            code=code,
            name=about["name"],
            dimension=about["dimension"],
            why=about["why"],
            say_instead=about["say_instead"],
            cost=mine.mean,
            low=max(0.0, low),
            high=high,
            team=others.mean if others.count else None,
            more_low=more[0],
            more_high=more[1],
            occasions=len(rows),
            costly=int((rows["cost"] > 0).sum()),
            moments=words.moments(name, code, rows),
            well=words.well(name, code, rows),
        )


def _key(name: object) -> tuple[bool, str]:
    """A name that sorts and groups, also where there is none."""
    return (True, name) if isinstance(name, str) else (False, "")


def _candidates(rows: pd.DataFrame) -> list[Any]:
    """The conversations in which words are looked for: the dearest, and some that lost nothing."""
    return [*_dear(rows), *_free(rows)]


def _dear(rows: pd.DataFrame) -> list[Any]:
    return list(rows[rows["cost"] > 0].head(_CANDIDATES).itertuples())


def _free(rows: pd.DataFrame) -> list[Any]:
    good = rows[(rows["cost"] == 0) & (rows["outcome"] == "met") & (rows["share"] == 1)]
    return list(good.head(_CANDIDATES).itertuples())


# -- words ---------------------------------------------------------------------------------------------

_GOOD = tuple(cue for cue in HELPING if cue != "courtesy")


class _Words:
    """The words of the conversations that were loaded: what was said where a rule was missed or met."""

    def __init__(self, run: RunData, masker: Masker | None) -> None:
        self._run = run
        self._masker = masker
        self._instead: Mapping[str, str | None] = MappingProxyType({p.cue: p.say_instead for p in builtin_packs()})
        self._talks: dict[int, Conversation] = {}
        self._ids: dict[int, str] = {}
        self._findings: dict[tuple[int, str], dict[str, Any]] = {}
        self._cues: dict[int, dict[Span, dict[str, Any]]] = defaultdict(dict)
        self._about: dict[str, dict[str, str]] = {}

    def load(self, positions: Iterable[int]) -> None:
        """Read findings, cues and turns of these conversations, each dataset once."""
        import pyarrow.compute as pc

        wanted = sorted(set(positions))
        here = pc.field("position").isin(wanted)
        if not wanted:
            return
        columns = [
            "position",
            "conversation_id",
            "code",
            "name",
            "dimension",
            "why",
            "say_instead",
            "explanation",
            "spans",
        ]
        for row in self._run.table("findings", columns, here).to_pylist():
            self._findings[row["position"], row["code"]] = row
            self._about.setdefault(row["code"], row)
            self._ids[row["position"]] = row["conversation_id"]
        columns = ["position", "turn", "start", "end", "cue", "speaker", "status", "text", "pattern"]
        for row in self._run.table("cues", columns, here).to_pylist():
            self._cues[row["position"]].setdefault(Span(row["turn"], row["start"], row["end"]), row)
        if self._run.has_turns:
            self._talks = _conversations(self._run, wanted)

    def about(self, code: str) -> dict[str, str]:
        return self._about[code]

    def moments(self, name: str | None, code: str, rows: pd.DataFrame) -> tuple[Moment, ...]:
        """Where a rule cost an agent most: at most three, no words twice, those with words first."""
        found: dict[str, Moment] = {}
        for row in _dear(rows):
            moment = self._moment(name, row.position, code)
            found.setdefault(moment.words.casefold() or f"{row.position}", moment)
        return tuple(sorted(found.values(), key=lambda m: not m.words)[:_MOMENTS])

    def well(self, name: str | None, code: str, rows: pd.DataFrame) -> Moment | None:
        """A conversation in which the agent lost nothing to a rule, if possible with the words that did it."""
        best: Moment | None = None
        for row in _free(rows):
            moment = self._moment(name, row.position, code, good=True)
            if moment.words and moment.cue:
                return moment
            if best is None or (moment.words and not best.words):
                best = moment
        return best

    def _moment(self, name: str | None, position: int, code: str, good: bool = False) -> Moment:
        finding = self._findings[position, code]
        spans = [Span(**span) for span in finding["spans"]]
        mine = [
            span for span in spans if self._says(name, position, span) and (good or not self._helps(position, span))
        ]
        span = min(mine, key=lambda s: self._telling(position, s, good), default=None)
        before = ""
        if span is None:
            asked = next((s for s in spans if self._speaker(position, s) == "customer"), None)
            if asked is not None:
                before, span = self._text(position, asked), self._reply(name, position, asked)
        if span is None and good:
            span = self._help(name, position)
        cue = self._cues[position].get(span) if span else None
        return Moment(
            position=position,
            conversation_id=self._ids[position],
            turn=span.turn if span else None,
            start=span.start if span else None,
            end=span.end if span else None,
            lead=self._around(position, span)[0] if span else "",
            words=self._text(position, span) if span else "",
            tail=self._around(position, span)[1] if span else "",
            before=before,
            cue=cue["cue"] if cue else None,
            say_instead=self._instead.get(cue["cue"]) if cue and cue["cue"] in HURTING else None,
            explanation=finding["explanation"],
        )

    def _helps(self, position: int, span: Span) -> bool:
        cue = self._cues[position].get(span)
        return cue is not None and cue["cue"] in HELPING

    def _telling(self, position: int, span: Span, good: bool) -> tuple[bool, bool, Span]:
        """Sorts the most telling words first: those of a cue of the right kind, and of a phrase."""
        cue = self._cues[position].get(span)
        return (not cue or cue["cue"] not in (HELPING if good else HURTING), not cue or cue["pattern"] == "model", span)

    def _turn(self, position: int, number: int) -> Turn | None:
        talk = self._talks.get(position)
        return talk.turns[number] if talk else None

    def _speaker(self, position: int, span: Span) -> str | None:
        turn, cue = self._turn(position, span.turn), self._cues[position].get(span)
        return turn.speaker if turn else cue["speaker"] if cue else None

    def _says(self, name: str | None, position: int, span: Span) -> bool:
        turn = self._turn(position, span.turn)
        if turn is None:  # without turns only conversations of one agent are here
            return self._speaker(position, span) == "agent"
        return turn.speaker == "agent" and turn.scorable and turn.speaker_id == name

    def _reply(self, name: str | None, position: int, asked: Span) -> Span | None:
        """The agent's next turn after a customer's words."""
        talk = self._talks.get(position)
        for number, turn in enumerate(talk.turns if talk else ()):
            if number > asked.turn and turn.speaker == "agent" and turn.scorable and turn.speaker_id == name:
                return Span(number, 0, len(turn.text))
        return None

    def _help(self, name: str | None, position: int) -> Span | None:
        """The agent's words that helped, in a conversation where nothing was wrong."""
        found = [
            (_GOOD.index(cue["cue"]), cue["pattern"] == "model", span)
            for span, cue in self._cues[position].items()
            if cue["cue"] in _GOOD and cue["status"] == "plain" and self._says(name, position, span)
        ]
        return min(found)[2] if found else None

    def _text(self, position: int, span: Span) -> str:
        turn = self._turn(position, span.turn)
        if turn is None:
            cue = self._cues[position].get(span)
            said = self._masked(cue["text"]) if cue else ""
        else:
            said = self._masked(turn.text)[span.start : span.end]
        return said if len(said) <= _LONGEST else said[: _LONGEST - 1].rstrip() + "…"

    def _around(self, position: int, span: Span) -> tuple[str, str]:
        """What the turn says before and after a span, up to :data:`_AROUND` characters of each."""
        turn = self._turn(position, span.turn)
        if turn is None:
            return "", ""
        text = self._masked(turn.text)
        lead, tail = text[: span.start], text[span.end :]
        return (
            lead if len(lead) <= _AROUND else "…" + lead[1 - _AROUND :],
            tail if len(tail) <= _AROUND else tail[: _AROUND - 1] + "…",
        )

    def _masked(self, text: str) -> str:
        return self._masker.mask(text) if self._masker else text
