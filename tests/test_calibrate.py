from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import servicequal as sq
from runs import write_run
from servicequal.calibration import Graded, Weights, fit, scores
from servicequal.cli import app
from servicequal.reviews import read_reviewed
from servicequal.rules import DIMENSIONS

OPENINGS = (
    "My parcel never came. When will it come?",
    "I've rung three times about my bill. Can you explain it?",
    "The heating is off. What do I do now?",
)
ANSWERS = (
    "That's nothing to do with us.",
    "I'm sorry, that was our mistake.",
    "I've sent a new one, it will be with you by noon tomorrow.",
    "You'd have to ring the courier.",
    "It's our policy, there's nothing I can do.",
    "Leave it with me, I'll ring you by four.",
    "While I'm here, I've taken the fee off as well.",
    "I can't do that, but what I can do is send it to the shop.",
    "Okay.",
    "Could you give me the order number?",
)
ENDINGS = ("This is ridiculous.", "Brilliant, thank you so much!", "All right.", "So what happens now?")


def conversations(count: int, seed: int = 1) -> list[sq.Conversation]:
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        turns = [sq.Turn(speaker="customer", text=str(rng.choice(OPENINGS)))]
        for _ in range(int(rng.integers(1, 4))):
            turns.append(sq.Turn(speaker="agent", text=" ".join(rng.choice(ANSWERS, int(rng.integers(1, 3))))))
            turns.append(sq.Turn(speaker="customer", text=str(rng.choice(ENDINGS))))
        made.append(sq.Conversation(id=f"c{n}", channel="chat", turns=tuple(turns)))
    return made


TALKS = conversations(120)
HIDDEN = {"rules": {"REC104": {"weight": 30}, "SOL106": {"weight": 20}}}
"""What these graders care about: something extra, and asking first."""

GRADED = ("recovery", "problem_solving")


def grades_of(scorer: sq.Scorer) -> list[dict[str, float | None]]:
    cards = [scorer.score(talk) for talk in TALKS]
    scored = [{**card.scores, "overall": card.overall} for card in cards]
    return [{name: None if value is None else value / 25 for name, value in row.items()} for row in scored]


def gold(path: Path, grades: list[dict[str, float | None]], most: int = 1000) -> Path:
    lines = []
    for talk, row in list(zip(TALKS, grades, strict=True))[:most]:
        turns = [{"speaker": t.speaker, "text": t.text} for t in talk.turns]
        lines.append(json.dumps({"id": talk.id, "channel": "chat", "turns": turns, "grades": row}))
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def theirs(scorer: sq.Scorer) -> list[dict[str, float | None]]:
    """Grades by the hidden rubric, with a little noise."""
    rng = np.random.default_rng(3)
    hidden = sq.Scorer(rubric=HIDDEN, model=False)
    return [
        {k: None if (v := row[k]) is None else float(np.clip(v + rng.normal(0, 0.15), 0, 4)) for k in GRADED}
        for row in grades_of(hidden)
    ]


# -- the fit -----------------------------------------------------------------------------------------------


def made_up(
    count: int, weights: list[list[float]], dimensions: list[float], noise: float = 0.0
) -> tuple[Graded, Weights]:
    rng = np.random.default_rng(5)
    tables = tuple(
        np.where(rng.random((count, len(w))) < 0.3, np.nan, rng.integers(0, 3, (count, len(w))) / 2) for w in weights
    )
    truth = Weights(tuple(np.array(w, float) for w in weights), np.array(dimensions, float))
    blank = Graded(tables, np.zeros((count, len(weights) + 1)), np.ones(count))
    grades = scores(blank, truth) + rng.normal(0, noise, (count, len(weights) + 1))
    return Graded(tables, grades, np.ones(count)), truth


def test_known_weights_are_recovered():
    data, truth = made_up(400, [[6, 1, 1, 2], [1, 3, 4]], [1, 3], noise=0.02)
    start = Weights((np.full(4, 2.5), np.full(3, 8 / 3)), np.full(2, 2.0))
    found = fit(data, start, 1e-5)
    for new, true in zip(found.rules, truth.rules, strict=True):
        assert new == pytest.approx(true, rel=0.1)
    assert found.dimensions == pytest.approx([1, 3], rel=0.1)


def test_weights_of_rules_are_recovered_from_overall_grades_alone():
    data, truth = made_up(400, [[6, 1, 1, 2], [1, 3, 4]], [1, 1])
    data.grades[:, :-1] = np.nan
    found = fit(data, Weights((np.full(4, 2.5), np.full(3, 8 / 3)), np.ones(2)), 1e-6)
    assert found.rules[0] == pytest.approx(truth.rules[0], rel=0.15)
    assert found.rules[1] == pytest.approx(truth.rules[1], rel=0.15)


