"""The command: bad input is named and nothing else is lost; exit codes; files that a spreadsheet won't run."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import pytest

import servicequal as sq
from servicequal import cli
from servicequal import scorer as scorer_module
from support import ROOT, SAMPLES


@pytest.fixture
def run(monkeypatch, capsys, scorer):
    """Runs the command in this process: (exit code, standard output, standard error)."""

    def build(rubric=None, packs=None, **other):
        return scorer if rubric is None and not packs else sq.Scorer(rubric, packs, model=False)

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["servicequal", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return stopped.value.code or 0, out, err

    monkeypatch.setattr(scorer_module, "Scorer", build)
    monkeypatch.setenv("COLUMNS", "200")
    return call


def line(name, *turns):
    return json.dumps({"id": name, "turns": [{"speaker": s, "text": t} for s, t in turns]})


GOOD = (("customer", "My parcel never came."), ("agent", "I'm sorry. I've sent a new one, you'll have it by Friday."))
FORMULA = (("customer", "My parcel never came."), ("agent", '=HYPERLINK("http://x") calm down'))
LINES = [
    line("good", *GOOD),
    line("=cmd|'/c calc'!A1", *FORMULA),
    line("no turns"),
    line("no agent", ("customer", "Hello? Is anybody there?")),
    line("no customer", ("agent", "It's nothing to do with us.")),
    line("unknown", ("wizard", "Hello?"), ("agent", "It's nothing to do with us.")),
    line("no text", ("customer", float("nan")), ("agent", "Hello.")),
    line("twice", GOOD[0], GOOD[0], GOOD[1]),
    '{"id": "cut off", "turns": [{"speaker": "cust',
    line("last", *GOOD),
]


@pytest.fixture
def messy(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "calls.jsonl").write_text("\n".join(LINES) + "\n", "utf-8")
    (folder / "empty.txt").write_text("")
    (folder / "latin.csv").write_bytes("conversation_id,speaker,text\nl,agent,café".encode("latin-1"))
    shutil.copy(SAMPLES / "call-food-waste-poor.txt", folder)
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_messy_folder_loses_nothing_but_what_it_names(run, messy, tmp_path):
    code, out, err = run("score", messy, "-o", tmp_path / "out", "--as", "csv")
    assert code == 0
    scores = {r["conversation_id"].lstrip("'"): r for r in rows(tmp_path / "out" / "scores.csv")}
    expected = {
        "good",
        "=cmd|'/c calc'!A1",
        "no agent",
        "no customer",
        "unknown",
        "twice",
        "last",
        "call-food-waste-poor",
    }
    assert expected <= set(scores)
    for name in ("no agent", "no customer", "unknown"):
        assert scores[name]["overall"] == ""
        assert scores[name]["notes"]
    assert float(scores["good"]["overall"]) > 50 > float(scores["call-food-waste-poor"]["overall"])

    rejected = {(r["source"].rsplit("/", 1)[-1], r["line"]): r for r in rows(tmp_path / "out" / "rejected.csv")}
    for number, said in ((3, "no turns"), (7, "NaN"), (9, "JSON")):
        row = next((r for (f, n), r in rejected.items() if f == "calls.jsonl" and n == str(number)), None)
        assert row is not None, f"line {number} as a whole number in {sorted(rejected)}"
        assert said in row["reason"]
    assert any(f == "empty.txt" and "empty" in r["reason"] for (f, _), r in rejected.items())
    assert "l" in scores or any(f == "latin.csv" for f, _ in rejected)
    assert "calls.jsonl" in err
    assert "line 9" in err
    assert f"{len(rejected)} rejected" in out

    findings = rows(tmp_path / "out" / "findings.csv")
    one_sided = [r for r in findings if r["conversation_id"] == "no customer"]
    assert {r["outcome"] for r in one_sided} == {"undetermined"}
    assert all("customer" in r["explanation"] for r in one_sided)


@pytest.mark.parametrize("name", ["scores", "findings", "cues", "ledger", "rejected", "turns"])
def test_no_cell_of_a_csv_is_a_formula(run, messy, tmp_path, name):
    run("score", messy / "calls.jsonl", "-o", tmp_path / "out", "--as", "csv")
    for row in rows(tmp_path / "out" / f"{name}.csv"):
        for value in row.values():
            number = value.replace(".", "", 1).lstrip("-").isdigit()
            assert number or not value.lstrip().startswith(("=", "+", "-", "@")), value


def test_json_lines_and_parquet_hold_the_same_scores(run, messy, tmp_path):
    import pandas as pd

    for kind in ("jsonl", "parquet"):
        assert run("score", messy / "calls.jsonl", "-o", tmp_path / kind, "--as", kind)[0] == 0
    frames = [
        pd.read_json(tmp_path / "jsonl" / "scores.jsonl", lines=True),
        pd.read_parquet(tmp_path / "parquet" / "scores"),
    ]
    assert list(frames[0].conversation_id) == list(frames[1].conversation_id)
    assert frames[0].overall.round(6).equals(frames[1].overall.astype(float).round(6))


def test_details_show_each_conversations_own_words_even_where_ids_repeat(run, tmp_path):
    path = tmp_path / "same.jsonl"
    first, second = ("agent", "Calm down, madam."), ("agent", "I've sent a new one.")
    path.write_text(line("x", GOOD[0], first) + "\n" + line("x", GOOD[0], second) + "\n", "utf-8")
    code, out, _ = run("score", "--details", path)
    assert code == 0
    assert out.count("Calm down, madam.") == out.count("I've sent a new one.") >= 1


@pytest.mark.parametrize("text", ["", "\n\n", "{", "[]"])
def test_nothing_to_score_is_exit_code_1_and_says_why(run, tmp_path, text):
    path = tmp_path / "none.jsonl"
    path.write_text(text)
    code, out, err = run("score", path)
    assert code == 1
    assert "0 conversations scored" in out
    assert text == "[]" or "none.jsonl" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("score", "GOOD", "--rubric", "NONE"), "cannot be read"),
        (("score", "GOOD", "--rubric", "BAD"), "EXP101"),
        (("score", "GOOD", "--pack", "NONE"), "cannot be read"),
        (("score", "GOOD", "--roles", "x=king"), "king"),
        (("score", "GOOD", "--roles", "x=agent,y"), "LABEL=ROLE"),
        (("score", "GOOD", "--as", "xml", "-o", "OUT"), "xml"),
        (("score", "GOOD", "-o", "GOOD"), "good.jsonl"),
        (("convert", "GOOD", "-o", "NONE/x.jsonl"), "x.jsonl"),
        (("explain", "SOL999"), "SOL10"),
        (("explain", "disownin"), "disowning"),
        (("check", "NONE"), "cannot be read"),
        (("evaluate", "NONE"), "cannot be read"),
        (("evaluate", "GOODISH"), "line 1"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_exit_code_2_and_one_clear_line(run, tmp_path, args, said):
    (tmp_path / "good.jsonl").write_text(line("good", *GOOD) + "\n", "utf-8")
    (tmp_path / "goodish.jsonl").write_text('{"id": "g"}\n', "utf-8")
    (tmp_path / "bad.yaml").write_text("rules: {EXP11: {weight: 0}}", "utf-8")
    places = {"GOODISH": "goodish.jsonl", "GOOD": "good.jsonl", "NONE": "none", "BAD": "bad.yaml", "OUT": "out"}
    words = []
    for word in args:
        for name, place in places.items():
            word = word.replace(name, str(tmp_path / place))
        words.append(word)
    code, out, err = run(*words)
    assert code == 2
    assert said in out + err
    assert "conversations scored" not in out, "the mistake is named before the work is done, not after it"


def test_converting_a_file_onto_itself_keeps_it(run, tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text(line("good", *GOOD) + "\n", "utf-8")
    run("convert", path, "-o", path)
    assert [c.id for c in sq.read(path)] == ["good"]


def test_convert_keeps_every_word(run, tmp_path, samples):
    out = tmp_path / "all.jsonl"
    code, text, _ = run("convert", SAMPLES, "-o", out)
    assert code == 0
    assert f"{len(samples)} conversations written" in text
    back = {c.id: c for c in sq.read(out)}
    assert {n: c.turns for n, c in back.items()} == {n: c.turns for n, c in samples.items()}


def test_inspect_is_readable(run, messy):
    code, out, _ = run("inspect", messy / "calls.jsonl")
    assert code == 0
    assert "wizard" in out
    assert "no turns" in out
    assert "FileReport(" not in out, "a report for people, not the repr of a dataclass"


def test_rules_and_explain(run, packs):
    from servicequal.rules import RULES

    code, out, _ = run("rules")
    assert code == 0
    assert all(rule.code in out for rule in RULES)

    code, out, _ = run("explain", "disowning")
    assert code == 0
    pack = packs[0]
    flat = " ".join(out.split())
    assert pack.cue == "disowning"
    assert " ".join(pack.why.split()) in flat
    assert pack.examples.flags[0].text in flat
    assert pack.examples.passes[-1].text in flat
    assert "Say instead" in out

    for name in ("SOL101", "sol101", "problem-solving.moves-it-forward"):
        code, out, _ = run("explain", name)
        assert code == 0
        assert "SOL101" in out
        assert "Why" in out
    code, out, _ = run("explain", "EXP101")
    assert "within=2" in out


GOOD_PACK = """
cue: parroting
speaker: agent
effect: hurts
why: Reading the script back tells the customer that nobody listens.
source: our own handbook
phrases: [as per the script]
examples:
  flags: [As per the script I have to read this.]
  passes: [The script for the play is on our site.]
