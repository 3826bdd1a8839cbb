"""Scores are sums of ledger lines, whatever is said; rubrics change one thing at a time; rituals earn nothing."""

from __future__ import annotations

import pickle
from math import fsum, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import servicequal as sq
from servicequal.cues import CueMatch
from servicequal.errors import RubricError
from servicequal.packs import CUES, CUSTOMER
from servicequal.rubric import apply_rubric, dimension_weights, find_rule, load_rubric, rubric_hash
from servicequal.rules import DIMENSIONS, RULES, Verdict, View
from servicequal.scoring import OVERALL, Tariff
from support import talk

AGENT_CUES = [c for c in CUES if c not in CUSTOMER]
TEXTS = (
    "My order number is 12345, when will it come?",
    "You said you would ring me. It was supposed to be here.",
    "Can you confirm your order number please?",
    "Whatever you want, all of it for free.",
    "All right then.",
    "What is your email address?",
    "a@b.c",
)


@st.composite
def views(draw):
    """A conversation of any shape with any cues in it."""
    speakers = draw(st.lists(st.sampled_from(["agent", "agent", "customer", "customer", "bot", "system"]), max_size=12))
    turns = tuple(sq.Turn(speaker=s, text=draw(st.sampled_from(TEXTS))) for s in speakers)
    cues = []
    for number, turn in enumerate(turns):
        if turn.speaker not in ("agent", "customer"):
            continue
        names = CUSTOMER if turn.speaker == "customer" else AGENT_CUES
        for cue in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
            start = draw(st.integers(0, len(turn.text) - 2))
            end = draw(st.integers(start + 1, len(turn.text)))
            status = draw(st.sampled_from(["plain", "plain", "softened", "excused"]))
            cues.append(CueMatch(cue, number, start, end, turn.text[start:end], turn.speaker, status))
    return View(sq.Conversation(id="any", turns=turns), sorted(cues, key=lambda m: (m.turn, m.start, m.cue)))


WEIGHT = st.floats(0, 100).map(lambda w: round(w, 2))
RUBRICS = st.fixed_dictionaries(
    {
        "rules": st.dictionaries(
            st.sampled_from([r.code for r in RULES]),
            st.fixed_dictionaries({"weight": WEIGHT}, optional={"critical": st.booleans(), "cap": WEIGHT}),
            max_size=8,
        ),
        "dimensions": st.dictionaries(st.sampled_from(DIMENSIONS), WEIGHT, max_size=4),
    }
)


def judged(view: View, rubric=None):
    use = load_rubric(rubric)
    tariff = Tariff(apply_rubric(use), dimension_weights(use))
    verdicts = [(j, j.rule.check(view, j.params)) for j in tariff.rules]
    found = tariff.account([v for _, v in verdicts])
    return verdicts, (found.findings(), found.ledger(), found.scores, found.coverage, found.overall)


@given(views(), st.one_of(st.none(), RUBRICS))
def test_scores_are_exactly_the_sums_of_their_ledger(view, rubric):
    verdicts, (findings, ledger, scores, coverage, overall) = judged(view, rubric)
    use = load_rubric(rubric)
    for name in DIMENSIONS:
        lines = [x.points for x in ledger if x.score == name]
        counted = [j for j, v in verdicts if j.rule.dimension == name and v.outcome in ("met", "missed") and j.weight]
        assert (scores[name] is None) == (not counted)
        assert len(lines) == len(counted)
        if scores[name] is not None:
            assert scores[name] == fsum(lines)
            assert 0 <= scores[name] <= 100
        assert 0 <= coverage[name] <= 1
        assert (coverage[name] == 0) == (not counted)
    lines = [x.points for x in ledger if x.score == OVERALL]
    weighed = [d for d in DIMENSIONS if scores[d] is not None and dimension_weights(use)[d] > 0]
    assert (overall is None) == (not weighed)
    if overall is not None:
        assert overall == fsum(lines)
        assert 0 <= overall <= 100
    by_code = {f.code: f for f in findings}
    assert list(by_code) == [r.code for r in RULES]
    for (j, v), f in zip(verdicts, findings, strict=True):
        assert (f.outcome, f.code) == (v.outcome, j.rule.code)
        assert v.credit is None or 0 <= v.credit <= 1
        assert f.explanation
        assert (f.points is None) == (f.lost is None)


