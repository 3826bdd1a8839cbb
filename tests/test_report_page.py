"""The report: what it says is right, it fits, it is the same every time, and no text of a transcript runs in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import servicequal as sq
from servicequal.batch import score_to
from servicequal.cli import app
from servicequal.errors import ServicequalError
from servicequal.report import blocks
from servicequal.report.page import make_report, page_script, write_report
from servicequal.report.team import agent_pictures, score_pictures
from support import SOURCE, hostile_talk, talk

HTML = SOURCE / "report" / "html"


def unpacked(html: str, block: str):
    """The JSON value of a block of the page."""
    text = re.search(rf'<script type="application/octet-stream" id="{block}">([^<]*)</script>', html)[1]
    raw = base64.b85decode(text[:-1].replace(",", "<"))
    return json.loads(zlib.decompress(raw))


@pytest.fixture(scope="module")
def run(tmp_path_factory, scorer, samples):
    talks = [*samples.values(), hostile_talk(), sq.Rejected("no turns <b>", "x.csv", "r-1", line=3)]
    return score_to(talks, tmp_path_factory.mktemp("run") / "out", scorer=scorer).open()


@pytest.fixture(scope="module")
def report(run):
    return make_report(run, title="Team <one>")


# -- statistics ----------------------------------------------------------------------------------------


def test_the_mean_comes_with_its_t_interval_and_leaves_out_who_has_no_score():
    values = np.array([40.0, 50.0, 60.0, np.nan])
    picture = score_pictures([values] * 5, [None, *[np.array([0.5, 0.5, 1.0, 0.0])] * 4])[1]
    assert (picture.mean.n, picture.mean.mean, picture.none) == (3, 50.0, 1)
    assert picture.mean.high - 50 == pytest.approx(4.3027 * 10 / np.sqrt(3), abs=1e-2)
    assert picture.coverage == pytest.approx(2 / 3)
    assert picture.counts == (0, 0, 0, 0, 1, 1, 1, 0, 0, 0)


def test_agents_whose_intervals_overlap_are_tied_and_share_a_range_of_ranks():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(m, 5, 40) for m in (80, 79, 30)])
    names = ["a"] * 40 + ["b"] * 40 + ["c"] * 40
    first, second, last = agent_pictures(names, [scores] * 5)
    assert (first.best, first.worst, first.tied) == (second.best, second.worst, second.tied) == (1, 2, 1)
    assert (last.name, last.best, last.worst, last.tied) == ("c", 3, 3, 0)


def test_an_agent_with_one_conversation_has_a_wide_interval_and_is_said_to_be_few():
    names = ["a"] * 20 + ["b"]
    scores = np.array([*np.linspace(40, 60, 20), 100.0])
    by_name = {a.name: a for a in agent_pictures(names, [scores] * 5)}
    assert by_name["b"].few
    assert by_name["b"].overall.low < 90
    assert not by_name["a"].few


def test_agents_without_any_score_have_no_rank_and_a_lone_conversation_has_no_interval():
    nothing, one = agent_pictures([None, "b"], [np.array([np.nan, 50.0])] * 5)[::-1]
    assert (nothing.best, nothing.overall.mean) == (None, None)
    assert (one.overall.mean, one.overall.low) == (50.0, None)


def test_tenths_add_up_to_the_rounded_sum():
    assert blocks.tenths([9.0909, 13.6364, 13.6364, 7.2727, 18.1818]) == [91, 136, 136, 73, 182]
    assert sum(blocks.tenths([9.0909, 13.6364, 13.6364, 7.2727, 18.1818])) == 618
    assert blocks.tenths([50.0, 12.04, -22.04]) == [500, 120, -220]


# -- the file ------------------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_bytes(run, report):
    assert make_report(run, title="Team <one>").html == report.html


def test_the_page_names_nothing_outside_itself_and_its_policy_allows_only_its_own_script(report):
    html = report.html
    shell = re.sub(r'<script type="application/(?:octet-stream|json)".*?</script>', "", html, flags=re.DOTALL)
    assert not re.search(r'(?:src|action|@import|url\()\s*=?\s*["\']?(?:https?:)?//', shell)
    assert "<link" not in shell
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'")
    digest = base64.b64encode(hashlib.sha256(page_script().encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_hostile_text_stays_text(report):
    assert "Team &lt;one&gt;" in report.html
    assert "no turns &lt;b&gt;" in report.html
    assert "<script>alert" not in report.html
    assert "<img" not in report.html
    assert report.html.count("</script>") == report.html.count("<script")
    meta = re.search(r'id="meta">(.*?)</script>', report.html, re.DOTALL)[1]
    assert json.loads(meta)["title"] == "Team <one>"


def test_everything_that_was_scored_is_in_the_list_and_can_be_opened(report, samples):
    listing = unpacked(report.html, "listing")
    assert report.conversations == report.listed == report.transcripts == len(samples) + 1
    assert listing["i"][: len(samples)] == list(samples)
    talks, facts = unpacked(report.html, "b0")
    for number, conversation in enumerate(samples.values()):
        assert [turn[4] for turn in talks[number]] == [turn.text for turn in conversation.turns]
        assert facts[number]["i"] == conversation.id


def test_the_lines_of_every_ledger_add_up_to_the_score_that_is_shown(report):
    meta = json.loads(re.search(r'id="meta">(.*?)</script>', report.html, re.DOTALL)[1])
    names = ["common_sense", "flexibility", "problem_solving", "recovery"]
    _, facts = unpacked(report.html, "b0")
    for fact in facts:
        assert sum(line[4] for line in fact["o"]) == fact["t"][0]
        for i, dimension in enumerate(names, 1):
            mine = [p for r, p in zip(fact["f"][0], fact["f"][2], strict=True)
                    if p is not None and meta["rules"][r]["dimension"] == dimension]  # fmt: skip
            assert (sum(mine) if mine else None) == fact["t"][i]


def test_spans_of_cues_point_to_their_words(report, run):
    talks, facts = unpacked(report.html, "b0")
    cues = run.table("cues", ["position", "text"]).to_pylist()
    shown = [
        talks[n][turn][4][start : start + length]
        for n, fact in enumerate(facts)
        for turn, start, length in zip(*fact["k"][1:4], strict=True)
    ]
    assert shown == [cue["text"] for cue in cues]


def test_the_list_finds_who_missed_a_rule(report, run):
    meta = json.loads(re.search(r'id="meta">(.*?)</script>', report.html, re.DOTALL)[1])
    listing = unpacked(report.html, "listing")
    missed = run.table("findings", ["position"], [("code", "==", "CSE104"), ("outcome", "==", "missed")])
    symbol = blocks.symbol([rule["code"] for rule in meta["rules"]].index("CSE104"))
    found = [p for p, codes in zip(listing["p"], listing["m"], strict=True) if symbol in codes]
    assert found == missed["position"].to_pylist()


def test_what_does_not_fit_is_left_out_the_least_telling_first_and_said(run, report):
    limit = len(report.html.encode()) - 30_000
    small = make_report(run, title="Team <one>", limit=limit)
    assert small.bytes <= limit
    assert small.listed == small.conversations
    assert 0 < small.transcripts < small.conversations
    assert f"{small.transcripts} of {small.conversations} can be opened" in small.html
    listing = unpacked(small.html, "listing")
    opened = {p for p, block in zip(listing["p"], listing["b"], strict=True) if block >= 0}
    linked = {int(p) for p in re.findall(r"#c=(\d+)", small.html)}
    assert linked <= opened or opened <= linked


def test_most_limits_the_list_and_not_the_pictures(run, report):
    few = make_report(run, title="Team <one>", most=5)
    assert (few.listed, few.transcripts) == (5, 5)
    assert "The list holds the 5 most telling" in few.html
    means = re.compile(r'class="big">([^<]*)<')
    assert means.findall(few.html) == means.findall(report.html)


def test_masked_text_is_masked_everywhere(tmp_path, scorer):
    mail = talk("c: My parcel never came, write to jo@example.org", "a: Not our department, mail x@example.org.")
    out = score_to([mail] * 2, tmp_path / "out", scorer=scorer).open()
    plain, masked = make_report(out), make_report(out, mask=True)
    shown = [json.dumps([unpacked(r.html, "b0"), unpacked(r.html, "listing")]) + r.html for r in (plain, masked)]
    assert "jo@example.org" in shown[0]
    assert "example.org" not in shown[1]
    assert "Masked as far as it was found" in masked.html


def test_a_run_without_turns_and_without_agents_is_reported(tmp_path, scorer, samples):
    out = score_to(list(samples.values())[:3], tmp_path / "out", scorer=scorer, turns=False).open()
    html = make_report(out).html
    assert "written without turns" in html
    assert "tell agents apart" in html


def test_a_run_without_any_score_is_an_error_that_says_so(tmp_path, scorer):
    out = score_to([sq.Rejected("no turns", "x")], tmp_path / "out", scorer=scorer).out
    with pytest.raises(ServicequalError, match="no scored conversation"):
        write_report(out, tmp_path / "r.html")


def test_a_target_that_cannot_be_written_is_named(run, tmp_path):
    with pytest.raises(ServicequalError, match=r"r\.html: cannot be written"):
        write_report(run.folder, tmp_path / "none" / "r.html")


def test_the_command_writes_the_file_and_says_how_much_is_in_it(run, tmp_path):
    target = tmp_path / "r.html"
    result = CliRunner().invoke(app, ["report", str(run.folder), "-o", str(target), "--title", "T", "--most", "4"])
    assert result.exit_code == 0, result.output
    assert "43 conversations" in result.output
    assert "list holds the 4 most telling" in result.output
    assert "<title>T</title>" in target.read_text("utf-8")


# -- the modules ---------------------------------------------------------------------------------------


def test_the_modules_share_no_names_and_parse_no_html():
    declared: dict[str, Path] = {}
    for path in sorted(HTML.glob("*.js")):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text), (
            path
        )
        for name in re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", text, re.MULTILINE):
            assert name not in declared, f"{name} is in {path.name} and {declared[name].name}"
            declared[name] = path


def test_what_a_module_imports_is_there_and_comes_before_it():
    from servicequal.report.page import _SCRIPTS

    assert {f"{name}.js" for name in _SCRIPTS} == {path.name for path in HTML.glob("*.js")}
    for number, name in enumerate(_SCRIPTS):
        text = (HTML / f"{name}.js").read_text("utf-8")
        for names, source in re.findall(r'^import \{ ([^}]*) \} from "\./(\w+)\.js";$', text, re.MULTILINE):
            assert source in _SCRIPTS[:number]
            other = (HTML / f"{source}.js").read_text("utf-8")
            for one in names.split(", "):
                assert re.search(rf"^export (?:async )?(?:function|const) {one}\b", other, re.MULTILINE), one