"""


def test_check_a_good_and_a_bad_pack(run, tmp_path):
    good, bad, bare = (tmp_path / f"{n}.yaml" for n in ("good", "bad", "bare"))
    good.write_text(GOOD_PACK, "utf-8")
    bad.write_text(GOOD_PACK.replace("passes: [The script", "passes: [So as per the script"), "utf-8")
    bare.write_text(GOOD_PACK.split("examples:")[0] + "examples: {}\n", "utf-8")
    code, out, _ = run("check", good)
    assert code == 0
    assert "2 of 2 examples of 'parroting'" in out
    code, out, _ = run("check", good, bad)
    assert code == 1
    assert "bad.yaml: passes:" in out.replace("\n", "")
    assert "1 of 2" in out
    assert run("check", bare)[0] == 1


def test_a_users_pack_and_rubric_are_used(run, tmp_path):
    talk = tmp_path / "talk.jsonl"
    talk.write_text(line("x", GOOD[0], ("agent", "As per the script I am listening.")) + "\n", "utf-8")
    pack, rubric = tmp_path / "pack.yaml", tmp_path / "rubric.yaml"
    pack.write_text(GOOD_PACK, "utf-8")
    rubric.write_text("name: strict\nrules:\n  REC103: {critical: true, cap: 5}\n  REC102: {weight: 0}\n", "utf-8")
    code, _, _ = run("score", talk, "--pack", pack, "--rubric", rubric, "-o", tmp_path / "out", "--as", "csv")
    assert code == 0
    assert {r["cue"] for r in rows(tmp_path / "out" / "cues.csv")} >= {"parroting"}
    (scored,) = rows(tmp_path / "out" / "scores.csv")
    assert float(scored["overall"]) == pytest.approx(5)
    ledger = rows(tmp_path / "out" / "ledger.csv")
    assert [r["item"] for r in ledger if r["kind"] == "cap"] == ["REC103"]
    assert "REC102" not in {r["item"] for r in ledger}


def test_evaluate_on_a_tiny_gold_file(run, tmp_path):
    gold = tmp_path / "gold.jsonl"
    marked = {
        "id": "g1",
        "channel": "chat",
        "turns": [
            {"speaker": "customer", "text": "My parcel never came."},
            {"speaker": "agent", "text": "Calm down. It's nothing to do with us."},
            {"speaker": "agent", "text": "The moon is made of cheese."},
        ],
        "cues": {"0": ["problem"], "1": ["dismissive", "disowning"], "2": ["bouncing"]},
        "evidence": {"2": {"bouncing": ["The moon"]}},
        "grades": {"common_sense": 0, "flexibility": 0, "problem_solving": 0, "recovery": 0, "overall": 0},
    }
    gold.write_text(json.dumps(marked) + "\n" + json.dumps({**marked, "id": "g2"}) + "\n", "utf-8")
    code, out, _ = run("evaluate", gold, "--json")
    assert code == 0
    result = json.loads(out)
    by_name = {c["name"]: c for c in result["cues"]}
    assert (result["conversations"], result["turns"]) == (2, 6)
    assert by_name["dismissive"]["f1"] == by_name["problem"]["f1"] == 1.0
    assert (by_name["bouncing"]["support"], by_name["bouncing"]["recall"]) == (2, 0.0)
    assert (by_name["any deflection"]["support"], by_name["any deflection"]["recall"]) == (4, 0.5)
    assert by_name["escalation"]["f1"] is None, "no gold is None, never 0"
    assert {g["name"] for g in result["grades"]} == {*sq.scoring.DIMENSIONS, "overall"}
    missed = [w for w in result["worst"] if w["kind"] == "only theirs"]
    assert {(w["turn"], w["words"]) for w in missed} == {(2, "The moon")}
    code, out, _ = run("evaluate", gold)
    assert code == 0
    assert "dismissive" in out


def test_a_gold_file_with_an_unknown_cue_or_turn_is_an_error(run, tmp_path):
    turns = [{"speaker": "customer", "text": "Hi."}, {"speaker": "agent", "text": "Calm down."}]
    for cues in ({"1": ["dismisive"]}, {"7": ["dismissive"]}):
        gold = tmp_path / "gold.jsonl"
        gold.write_text(json.dumps({"id": "g", "turns": turns, "cues": cues}) + "\n", "utf-8")
        code, _, err = run("evaluate", gold, "--json")
        assert code == 2
        assert "line 1" in err


def test_the_installed_command_from_a_shell(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from servicequal.cli import main; main()",
            "score",
            "data/samples/call-food-waste-twin.txt",
            "-o",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-800:]
    assert "1 conversations scored, 0 rejected" in done.stdout
    assert {p.name for p in tmp_path.iterdir()} >= {"run.json", "scores", "findings", "rejected"}
