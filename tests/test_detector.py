"""The learned detector: what it adds, what it may never do, and that it is the same every time."""

from __future__ import annotations

import importlib.util
import io
import json
import pickle
import zipfile
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servicequal as sq
from servicequal import normal
from servicequal.cues import CueFinder, CueMatch
from servicequal.detector import Detector, builtin_detector, load_detector
from servicequal.detector.decide import _in_python, decide, evidence
from servicequal.detector.features import Read, fold, letter_grams, shape, turn_texts, word_grams
from servicequal.detector.model import ANY, LABELS, second_inputs, second_names
from servicequal.detector.thresholds import TABLES
from servicequal.detector.train import train
from servicequal.gold import read_all_marked
from servicequal.normal import align, normalise
from servicequal.packs import HURTING, builtin_packs
from support import ROOT, talk

DATA = ROOT / "data" / "training"
LARGEST = 5_000_000


def test_the_shipped_model_is_small_plain_data_and_names_what_it_learned_from():
    path = ROOT / "src" / "servicequal" / "detector" / "detector.zip"
    assert path.stat().st_size < LARGEST
    with zipfile.ZipFile(path) as archive:
        assert all(n.endswith((".json", ".npy")) for n in archive.namelist())
        about = json.loads(archive.read("about.json"))
    assert about["data"] == sorted(p.name for p in DATA.glob("*.jsonl"))
    assert about["thresholds"] == json.loads((DATA / "thresholds.json").read_text("utf-8"))


def test_every_proposal_has_words_a_probability_and_the_right_side(whole, samples):
    proposed = 0
    for conversation in samples.values():
        for match in whole.cues(conversation):
            assert conversation.text_at(match.span) == match.text
            assert match.cue in LABELS[match.speaker]
            if match.pattern == "model":
                proposed += 1
                assert match.text.strip()
                assert match.confidence is not None
                assert 0 <= match.confidence <= 1
    assert proposed > 20, "the detector proposes nothing: is it loaded?"


def test_without_the_model_nothing_is_proposed_and_the_fingerprint_says_so(scorer, samples):
    assert scorer.fingerprint.model is None
    assert not any(m.pattern == "model" for c in samples.values() for m in scorer.cues(c))


def test_a_vetoed_phrase_is_kept_with_its_reason(whole, samples):
    vetoed = [m for c in samples.values() for m in whole.cues(c) if "improbable" in (m.reason or "")]
    assert vetoed
    assert all(m.status == "excused" and not m.softened_by for m in vetoed)


@pytest.mark.parametrize(
    "text",
    [
        "I'm not saying that's not our job, I'm on it now.",
        "The courier said it's nothing to do with them, so I've opened a claim myself.",
        "“There is nothing anyone can do” is what somebody wrote, and it was wrong. I've reordered it.",
    ],
)
def test_denied_reported_and_quoted_words_are_no_deflection_for_the_detector_either(whole, text):
    found = whole.cues(talk("c: They told me it's not your job. When will it come?", f"a: {text}", "c: Thanks."))
    assert not [m for m in found if m.cue in HURTING and m.status == "plain"]


def test_apostrophes_make_no_difference(whole):
    lines = (
        "c: I've waited and it's still not here, when's it coming?",
        "a: We're sorry, we can't say, it's down to them.",
    )
    straight = whole.cues(talk(*lines))
    for change in ("’", ""):
        other = whole.cues(talk(*(line.replace("'", change) for line in lines)))
        assert [(m.cue, m.turn, m.status, m.confidence) for m in other] == [
            (m.cue, m.turn, m.status, m.confidence) for m in straight
        ]


def test_a_user_pack_of_a_new_cue_is_left_to_its_phrases(tmp_path, whole):
    pack = replace_cue("disowning", "hold_music")
    scorer = sq.Scorer(packs=[pack])
    found = scorer.cues(talk("c: Where is it?", "a: It's nothing to do with us, that's down to the crews."))
    assert any(m.cue == "hold_music" and m.status == "plain" for m in found)


