"""From the datasets of a run to what the page shows. Columns of all conversations, rows only of those shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..coaching import RESULTS
from ..packs import CUES, HELPING, HURTING, builtin_packs
from ..rules import DIMENSIONS
from ..scoring import OVERALL
from . import blocks, highlights
from .team import SCORES, AgentPicture, ScorePicture, agent_pictures, score_pictures

if TYPE_CHECKING:
    import pandas as pd

    from ..batch import RunData


SHOWN_RULES = 8
SHOWN_QUOTES = 3
SHOWN_MOMENTS = 6
SHOWN_AGENTS = 100
_BLOCK = 2000
"""Conversations whose rows are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The columns of all scored conversations, in the order of their position."""

    scores: pd.DataFrame
    positions: np.ndarray
    agents: pd.DataFrame
    findings: pd.DataFrame
    lost: np.ndarray
    cues: pd.DataFrame

    @property
    def overall(self) -> np.ndarray:
        """The overall scores, nan where there is none."""
        return self.scores[OVERALL].to_numpy(dtype=float)

    def row(self, position: int) -> int:
        """The row of a position that was scored."""
        return int(np.searchsorted(self.positions, position))


def facts_of(run: RunData) -> Facts:
    """The columns that pictures, highlights and the list are made of."""
    scores = run.table("scores").to_pandas().sort_values("position", ignore_index=True)
    positions = scores["position"].to_numpy(dtype=np.int64)
    findings = run.table("findings", ["position", "code", "dimension", "outcome", "lost"])
    found = _coded(findings, ("code", "dimension", "outcome"))
    filters = [("score", "==", OVERALL), ("kind", "==", "dimension")]
    ledger = run.table("ledger", ["position", "item", "weight"], filters).to_pandas()
    shares = highlights.overall_shares(positions, ledger)
    row = np.searchsorted(positions, found["position"].to_numpy())
    column = found["dimension"].astype(str).map({d: i for i, d in enumerate(DIMENSIONS)}).to_numpy(dtype=int)
    lost = np.nan_to_num(found["lost"].to_numpy(dtype=float)) * shares[row, column]
    cues = _coded(run.table("cues", ["position", "turn", "cue", "status"]), ("cue", "status"))
    agents = run.table("agents", ["position", "speaker_id", *SCORES]).to_pandas()
    return Facts(scores, positions, agents, found, lost, cues)


def _coded(table: Any, names: Iterable[str]) -> pd.DataFrame:
    """A table as a frame, with columns of few values as categories."""
    for name in names:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table.column(name).dictionary_encode())
    frame: pd.DataFrame = table.to_pandas()
    return frame


def pictures(facts: Facts) -> tuple[tuple[ScorePicture, ...], tuple[AgentPicture, ...]]:
    """The team and its agents."""
    coverage = [None, *(facts.scores[f"coverage_{d}"].to_numpy(dtype=float) for d in DIMENSIONS)]
    team = score_pictures([facts.scores[s].to_numpy(dtype=float) for s in SCORES], coverage)
    names = [n if isinstance(n, str) else None for n in facts.agents["speaker_id"]]
    return team, agent_pictures(names, [facts.agents[s].to_numpy(dtype=float) for s in SCORES])


# -- highlights ----------------------------------------------------------------------------------------


def costs(
    run: RunData, facts: Facts, shown: blocks.Shown
) -> tuple[tuple[highlights.RuleCost, ...], tuple[highlights.RuleCost, ...]]:
    """The dearest rules with their most telling quotes; and apart from them those that tell how it ended."""
    dear = highlights.rule_costs(facts.findings, facts.lost, len(facts.positions))
    habits = [pair for pair in dear if pair[0] not in RESULTS][:SHOWN_RULES]
    results = [pair for pair in dear if pair[0] in RESULTS]
    taken: set[int] = set()

    def told(pairs: list[tuple[str, float]], quotes: int) -> tuple[highlights.RuleCost, ...]:
        return tuple(_cost(run, facts, code, each, shown, quotes, taken) for code, each in pairs)

    return told(habits, SHOWN_QUOTES), told(results, 0)


def _cost(
    run: RunData, facts: Facts, code: str, each: float, shown: blocks.Shown, most: int, taken: set[int]
) -> highlights.RuleCost:
    order = highlights.candidates(facts.findings, facts.lost, code) if most else []
    rows = _at(run, "findings", order or [int(facts.positions[0])], _QUOTED_FINDING, ("code", "==", code))
    found = {r["position"]: {**r, "explanation": shown(r["explanation"])} for r in rows}
    cues: dict[int, list[dict[str, Any]]] = {}
    for cue in _at(run, "cues", order, _QUOTED_CUE):
        cues.setdefault(cue["position"], []).append(cue)
    outcomes = facts.findings.loc[(facts.findings["code"] == code).to_numpy(), "outcome"]
    return highlights.RuleCost(
        code=code,
        name=rows[0]["name"],
        dimension=rows[0]["dimension"],
        why=rows[0]["why"],
        say_instead=rows[0]["say_instead"],
        each=each,
        missed=int((outcomes == "missed").sum()),
        applied=int(outcomes.isin(["met", "missed"]).sum()),
        quotes=highlights.quotes(order, found, texts_of(run, order, shown), cues, most, taken),
    )


_QUOTED_FINDING = ("position", "name", "dimension", "why", "say_instead", "explanation", "spans")
_QUOTED_CUE = ("position", "turn", "start", "end", "cue", "status", "pattern")


def celebrated(run: RunData, facts: Facts, shown: blocks.Shown) -> tuple[highlights.Moment, ...]:
    """The moments that went well."""
    scores = facts.scores
    known = scores[scores[OVERALL].notna()]
    overall = dict(zip(known["position"].tolist(), known[OVERALL].tolist(), strict=True))
    deflecting = frozenset(scores.loc[scores["deflections"] > 0, "position"].tolist())
    picked = highlights.best_turns(facts.cues, overall, deflecting, first_agents(facts), SHOWN_MOMENTS)
    return highlights.moments(picked, texts_of(run, [p for p, *_ in picked], shown))


def first_agents(facts: Facts) -> dict[int, str | None]:
    """The first named agent of each conversation that has one."""
    named = facts.agents[facts.agents["speaker_id"].notna()].drop_duplicates("position")
    return dict(zip(named["position"].tolist(), named["speaker_id"].tolist(), strict=True))


def texts_of(run: RunData, positions: Sequence[int], shown: blocks.Shown) -> dict[int, dict[int, tuple[str, str]]]:
    """Speaker and text by position and turn. Empty where the run was written without turns."""
    found: dict[int, dict[int, tuple[str, str]]] = {}
    if has_turns(run):
        for row in _at(run, "turns", positions, ["position", "turn", "speaker", "text"]):
            found.setdefault(row["position"], {})[row["turn"]] = (row["speaker"], shown(row["text"]))
    return found


def has_turns(run: RunData) -> bool:
    """Whether the run was written with its turns."""
    return bool(run.run.get("options", {}).get("turns", True))


def _at(
    run: RunData, name: str, positions: Sequence[int], columns: Sequence[str], also: tuple[str, str, Any] | None = None
) -> list[dict[str, Any]]:
    """Rows of a dataset at some positions."""
    if not positions:
        return []
    filters = [("position", "in", [int(p) for p in positions]), *([also] if also else [])]
    rows: list[dict[str, Any]] = run.table(name, list(columns), filters).to_pylist()
    return rows


# -- the list and the conversations ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """Rules, cues, agents and channels by the index that the blocks use."""

    rules: Mapping[str, int]
    cues: Mapping[str, int]
    agents: Mapping[str, int]
    channels: Mapping[str, int]


def names_of(facts: Facts) -> Names:
    """Every name of the run with an index: the built-in ones in the codebook's order, others sorted."""

    def index(values: Iterable[Any]) -> dict[str, int]:
        return {name: i for i, name in enumerate(values)}

    cues = {str(c) for c in facts.cues["cue"].unique()}
    agents = {a for a in facts.agents["speaker_id"].unique() if isinstance(a, str)}
    channels = {c for c in facts.scores["channel"].unique() if isinstance(c, str)}
    return Names(
        rules=index(dict.fromkeys(str(c) for c in facts.findings["code"])),
        cues=index([*CUES, *sorted(cues - set(CUES))]),
        agents=index(sorted(agents)),
        channels=index(sorted(channels)),
    )


