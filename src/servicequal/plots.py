"""Charts of many conversations, and of one: Altair, from the frames or from a finished run.

Each function takes a DataFrame (``sq.scores_frame(cards)``, ``sq.agents_frame(cards)``, …) or what ``sq.open_run``
gives, counts and averages here, and puts only the result into the chart: never more than 5,000 rows. Colours are those
of Okabe and Ito, which people with any colour vision tell apart. Needs the extra ``plots``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .conversation import Conversation
from .errors import MissingExtraError
from .packs import HURTING
from .report.marking import KINDS, Kind, reasons
from .report.team import SCORES, agent_pictures, score_pictures
from .rules import DIMENSIONS
from .scoring import Scorecard

if TYPE_CHECKING:
    import pandas as pd

Chart = Any
"""An Altair chart."""

MOST_ROWS = 5000
"""Rows of data in a chart at most; what would be more is counted first."""
_FEWEST = 2
"""Conversations from which a mean has an interval."""

_COLOURS: Mapping[str, str] = {
    "common_sense": "#0072b2",
    "flexibility": "#e69f00",
    "problem_solving": "#009e73",
    "recovery": "#cc79a7",
}
_KIND_COLOURS: Mapping[str, str] = {
    "hurts": "#d55e00",
    "softened": "#e69f00",
    "helps": "#009e73",
    "tells": "#56b4e9",
    "none": "#bbbbbb",
}
_KIND_NAMES: Mapping[str, str] = {
    "hurts": "deflects",
    "softened": "deflects, then helps",
    "helps": "helps",
    "tells": "how the customer fares",
    "none": "nothing found",
}
_INK = "#0072b2"


def score_distributions(scores: Any) -> Chart:
    """How overall and the four scores are spread: conversations by tens of points, one panel each.

    ``scores`` is a frame of scores or a run. Conversations without a score are counted in the panel's title and are in
    no bar: they are not zero. Raises ValueError where there are no conversations.
    """
    alt = _altair()
    frame = _frame(scores, "scores", (*SCORES, *(f"coverage_{d}" for d in DIMENSIONS)))
    columns = [_numbers(frame, name) for name in SCORES]
    rows: list[dict[str, Any]] = []
    order = []
    for picture in score_pictures(columns, [None] * len(SCORES)):
        mean = "–" if picture.mean.mean is None else f"{picture.mean.mean:.0f}"
        title = f"{_named(picture.name)} (mean {mean}, without {picture.none})"
        order.append(title)
        rows += [
            {"score": title, "from": 10 * n, "to": 10 * n + 10, "conversations": count}
            for n, count in enumerate(picture.counts)
        ]
    bars = (
        alt.Chart(_data(alt, rows))
        .mark_bar(color=_INK)
        .encode(
            x=alt.X("from:Q", title="score", scale=alt.Scale(domain=[0, 100]), bin="binned"),
            x2="to:Q",
            y=alt.Y("conversations:Q", title="conversations"),
            tooltip=["from:Q", "to:Q", "conversations:Q"],
        )
        .properties(width=170, height=110)
    )
    return bars.facet(facet=alt.Facet("score:N", sort=order, title=None), columns=3).properties(
        title=_title(alt, f"Scores of {_count(len(frame), 'conversation')}", "'without': nothing to judge, in no bar")
    )


def agents(agents: Any, score: str = "overall", most: int = 50) -> Chart:
    """The mean score of each agent with its 95 % interval, the highest first, and the ranks that the intervals allow.

    ``agents`` is a frame of agents or a run; ``score`` is ``overall`` or a dimension. Of more than ``most`` agents
    those with the most conversations are drawn. A hollow point overlaps with everybody: tied with the whole team.
    Raises ValueError where nobody has that score.
    """
    alt = _altair()
    _check_score(score)
    frame = _frame(agents, "agents", ("speaker_id", score))
    names = [None if _missing(name) else str(name) for name in frame["speaker_id"]]
    found = [a for a in agent_pictures(names, [_numbers(frame, score)]) if a.overall.mean is not None]
    if not found:
        raise ValueError(f"no agent has a score for {score}")
    drawn = sorted(
        sorted(found, key=lambda a: -a.overall.n)[:most], key=lambda a: (-(a.overall.mean or 0), a.name or "")
    )
    rows = [
        {
            "agent": a.name or "(no id)",
            "mean": a.overall.mean,
            "low": a.overall.low,
            "high": a.overall.high,
            "conversations": a.overall.n,
            "rank": f"{a.best}" if a.best == a.worst else f"{a.best}–{a.worst}",
            "standing": "tied with everybody" if a.tied == len(found) - 1 and len(found) > 1 else "apart from somebody",
        }
        for a in drawn
    ]
    base = alt.Chart(_data(alt, rows)).encode(
        y=alt.Y("agent:N", sort=[row["agent"] for row in rows], title=None),
        tooltip=[
            "agent:N",
            *(alt.Tooltip(f"{k}:Q", format=".1f") for k in ("mean", "low", "high")),
            "conversations:Q",
            "rank:N",
        ],
    )
    scale = alt.Scale(domain=[0, 100])
    shown = alt.Scale(domain=["apart from somebody", "tied with everybody"], range=[_INK, "white"])
    bars = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=_INK, strokeWidth=2)
        .encode(x=alt.X("low:Q", title=_named(score), scale=scale), x2="high:Q")
    )
    points = base.mark_point(filled=True, size=70, stroke=_INK, strokeWidth=2, opacity=1).encode(
        x=alt.X("mean:Q", scale=scale),
        fill=alt.Fill("standing:N", scale=shown, title=None, legend=alt.Legend(orient="bottom")),
    )
    ranks = base.mark_text(align="left", dx=4).encode(x=alt.value(404), text="rank:N")
    left = f"; {len(found) - len(drawn)} more not drawn" if len(found) > len(drawn) else ""
    subtitle = f"95 % intervals and, at the right, the ranks that they allow: overlapping agents are tied{left}"
    return alt.layer(bars, points, ranks).properties(
        width=400, height=alt.Step(20), title=_title(alt, f"{_named(score).capitalize()} by agent", subtitle)
    )


def trend(scores: Any, score: str = "overall", every: Literal["day", "week", "month"] = "week") -> Chart:
    """The mean score over time with its 95 % interval, by the day, week (from Monday) or month.

    ``scores`` is a run, or a frame of scores with a column ``started_at`` (ISO 8601). Days are UTC's where the times
    have a zone. What has no date or no score is left out, and counted in the subtitle. Raises ValueError where nothing
    is left.
    """
    import pandas as pd

    alt = _altair()
    _check_score(score)
    frame = _frame(scores, "scores", ("started_at", score))
    when = pd.to_datetime(frame["started_at"], errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    values = _numbers(frame, score)
    known = when.notna().to_numpy() & ~np.isnan(values)
    if not known.any():
        raise ValueError(f"no conversation has both a date (started_at) and a score for {score}")
    period = {"day": "D", "week": "W-SUN", "month": "M"}[every]
    starts = when[known].dt.to_period(period).dt.start_time
    rows = []
    for start, part in pd.Series(values[known]).groupby(starts.to_numpy()):
        mean, low, high = _interval(part.to_numpy())
        rows.append(
            {"from": f"{start:%Y-%m-%dT00:00:00}", "mean": mean, "low": low, "high": high, "conversations": len(part)}
        )
    rows = rows[-MOST_ROWS:]
    base = alt.Chart(_data(alt, rows)).encode(
        x=alt.X("from:T", title=f"{every} from"),
        tooltip=["from:T", *(alt.Tooltip(f"{k}:Q", format=".1f") for k in ("mean", "low", "high")), "conversations:Q"],
    )
    scale = alt.Scale(domain=[0, 100])
    bars = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=_INK, strokeWidth=2, opacity=0.5)
        .encode(y=alt.Y("low:Q", scale=scale, title=_named(score)), y2="high:Q")
    )
    line = base.mark_line(color=_INK, point=alt.OverlayMarkDef(filled=True, color=_INK)).encode(
        y=alt.Y("mean:Q", scale=scale)
    )
    left = len(frame) - int(known.sum())
    subtitle = f"mean with 95 % interval; {_count(int(known.sum()), 'conversation')}, {left} without date or score"
    return alt.layer(bars, line).properties(
        width=480, height=220, title=_title(alt, f"{_named(score).capitalize()} by {every}", subtitle)
    )


def costliest_rules(findings: Any, most: int = 15) -> Chart:
    """The rules that cost most: points of their dimension lost per conversation, on the mean of all conversations.

    ``findings`` is a frame of findings or a run. Raises ValueError where nothing was lost.
    """
    alt = _altair()
    frame = _frame(findings, "findings", ("code", "name", "dimension", "outcome", "lost"))
    conversations = int(frame["code"].value_counts().max()) if len(frame) else 0
    rows: list[dict[str, Any]] = []
    for (code, name, dimension), part in frame.groupby(["code", "name", "dimension"], sort=True, observed=True):
        lost, applied = float(np.nansum(_numbers(part, "lost"))), part["outcome"].isin(["met", "missed"])
        if lost > 0:
            rows.append(
                {
                    "rule": f"{code} {str(name).split('.', 1)[-1]}",
                    "dimension": _named(str(dimension)),
                    "lost": lost / conversations,
                    "missed": int((part["outcome"] == "missed").sum()),
                    "applied": int(applied.sum()),
                }
            )
    if not rows:
        raise ValueError("no rule lost any points")
    rows = sorted(rows, key=lambda row: (-row["lost"], row["rule"]))[:most]
    domain = [_named(d) for d in DIMENSIONS]
    return (
        alt.Chart(_data(alt, rows))
        .mark_bar()
        .encode(
            x=alt.X("lost:Q", title="points lost per conversation"),
            y=alt.Y("rule:N", sort=[row["rule"] for row in rows], title=None, axis=alt.Axis(labelLimit=280)),
            color=alt.Color(
                "dimension:N", title=None, scale=alt.Scale(domain=domain, range=[_COLOURS[d] for d in DIMENSIONS])
            ),
            tooltip=["rule:N", "dimension:N", alt.Tooltip("lost:Q", format=".2f"), "missed:Q", "applied:Q"],
        )
        .properties(
            width=320,
            height=alt.Step(18),
            title=_title(
                alt,
                "What costs most",
                f"points of the rule's own dimension, mean of {_count(conversations, 'conversation')}",
            ),
        )
    )


def deflection_positions(
    cues: Any, turns: pd.DataFrame | Iterable[Conversation] | None = None, bins: int = 10
) -> Chart:
    """Where in a conversation deflections fall: counted by the tenth, 0 is the first turn and 1 the last.

    ``cues`` is a run, or a frame of cues; with a frame, ``turns`` tells how long the conversations are: the
    conversations themselves, or a frame with a row per turn. Only plain deflections count. Raises ValueError where
    lengths are missing.
    """
    alt = _altair()
    columns = ("turn", "cue", "status")
    if _is_run(cues):
        frame = _frame(cues, "cues", ("position", *columns)).rename(columns={"position": "key"})
        long = _frame(cues, "turns", ("position", "turn"))
        lengths = dict(long.groupby("position")["turn"].max().add(1).items())
    else:
        frame = _frame(cues, "cues", ("conversation_id", *columns)).rename(columns={"conversation_id": "key"})
        lengths = _lengths(turns)
    frame = frame[(frame["status"] == "plain") & frame["cue"].isin(HURTING)]
    unknown = [key for key in dict.fromkeys(frame["key"]) if key not in lengths]
    if unknown:
        raise ValueError(f"how many turns has conversation {unknown[0]!r}? give the conversations as turns=")
    at = np.array([(turn + 0.5) / lengths[key] for key, turn in zip(frame["key"], frame["turn"], strict=True)])
    counts, edges = np.histogram(at, bins=bins, range=(0, 1))
    whole = max(1, int(counts.sum()))
    rows = [
        {"from": float(edges[n]), "to": float(edges[n + 1]), "deflections": int(count), "share": count / whole}
        for n, count in enumerate(counts)
    ]
    count = frame["key"].nunique()
    return (
        alt.Chart(_data(alt, rows))
        .mark_bar(color=_KIND_COLOURS["hurts"])
        .encode(
            x=alt.X("from:Q", title="position in the conversation", bin="binned", scale=alt.Scale(domain=[0, 1])),
            x2="to:Q",
            y=alt.Y("deflections:Q", title="deflections"),
            tooltip=["from:Q", "to:Q", "deflections:Q", alt.Tooltip("share:Q", format=".0%")],
        )
        .properties(
            width=400,
            height=180,
            title=_title(
                alt,
                "Where deflections fall",
                f"{_count(int(counts.sum()), 'deflection')} in {_count(count, 'conversation')}",
            ),
        )
    )


def timeline(card: Scorecard, conversation: Conversation) -> Chart:
    """One conversation from left to right: who speaks when, and what was found in it.

    In minutes where every turn has a start, else by turn. A turn has the colour of the worst that was found in it;
    hovering tells its words and cues. Of more than 5,000 turns those with cues come first. Raises ValueError where the
    scorecard is of another conversation.
    """
    if card.conversation_id != conversation.id:
        raise ValueError(f"the scorecard is of conversation {card.conversation_id!r}, not of {conversation.id!r}")
    alt = _altair()
    timed = bool(conversation.turns) and all(turn.start is not None for turn in conversation.turns)
    rows = _timeline_rows(card, conversation, timed)
    most = sorted(
        sorted(rows, key=lambda row: row["found"] == _KIND_NAMES["none"])[:MOST_ROWS], key=lambda r: r["turn"]
    )
    left = f"; {len(rows) - len(most)} turns without cues not drawn" if len(most) < len(rows) else ""
    lanes = [
        lane for lane in ("agent", "customer", "bot", "system", "unknown") if any(r["speaker"] == lane for r in rows)
    ]
    kinds = [kind for kind in _KIND_NAMES if any(r["found"] == _KIND_NAMES[kind] for r in rows)]
    overall = "–" if card.overall is None else f"{card.overall:.0f}"
    return (
        alt.Chart(_data(alt, most))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("from:Q", title="minutes" if timed else "turn", scale=alt.Scale(nice=False)),
            x2="to:Q",
            y=alt.Y("speaker:N", sort=lanes, title=None, scale=alt.Scale(domain=lanes)),
            color=alt.Color(
                "found:N",
                title=None,
                scale=alt.Scale(domain=[_KIND_NAMES[k] for k in kinds], range=[_KIND_COLOURS[k] for k in kinds]),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=["turn:Q", "speaker:N", "cues:N", "text:N"],
        )
        .properties(
            width=640,
            height=alt.Step(34),
            title=_title(alt, f"{conversation.id}: overall {overall}", f"{_count(len(rows), 'turn')}{left}"),
        )
    )


_LONGEST_TEXT = 200


def _timeline_rows(card: Scorecard, conversation: Conversation, timed: bool) -> list[dict[str, Any]]:
    known = reasons(card)
    found: dict[int, list[tuple[Kind, str]]] = {}
    for match in card.cues:
        if match.status != "excused":
            found.setdefault(match.turn, []).append((known.kind(match), match.cue))
    starts = [turn.start or 0.0 for turn in conversation.turns]
    rows = []
    for number, turn in enumerate(conversation.turns):
        here = found.get(number, [])
        kind = min((k for k, _ in here), key=KINDS.index, default="none")
        begin, end = float(number), number + 1.0
        if timed:
            after = starts[number + 1] if number + 1 < len(starts) else starts[number] + 1
            begin, end = (
                starts[number] / 60,
                max(starts[number] + 0.5, turn.end if turn.end is not None else after) / 60,
            )
        long = len(turn.text) > _LONGEST_TEXT
        rows.append(
            {
                "turn": number,
                "speaker": turn.speaker,
                "from": begin,
                "to": end,
                "found": _KIND_NAMES[kind],
                "cues": ", ".join(dict.fromkeys(cue for _, cue in here)),
                "text": turn.text[:_LONGEST_TEXT] + ("…" if long else ""),
            }
        )
    return rows


# -- what the charts share -------------------------------------------------------------------------------------------


def _altair() -> Any:
    try:
        import altair
    except ImportError as error:
        raise MissingExtraError("drawing charts", "plots") from error
    return altair


def _data(alt: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Plain values, so that nothing depends on a data frame's types or order."""
    if len(rows) > MOST_ROWS:
        raise AssertionError(f"{len(rows)} rows in a chart")
    return alt.InlineData(values=[dict(row) for row in rows])


