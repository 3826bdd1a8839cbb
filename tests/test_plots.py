"""Charts: what is in them is counted right, small, the same each time, and says what is left out."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

import servicequal as sq
from servicequal import plots
from servicequal.errors import MissingExtraError
from support import talk

pytest.importorskip("altair")


class Run:
    """What ``open_run`` gives, as far as a chart looks at it."""

    def __init__(self, **tables: pd.DataFrame) -> None:
        self.run = {"schema_version": 1}
        self.tables = tables

    def table(self, name, columns):
        import pyarrow as pa

        return pa.Table.from_pandas(self.tables[name][list(columns)], preserve_index=False)


def values(chart) -> list[list[dict]]:
    """The data of a chart, wherever it is embedded."""
    spec = json.loads(chart.to_json())
    found = [*spec.get("datasets", {}).values()]

    def walk(node):
        if isinstance(node, dict):
            if "values" in node.get("data", {}):
                found.append(node["data"]["values"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(spec)
    return found


def rows(chart) -> list[dict]:
    data = values(chart)
    assert all(part == data[0] for part in data)
    return data[0]


def scores(**columns):
    size = len(next(iter(columns.values())))
    blank = {name: [None] * size for name in plots.SCORES}
    covered = {f"coverage_{d}": [0.5] * size for d in plots.DIMENSIONS}
    return pd.DataFrame({**blank, **covered, **columns})


@pytest.fixture(scope="module")
def team():
    """Ann is plainly best, Bo and Cy can't be told apart, Di has one conversation, Ed none with a score."""
    people = {"Ann": [90, 92, 94, 91], "Bo": [40, 50, 60, 45], "Cy": [42, 52, 58, 47], "Di": [55], "Ed": [None]}
    pairs = [(name, score) for name, made in people.items() for score in made]
    return pd.DataFrame({"speaker_id": [n for n, _ in pairs], "overall": [s for _, s in pairs]})


@pytest.fixture(scope="module")
def bins(scorer):
    conversation = talk(
        "c: When will somebody come?", "a: It's nothing to do with us.", "c: Right.", "a: I'm sorry.", name="bins"
    )
    return conversation, scorer.score(conversation)


def test_distributions_count_by_tens_and_leave_out_what_was_not_judged():
    chart = plots.score_distributions(scores(overall=[5, 15, 15, 100, None]))
    overall = [row for row in rows(chart) if row["score"].startswith("overall")]
    assert [row["conversations"] for row in overall] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert overall[0]["score"] == "overall (mean 34, without 1)"
    assert len(rows(chart)) == 50
    assert chart.to_dict()["title"]["text"] == "Scores of 5 conversations"


def test_agents_come_with_interval_and_the_ranks_it_allows(team):
    found = {row["agent"]: row for row in rows(plots.agents(team))}
    assert list(found) == ["Ann", "Di", "Cy", "Bo"]
    assert found["Ann"]["rank"] == "1"
    assert found["Ann"]["standing"] == "apart from somebody"
    assert found["Bo"]["rank"] == found["Cy"]["rank"] == "2–4"
    assert found["Bo"]["low"] < found["Cy"]["mean"] < found["Bo"]["high"]
    assert found["Di"]["high"] - found["Di"]["low"] > found["Bo"]["high"] - found["Bo"]["low"]


def test_a_team_that_is_tied_is_shown_as_tied():
    frame = pd.DataFrame({"speaker_id": ["a", "b"] * 4, "overall": [10, 20, 90, 80, 50, 40, 30, 60]})
    assert {row["standing"] for row in rows(plots.agents(frame))} == {"tied with everybody"}


def test_many_agents_are_cut_by_conversations_and_said(team):
    chart = plots.agents(team, most=3)
    assert [row["agent"] for row in rows(chart)] == ["Ann", "Cy", "Bo"]
    assert "1 more not drawn" in chart.to_dict()["title"]["subtitle"]


def test_an_agent_without_an_id_is_kept():
    frame = pd.DataFrame({"speaker_id": ["a", None, float("nan")], "overall": [10.0, 20.0, 40.0]})
    assert {row["agent"]: row["mean"] for row in rows(plots.agents(frame))} == {"(no id)": 30.0, "a": 10.0}