@given(views(), st.floats(0, 100))
def test_a_cap_leaves_the_raw_score_visible(view, cap):
    uncapped = {"rules": {r.code: {"critical": False} for r in RULES}}
    _, (_, raw_ledger, raw_scores, raw_coverage, raw) = judged(view, uncapped)
    assert "cap" not in {x.kind for x in raw_ledger}
    critical = {"rules": {r.code: {"critical": True, "cap": cap} for r in RULES}}
    verdicts, (_, ledger, scores, coverage, capped) = judged(view, critical)
    assert (scores, coverage) == (raw_scores, raw_coverage)
    cuts = [x for x in ledger if x.kind == "cap"]
    assert tuple(x for x in ledger if x.kind != "cap") == raw_ledger
    missed = [j.rule.code for j, v in verdicts if v.outcome == "missed"]
    if raw is None or not missed or raw <= cap:
        assert cuts == []
        assert capped == raw
    else:
        assert len(cuts) <= 1
        assert capped == pytest.approx(cap, abs=1e-5)
        assert all(x.points < 0 and x.item in missed and ledger[-1] == x for x in cuts)


@given(
    st.lists(
        st.tuples(st.none() | st.floats(-0.5, 1.5) | st.sampled_from([0, 1, 0.5]), st.booleans()),
        min_size=len(RULES),
        max_size=len(RULES),
    ),
    st.sampled_from([None, {"rules": {"CSE104": {"weight": 0}, "SOL101": {"critical": True}}}]),
)
def test_accounts_are_the_same_without_a_compiler(credits, rubric):
    pytest.importorskip("servicequal._account", reason="installed without a compiler")
    tariff = Tariff(apply_rubric(load_rubric(rubric)), dict.fromkeys(DIMENSIONS, 1.0))
    verdicts = [Verdict(credit, "said", undetermined=open_) for credit, open_ in credits]
    compiled = tariff.account(verdicts)
    with pytest.MonkeyPatch.context() as without:
        without.setattr("servicequal.scoring._compiled", None)
        plain = tariff.account(verdicts)
    assert repr(compiled[2:]) == repr(plain[2:])


def test_what_is_no_verdict_is_refused():
    fast = pytest.importorskip("servicequal._account", reason="installed without a compiler")
    for wrong in ([(1.0,)], [1], [Verdict(1.0, "a")] * 2):
        with pytest.raises(ValueError, match=r"verdict"):
            fast.settled(wrong, (1.0,), 0.5, 1.0)
    with pytest.raises(ValueError, match=r"verdict"):
        fast.applies([Verdict(1.0, "a")] * 65)


def test_one_by_one_or_together_verdicts_are_the_same(scorer):
    talks = [RICH, talk("a: Good afternoon, it's nothing to do with us."), sq.Conversation(id="empty"), RICH]
    together = scorer.judge_all(talks)
    assert [judged.scorecard() for judged in together] == [scorer.score(one) for one in talks]
    assert scorer.judge_all(()) == []


def test_full_credit_is_100_and_no_credit_is_0():
    everything = apply_rubric(load_rubric(None))
    for name in DIMENSIONS:
        rules = [j for j in everything if j.rule.dimension == name]
        for count in range(1, len(rules) + 1):
            for credit, score in ((1.0, 100), (0.0, 0)):
                tariff = Tariff(rules[:count], dict.fromkeys(DIMENSIONS, 1.0))
                account = tariff.account([Verdict(credit, "said")] * count)
                assert (account.scores[name], account.overall) == (score, score), (name, count)


def test_nothing_to_judge_is_none_and_never_zero(scorer):
    for conversation in (
        talk("c: Hello? Is anybody there?"),
        talk("b: Your call is important to us."),
        talk("a: Good afternoon, it's nothing to do with us."),
        sq.Conversation(id="empty"),
    ):
        card = scorer.score(conversation)
        assert card.overall is None
        assert set(card.scores.values()) == {None}
        assert set(card.coverage.values()) == {0.0}
        assert {f.outcome for f in card.findings} <= {"undetermined", "not_applicable"}
        assert all(f.explanation for f in card.findings)
        assert card.ledger == ()


