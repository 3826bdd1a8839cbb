"""What a reader with ten minutes should see first: the rules that cost most, and the moments that went well.

Both are picked by fixed orders, so the same run shows the same quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..packs import CUSTOMER, HURTING
from ..rules import DIMENSIONS

if TYPE_CHECKING:
    import pandas as pd

SHORTEST_QUOTE, LONGEST_QUOTE = 12, 180
"""Characters of a quote: what is shorter tells nothing by itself, what is longer is cut."""

_AROUND = 90
"""Characters shown of a turn before and after the words that are quoted."""

STRONG = ("ownership", "action", "commitment", "make_good", "alternative", "proactive", "check_back", "empathy")
"""Help that is more than form; courtesy, apology and guidance alone celebrate nothing."""

TEMPTING = ("frustration", "repeat_contact", "escalation", "problem", "asks_when")
"""What a customer says that others answer with a deflection."""

_WELL_SCORED = 70.0
_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Quote:
    """Words and where they stand.

    ``lead`` and ``tail`` are what the turn says before and after them, cut short; ``note`` is what the rule found
    where the words alone don't tell.
    """

    position: int
    turn: int
    speaker: str
    text: str
    lead: str = ""
    tail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleCost:
    """What a rule cost: ``each`` are points of the overall score for each scored conversation, on average.

    ``missed`` and ``applied`` count conversations; ``quotes`` are words that triggered it.
    """

    code: str
    name: str
    dimension: str
    why: str
    say_instead: str
    each: float
    missed: int
    applied: int
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """An agent's turn with several kinds of help, and the customer's words before it."""

    position: int
    turn: int
    cues: tuple[str, ...]
    before: Quote | None
    said: Quote


def overall_shares(positions: np.ndarray, ledger: pd.DataFrame) -> np.ndarray:
    """What one point of each dimension is worth in the overall score: shape (conversations, 4), 0 where it has none.

    ``ledger`` has the columns position, item and weight of the overall score's dimension lines.
    """
    shares = np.zeros((positions.size, len(DIMENSIONS)))
    row = np.searchsorted(positions, ledger["position"].to_numpy())
    column = ledger["item"].map({d: i for i, d in enumerate(DIMENSIONS)}).to_numpy(dtype=int)
    shares[row, column] = ledger["weight"].to_numpy(dtype=float)
    total = shares.sum(axis=1, keepdims=True)
    return shares / np.where(total > 0, total, 1.0)


def rule_costs(findings: pd.DataFrame, lost: np.ndarray, conversations: int) -> list[tuple[str, float]]:
    """The dearest rules: code and points of the overall score lost for each conversation, the dearest first."""
    sums = findings["code"].to_frame().assign(lost=lost).groupby("code", observed=True)["lost"].sum()
    each = [(str(code), float(total) / max(1, conversations)) for code, total in sums.items() if total > 0]
    return sorted(each, key=lambda item: (-item[1], item[0]))


def candidates(findings: pd.DataFrame, lost: np.ndarray, code: str) -> list[int]:
    """Positions where missing a rule cost most, the dearest first."""
    mine = ((findings["code"] == code) & (findings["outcome"] == "missed")).to_numpy()
    positions = findings["position"].to_numpy()[mine]
    order = np.lexsort((positions, -lost[mine]))
    return [int(p) for p in positions[order][:_CANDIDATES]]


def quotes(
    order: Iterable[int],
    findings: Mapping[int, Mapping[str, Any]],
    texts: Mapping[int, Mapping[int, tuple[str, str]]],
    cues: Mapping[int, Sequence[Mapping[str, Any]]],
    most: int,
    taken: set[int],
) -> tuple[Quote, ...]:
    """The most telling words of a rule's misses, no words and no conversation twice.

    First an agent's deflections, those of a phrase before the detector's; then what the customer said or the agent
    asked; where nothing was said, which was the miss, what the customer had told them. Dear before cheap. ``order``
    are positions, the dearest first; findings, texts (speaker and text by turn) and cues are by position. ``taken``
    are positions quoted elsewhere, and grow.
    """
    found: list[tuple[int, int, Quote]] = []
    for rank, position in enumerate(order):
        said = texts.get(position, {})
        for worth, place, note in _places(findings[position], cues.get(position, ())):
            speaker, text = said.get(place[0], ("", ""))
            quote = _quote(position, place, speaker, text, note)
            if quote.text and len(quote.lead + quote.text + quote.tail) >= SHORTEST_QUOTE:
                found.append((worth, rank, quote))
    found.sort(key=lambda item: (item[0], item[1], item[2].turn))
    kept: dict[str, Quote] = {}
    for _, _, quote in found:
        key = quote.text.lower()
        if key not in kept and quote.position not in taken and len(kept) < most:
            kept[key] = quote
            taken.add(quote.position)
    return tuple(kept.values())


def _places(
    finding: Mapping[str, Any], cues: Sequence[Mapping[str, Any]]
) -> list[tuple[int, tuple[int, int, int], str]]:
    """How telling the places of a miss are (0 most), where they are, and what to say beside them."""
    by_place = {(c["turn"], c["start"], c["end"]): c for c in cues}
    places = []
    for span in finding["spans"]:
        place = (span["turn"], span["start"], span["end"])
        cue = by_place.get(place)
        if cue is None or cue["cue"] in CUSTOMER:
            places.append((2, place, ""))
        elif cue["cue"] in HURTING:
            places.append((1 if cue["pattern"] == "model" else 0, place, ""))
    told = [c for c in cues if c["cue"] in TEMPTING and c["status"] == "plain"]
    if not places and told:
        first = min(told, key=lambda c: (TEMPTING.index(c["cue"]), c["turn"], c["start"]))
        places.append((3, (first["turn"], first["start"], first["end"]), finding["explanation"]))
    return places


def _quote(position: int, place: tuple[int, int, int], speaker: str, text: str, note: str = "") -> Quote:
    """The words of a place with some of what stands around them."""
    turn, start, end = place
    words, lead, tail = text[start:end], text[:start], text[end:]
    if len(words) > LONGEST_QUOTE:
        words, tail = words[: LONGEST_QUOTE - 1].rstrip() + "…", ""
    lead = lead if len(lead) <= _AROUND else "…" + lead[-_AROUND:].partition(" ")[2]
    tail = tail if len(tail) <= _AROUND else tail[:_AROUND].rpartition(" ")[0] + "…"
    return Quote(position, turn, speaker, words, lead, tail, note)


def best_turns(
    cues: pd.DataFrame, overall: Mapping[int, float], deflecting: frozenset[int], agents: Mapping[int, Any], most: int
) -> list[tuple[int, int, tuple[str, ...], int | None]]:
    """The agent's turns to celebrate: position, turn, kinds of help, and the customer's turn that made it hard.

    Two or more kinds of strong help in one turn, in a conversation that scored well and without a deflection, a
    tempting turn of the customer just before it first. One for each conversation, two for each agent.
    """
    good = {p for p, score in overall.items() if score >= _WELL_SCORED} - deflecting
    plain = cues[cues["position"].isin(good) & (cues["status"] == "plain")]
    helps = plain[plain["cue"].isin(STRONG)]
    hard = _kinds_by_turn(plain[plain["cue"].isin(TEMPTING)])
    ranked: list[_Ranked] = []
    for (position, turn), kinds in _kinds_by_turn(helps).items():
        if len(kinds) > 1:
            before = next((n for n in (turn - 1, turn - 2) if (position, n) in hard), None)
            upset = frozenset() if before is None else hard[position, before]
            tempted = max((len(TEMPTING) - TEMPTING.index(c) for c in upset), default=0)
            worth = len(kinds) + (0.0 if before is None else 0.5 + 0.2 * tempted)
            names = tuple(c for c in STRONG if c in kinds)
            ranked.append((-worth, -overall[position], position, turn, names, before))
    return _spread(sorted(ranked, key=lambda r: r[:4]), agents, most)


_Ranked = tuple[float, float, int, int, tuple[str, ...], int | None]
"""What it is worth and the overall score (both negative, for sorting), position, turn, kinds of help, turn before."""


def _kinds_by_turn(cues: pd.DataFrame) -> dict[tuple[int, int], frozenset[str]]:
    """The cues of each turn, by position and turn."""
    found: dict[tuple[int, int], set[str]] = {}
    for position, turn, cue in zip(cues["position"].tolist(), cues["turn"].tolist(), cues["cue"], strict=True):
        found.setdefault((position, turn), set()).add(cue)
    return {place: frozenset(kinds) for place, kinds in found.items()}


def _spread(
    ranked: Sequence[_Ranked], agents: Mapping[int, Any], most: int
) -> list[tuple[int, int, tuple[str, ...], int | None]]:
    """The first of them, one for each conversation and two for each agent who has a name."""
    taken: set[int] = set()
    by_agent: dict[Any, int] = {}
    kept: list[tuple[int, int, tuple[str, ...], int | None]] = []
    for _, _, position, turn, names, before in ranked:
        agent = agents.get(position)
        if position in taken or (agent is not None and by_agent.get(agent, 0) >= 2) or len(kept) >= most:
            continue
        taken.add(position)
        by_agent[agent] = by_agent.get(agent, 0) + 1
        kept.append((position, turn, names, before))
    return kept


def moments(
    picked: Iterable[tuple[int, int, tuple[str, ...], int | None]],
    texts: Mapping[int, Mapping[int, tuple[str, str]]],
) -> tuple[Moment, ...]:
    """The picked turns with their words."""
    return tuple(
        Moment(p, turn, names, None if before is None else _whole(texts, p, before), _whole(texts, p, turn, 420))
        for p, turn, names, before in picked
        if turn in texts.get(p, {})
    )


def _whole(texts: Mapping[int, Mapping[int, tuple[str, str]]], position: int, turn: int, longest: int = 220) -> Quote:
    speaker, text = texts[position].get(turn, ("", ""))
    words = " ".join(text.split())
    return Quote(position, turn, speaker, words if len(words) <= longest else words[: longest - 1].rstrip() + "…")
