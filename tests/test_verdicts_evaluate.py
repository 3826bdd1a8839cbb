from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import servicequal as sq
from runs import write_run
from servicequal.batch import RunData
from servicequal.cli import app
from servicequal.reviews import is_verdicts, read_reviewed
from servicequal.verdicts import digest_of
from support import talk

TALKS = (
    talk(
        "c: My parcel never came. When will it come?",
        "a: That's nothing to do with us.",
        "c: This is ridiculous.",
        "a: You'd have to ring the courier. It's our policy.",
        name="one",
    ),
    talk("c: Where is my order?", "a: I'm sorry, I've sent a new one, it comes on Friday.", name="two"),
    talk("c: My bill is wrong.", "a: I'm sorry, that was our mistake. I've put it right.", name="three"),
    talk("c: The heating is off.", "a: You'd have to ask the landlord.", name="four"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, scorer: sq.Scorer) -> RunData:
    return write_run(tmp_path_factory.mktemp("run"), TALKS, scorer)


def cue(name: str, turn: int, agree: bool, **more: Any) -> dict[str, Any]:
    return {"cue": name, "turn": turn, "start": 0, "end": 5, "text": "words", "agree": agree, **more}


def save(path: Path, run: RunData, *verdicts: dict[str, Any]) -> Path:
    made = []
    for verdict in verdicts:
        conversation = TALKS[verdict["position"]]
        made.append({"conversation_id": conversation.id, "digest": digest_of(conversation), **verdict})
    raw = {"schema": "servicequal-verdicts/1", "run": {"fingerprint": run.run["fingerprint"]}, "verdicts": made}
    path.write_text(json.dumps(raw), "utf-8")
    return path


def test_only_what_was_reviewed_counts(tmp_path, run, scorer):
    """Agreed is a hit, rejected a false alarm, missed a miss; bouncing and policy_shield in turn 3 count nowhere."""
    path = save(
        tmp_path / "v.json",
        run,
        {
            "position": 0,
            "cues": [cue("disowning", 1, True)],
            "missed": [{"cue": "dismissive", "turn": 3, "start": 0, "end": 3}],
        },
        {"position": 3, "cues": [cue("bouncing", 1, False)]},
    )
    result = sq.evaluate(path, scorer, run=run)
    assert (result.conversations, result.partial) == (2, 2)
    said = {
        name: (result.cue(name).support, result.cue(name).found) for name in ("disowning", "dismissive", "bouncing")
    }
    assert said == {"disowning": (1, 1), "dismissive": (1, 0), "bouncing": (0, 1)}
    assert result.cue("disowning").precision == 1
    assert result.cue("bouncing").precision == 0
    assert result.cue("dismissive").recall == 0
    assert result.cue("policy_shield").found == 0
    both = result.cue("any deflection")
    assert (both.support, both.found) == (2, 2)
    assert {(d.conversation_id, d.turn, d.kind) for d in result.worst} == {
        ("one", 3, "only theirs"),
        ("four", 1, "only ours"),
    }


def test_whoever_read_all_of_it_says_no_by_saying_nothing(tmp_path, run, scorer):
    partly = save(tmp_path / "p.json", run, {"position": 0, "cues": [cue("disowning", 1, True)]})
    wholly = save(tmp_path / "w.json", run, {"position": 0, "complete": True, "cues": [cue("disowning", 1, True)]})
    assert sq.evaluate(partly, scorer, run=run).cue("bouncing").found == 0
    assert sq.evaluate(wholly, scorer, run=run).cue("bouncing").found == 1


def test_what_is_left_open_counts_nowhere_even_when_all_was_read(tmp_path, run, scorer):
    open_ = cue("bouncing", 3, False, status="softened")
    path = save(tmp_path / "v.json", run, {"position": 0, "complete": True, "cues": [open_]})
    row = sq.evaluate(path, scorer, run=run).cue("bouncing")
    assert (row.support, row.found) == (0, 0)


def test_reviewers_of_one_conversation_are_put_together_and_compared(tmp_path, run, scorer):
    ann = save(
        tmp_path / "a.json",
        run,
        {"position": 0, "reviewer": "ann", "cues": [cue("disowning", 1, True)], "grades": {"overall": 1}},
    )
    ben = save(
        tmp_path / "b.json",
        run,
        {"position": 0, "reviewer": "ben", "cues": [cue("disowning", 1, False)], "grades": {"overall": 0}},
    )
    cyd = save(
        tmp_path / "c.json",
        run,
        {
            "position": 0,
            "reviewer": "cyd",
            "cues": [cue("disowning", 1, False), cue("bouncing", 3, True)],
            "grades": {"overall": None},
        },
    )
    [review] = read_reviewed([ann, ben, cyd], run)
    assert review.marked.cues == {3: ("bouncing",)}
    assert review.marked.reviewed == {1: ("disowning",), 3: ("bouncing",)}
    assert review.marked.grades == {"overall": 0.5}
    assert set(review.marked.graders) == {"ann", "ben", "cyd"}
    row = sq.evaluate([ann, ben, cyd], scorer, run=run).cue("disowning")
    assert row.graders is not None


def test_graders_of_one_mind_agree_fully(tmp_path, run, scorer):
    files = [
        save(tmp_path / f"{n}.json", run, {"position": 0, "reviewer": n, "cues": [cue("disowning", 1, True)]})
        for n in ("ann", "ben")
    ]
    assert sq.evaluate(files, scorer, run=run).cue("disowning").graders == 1


def test_two_files_without_a_name_are_two_reviewers(tmp_path, run):
    files = [save(tmp_path / f"{n}.json", run, {"position": 0, "cues": [cue("disowning", 1, True)]}) for n in "ab"]
    assert set(read_reviewed(files, run)[0].marked.graders) == {"unnamed", "unnamed (b.json)"}


def test_grades_are_ranked_and_those_not_given_are_left_out(tmp_path, run, scorer):
    grades = [{"overall": 0, "recovery": None}, {"overall": 3}, {"overall": 4}, {"overall": 1}]
    path = save(tmp_path / "v.json", run, *({"position": n, "grades": g} for n, g in enumerate(grades)))
    result = sq.evaluate(path, scorer, run=run)
    assert result.grade("overall").both == 4
    assert result.grade("overall").spearman > 0.5
    assert result.grade("recovery").not_applicable in (0, 1)
    assert result.grade("flexibility").not_applicable is None
    assert result.grade("flexibility").spearman is None


def test_reviewed_findings_are_counted_by_rule(tmp_path, run, scorer):
    path = save(
        tmp_path / "v.json",
        run,
        {
            "position": 0,
            "findings": [
                {"code": "SOL102", "turn": 1, "outcome": "missed", "agree": True},
                {"code": "CSE104", "agree": True},
            ],
        },
        {
            "position": 3,
            "findings": [{"code": "SOL102", "outcome": "met", "agree": False}, {"code": "CSE104", "agree": False}],
        },
    )
    rows = {row.code: row for row in sq.evaluate(path, scorer, run=run).findings}
    assert (rows["CSE104"].reviewed, rows["CSE104"].right, rows["CSE104"].share) == (2, 1, 0.5)
    assert rows["CSE104"].low < 0.5 < rows["CSE104"].high
    # the rule says "missed" of the last conversation: what was wrong about "met" is right now
    assert (rows["SOL102"].reviewed, rows["SOL102"].right) == (2, 2)


def test_verdicts_without_their_run_or_with_another_are_refused(tmp_path, run, scorer):
    path = save(tmp_path / "v.json", run, {"position": 0})
    with pytest.raises(sq.ReadError, match="add --run OUT"):
        sq.evaluate(path, scorer)
    other = save(tmp_path / "o.json", run, {"position": 0, "digest": "0" * 12})
    with pytest.raises(sq.ReadError, match="is not the text that was reviewed"):
        sq.evaluate(other, scorer, run=run)
    named = save(tmp_path / "n.json", run, {"position": 0, "conversation_id": "five", "digest": ""})
    with pytest.raises(sq.ReadError, match="is 'one' in the run, at position 0"):
        sq.evaluate(named, scorer, run=run)
    beyond = tmp_path / "x.json"
    beyond.write_text(path.read_text().replace('"position": 0', '"position": 77'))
    with pytest.raises(sq.ReadError, match="position 77"):
        sq.evaluate(beyond, scorer, run=run)


def test_a_cue_or_turn_that_there_is_not_counts_nowhere(tmp_path, run):
    path = save(
        tmp_path / "v.json", run, {"position": 0, "cues": [cue("our_own", 1, True), cue("disowning", 99, True)]}
    )
    assert read_reviewed(path, run)[0].marked.reviewed == {}


def test_files_are_told_apart_by_what_stands_in_them(tmp_path, run):
    gold = tmp_path / "gold.json"
    gold.write_text('{"id": "x", "turns": [{"speaker": "agent", "text": "Hello."}], "grades": {"overall": 2}}\n')
    path = save(tmp_path / "v.txt", run, {"position": 1})
    assert not is_verdicts(gold)
    assert is_verdicts(path)
    assert [r.marked.conversation.id for r in read_reviewed([gold, path], run)] == ["x", "two"]
    empty = save(tmp_path / "e.json", run)
    with pytest.raises(sq.ReadError, match="no marked conversation and no verdict"):
        read_reviewed(empty, run)


def test_the_command_evaluates_verdicts(tmp_path, run):
    path = save(
        tmp_path / "v.json",
        run,
        {"position": 0, "cues": [cue("disowning", 1, True)], "findings": [{"code": "CSE104", "agree": True}]},
    )
    result = CliRunner().invoke(app, ["evaluate", str(path), "--run", str(run.folder), "--no-model"])
    assert result.exit_code == 0, result.output
    assert "only what was reviewed counts" in result.output
    assert "CSE104" in result.output
    as_json = CliRunner().invoke(app, ["evaluate", str(path), "--run", str(run.folder), "--no-model", "--json"])
    assert json.loads(as_json.output)["partial"] == 1
