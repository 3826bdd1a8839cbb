"""What notebooks show: everything escaped, every mark explained, the same bytes each time, and a twin in plain text."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import servicequal as sq
from servicequal.errors import Rejected
from servicequal.report.marking import pieces, reasons
from servicequal.report.notebook import MOST_ROWS, MOST_TURNS, html_of, text_of
from support import talk

EVIL = "</textarea><script>alert('x')</script> <img src=x onerror=alert(1)> \"javascript:alert(1)\" " + "w" * 10_000


class Page(HTMLParser):
    """What a browser makes of it: the tags with their attributes, each closed where it should be."""

    VOID = frozenset({"img", "br", "hr", "input", "meta", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {[tag for tag, _ in self.open]}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1][0] == tag
        self.open.pop()

    def marks(self) -> list[tuple[str, str]]:
        """(class, title) of every mark that explains itself."""
        return [(a.get("class") or "", a["title"] or "") for t, a in self.tags if t == "mark" and "title" in a]


@pytest.fixture(scope="module")
def bins(scorer):
    conversation = talk(
        "c: You've missed my bin again. When will somebody come?",
        "a: It's nothing to do with us, that's down to the crews. Keep an eye on the website.",
        "c: That's useless.",
        "a: It's nothing to do with us.",
        "c: I don't believe this.",
        "a: Right.",
        "c: Well?",
        "a: It's down to the crews. I've rung them: they will come by noon on Friday.",
        name="bins",
    )
    return conversation, scorer.score(conversation)


@pytest.fixture(scope="module")
def hostile(scorer):
    turn = sq.Turn(speaker="agent", speaker_id='"><b>Ann', text=f"It's nothing to do with us. {EVIL}\x1b[31m\x00")
    asked = sq.Turn(speaker="customer", text=EVIL)
    conversation = sq.Conversation(id="<script>alert(2)</script>", channel="chat", turns=(asked, turn))
    return conversation, scorer.score(conversation)


def everything(conversation, card):
    rejected = Rejected(reason="<script>alert(3)</script>", source="a.csv", hint="\ud800")
    return [
        conversation,
        card,
        card.findings[0],
        sq.show(card, conversation),
        sq.Scorecards([card, rejected]),
    ]


def test_no_transcript_becomes_markup(hostile):
    for value in everything(*hostile):
        html = value._repr_html_()
        page = Page(html)
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "img", "textarea", "iframe", "a", "link", "b"}, type(value).__name__
        assert all(not name.startswith("on") for _, attrs in page.tags for name in attrs)
        html.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x1b]", html)
        assert "http" not in html
        assert "url(" not in html


def test_no_transcript_drives_a_terminal(hostile):
    for value in everything(*hostile):
        text = value._repr_mimebundle_()["text/plain"]
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
        text.encode("utf-8")


def test_the_style_touches_nothing_else_in_the_notebook(bins):
    html = bins[1]._repr_html_()
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    selectors = [s for rule in re.findall(r"([^{}]+)\{", css) for s in rule.split(",")]
    assert len(selectors) > 30
    assert not [s for s in selectors if not s.strip().startswith(".sq-view")]


def test_a_marked_transcript_gives_its_text_back(bins, hostile):
    for conversation, card in (bins, hostile):
        known = reasons(card)
        for number, turn in enumerate(conversation.turns):
            mine = [m for m in card.cues if m.turn == number]
            assert "".join(p.text for p in pieces(turn.text, mine, known)) == turn.text


def test_a_mark_tells_cue_reason_alternative_and_rules(bins):
    conversation, card = bins
    html = sq.show(card, conversation)._repr_html_()
    titles = {title for kind, title in Page(html).marks() if kind == "sq-hurts"}
    one = next(t for t in titles if t.startswith("disowning (hurts)"))
    assert "\nWhy: Whoever answers is the company." in one
    assert "\nSay instead: The depot does the collecting" in one
    lost = next(f.lost for f in card.findings if f.code == "CSE104")
    assert f"CSE104 ({-lost:.1f})" in one
    assert any(kind == "sq-softened" and "softened: help follows" in title for kind, title in Page(html).marks())


def test_where_marks_overlap_the_worst_shows_and_all_are_told(scorer):
    match = sq.CueMatch("disowning", 0, 0, 7, "nothing", "agent")
    other = sq.CueMatch("apology", 0, 3, 10, "hing to", "agent")
    card = scorer.score(talk("a: nothing to do"))
    found = pieces("nothing to do", [other, match], reasons(card))
    assert [(p.text, p.kind) for p in found] == [("not", "hurts"), ("hing", "hurts"), (" to", "helps"), (" do", None)]
    assert [p.title.count("(hurts)") + p.title.count("(helps)") for p in found] == [1, 2, 1, 0]


def test_a_match_outside_its_text_is_no_mark(scorer):
    stray = [sq.CueMatch("apology", 0, 5, 99, "?", "agent"), sq.CueMatch("apology", 0, 4, 4, "", "agent")]
    card = scorer.score(talk("a: sorry"))
    assert [(p.text, p.kind) for p in pieces("sorry", stray, reasons(card))] == [("sorry", None)]


def test_a_score_that_is_none_is_a_dash_and_never_zero(scorer):
    card = scorer.score(talk("c: hello", "c: anybody there?"))
    assert card.overall is None
    html = card._repr_html_()
    assert html.count(">–</div>") == 5
    assert "overall: nothing to judge" in html
    assert "overall –" in text_of(card)


def test_dials_show_score_and_coverage(bins):
    html = bins[1]._repr_html_()
    card = bins[1]
    for dimension, score in card.scores.items():
        if score is not None:
            assert f"{dimension.replace('_', ' ')}: {score:.1f} of 100" in html
            assert f"{card.coverage[dimension] * 100:.0f} % judged" in html


def test_the_ledger_shows_every_line(bins):
    html, text = bins[1]._repr_html_(), text_of(bins[1])
    rows = re.findall(r"<tr>|<tr class", html.split("Ledger", 1)[1])
    sums = 1 + sum(score is not None for score in bins[1].scores.values())
    assert len(rows) == 1 + len(bins[1].ledger) + sums
    for line in bins[1].ledger:
        assert line.item.replace("_", " ") in text


def test_missed_rules_stand_at_the_turn_that_they_are_about(bins):
    conversation, card = bins
    finding = next(f for f in card.findings if f.outcome == "missed" and f.spans)
    marked = {m.span for m in card.cues}
    outside = [f for f in card.findings if f.outcome == "missed" for s in f.spans if s not in marked]
    html = sq.show(card, conversation)._repr_html_()
    for item in outside:
        assert f'title="{item.code} {item.name}' in html
    assert finding.code in html


def test_the_twin_says_what_the_picture_says(bins):
    conversation, card = bins
    bundle = sq.show(card, conversation)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "nothing to do with us" in bundle["text/plain"]
    assert "disowning" in bundle["text/plain"]
    assert "“nothing to do with us” (1)" in text_of(card)
    assert card._repr_mimebundle_(include=["text/plain"]).keys() == {"text/plain"}
    assert card._repr_mimebundle_(exclude={"text/plain"}).keys() == {"text/html"}
    assert str(sq.show(card, conversation)) == bundle["text/plain"]


def test_the_twin_is_the_same_inside_a_kernel(bins, monkeypatch):
    expected = text_of(bins[1])
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert text_of(bins[1]) == expected
    assert "flexibility" in expected


def test_long_things_are_counted_and_not_drawn(scorer, bins):
    many = talk(*["a: Right.", "c: Yes."] * MOST_TURNS)
    html = many._repr_html_()
    assert html.count('class="sq-who"') == MOST_TURNS
    assert f"and {MOST_TURNS} more turns" in html
    assert f"and {MOST_TURNS} more turns" in text_of(many)
    cards = sq.Scorecards([bins[1]] * (MOST_ROWS + 7))
    assert "… and 7 more" in cards._repr_html_()
    assert "… and 7 more" in str(cards)


def test_a_collection_stays_a_collection(bins):
    cards = sq.Scorecards([bins[1], Rejected(reason="no text", source="a.csv", line=3)])
    assert cards == tuple(cards)
    assert "1 conversation scored, 1 rejected" in cards._repr_html_()
    assert "a.csv, line 3: no text" in str(cards)
    assert list(sq.scores_frame(cards)["conversation_id"]) == ["bins"]
    assert sq.show(iter([bins[1]])) == (bins[1],)
    assert "0 conversations scored" in sq.Scorecards()._repr_html_()


def test_show_takes_what_belongs_together(bins, scorer):
    conversation, card = bins
    assert sq.show(card) is card
    assert sq.show(conversation) is conversation
    with pytest.raises(ValueError, match="of conversation 'bins', not of 'talk'"):
        sq.show(card, talk("a: hello"))
    with pytest.raises(TypeError, match="no picture"):
        html_of("text")


def test_a_pack_of_ones_own_explains_its_marks(tmp_path):
    file = tmp_path / "jargon.yaml"
    file.write_text(
        "cue: jargon\nspeaker: agent\neffect: hurts\nwhy: Only insiders know this word.\nsource: handbook\n"
        "say_instead: In plain words.\nphrases: [tier two]\n"
        "examples: {flags: [It's with tier two.], passes: [Hello.]}\n"
    )
    conversation = talk("c: Where is it?", "a: It's with tier two.")
    card = sq.Scorer(packs=[file], model=False).score(conversation)
    html = sq.show(card, conversation, packs=[str(file)])._repr_html_()
    assert "jargon (hurts)\nWhy: Only insiders know this word.\nSay instead: In plain words." in html
    assert "jargon (tells)" in sq.show(card, conversation)._repr_html_()


def test_the_same_values_give_the_same_bytes(tmp_path):
    script = (
        "import servicequal as sq, hashlib\n"
        "c = next(sq.read('data/samples/call-food-waste-poor.txt'))\n"
        "card = sq.Scorer(model=False).score(c)\n"
        "cards = sq.Scorecards([card])\n"
        "made = [f(x) for x in (c, card, sq.show(card, c), cards) for f in (type(x)._repr_html_, str)]\n"
        "print(hashlib.sha256(''.join(made).encode()).hexdigest())\n"
    )
    seen = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": seed * 2, "FORCE_COLOR": seed}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=60)
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


def test_values_stay_frozen_equal_and_picklable(bins):
    conversation, card = bins
    assert pickle.loads(pickle.dumps(card.findings[0])) == card.findings[0]
    assert pickle.loads(pickle.dumps(conversation)) == conversation
    assert not hasattr(card.findings[0], "__dict__")


def test_drawing_is_no_cost_of_scoring():
    script = (
        "import sys, servicequal as sq\n"
        "c = sq.Conversation(id='c', turns=[sq.Turn(speaker='agent', text='Hello.')])\n"
        "sq.Scorer(model=False).score(c)\n"
        "assert not {'jinja2', 'servicequal.report.notebook'} & set(sys.modules)\n"
        "assert '<section' in c._repr_html_()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_finding_as_it_reads():
    finding = sq.Finding(
        code="CSE101",
        name="common-sense.answers-what-was-asked",
        dimension="common_sense",
        outcome="missed",
        points=2.5,
        lost=11.9,
        spans=(sq.Span(7, 0, 4), sq.Span(3, 0, 4)),
        searched=(8,),
        explanation="1 of 6 <questions> answered",
        why="They ask again.",
        say_instead="Answer first.",
        critical=True,
    )
    assert text_of(finding) == (
        "CSE101 common-sense.answers-what-was-asked (common_sense)\n"
        "  outcome: missed (critical): 2.5 points, 11.9 lost\n"
        "  because: 1 of 6 <questions> answered\n"
        "  why: They ask again.\n"
        "  say instead: Answer first.\n"
        "  turns: 3, 7"
    )
    drawn = finding._repr_html_().split("</style>")[1].replace("\n", "")
    assert drawn == (
        '<div class="sq-head"><strong><bdi>CSE101 common-sense.answers-what-was-asked</bdi></strong>'
        '<span class="sq-dim">common sense</span></div>'
        "<dl><dt>outcome</dt><dd>missed (critical): 2.5 points, 11.9 lost</dd>"
        "<dt>because</dt><dd>1 of 6 &lt;questions&gt; answered</dd><dt>why</dt><dd>They ask again.</dd>"
        "<dt>say instead</dt><dd>Answer first.</dd><dt>turns</dt><dd>3, 7</dd></dl></section>"
    )