# -- rubrics ---------------------------------------------------------------------------------------------

RICH = talk(
    "c: My parcel never came, order 12345. When will it come? I've told you twice, this is useless.",
    "a: I couldn't say. It's nothing to do with us, that's our policy.",
    "c: So what am I supposed to do?",
    "a: Sorry about that. I've sent a new one and taken the charge off; you'll have it by Friday noon.",
    "c: You said that last week. Can I speak to a manager?",
    "a: Leave it with me, I'll see it through and ring you on Friday to check that it came.",
    "c: Brilliant, thank you so much, that's sorted.",
)


@pytest.fixture(scope="module")
def rich(scorer):
    return View(RICH, scorer.cues(RICH))


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_any_single_rule_can_be_switched_off_and_weighed(rich, rule):
    _, (plain, ledger, scores, _, _) = judged(rich)
    before = {f.code: f for f in plain}
    _, (off, off_ledger, off_scores, _, _) = judged(rich, {"rules": {rule.code: {"weight": 0}}})
    (finding,) = [f for f in off if f.code == rule.code]
    assert (finding.points, finding.lost) == (None, None)
    assert rule.code not in {x.item for x in off_ledger}
    assert {x.item for x in ledger} - {x.item for x in off_ledger} <= {rule.code}
    assert all(off_scores[d] == scores[d] for d in DIMENSIONS if d != rule.dimension)

    _, (heavy, heavy_ledger, _, _, _) = judged(rich, {"rules": {rule.name.upper(): {"weight": 50}}})
    (weighed,) = [f for f in heavy if f.code == rule.code]
    assert {x.weight for x in heavy_ledger if x.item == rule.code} <= {50}
    assert weighed.outcome == before[rule.code].outcome
    if before[rule.code].points is not None:
        assert weighed.points + weighed.lost > before[rule.code].points + before[rule.code].lost


@pytest.mark.parametrize("rule", [r for r in RULES if r.params], ids=lambda r: r.code)
def test_any_threshold_can_be_set_alone(rule):
    for name, value in rule.params.items():
        changed = apply_rubric(load_rubric({"rules": {rule.code: {name: value + 1}}}))
        for j in changed:
            expected = {**j.rule.params, **({name: value + 1} if j.rule.code == rule.code else {})}
            assert dict(j.params) == expected


def test_a_stricter_window_changes_the_verdict(scorer):
    late = talk(
        "c: My parcel never came. When will it come?", "a: Hello.", "c: Hello?", "a: You'll have it by Friday noon.",
        "c: Right.",
    )  # fmt: skip
    view = View(late, scorer.cues(late))
    outcome = {}
    for within in (1, 2):
        _, (findings, *_) = judged(view, {"rules": {"EXP101": {"within": within}}})
        outcome[within] = next(f.outcome for f in findings if f.code == "EXP101")
    assert outcome == {1: "missed", 2: "met"}


@pytest.mark.parametrize(
    ("rubric", "said"),
    [
        ({"rules": {"EXP11": {"weight": 0}}}, "EXP101"),
        ({"rules": {"recovery.put-rigth": {"weight": 0}}}, r"recovery\.put-right"),
        ({"rules": {"EXP101": {"wihtin": 1}}}, "within"),
        ({"rules": {"EXP101": {"within": "two"}}}, "not a number"),
        ({"rules": {"EXP101": {"within": nan}}}, "within"),
        ({"rules": {"EXP101": {"within": inf}}}, "within"),
        ({"rules": {"EXP101": {"weight": -1}}}, "weight"),
        ({"rules": {"EXP101": {"weight": nan}}}, "weight"),
        ({"rules": {"EXP101": {"cap": 101}}}, "cap"),
        ({"rules": {"EXP101": 0}}, "EXP101"),
        ({"rules": {"EXP101": {"weight": 0}, "expectations.a-when-gets-a-time": {"weight": 5}}}, "EXP101"),
        ({"dimensions": {"recovry": 1}}, "recovry.*recovery"),
        ({"dimensions": {"recovery": -1}}, "recovery"),
        ({"dimensions": {"recovery": inf}}, "recovery"),
        ({"dimensions": {"recovery": nan}}, "recovery"),
        ({"weights": {}}, "weights"),
    ],
)  # fmt: skip
def test_a_wrong_rubric_is_an_error_that_names_the_key(rubric, said):
    with pytest.raises(RubricError, match=said):
        apply_rubric(load_rubric(rubric))