def _is_run(source: Any) -> bool:
    return hasattr(source, "table") and hasattr(source, "run")


def _frame(source: Any, dataset: str, columns: Sequence[str]) -> pd.DataFrame:
    """The columns wanted of a frame, or of a run's dataset. Raises ValueError naming a column that is missing."""
    import pandas as pd

    if _is_run(source):
        return source.table(dataset, columns=list(columns)).to_pandas()  # type: ignore[no-any-return]
    if not isinstance(source, pd.DataFrame):
        raise ValueError(f"a frame of {dataset} or an opened run is wanted, not {type(source).__name__}")
    missing = [column for column in columns if column not in source.columns]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r}: is this a frame of {dataset}?")
    return source[list(columns)]


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    import pandas as pd

    return np.asarray(pd.to_numeric(frame[column], errors="coerce"), dtype=float)


def _interval(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float | None, float | None]:
    """The mean and its 95 % t interval, cut at 0 and 100; None where one value tells nothing of the spread."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if values.size < _FEWEST:
        return mean, None, None
    half = float(t.ppf(0.975, values.size - 1)) * float(np.std(values, ddof=1)) / float(np.sqrt(values.size))
    return mean, max(0.0, mean - half), min(100.0, mean + half)


def _lengths(turns: pd.DataFrame | Iterable[Conversation] | None) -> dict[Any, int]:
    if turns is None:
        return {}
    if hasattr(turns, "columns"):
        long: Any = turns
        return {key: int(count) for key, count in long.groupby("conversation_id").size().items()}
    return {conversation.id: len(conversation.turns) for conversation in turns}


def _missing(value: Any) -> bool:
    return value is None or value != value


def _check_score(score: str) -> None:
    if score not in SCORES:
        raise ValueError(f"score is one of {', '.join(SCORES)}, not {score!r}")


def _named(score: str) -> str:
    return score.replace("_", " ")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _title(alt: Any, text: str, subtitle: str) -> Any:
    return alt.TitleParams(text=text, subtitle=subtitle, anchor="start")