def test_trend_is_by_week_from_monday_in_utc():
    when = [
        "2026-01-04T23:00:00",
        "2026-01-05T00:30:00",
        "2026-01-11T23:30:00Z",
        "2026-01-12T00:30:00+01:00",
        None,
        "?",
    ]
    chart = plots.trend(scores(overall=[10, 20, 40, 60, 80, 90], started_at=when))
    assert [(row["from"][:10], row["mean"], row["conversations"]) for row in rows(chart)] == [
        ("2025-12-29", 10, 1),
        ("2026-01-05", 40, 3),
    ]
    assert rows(chart)[0]["low"] is None
    assert rows(chart)[1]["low"] == 0.0
    assert "4 conversations, 2 without date or score" in chart.to_dict()["title"]["subtitle"]


@pytest.mark.parametrize(
    ("every", "starts"), [("day", ["2026-01-31", "2026-02-01"]), ("month", ["2026-01-01", "2026-02-01"])]
)
def test_trend_by_day_and_month(every, starts):
    frame = scores(overall=[10, 20], started_at=["2026-01-31", "2026-02-01T10:00:00"])
    assert [row["from"][:10] for row in rows(plots.trend(frame, every=every))] == starts


def test_the_interval_of_a_mean_is_students():
    mean, low, high = plots._interval(pd.Series([50.0, 60.0, 70.0]).to_numpy())
    assert (mean, round(low, 2), round(high, 2)) == (60.0, 35.16, 84.84)  # t(0.975, 2) = 4.3027; 10 / sqrt(3)


def test_costly_rules_are_averaged_over_all_conversations():
    frame = pd.DataFrame(
        {
            "code": ["A1", "B1", "C1"] * 2,
            "name": ["x.a", "x.b", "x.c"] * 2,
            "dimension": ["recovery", "flexibility", "recovery"] * 2,
            "outcome": ["missed", "met", "met", "missed", "not_applicable", "met"],
            "lost": [10.0, 4.0, 0.0, 20.0, None, 0.0],
        }
    )
    found = rows(plots.costliest_rules(frame))
    assert [(r["rule"], r["lost"], r["missed"], r["applied"]) for r in found] == [
        ("A1 a", 15.0, 2, 2),
        ("B1 b", 2.0, 0, 1),
    ]
    assert [r["rule"] for r in rows(plots.costliest_rules(frame, most=1))] == ["A1 a"]


def test_deflections_are_placed_by_the_middle_of_their_turn(bins):
    conversation, card = bins
    frame = sq.cues_frame([card])
    found = rows(plots.deflection_positions(frame, [conversation]))
    assert [row["deflections"] for row in found] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]  # turn 1 of 4: 1.5 / 4
    lengths = pd.DataFrame({"conversation_id": ["bins"] * 4, "turn": range(4)})
    assert rows(plots.deflection_positions(frame, lengths)) == found
    with pytest.raises(ValueError, match="how many turns has conversation 'bins'"):
        plots.deflection_positions(frame)


def test_a_run_is_as_good_as_a_frame(bins, team):
    _, card = bins
    cues = sq.cues_frame([card, card]).assign(position=[n for n in (0, 1) for _ in card.cues])
    turns = pd.DataFrame({"position": [0] * 4 + [1] * 4, "turn": [0, 1, 2, 3] * 2})
    made = scores(overall=[10.0, 20.0], started_at=["2026-01-01", "2026-01-02"])
    run = Run(cues=cues, turns=turns, scores=made, agents=team, findings=sq.findings_frame([card]))
    assert sum(row["deflections"] for row in rows(plots.deflection_positions(run))) == 2
    assert rows(plots.score_distributions(run)) == rows(plots.score_distributions(made))
    assert rows(plots.trend(run)) == rows(plots.trend(made))
    assert rows(plots.agents(run)) == rows(plots.agents(team))
    assert rows(plots.costliest_rules(run)) == rows(plots.costliest_rules(sq.findings_frame([card])))