def telling(facts: Facts) -> np.ndarray:
    """Rows of all conversations, the most telling first: deflections, and how far the score is from the middle."""
    known = facts.overall[~np.isnan(facts.overall)]
    middle = float(np.median(known)) if known.size else 0.0
    far = np.abs(np.nan_to_num(facts.overall, nan=middle) - middle)
    worth = facts.scores["deflections"].to_numpy(dtype=float) + facts.scores["softened"].to_numpy(dtype=float) / 2
    return np.lexsort((facts.positions, -(worth + far / 10)))


def listed(
    run: RunData, facts: Facts, names: Names, rows: np.ndarray, chunks: Mapping[int, int], shown: blocks.Shown
) -> dict[str, Any]:
    """The columns of the list for some rows, in the order of their position.

    ``p`` position, ``i`` id, ``a`` agents, ``c`` channel or -1, ``s`` five columns of scores in tenths, ``h``
    deflections, ``m`` rules missed, ``k`` cues said, ``q`` flagged words, ``b`` chunk or -1.
    """
    scores = facts.scores.iloc[rows]
    positions = scores["position"].tolist()
    wanted = set(positions)
    by_agent = _by(zip(facts.agents["position"], facts.agents["speaker_id"], strict=True), wanted)
    missed = facts.findings[(facts.findings["outcome"] == "missed").to_numpy()]
    by_rule = _by(zip(missed["position"], missed["code"], strict=True), wanted)
    said = facts.cues[(facts.cues["status"] != "excused").to_numpy()]
    by_cue = _by(zip(said["position"], said["cue"], strict=True), wanted)
    words = _flagged_words(run, wanted)
    return {
        "p": positions,
        "i": [shown(i) for i in scores["conversation_id"]],
        "a": [sorted({names.agents[a] for a in by_agent.get(p, ()) if isinstance(a, str)}) for p in positions],
        "c": [names.channels[c] if isinstance(c, str) else -1 for c in scores["channel"]],
        "s": [
            [None if np.isnan(v) else int(np.floor(10 * v + 0.5)) for v in scores[s].to_numpy(float)] for s in SCORES
        ],
        "h": [int(v) for v in scores["deflections"]],
        "m": [blocks.symbols(by_rule.get(p, ()), names.rules) for p in positions],
        "k": [blocks.symbols(by_cue.get(p, ()), names.cues) for p in positions],
        "q": [blocks.quoted(words.get(p, ()), shown) for p in positions],
        "b": [chunks.get(p, -1) for p in positions],
    }