def replace_cue(cue: str, name: str) -> sq.Pack:
    pack = next(p for p in builtin_packs() if p.cue == cue)
    return pack.model_copy(update={"cue": name, "softened_by": ()})


def test_layers_fit_their_names(whole):
    conversation = talk("c: It broke!! Any news?", "a: Sorry, let me look.", "c: ok")
    detector = builtin_detector()
    assert detector is not None
    firsts = {side: detector.first(side, Read(conversation)) for side in LABELS}
    inputs = second_inputs(conversation, firsts, whole.cues(conversation))
    for side in LABELS:
        for row in inputs[side].values():
            assert len(row) == len(second_names(side))
    for turn in turn_texts(conversation, "agent"):
        assert all(0 <= x <= 1 for x in shape(conversation, turn))


def test_grams_and_folding():
    assert list(word_grams("a b c", 2)) == ["a", "b", "c", "a b", "b c"]
    assert set(letter_grams("ab")) == {" ab", "ab ", " ab "}
    assert fold("at 10.30 on 12 May") == " at # . # on # may"


def test_evidence_is_a_sentence_of_the_original():
    text = "Hello there. Keep an eye on the website! Bye."
    form = align(text)
    start, end = evidence(
        form, [2 / 3 if word in ("keep", "an", "eye") else 0.1 * (word == "bye") for word in form.words]
    )
    assert text[start:end] == "Keep an eye on the website"
    assert evidence(form, []) == (0, len(text))


@pytest.fixture(scope="module")
def plain() -> Detector:
    """The detector that ships, as it is where there was no compiler."""
    found = load_detector(ROOT / "src" / "servicequal" / "detector" / "detector.zip")
    found.__dict__["reader"] = None
    return found


def agree(plain: Detector, finder: CueFinder | None, conversation: sq.Conversation) -> None:
    """The compiled layers give the plain ones' probabilities to 1e-12, as they add up in another order; what is decided
    is the same to the last field."""
    compiled = builtin_detector()
    matches = finder.find(conversation) if finder else ()
    ours, theirs = (d.chances(matches, Read(conversation)) for d in (compiled, plain))
    for side in LABELS:
        assert ours[side].keys() == theirs[side].keys()
        for number, row in theirs[side].items():
            assert ours[side][number] == pytest.approx(row, abs=1e-12, rel=0)
    assert decide(conversation, matches, compiled) == decide(conversation, matches, plain)


compiled_only = pytest.mark.skipif(
    importlib.util.find_spec("servicequal.detector._grams") is None, reason="installed without a compiler"
)


@compiled_only
@pytest.mark.parametrize("side", sorted(LABELS))
def test_compiled_and_plain_layers_agree_word_by_word(plain, samples, side):
    label = LABELS[side][1]
    for conversation in list(samples.values())[::4]:
        read = Read(conversation)
        talk = builtin_detector().talk((), read)
        for turn in turn_texts(conversation, side):
            assert talk.own(turn.number) == pytest.approx(plain.own(turn, side, read), abs=1e-12, rel=0)
            told = plain.telling_words(turn, side, label)
            assert talk.telling(turn.number, label) == pytest.approx(told, abs=1e-12, rel=0)


@compiled_only
def test_compiled_and_plain_layers_decide_alike(whole, plain, samples):
    for conversation in samples.values():
        agree(plain, whole._finder, conversation)


SAID = (
    "I'm sorry, there's nothing we can do, it's not our department. You'll have to ring the courier at 10.30. "
    "My parcel never arrived!! I've told you twice, this is a JOKE. When will it come? Thanks, that's sorted :) "
    "I'll order a new one for you today. “It's our policy”, they said to 12345 people #1 #22222 ##### 2nd ² ٣٤ "
    "www.shop.co/not https://x.y/z?a=b ?! !? ? ? :-) 😀 → ← ÄÖÜ ǅǅǅ ªªª \x00 \x1c \x85 \u00a0 \u2028 \u200b "
    "xlink xlinks <link> you know you know not not were well id un­der xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
).split(" ")