def test_a_timeline_shows_every_turn_with_the_worst_in_it(bins):
    conversation, card = bins
    found = rows(plots.timeline(card, conversation))
    assert [(r["turn"], r["speaker"], r["found"]) for r in found] == [
        (0, "customer", "how the customer fares"),
        (1, "agent", "deflects"),
        (2, "customer", "nothing found"),
        (3, "agent", "helps"),
    ]
    assert "disowning" in found[1]["cues"]
    assert [(r["from"], r["to"]) for r in found] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_timeline_is_in_minutes_where_there_are_times(scorer):
    turns = (
        sq.Turn(speaker="customer", text="When?", start=0, end=30),
        sq.Turn(speaker="agent", text="Soon.", start=60),
        sq.Turn(speaker="customer", text="Oh.", start=90),
    )
    conversation = sq.Conversation(id="timed", turns=turns)
    chart = plots.timeline(scorer.score(conversation), conversation)
    assert [(r["from"], r["to"]) for r in rows(chart)][:2] == [(0, 0.5), (1, 1.5)]
    assert '"minutes"' in chart.to_json()


def test_no_chart_holds_more_than_its_share(scorer):
    long = talk(*["c: Right.", "a: It's nothing to do with us. " + "x" * 300] * 3000, name="long")
    cues = tuple(sq.CueMatch("disowning", n, 5, 12, "nothing", "agent") for n in range(1, 6000, 2))
    card = scorer.score(talk("a: hello", name="long")).model_copy(update={"cues": cues})
    chart = plots.timeline(card, long)
    assert len(rows(chart)) == plots.MOST_ROWS
    assert sum(row["found"] == "deflects" for row in rows(chart)) == 3000
    assert "1000 turns without cues not drawn" in chart.to_dict()["title"]["subtitle"]
    many = scores(overall=list(range(100)) * 200, started_at=["2026-01-01"] * 20_000)
    assert len(rows(plots.score_distributions(many))) == 50
    assert len(rows(plots.trend(many))) == 1


def test_the_same_frame_gives_the_same_chart(team):
    assert plots.agents(team).to_json() == plots.agents(team.sample(frac=1, random_state=3)).to_json()


def test_what_is_wrong_is_said(team, bins):
    with pytest.raises(ValueError, match="no column 'code': is this a frame of findings"):
        plots.costliest_rules(team)
    with pytest.raises(ValueError, match="a frame of scores or an opened run is wanted, not list"):
        plots.score_distributions([])
    with pytest.raises(ValueError, match="score is one of overall, common_sense"):
        plots.agents(team, score="speed")
    with pytest.raises(ValueError, match="no agent has a score"):
        plots.agents(team[team.speaker_id == "Ed"])
    with pytest.raises(ValueError, match="started_at"):
        plots.trend(scores(overall=[1], started_at=[None]))
    with pytest.raises(ValueError, match="is of conversation 'bins', not of 'talk'"):
        plots.timeline(bins[1], talk("a: hello"))


def test_without_the_extra_it_says_which(team, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"servicequal\[plots\]"):
        plots.agents(team)


def test_the_accessor_scores_a_frame_of_turns(scorer, bins):
    import servicequal.pandas  # noqa: F401

    conversation, card = bins
    frame = pd.DataFrame([{"who": t.speaker, "said": t.text, "call": "bins"} for t in conversation.turns])
    before = frame.copy()
    columns = {"id": "call", "speaker": "who", "text": "said"}
    ways = {"columns": columns, "scorer": scorer}
    pd.testing.assert_frame_equal(frame.servicequal.score(**ways), sq.score_frame(frame, columns, scorer=scorer))
    cards = frame.servicequal.cards(**ways)
    assert [c.overall for c in cards] == [card.overall]
    pd.testing.assert_frame_equal(frame.servicequal.findings(**ways), sq.findings_frame(cards))
    pd.testing.assert_frame_equal(frame.servicequal.cues(**ways), sq.cues_frame(cards))
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(sq.ReadError, match="column"):
        pd.DataFrame({"a": [1]}).servicequal.score()


def test_frames_of_other_libraries_are_taken(scorer, bins):
    import pyarrow as pa

    table = pa.table({"conversation_id": ["b", "b"], "speaker": ["customer", "agent"], "text": ["Well?", "I'm sorry."]})
    assert list(sq.score_frame(table, scorer=scorer)["conversation_id"]) == ["b"]