def test_rules_are_found_by_code_or_name_and_missed_with_near_names():
    for rule in RULES:
        assert find_rule(rule.code.lower()) is find_rule(f" {rule.name} ") is rule
    with pytest.raises(RubricError, match="did you mean"):
        find_rule("recovery.owed")


def test_rules_are_documented_and_their_codes_are_their_own():
    assert len({r.code for r in RULES}) == len({r.name for r in RULES}) == len(RULES) >= 20
    assert {r.dimension for r in RULES} == set(DIMENSIONS)
    for rule in RULES:
        assert all(len(x) > 8 for x in (rule.what, rule.why, rule.source, rule.say_instead)), rule.code


def test_the_rubric_hash_follows_what_decides_points():
    def digest(rubric=None, extra=()):
        use = load_rubric(rubric)
        return rubric_hash(use, apply_rubric(use), extra)

    assert digest() == digest({"name": "default"})
    different = [
        digest(),
        digest(extra=["other packs"]),
        digest({"rules": {"EXP101": {"within": 1}}}),
        digest({"rules": {"EXP101": {"weight": 9}}}),
        digest({"rules": {"EXP101": {"critical": True}}}),
        digest({"rules": {"EXP101": {"critical": True, "cap": 10}}}),
        digest({"dimensions": {"recovery": 2}}),
    ]
    assert len(set(different)) == len(different)


# -- what is paid for, and what is not -------------------------------------------------------------------


def compared(scorer, one: sq.Conversation, other: sq.Conversation) -> list[str]:
    """Where ``one`` scores more than ``other``."""
    a, b = scorer.score(one), scorer.score(other)
    pairs = {**{d: (a.scores[d], b.scores[d]) for d in DIMENSIONS}, "overall": (a.overall, b.overall)}
    return [f"{name}: {x} > {y}" for name, (x, y) in pairs.items() if x is not None and (y is None or x > y + 1e-6)]


@pytest.mark.parametrize(
    "opening",
    [
        "Hi, which of your two plans has more data?",
        "Hi, my parcel never came and I need it for Saturday.",
    ],
)
def test_ritual_politeness_earns_nothing(scorer, opening):
    """The same useless replies, bare and with the script read over them."""
    bare = talk(f"c: {opening}", "a: One moment.", "c: Okay. So?", "a: I see.", "c: You have not told me.", "a: Right.")
    ritual = talk(
        f"c: {opening}",
        "a: Good morning and thank you so much for contacting us today! One moment.",
        "c: Okay. So?",
        "a: Thank you for asking, we really appreciate your patience. I see.",
        "c: You have not told me.",
        "a: Right. Is there anything else I can help you with today? Thank you for choosing us, have a lovely day!",
    )
    assert compared(scorer, ritual, bare) == []


def test_a_blunt_agent_who_solves_beats_a_polite_one_who_does_not(scorer):
    blunt = scorer.score(
        talk(
            "c: My heating has been off since Monday and nobody came on Tuesday.",
            "a: Boiler make and fault code?",
            "c: Worcester, it says EA. When can somebody come?",
            "a: I've booked an engineer for you today between two and four, with the part on the van.",
            "c: And if it's still off after?",
            "a: I'll ring you at five to check it's running. If it isn't, I'll send heaters tonight.",
            "c: Perfect, thank you so much, that's sorted.",
        )
    )
    polite = scorer.score(
        talk(
            "c: My heating has been off since Monday and nobody came on Tuesday.",
            "a: Good morning and thank you so much for calling! I'm so sorry, I completely understand how you feel.",
            "c: Worcester, it says EA. When can somebody come?",
            "a: Thank you for asking. I couldn't say, I'm afraid. It's another department, nothing to do with us.",
            "c: So what am I supposed to do?",
            "a: I do apologise. Please keep an eye on the website, and thank you for your patience.",
            "c: That is useless, I've told you twice now.",
            "a: Is there anything else I can help you with today? Have a lovely day!",
        )
    )
    assert blunt.overall > 70
    assert polite.overall < 35
    for name in ("common_sense", "problem_solving", "recovery"):
        assert blunt.scores[name] > polite.scores[name] + 30