@st.composite
def odd_talks(draw: st.DrawFn) -> sq.Conversation:
    words = st.sampled_from(SAID) | st.text(max_size=6)
    texts = st.builds(
        lambda said, times, spaces, shout: (spaces.join(said) * times).upper() if shout else spaces.join(said) * times,
        st.lists(words, max_size=12),
        st.sampled_from([1, 1, 1, 1, 2, 400]),
        st.sampled_from([" ", " ", " ", "", "\r", "\n", ". ", "? "]),
        st.sampled_from([False, False, False, True]),
    )
    roles = st.sampled_from(["agent", "customer", "agent", "customer", "bot", "system", "unknown"])
    kinds = st.sampled_from(["message"] * 5 + ["note"])
    turns = draw(st.lists(st.builds(sq.Turn, speaker=roles, text=texts, kind=kinds), max_size=10))
    return sq.Conversation(
        id="c", channel=draw(st.sampled_from([None, "call", "chat", "email", "social"])), turns=turns
    )


@compiled_only
@given(conversation=odd_talks())
@settings(max_examples=60, deadline=None)
def test_compiled_and_plain_layers_decide_alike_on_odd_texts(whole, plain, conversation):
    agree(plain, whole._finder, conversation)


@compiled_only
@pytest.mark.parametrize(
    ("word", "words"),
    [("sorry", 100_000)]
    + [(w, n) for w in ("sorry", "##", "ü", "\0", "unbelievablyunfortunatelylong") for n in (0, 1, 63, 64, 65, 2049)],
)
def test_compiled_and_plain_layers_decide_alike_on_long_texts(plain, word, words):
    text = " ".join([word, "not our fault"] * (words // 2) + [word] * (words % 2))
    glued = word * (words % 5000)
    agree(plain, None, talk(f"c: {text}.", f"a: {text}", "c: ok", f"c: {glued}", f"a: {text}!"))


@compiled_only
def test_what_was_read_before_makes_no_difference(whole, plain, samples):
    """Words' letters are kept, and forgotten where there are too many: here several times over."""
    conversation = samples["call-food-waste-poor"]
    matches, detector = whole._finder.find(conversation), builtin_detector()
    before = detector.chances(matches, Read(conversation))
    names = map("".join, product("ing tion able pre con ment der ver est ally".split(), repeat=6))
    for _ in range(160):
        flood = talk(f"c: {' '.join(islice(names, 120))}", f"a: {' '.join(islice(names, 120))}")
        detector.chances((), Read(flood))
    assert detector.chances(matches, Read(conversation)) == before
    agree(plain, whole._finder, flood)


@compiled_only
def test_it_makes_no_difference_whose_numbers_words_have(whole, samples, monkeypatch):
    """With room for one word a lexicon is new for every text; without a compiler there is none."""
    conversation = samples["call-food-waste-poor"]
    matches, detector = whole._finder.find(conversation), builtin_detector()
    before = detector.chances(matches, Read(conversation)), decide(conversation, matches, detector)
    for reader in (normal._compiled_reader(1), None):
        monkeypatch.setattr(normal, "_reader", reader)
        assert (detector.chances(matches, Read(conversation)), decide(conversation, matches, detector)) == before


@compiled_only
@pytest.mark.parametrize("above", [False, True])
def test_a_chance_that_is_the_very_limit_is_enough_and_one_just_below_it_is_not(whole, samples, above):
    """Log-odds are compared with those of a limit, as far as these tell."""
    conversation = samples["call-food-waste-poor"]
    matches = whole._finder.find(conversation)
    chances = builtin_detector().chances(matches, Read(conversation))
    for turn in range(4):
        sides = {}
        for side, fitted in builtin_detector().sides.items():
            limit = np.array(list(chances[side].values())[turn])
            limit = np.nextafter(limit, 1.0) if above else limit
            sides[side] = replace(fitted, thresholds=dict.fromkeys(TABLES, limit))
        detector = Detector(sides, {}, "")
        found = decide(conversation, matches, detector)
        assert found == _in_python(matches, Read(conversation), detector)
        assert {m.status for m in found} == {"plain", "excused"}


@compiled_only
def test_two_turns_before_are_read_as_one_even_where_the_first_is_cut_at_a_space(whole, plain):
    """A long turn is read to its 4000th character, here a space: the run across both turns has one all the same."""
    cut = "c: " + "when will you " * 285 + "where is it when will you"
    assert normalise(cut[3:])[:4000][-1] == " "
    agree(plain, whole._finder, talk(cut, "c: send it?", "a: Tomorrow.", "c: " + "x" * 5000, "a: Right."))


@compiled_only
def test_matches_come_out_in_order_whatever_order_they_come_in(whole, plain, samples):
    own = CueMatch(cue="hold_music", turn=0, start=0, end=1, text="x", speaker="agent")
    far = (replace(own, turn=-1), replace(own, turn=999), own, replace(own, cue=ANY))
    for conversation in list(samples.values())[::5]:
        matches = (*reversed(whole._finder.find(conversation)), *far)
        assert decide(conversation, matches, builtin_detector()) == decide(conversation, matches, plain)


@compiled_only
@given(chance=st.floats(0, 1) | st.integers(0, 20_000).map(lambda n: n / 20_000))
def test_probabilities_are_rounded_as_python_does(chance):
    from servicequal.detector import _grams

    assert _grams.rounded(chance) == round(chance, 4)


def test_a_detector_whose_numbers_do_not_fit_is_refused(tmp_path):
    shipped = ROOT / "src" / "servicequal" / "detector" / "detector.zip"
    with zipfile.ZipFile(shipped) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for name in [n for n in entries if n.endswith(".npy") and n.startswith("agent/")]:
        short = io.BytesIO()
        np.save(short, np.load(io.BytesIO(entries[name]))[:-1])
        bad = tmp_path / "bad.zip"
        with zipfile.ZipFile(bad, "w") as archive:
            for each, data in entries.items():
                archive.writestr(each, short.getvalue() if each == name else data)
        with pytest.raises(sq.ReadError, match="train it again"):
            load_detector(bad)


def test_a_file_that_is_no_model_is_refused_with_its_name(tmp_path):
    bad = tmp_path / "model.zip"
    bad.write_bytes(b"PK not really")
    with pytest.raises(sq.ReadError, match=r"model\.zip"):
        load_detector(bad)


def test_scorers_with_the_model_pickle(whole, samples):
    conversation = samples["call-food-waste-poor"]
    again = pickle.loads(pickle.dumps(whole))
    assert again.score(conversation).model_dump_json() == whole.score(conversation).model_dump_json()


def test_training_on_a_few_conversations_is_repeatable_and_usable(tmp_path):
    marked = read_all_marked(DATA / "social.jsonl")[:40]
    finder = CueFinder(builtin_packs())
    known = [train(marked, finder, tmp_path / name, like=marked[:5]) for name in ("a.zip", "b.zip")]
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert known[0]["conversations"] == 40
    detector = load_detector(tmp_path / "a.zip")
    conversation = marked[0].conversation
    matches = finder.find(conversation)
    assert decide(conversation, matches, detector)
    assert sq.Scorer(model=detector).fingerprint.model == detector.digest
    assert replace(matches[0], confidence=0.5).confidence == 0.5


@pytest.mark.slow
def test_rebuilding_gives_the_shipped_bytes(tmp_path):
    import subprocess
    import sys

    out = tmp_path / "again.zip"
    subprocess.run([sys.executable, "training/build_detector.py", "--out", str(out)], cwd=ROOT, check=True)
    shipped = Path(ROOT / "src" / "servicequal" / "detector" / "detector.zip")
    assert out.read_bytes() == shipped.read_bytes()