def test_the_slope_is_that_of_the_error():
    from scipy.optimize import check_grad

    from servicequal.calibration import _error

    data, _ = made_up(30, [[6, 1, 1, 2], [1, 3, 4]], [1, 3], noise=0.2)
    data.caps[3] = 0.4
    data.grades[5, 1] = np.nan

    def weights(logs: np.ndarray) -> Weights:
        return Weights((np.exp(logs[:4]), np.exp(logs[4:7])), np.exp(logs[7:]))

    at = np.random.default_rng(0).normal(0, 0.5, 9)
    assert check_grad(lambda x: _error(data, weights(x))[0], lambda x: _error(data, weights(x))[1], at) < 1e-6


def test_a_strong_pull_keeps_the_weights_and_zero_stays_zero():
    data, _ = made_up(100, [[6, 1, 1, 2]], [1])
    start = Weights((np.array([1.0, 1.0, 0.0, 2.0]),), np.ones(1))
    assert fit(data, start, 1000).rules[0] == pytest.approx(start.rules[0], abs=0.01)
    weak = fit(data, start, 1e-5).rules[0]
    assert weak[2] == 0
    assert (weak >= 0).all()
    assert weak.sum() == pytest.approx(4)


# -- the whole way -----------------------------------------------------------------------------------------


def test_graders_who_weigh_otherwise_get_a_rubric_that_ranks_better(tmp_path, scorer, theirs):
    path = gold(tmp_path / "gold.jsonl", theirs)
    result = sq.calibrate(path, scorer)
    told = {g.name: g for g in result.grades}
    assert told["recovery"].verdict == "better"
    assert told["flexibility"].reason == "0 graded conversations, 40 are needed"
    assert told["recovery"].after > 0.9 > told["recovery"].before
    assert told["recovery"].gain_low > 0
    weights = {w.item: w for w in result.weights}
    assert weights["REC104"].after > 2 * weights["REC104"].before
    assert weights["SOL106"].after > 2 * weights["SOL106"].before
    assert all(w.after >= 0 for w in result.weights)
    for d in DIMENSIONS:
        mine = [w for w in result.weights if w.within == d]
        assert sum(w.after for w in mine) == pytest.approx(sum(w.before for w in mine))

    mine = tmp_path / "mine.yaml"
    mine.write_text(result.to_yaml())
    assert result.to_yaml().startswith("# Proposed from 120 graded")
    after = sq.evaluate(path, sq.Scorer(rubric=mine, model=False))
    assert after.grade("recovery").spearman > told["recovery"].before + 0.05
    assert after.grade("problem_solving").spearman > told["problem_solving"].before + 0.05
    assert set(result.rubric.rules) == {w.item for w in result.weights if w.proposed and w.within in DIMENSIONS}


def test_graders_who_weigh_alike_are_told_to_keep_the_weights(tmp_path, scorer):
    """The grades are the scores themselves: no weights can rank better."""
    rows = [{name: row[name] for name in ("recovery", "overall")} for row in grades_of(scorer)]
    result = sq.calibrate(gold(tmp_path / "gold.jsonl", rows), scorer)
    assert result.rubric is None
    assert result.reason == "fitted weights rank no better on unseen conversations: keep those in use"
    assert not [g for g in result.grades if g.verdict == "better"]
    with pytest.raises(ValueError, match="no rubric is proposed"):
        result.to_yaml()


def test_grades_out_of_a_hat_give_no_rubric(tmp_path, scorer):
    rng = np.random.default_rng(7)
    rows = [{"overall": float(rng.integers(0, 5))} for _ in TALKS]
    assert sq.calibrate(gold(tmp_path / "gold.jsonl", rows), scorer).rubric is None


def test_too_few_grades_are_said(tmp_path, scorer, theirs):
    result = sq.calibrate(gold(tmp_path / "few.jsonl", theirs, most=20), scorer)
    assert result.rubric is None
    assert result.reason.startswith("too little to fit anything: 40 graded conversations are needed")
    assert all(g.before is None and "40 are needed" in g.reason for g in result.grades)
    same = sq.calibrate(gold(tmp_path / "same.jsonl", [{"overall": 2.0}] * len(TALKS)), scorer)
    assert {g.name: g.reason for g in same.grades}["overall"] == "all grades are the same"


