"""The samples: the right words flagged, the right order of scores, and the same bytes every time."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from statistics import mean

import pytest

import servicequal as sq
from servicequal.packs import HURTING
from servicequal.rules import DIMENSIONS
from support import ROOT

POOR, TWIN = "call-food-waste-poor", "call-food-waste-twin"


def test_there_are_enough_samples_and_every_one_yields_a_card(samples, cards):
    assert len(samples) >= 24
    assert set(cards) == set(samples)
    for card in cards.values():
        assert card.overall is not None
        assert card.findings
        assert set(card.scores) == set(card.coverage) == set(DIMENSIONS)
        assert card.conversation_id in str(card)


def test_the_poor_food_waste_call_scores_below_25_and_its_twin_above_75(cards):
    assert cards[POOR].overall < 25
    assert cards[TWIN].overall > 75


def flagged(card: sq.Scorecard) -> dict[int, list[str]]:
    words: dict[int, list[str]] = {}
    for match in card.cues:
        if match.cue in HURTING and match.status == "plain":
            words.setdefault(match.turn, []).append(match.text)
    return words


def test_in_the_poor_call_the_right_words_are_flagged(cards, samples):
    card = cards[POOR]
    words = flagged(card)
    told = {
        6: "automated messages",
        8: "nothing to do with us",
        12: "down to the crews",
        14: "no control over",
        18: "guess is as good",
        20: "keep an eye on",
    }
    turns = samples[POOR].turns
    for number, part in told.items():
        assert part in turns[number].text, "the sample was rewritten: move this expectation with it"
        assert any(part in w for w in words.get(number, [])), (number, part, words.get(number))
    assert any("give you a date" in w for w in words[18])
    innocent = {0, 2, 4}
    assert not innocent & set(words), {n: words[n] for n in innocent & set(words)}
    cues = {m.cue for m in card.cues if m.cue in HURTING and m.status == "plain"}
    assert {"disowning", "helplessness", "noncommittal", "bouncing"} <= cues


def test_in_the_twin_nothing_hurts_and_the_help_is_found(cards):
    card = cards[TWIN]
    assert flagged(card) == {}
    helps = {m.cue for m in card.cues if m.status == "plain"}
    assert {"apology", "empathy", "action", "commitment", "make_good", "proactive", "satisfied"} <= helps


def test_each_flagged_word_costs_and_is_shown_in_a_finding(cards):
    card = cards[POOR]
    proven = {s for f in card.findings if f.lost for s in f.spans}
    assert [m.text for m in card.cues if m.cue in HURTING and m.status == "plain" and m.span not in proven] == []


def test_what_is_named_good_scores_above_what_is_named_poor(cards):
    by_quality: dict[str, list[float]] = {}
    for name, card in cards.items():
        by_quality.setdefault(name.rsplit("-", 1)[-1], []).append(card.overall)
    assert mean(by_quality["outstanding"]) > mean(by_quality["mixed"]) > mean(by_quality["poor"])
    assert mean(by_quality["good"]) > mean(by_quality["mixed"]) > mean(by_quality["harmful"])
    assert mean(by_quality["outstanding"]) > mean(by_quality["poor"]) + 30


@pytest.mark.parametrize(
    "name", ["chat-reckless-promises-harmful", "chat-promise-forgotten-poor", "call-closed-while-open-poor"]
)
def test_a_sample_written_to_be_bad_is_no_good_score(cards, name):
    assert cards[name].overall < 50


# -- the same bytes --------------------------------------------------------------------------------------


def test_the_same_conversation_twice_gives_the_same_bytes(whole, samples, cards):
    for name, conversation in samples.items():
        again = whole.score(sq.Conversation.model_validate(conversation.model_dump()))
        assert again.model_dump_json() == cards[name].model_dump_json()


def test_scorecards_survive_json(cards):
    for card in cards.values():
        assert sq.Scorecard.model_validate_json(card.model_dump_json()) == card


def test_scorers_and_cards_pickle(whole, samples, cards):
    copy = pickle.loads(pickle.dumps(whole))
    assert copy.fingerprint == whole.fingerprint
    assert copy.score(samples[POOR]) == cards[POOR]
    assert pickle.loads(pickle.dumps(cards[POOR])) == cards[POOR]


def test_the_order_of_scoring_leaves_no_trace(whole, samples, cards):
    for name in reversed(samples):
        assert whole.score(samples[name]) == cards[name]


def test_two_processes_with_different_hash_seeds_give_the_same_bytes():
    script = textwrap.dedent(
        """
        import hashlib, servicequal as sq
        digest, whole = hashlib.sha256(), sq.Scorer()
        for conversation in list(sq.read("data/samples"))[::4]:
            digest.update(whole.score(conversation).model_dump_json().encode())
        print(digest.hexdigest())
        """
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "4242")
    ]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs[0][1][-600:]
    assert outputs[0][0] == outputs[1][0] != ""


def test_many_are_scored_in_order_and_rejections_pass_through(whole, samples, cards):
    bad = sq.Rejected("cut off", "x.jsonl", line=3)
    items = [*list(samples.values())[:3], bad, *list(samples.values())[3:5]]
    out = list(sq.score_many(iter(items), scorer=whole))
    assert [getattr(o, "conversation_id", None) for o in out] == [getattr(i, "id", None) for i in items]
    assert out[3] is bad
    assert out[0] == cards[out[0].conversation_id]


def test_frames_add_up(cards):
    ledger = sq.ledger_frame(cards.values())
    sums = ledger.groupby(["conversation_id", "score"]).points.sum()
    scores = sq.scores_frame(cards.values()).set_index("conversation_id")
    assert len(scores) == len(cards)
    for name, card in cards.items():
        assert sums[name, "overall"] == pytest.approx(card.overall)
        assert scores.overall[name] == card.overall
    findings = sq.findings_frame(cards.values())
    assert len(findings) == sum(len(c.findings) for c in cards.values())
    cues = sq.cues_frame(cards.values())
    assert len(cues) == sum(len(c.cues) for c in cards.values())


def test_a_frame_of_turns_becomes_a_frame_of_scores(whole):
    import pandas as pd

    turns = pd.DataFrame(
        {
            "conversation_id": ["a", "a", "b", "b"],
            "speaker": ["customer", "agent", "customer", "agent"],
            "text": ["My parcel never came.", "Calm down, it's nothing to do with us.", "My parcel never came.",
                     "I'm so sorry. I've sent a new one, you'll have it by Friday noon."],
        }
    )  # fmt: skip
    scores = sq.score_frame(turns, scorer=whole)
    assert list(scores.conversation_id) == ["a", "b"]
    assert scores.overall[1] > 60 > 30 > scores.overall[0]
    assert list(sq.scores_frame([]).columns) == list(scores.columns)
