from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

import servicequal as sq
from runs import write_run
from servicequal.batch import RunData
from servicequal.cli import app
from servicequal.coaching import RESULTS, AgentHabits, agents_of, habits
from servicequal.masking import Masker
from servicequal.rules import RULES

COLD = "That's nothing to do with us, you'd have to ring the courier. Mine is jo@example.org."
WARM = "Leave it with me: I've rung the courier, and it will be with you by noon tomorrow."


def talk(name: str, *turns: tuple[str, str]) -> sq.Conversation:
    """A conversation from (who, text): ``c`` is the customer, everybody else an agent of that name."""
    made = [
        sq.Turn(speaker="customer", text=text)
        if who == "c"
        else sq.Turn(speaker="agent", text=text, speaker_id=who or None)
        for who, text in turns
    ]
    return sq.Conversation(id=name, channel="chat", turns=tuple(made))


def parcel(name: str, agent: str, answer: str) -> sq.Conversation:
    return talk(
        name,
        ("c", "My parcel never came. When will it come?"),
        (agent, answer),
        ("c", "Hm, so what happens now?"),
        (agent, answer),
    )


CONVERSATIONS = (
    *(parcel(f"ann-{n}", "ann", COLD) for n in range(5)),
    parcel("ann-well", "ann", WARM),
    *(parcel(f"ben-{n}", "ben", WARM) for n in range(6)),
    *(parcel(f"new-{n}", "new", COLD) for n in range(4)),
    *(
        talk(
            f"both-{n}",
            ("c", "My parcel never came. When will it come?"),
            ("dan", "That's nothing to do with us."),
            ("c", "What?"),
            ("eve", WARM),
        )
        for n in range(6)
    ),
    *(parcel(f"nobody-{n}", "", COLD) for n in range(5)),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, scorer: sq.Scorer) -> RunData:
    return write_run(tmp_path_factory.mktemp("run"), CONVERSATIONS, scorer)


@pytest.fixture(scope="module")
def found(run: RunData) -> dict[str | None, AgentHabits]:
    return {one.speaker_id: one for one in habits(run)}


def test_agents_come_by_name_and_those_without_one_last(run, found):
    assert agents_of(run) == {"ann": 6, "ben": 6, "dan": 6, "eve": 6, "new": 4, None: 5}
    assert list(found) == list(agents_of(run))


def test_a_habit_tells_its_cost_and_how_often_against_the_team(found):
    ann = found["ann"]
    assert ann.conversations == 6
    assert 0 < len(ann.habits) <= 3
    assert [h.cost for h in ann.habits] == sorted((h.cost for h in ann.habits), reverse=True)
    for habit in ann.habits:
        assert habit.costly == 5 <= habit.occasions == 6
        assert habit.low <= habit.cost <= habit.high
        assert habit.team is not None
        assert habit.cost > habit.team


def test_the_cost_is_what_the_findings_lost_in_points_of_overall(run, found):
    """Worked out again from the ledger of each conversation."""
    for habit in found["ann"].habits:
        total = 0.0
        for position in range(6):
            card = run.scorecard(position)
            lost = next(f.lost for f in card.findings if f.code == habit.code)
            weights = {x.item: x.weight for x in card.ledger if x.score == "overall" and x.kind == "dimension"}
            total += (lost or 0.0) * weights[habit.dimension] / sum(weights.values())
        assert habit.cost == pytest.approx(total / 6)


def test_their_own_words_stand_at_their_place_with_what_to_say_instead(run, found):
    habit = next(h for h in found["ann"].habits if any(m.cue == "disowning" for m in h.moments))
    moment = next(m for m in habit.moments if m.cue == "disowning")
    turn = run.conversation(moment.position).turns[moment.turn]
    assert turn.speaker_id == "ann"
    assert turn.text[moment.start : moment.end] == moment.words
    assert turn.text == moment.lead + moment.words + moment.tail
    assert moment.say_instead
    assert habit.say_instead


def test_a_conversation_where_they_did_it_well_is_theirs(found):
    for habit in found["ann"].habits:
        assert habit.well is not None
        assert habit.well.conversation_id == "ann-well"
        assert habit.well.words in WARM


def test_too_few_conversations_tell_nothing(run, found):
    assert found["new"].habits == ()
    assert found["new"].note == "4 conversations: too few to tell, 5 are needed"
    assert habits(run, "new", least=2)[0].habits