def _tenths(values: np.ndarray) -> list[int | None]:
    return [None if np.isnan(v) else int(np.floor(10 * v + 0.5)) for v in values]


def _by(pairs: Iterable[tuple[int, Any]], wanted: set[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for position, value in pairs:
        if position in wanted:
            found.setdefault(position, []).append(value)
    return found


def _flagged_words(run: RunData, wanted: set[int]) -> dict[int, list[str]]:
    """The words of cues that count, deflections first, then help, by position."""
    filters = [("status", "!=", "excused"), ("speaker", "==", "agent")]
    table = run.table("cues", ["position", "cue", "text"], filters).to_pandas()
    found: dict[int, list[str]] = {}
    for group in (HURTING, HELPING):
        mine = table[table["cue"].isin(group)]
        for position, text in zip(mine["position"], mine["text"], strict=True):
            if position in wanted:
                found.setdefault(position, []).append(text)
    return found


def conversations(
    run: RunData, facts: Facts, names: Names, rows: np.ndarray, shown: blocks.Shown
) -> Iterator[tuple[int, list[list[Any]], dict[str, Any]]]:
    """Position, transcript and facts of some rows, in the order of their position; a part of the run at a time."""
    for start in range(0, len(rows), _BLOCK):
        part = facts.scores.iloc[rows[start : start + _BLOCK]]
        records = [{str(k): _plain(v) for k, v in record.items()} for record in part.to_dict("records")]
        data = {name: _grouped(run, name, [r["position"] for r in records]) for name in _DETAILS}
        for record in records:
            here = {name: data[name].get(record["position"], []) for name in _DETAILS}
            turns = here["turns"]
            yield (
                record["position"],
                blocks.talk(turns, shown),
                blocks.facts(
                    record, turns, here["cues"], here["findings"], here["ledger"], names.rules, names.cues, shown
                ),
            )


_DETAILS: Mapping[str, tuple[str, ...]] = {
    "turns": ("position", "turn", "speaker", "speaker_id", "kind", "start", "text"),
    "cues": ("position", "turn", "start", "end", "cue", "status", "reason", "confidence"),
    "findings": ("position", "code", "dimension", "outcome", "lost", "explanation", "spans", "searched", "critical"),
    "ledger": ("position", "score", "item", "kind", "weight", "credit", "points"),
}


def _grouped(run: RunData, name: str, positions: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    if name == "turns" and not has_turns(run):
        return {}
    within = [("position", ">=", min(positions)), ("position", "<=", max(positions))]
    wanted = set(positions)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in run.table(name, list(_DETAILS[name]), within).to_pylist():
        if row["position"] in wanted:
            found.setdefault(row["position"], []).append(row)
    if name == "turns":
        for rows in found.values():
            rows.sort(key=lambda row: row["turn"])
    return found


def _plain(value: Any) -> Any:
    """A cell of a frame as plain Python; a missing one is None."""
    return None if isinstance(value, float) and np.isnan(value) else value


def glossary(run: RunData, names: Names, shown: Callable[[str], str]) -> dict[str, Any]:
    """What the page explains: rules and cues by index, agents and channels."""
    rows = run.table("findings", ["code", "name", "dimension", "why", "say_instead"]).slice(0, len(names.rules))
    rules = {row["code"]: row for row in rows.to_pylist()}
    packs = {pack.cue: pack for pack in builtin_packs()}
    return {
        "rules": [
            {"code": c, "name": r["name"], "dimension": r["dimension"], "why": r["why"], "say": r["say_instead"]}
            for c, r in ((code, rules[code]) for code in names.rules)
        ],
        "cues": [_cue_entry(cue, packs.get(cue)) for cue in names.cues],
        "agents": [shown(a) for a in names.agents],
        "channels": list(names.channels),
    }


def _cue_entry(cue: str, pack: Any) -> dict[str, Any]:
    if pack is None:
        return {"cue": cue, "effect": "tells", "speaker": "agent", "why": "", "say": ""}
    return {
        "cue": cue,
        "effect": pack.effect,
        "speaker": pack.speaker,
        "why": pack.why,
        "say": (pack.say_instead or "") if pack.effect == "hurts" else "",
    }


def coaching(run: RunData, facts: Facts, masker: Any) -> tuple[Any, ...]:
    """Coaching cards of the agents with most conversations, by name; none where agents have no names."""
    from ..coaching import habits

    named = facts.agents[facts.agents["speaker_id"].notna()]
    if named.empty:
        return ()
    sizes = named["speaker_id"].value_counts()
    most = sorted(sizes.index, key=lambda name: (-sizes[name], name))[:SHOWN_AGENTS]
    return tuple(card for card in habits(run, masker=masker) if card.speaker_id in most)