def test_courtesy_in_a_deflection_is_no_grace_under_fire(scorer):
    """A cross customer who is turned away with a thank-you has not been met with kindness or help."""
    card = scorer.score(
        talk(
            "c: My parcel never came and this is a disgrace, I'm furious.",
            "a: Thank you for your patience. That's nothing to do with us, take it up with the courier.",
            "c: Unbelievable.",
        )
    )
    (finding,) = [f for f in card.findings if f.code == "KND101"]
    assert finding.outcome == "missed"


def test_a_when_that_gets_no_time_is_missed(scorer):
    card = scorer.score(
        talk(
            "c: My parcel never came. When will it come?",
            "a: I've checked your order.",
            "c: Right.",
            "a: I've made a note of it.",
            "c: Fine.",
        )
    )
    (finding,) = [f for f in card.findings if f.code == "EXP101"]
    assert finding.outcome == "missed"


def test_asking_for_what_was_given_is_missed(scorer):
    card = scorer.score(
        talk(
            "c: Hello, order NP-000318, imogen@example.com. The notebook has the wrong name on it.",
            "a: Hello! And your order number?",
            "c: NP-000318, it's in my first message.",
            "a: Thanks. Can I just confirm your email address?",
            "c: It's the one I gave.",
        )
    )
    (finding,) = [f for f in card.findings if f.code == "CSE102"]
    assert finding.outcome == "missed"
    assert {s.turn for s in finding.spans} == {1, 3}


def test_flexibility_has_no_grade_where_nothing_was_refused(scorer):
    card = scorer.score(
        talk(
            "c: Hi, I'd like to book a table for two on Friday.",
            "a: Done, seven o'clock, table by the window. No charge for the booking.",
            "c: Lovely, thank you so much.",
        )
    )
    assert card.scores["flexibility"] is None


def test_a_link_with_a_question_mark_in_it_asks_nothing(scorer):
    conversation = talk("c: Here is the photo https://pics.example/a?id=1", "a: Thanks.", "c: Okay.")
    assert View(conversation, scorer.cues(conversation)).questions() == []


def test_doubtful_speech_recognition_leaves_every_rule_undetermined(scorer):
    heard = talk("c: My parcel never came.", "a: It's nothing to do with us.", "c: Right.", "a: Bye then.")
    doubtful = heard.model_copy(update={"turns": tuple(t.model_copy(update={"confidence": 0.3}) for t in heard.turns)})
    assert scorer.score(heard).overall is not None
    card = scorer.score(doubtful)
    assert card.overall is None
    assert {f.outcome for f in card.findings} == {"undetermined"}
    assert all(f.explanation for f in card.findings)


# -- values ----------------------------------------------------------------------------------------------


def test_a_scorecard_is_what_validation_would_make_of_it(scorer):
    """It is put together without validation; nobody can tell."""
    for conversation in (RICH, talk("c: Hello?"), sq.Conversation(id="empty")):
        card = scorer.score(conversation)
        validated = sq.Scorecard(**{name: getattr(card, name) for name in sq.Scorecard.model_fields})
        assert card == validated
        assert card.model_fields_set == validated.model_fields_set
        assert card.model_dump_json() == validated.model_dump_json()
        assert card.model_dump(exclude_unset=True) == validated.model_dump(exclude_unset=True)
        assert pickle.dumps(card) == pickle.dumps(validated)
        assert pickle.loads(pickle.dumps(card)) == card
        assert sq.Scorecard.model_validate_json(card.model_dump_json()) == card