def test_who_does_nothing_wrong_repeatedly_has_no_cold_words_quoted(found):
    assert all("nothing to do with us" not in m.words for h in found["ben"].habits for m in h.moments)


def test_in_a_shared_conversation_everybody_answers_for_their_own_turns(found):
    dan = [m for h in found["dan"].habits for m in h.moments]
    assert any(m.words == "nothing to do with us" or "nothing to do with us" in m.words for m in dan)
    assert {m.turn for m in dan if m.words} == {1}
    for habit in found["eve"].habits:
        assert all(m.turn in (3, None) for m in habit.moments)
    deflects = {h.code for h in found["dan"].habits if any(m.cue == "disowning" for m in h.moments)}
    assert deflects
    assert not deflects & {h.code for h in found["eve"].habits}


def test_one_customer_turn_belongs_to_the_agent_who_speaks_next(tmp_path, scorer):
    """A question that dan leaves open costs dan, not eve who comes after."""
    asked = [
        talk(
            f"q{n}",
            ("c", "My parcel never came. When will it come?"),
            ("dan", "Could you hold the line?"),
            ("c", "All right."),
            ("eve", "Thank you for waiting, this is Eve."),
        )
        for n in range(6)
    ]
    one = write_run(tmp_path, asked, scorer)
    codes = {a.speaker_id: {h.code for h in a.habits} for a in habits(one, most=20)}
    assert "EXP101" in codes["dan"]
    assert "EXP101" not in codes["eve"]


def test_results_are_no_habits_and_are_rules(found):
    codes = {rule.code for rule in RULES}
    assert set(RESULTS) <= codes
    assert not {h.code for one in found.values() for h in one.habits} & set(RESULTS)


def test_most_limits_and_an_unknown_agent_is_said(run):
    assert len(habits(run, "ann", most=1)[0].habits) == 1
    with pytest.raises(sq.ServicequalError, match="no agent 'anne' in this run; did you mean ann"):
        habits(run, "anne")


def test_masking_hides_personal_data_and_keeps_the_place(run):
    plain, masked = habits(run, "ann"), habits(run, "ann", masker=Masker("patterns"))
    assert "jo@example.org" in json.dumps([asdict(h) for h in plain])
    assert "jo@example.org" not in json.dumps([asdict(h) for h in masked])
    places = [
        [(m.position, m.turn, m.start, m.end) for h in one[0].habits for m in h.moments] for one in (plain, masked)
    ]
    assert places[0] == places[1]


def test_a_run_without_turns_still_tells_the_cues_words(tmp_path, scorer):
    bare = write_run(tmp_path, CONVERSATIONS[:6], scorer, turns=False)
    ann = habits(bare)[0]
    assert any(m.cue == "disowning" and m.words in COLD for h in ann.habits for m in h.moments)


def test_the_same_run_gives_the_same_habits(run):
    assert habits(run) == habits(run)


def invoke(run: RunData, *arguments: str):
    return CliRunner().invoke(app, ["coach", str(run.folder), *arguments])


def test_the_command_lists_agents_and_tells_of_one(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    listed = invoke(run)
    assert listed.exit_code == 0
    assert "new" in listed.output
    assert "too few to tell" in listed.output
    told = invoke(run, "--agent", "ann", "--mask")
    assert told.exit_code == 0
    assert "Say instead" in told.output
    assert "Done well" in told.output
    assert "jo@example.org" not in told.output


def test_the_command_gives_json(run):
    one = json.loads(invoke(run, "--agent", "ann", "--as", "json").output)
    assert one[0]["speaker_id"] == "ann"
    assert one[0]["habits"][0]["moments"]
    assert json.loads(invoke(run, "--as", "json").output)[0] == {"speaker_id": "ann", "conversations": 6}
    assert len(json.loads(invoke(run, "--all", "--as", "json").output)) == 6
    assert invoke(run, "--as", "xml").exit_code == 2


def test_words_with_markup_are_printed_as_they_are(tmp_path, scorer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    cold = "[bold]That's nothing to do with us[/bold], <script>alert(1)</script>"
    odd = write_run(tmp_path, [parcel(f"x{n}", "[red]x", cold) for n in range(5)], scorer)
    told = invoke(odd, "--all")
    assert told.exit_code == 0
    assert "[red]x" in told.output
    assert "[/bold], <script>alert(1)</script>" in told.output


def test_no_run_is_said(tmp_path: Path):
    result = CliRunner().invoke(app, ["coach", str(tmp_path)])
    assert isinstance(result.exception, sq.ServicequalError)