def test_the_rest_of_the_rubric_in_use_stays(tmp_path, theirs):
    rubric = {"rules": {"FLX105": {"cap": 10}, "CSE105": {"weight": 0}}, "dimensions": {"recovery": 2}}
    result = sq.calibrate(gold(tmp_path / "gold.jsonl", theirs), sq.Scorer(rubric=rubric, model=False), name="ours")
    assert result.rubric is not None
    assert result.rubric.name == "ours"
    assert result.rubric.rules["FLX105"].cap == 10
    assert result.rubric.rules["CSE105"].weight == 0
    assert "CSE105" not in {w.item for w in result.weights}
    assert sq.load_rubric(yaml.safe_load(result.to_yaml())) == result.rubric


def test_the_same_grades_give_the_same_bytes(tmp_path, scorer, theirs):
    path = gold(tmp_path / "gold.jsonl", [{"recovery": row["recovery"]} for row in theirs], most=60)
    assert sq.calibrate(path, scorer).model_dump_json() == sq.calibrate(path, scorer).model_dump_json()


# -- sheets ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, scorer: sq.Scorer):
    return write_run(tmp_path_factory.mktemp("run"), [*TALKS, TALKS[0]], scorer)


def sheet(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_a_sheet_gives_the_grades_of_several_graders_on_its_own_scale(tmp_path, run):
    path = sheet(
        tmp_path / "s.csv",
        "\ufeffConversation ID;Grader;Overall;Common Sense;remark\n"
        "c1;ann;5;n/a;good\nc1;ben;3;;\nc2;ann;1;2,5;\n;;;;\n",
    )
    one, two = read_reviewed(path, run, scale=(1, 5))
    assert one.marked.grades == {"overall": 3.0, "common_sense": None}
    assert one.marked.graders["ben"].grades == {"overall": 2.0}
    assert two.marked.grades == {"overall": 0.0, "common_sense": 1.5}
    assert one.marked.conversation.turns == TALKS[1].turns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,overall\nx,1\n", r"s\.csv, line 1: has not got a column position or conversation_id"),
        ("id,score\nc1,1\n", "line 1: has not got a column common_sense"),
        ("id,overall\nc1,7\n", r"line 2, column overall: '7' is no grade from 0 to 4 .*--scale"),
        ("id,overall\nc1,nan\n", "'nan' is no grade"),
        ("id,overall\nnope,1\n", "line 2, column id: the run has no conversation 'nope'"),
        ("id,overall\nc0,1\n", "2 conversations of the run are called 'c0' .*position"),
        ("position,overall\n999,1\n", "no conversation was scored at position '999'"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_said_with_its_place(tmp_path, run, text, message):
    with pytest.raises(sq.ReadError, match=message):
        read_reviewed(sheet(tmp_path / "s.csv", text), run)


def test_a_sheet_needs_its_run(tmp_path):
    with pytest.raises(sq.ReadError, match="add --run OUT"):
        read_reviewed(sheet(tmp_path / "s.csv", "id,overall\nc1,1\n"))


# -- the command -------------------------------------------------------------------------------------------


def test_the_command_proposes_and_writes_only_when_asked(tmp_path, run, theirs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    lines = ["position,recovery,problem_solving"]
    for n, row in enumerate(theirs):
        lines.append(",".join("n/a" if v is None else str(v) for v in (n, row["recovery"], row["problem_solving"])))
    path = sheet(tmp_path / "grades.csv", "\n".join(lines))
    mine = tmp_path / "mine.yaml"
    written = CliRunner().invoke(app, ["calibrate", str(path), "--run", str(run.folder), "--no-model", "-o", str(mine)])
    assert written.exit_code == 0, written.output
    assert "better" in written.output
    assert "a rubric is proposed" in written.output
    assert sq.load_rubric(mine).name == "mine"
    assert "# Rank correlation" in mine.read_text()


def test_the_command_without_a_file_to_write_writes_none(tmp_path, theirs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = gold(tmp_path / "few.jsonl", theirs, most=10)
    shown = CliRunner().invoke(app, ["calibrate", str(path), "--no-model", "--json"])
    assert json.loads(shown.output)["rubric"] is None
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_writes_nothing_where_nothing_is_better(tmp_path, scorer):
    path = gold(tmp_path / "gold.jsonl", grades_of(scorer), most=10)
    mine = tmp_path / "mine.yaml"
    result = CliRunner().invoke(app, ["calibrate", str(path), "--no-model", "-o", str(mine)])
    assert result.exit_code == 1
    assert "nothing written" in result.output
    assert not mine.exists()
    assert CliRunner().invoke(app, ["calibrate", str(path), "--scale", "five"]).exit_code == 2
