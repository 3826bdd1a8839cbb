"""Cues in turns: the fast path is the naive path, spans are exact words, and context decides what counts."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicequal import normal
from servicequal.conversation import Conversation, Turn
from servicequal.cues import CueMatch, soften
from servicequal.forms import Forms
from servicequal.normal import align
from servicequal.packs import CUSTOMER, HELPING, HURTING, builtin_packs
from servicequal.readers import read
from support import ROOT, said, swapped, talk

AGENT = set(HURTING) | set(HELPING)

# -- the fast path gives exactly what the naive path gives -----------------------------------------------


def test_fast_path_is_naive_path_on_every_sample(finder, samples):
    for conversation in samples.values():
        for number, turn in list(enumerate(conversation.turns))[len(conversation.id) % 2 :: 2]:
            fast = finder.find_in_text(turn.text, turn.speaker, number)
            assert fast == finder.find_naively(turn.text, turn.speaker, number), (conversation.id, number)


EXAMPLES = sorted({e.text for p in builtin_packs() for kind in ("flags", "passes") for e in getattr(p.examples, kind)})
HOSTILE = [
    "\u200b", "\u00a0", "\u202e", "e\u0301", "👩‍👩‍👧", "𝒳", "\ufeff", "\x00", "\u2028", "ﬁ", "İ", "ß", "’", "“", "”",
    '"', "…", "?", ":", "\n", "&amp;", "<b>", "٣", "um", "not", "if", "they said",
]  # fmt: skip
RANDOM_WORDS = [
    "refund",
    "the",
    "to",
    "it",
    "we",
    "you",
    "crew",
    "nothing",
    "can",
    "not",
    "do",
    "your",
    "sorry",
    "zebra",
    "will",
    "is",
    "me",
    "and",
    "down",
    "up",
]


@st.composite
def composed(draw):
    """Pack examples, cut, glued and sprinkled with other words and hostile characters."""
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        text = draw(st.sampled_from(EXAMPLES))
        if draw(st.booleans()):
            words = text.split()
            at = draw(st.integers(0, len(words)))
            sprinkle = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(RANDOM_WORDS))
            text = " ".join([*words[:at], draw(sprinkle), *words[at:]])
        parts.append(draw(st.sampled_from([text, text.upper(), text.replace("'", "’"), text.replace("'", "")])))
        parts.append(draw(st.sampled_from([" ", ". ", "", "\n", *HOSTILE])))
    return "".join(parts) + " ".join(draw(st.lists(st.sampled_from(RANDOM_WORDS), max_size=8)))


@pytest.mark.parametrize("address", ["www.x.com/“it", "http://a.b/“", 'www.x.com"it'])
def test_a_quotation_may_begin_in_a_web_address(finder, address):
    text = f'I told him {address} and it is nothing to do with us” or so "'
    found = finder.find_in_text(text, "agent")
    assert found == finder.find_naively(text, "agent")
    assert {m.reason for m in found if m.cue == "disowning"} == {"quoted"}


@settings(max_examples=60)
@given(text=composed(), speaker=st.sampled_from(["agent", "customer"]))
def test_fast_path_is_naive_path_and_spans_are_words_on_composed_text(finder, text, speaker):
    fast = finder.find_in_text(text, speaker, 3)
    assert fast == finder.find_naively(text, speaker, 3)
    for match in fast:
        assert match.turn == 3
        assert 0 <= match.start < match.end <= len(text)
        assert text[match.start : match.end] == match.text != ""
    for cue in {m.cue for m in fast}:
        mine = sorted((m.start, m.end) for m in fast if m.cue == cue)
        assert all(a[1] <= b[0] for a, b in pairwise(mine)), "matches of one cue overlap"


@given(text=st.text(max_size=200))
def test_any_text_is_survived_by_the_finder(finder, text):
    for speaker in ("agent", "customer", "bot", "system", "unknown"):
        for match in finder.find_in_text(text, speaker, 0):
            assert text[match.start : match.end] == match.text


def test_half_characters_do_not_stop_a_conversation(scorer):
    """A lone surrogate, as broken exports hold, is text like any other."""
    card = scorer.score(talk("c: My parcel never came \ud83d.", "a: Calm down \ud800, it's nothing to do with us."))
    assert (1, "dismissive") in said(card.cues)
    assert card.overall is not None


def test_every_span_of_the_samples_is_its_words(cards, samples):
    for name, card in cards.items():
        for match in card.cues:
            assert samples[name].text_at(match.span) == match.text.strip() != ""
            for span in match.softened_by:
                assert samples[name].text_at(span)
        for finding in card.findings:
            for span in finding.spans:
                assert samples[name].text_at(span)
            assert all(0 <= n < len(samples[name].turns) for n in finding.searched)


# -- who speaks ------------------------------------------------------------------------------------------


def test_packs_listen_to_their_own_side_only(finder, packs):
    for pack in packs:
        other = "customer" if pack.speaker == "agent" else "agent"
        for example in pack.examples.flags:
            assert pack.cue not in {m.cue for m in finder.find_in_text(example.text, other)}
            for nobody in ("bot", "system", "unknown"):
                assert finder.find_in_text(example.text, nobody) == []


def test_swapped_roles_swap_the_packs(finder, samples):
    for conversation in samples.values():
        for match in finder.find(swapped(conversation)):
            side = "customer" if match.cue in CUSTOMER else "agent"
            assert match.speaker == side == swapped(conversation).turns[match.turn].speaker


def test_notes_quotes_and_surveys_are_not_speech(finder):
    text = "It's nothing to do with us."
    for kind in ("note", "notice", "survey", "quote"):
        turn = Turn(speaker="agent", text=text, kind=kind)
        assert finder.find(Conversation(id="c", turns=(turn,))) == ()


# -- what counts and what is excused ---------------------------------------------------------------------

DEFLECTIONS = {
    "disowning": "it's nothing to do with us",
    "helplessness": "there's nothing I can do",
    "bouncing": "you'd have to take that up with the airline",
    "policy_shield": "that's our policy",
    "noncommittal": "I can't give you a date",
    "dismissive": "calm down",
}

NOT_SAID = {
    "negated": "I'm not saying {}, I'm on it.",
    "denied": "I would never say {}.",
    "reported": "The courier told you {}, and that was wrong of them.",
    "they said": "I heard that they said {}.",
    "quoted": "Whoever wrote “{}” to you was wrong.",
    "quoted straight": 'Whoever wrote "{}" to you was wrong.',
    "quoted first": "“{}” is what you were told, and it was wrong.",
}  # fmt: skip

ONLY_SUPPOSED = {
    "hypothetical": "If {}, my manager will ring you at four.",
    "unless": "Unless {}, you'll have it by Friday.",
}


def spelled(sentence: str) -> list[str]:
    """The same sentence as people type and say it."""
    return [
        sentence,
        sentence.replace("'", "’"),
        sentence.replace("'", ""),
        sentence.replace(",", "").replace(".", "").replace("?", "").replace("'", "").lower(),
        sentence.replace(" to ", " to, um, ").replace(" is ", " is, er, "),
    ]


@pytest.mark.parametrize("cue", sorted(DEFLECTIONS))
def test_a_deflection_counts_however_it_is_spelled(finder, cue):
    sentence = DEFLECTIONS[cue][0].upper() + DEFLECTIONS[cue][1:] + "."
    for text in spelled(sentence):
        assert (0, cue) in said(finder.find_in_text(text, "agent")), text


@pytest.mark.parametrize("cue", sorted(DEFLECTIONS))
@pytest.mark.parametrize("way", [*NOT_SAID, *ONLY_SUPPOSED])
def test_a_deflection_that_is_not_said_does_not_count(finder, cue, way):
    if way in ONLY_SUPPOSED and cue == "dismissive":
        pytest.skip("nobody supposes an order")
    sentence = {**NOT_SAID, **ONLY_SUPPOSED}[way].format(DEFLECTIONS[cue])
    ways = [sentence, sentence.replace("'", "’")]
    if "quoted" not in way:
        ways = spelled(sentence)
    flagged = [t for t in ways if (0, cue) in said(finder.find_in_text(t, "agent"))]
    assert not flagged


@pytest.mark.parametrize(
    ("cue", "text"),
    [
        ("disowning", "Is it nothing to do with us?"),
        ("helplessness", "Is there nothing I can do?"),
        ("policy_shield", "Did they tell you it's our policy?"),
        ("bouncing", "Were you told to take that up with the airline?"),
        ("noncommittal", "Did nobody give you a date?"),
        ("dismissive", "Did he really tell you to “calm down”?"),
    ],
)
def test_a_question_is_no_deflection(finder, cue, text):
    for way in (text, text.replace("'", "’"), text.replace("'", "")):
        assert (0, cue) not in said(finder.find_in_text(way, "agent")), way


def test_excused_matches_stay_visible_with_their_reason(finder):
    found = finder.find_in_text("The courier said it’s nothing to do with us, but it is.", "agent")
    excused = [m for m in found if m.cue == "disowning"]
    assert [m.status for m in excused] == ["excused"]
    assert all(m.reason for m in excused)


# -- softened --------------------------------------------------------------------------------------------


def test_help_in_the_same_turn_softens_and_both_spans_are_kept(finder):
    conversation = talk(
        "c: My bag never came.",
        "a: That's nothing to do with us. I'll ring the depot now and call you back by four.",
    )
    (match,) = [m for m in finder.find(conversation) if m.cue == "disowning"]
    assert match.status == "softened"
    assert conversation.text_at(match.span) == match.text == "nothing to do with us"
    assert match.softened_by
    assert all(s.turn == 1 and s.start >= match.end for s in match.softened_by)
    assert any("ring the depot" in conversation.text_at(s) for s in match.softened_by)


def test_help_in_the_agents_next_turn_softens_and_help_before_does_not(finder):
    after = talk(
        "c: My bag never came.",
        "a: There's nothing I can do about it.",
        "c: Really?",
        "a: Leave it with me. I'll ring the depot now and you'll have an answer by four o'clock today.",
    )
    (match,) = [m for m in finder.find(after) if m.cue == "helplessness"]
    assert match.status == "softened"
    assert {s.turn for s in match.softened_by} == {3}

    before = talk(
        "c: My bag never came.",
        "a: I've checked the notes for you, and there's nothing I can do.",
        "c: Really?",
        "a: Goodbye.",
        "c: Hello?",
        "a: Leave it with me. I'll ring the depot now and you'll have an answer by four o'clock today.",
    )
    (match,) = [m for m in finder.find(before) if m.cue == "helplessness"]
    assert (match.status, match.softened_by) == ("plain", ())


def test_the_customers_own_offer_softens_nothing(finder):
    conversation = talk(
        "a: There's nothing I can do.", "c: Leave it with me then. I'll ring the depot now, by four.", "a: Okay."
    )
    assert (0, "helplessness") in said(finder.find(conversation))


# -- time ------------------------------------------------------------------------------------------------

MILLION = 1_000_000
LONG = {
    "words": "the parcel is in the depot and the van will be with you on friday at noon. ",
    "marks": ". ? ",
    "deflections": "It's nothing to do with us, there's nothing I can do. ",
    "deflections without a full stop": "its nothing to do with us and theres nothing i can do and ",
    "quotation marks": '"it\'s nothing to do with us" ',
}


@pytest.mark.parametrize("kind", sorted(LONG))
def test_a_million_characters_take_seconds(scorer, kind):
    text = (LONG[kind] * (MILLION // len(LONG[kind]) + 1))[:MILLION]
    conversation = talk("c: My parcel never came. When will it come?", f"a: {text}", "c: Thank you.")
    scorer.score(talk("c: My parcel never came.", f"a: {LONG[kind]}"))  # compiled before the clock runs
    worker = multiprocessing.get_context("fork").Process(target=scorer.score, args=(conversation,), daemon=True)
    began = time.perf_counter()
    worker.start()
    worker.join(60)
    took = time.perf_counter() - began
    alive = worker.is_alive()
    worker.kill()
    worker.join()
    assert not alive, f"a turn of a million characters of {kind} is still being scored after {took:.0f} s"
    assert worker.exitcode in (0, -9)


# -- the compiled steps ----------------------------------------------------------------------------------


@pytest.fixture
def compiled(finder):
    pytest.importorskip("servicequal._sieve", reason="installed without a compiler")
    assert all(side.fast is not None for side in finder._sides.values())


SAID = ("it's nothing to do with us", 'He said "calm down"', "never is there nothing I can do?")


@pytest.mark.parametrize("count", [0, 1, 50, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 120, 127, 128, 2040, 2048, 2049])
@pytest.mark.parametrize("said", SAID)
def test_fast_path_is_naive_path_at_any_length(compiled, finder, said, count):
    filling = " ".join(("zebra", "crew")[n % 2] for n in range(count))
    for text in (
        f"{filling} {said}",
        f"{said} {filling}",
        f"{said}. {filling[: count * 3].replace('w', 'w.')}. {said}",
    ):
        assert finder.find_in_text(text, "agent") == finder.find_naively(text, "agent") != []


def test_a_very_long_turn_is_survived(compiled, finder):
    text = "zebra crew " * 50_000 + "it's nothing to do with us"
    assert "disowning" in [m.cue for m in finder.find_in_text(text, "agent")]
    assert finder.find_in_text("yes. " * 100_000, "customer") == []


def test_words_are_met_anew_after_the_words_at_hand_were_let_go(compiled, finder, monkeypatch):
    small = normal._compiled_reader(1500)
    monkeypatch.setattr(normal, "_reader", small)
    texts = [f"word{n} {example} w{n}ord" for n, example in enumerate(EXAMPLES[:120])]
    for text in texts:
        for speaker in ("agent", "customer"):
            assert finder.find_in_text(text, speaker) == finder.find_naively(text, speaker)
    early, late = align(texts[0]), align(texts[-1])
    assert finder._sides["agent"].find(early, "agent", 0) == finder.find_naively(texts[0], "agent")
    assert finder._sides["agent"].find(late, "agent", 0) == finder.find_naively(texts[-1], "agent")
    assert pickle.loads(pickle.dumps(early)).words == early.words


@pytest.mark.parametrize("marks", [" ", ". ", "? ", ' " ', " : "])
def test_fast_path_is_naive_path_wherever_a_phrase_stands_in_a_long_turn(compiled, finder, marks):
    for at in range(0, len(EXAMPLES) - 9, 90):
        text = marks.join(EXAMPLES[at : at + 9])
        for speaker in ("agent", "customer"):
            assert finder.find_in_text(text, speaker) == finder.find_naively(text, speaker)


def one_by_one(finder, conversation):
    turns = [(n, turn) for n, turn in enumerate(conversation.turns) if turn.kind == "message"]
    found = [m for n, turn in turns for m in finder.find_in_text(turn.text, turn.speaker, n)]
    return soften(found, conversation, finder._softeners)


def test_all_turns_at_once_are_as_one_by_one(compiled, finder, samples):
    talks = list(samples.values())
    for name in ("corpus", "exchanges", "social"):
        talks += list(islice(read(ROOT / "data" / "training" / f"{name}.jsonl"), 40))
    for conversation in talks:
        assert finder.find(conversation) == one_by_one(finder, conversation)


@pytest.mark.parametrize(
    "text", ["", " ", "\u00a0", "it\u2019s nothing to do with us\udc80", "\U0001f600 I'm sorry", "refund#1"]
)
def test_rare_turns_among_others_are_as_one_by_one(compiled, finder, text):
    said = [Turn(speaker=s, text=f"{text} {w}", kind=k) for s, k in KINDS for w in (*SAID, "")]
    conversation = Conversation(id="c", turns=tuple(said))
    forms = Forms(conversation)
    assert finder.find(conversation, forms) == finder.find(conversation, forms) == one_by_one(finder, conversation)
    assert all(form is None or form.source == turn.text for form, turn in zip(forms.made, said, strict=True))


KINDS = [("agent", "message"), ("agent", "note"), ("customer", "message"), ("unknown", "message"), ("agent", "notice")]
HITS = st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(1, 9), st.integers(0, 9), st.booleans())


@given(st.lists(HITS, max_size=60), st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=6, max_size=6))
def test_softening_compiled_is_the_plain_one(finder, hits, turns):
    if finder._talk is None:
        return
    every = tuple(Turn(speaker=s, kind=k, text="yes" if said else " ") for (s, k), said in turns)
    cues = sorted({*finder._softeners, *(cue for some in finder._softeners.values() for cue in some), "courtesy"})
    found = [
        CueMatch(cues[cue % len(cues)], turn, start, start + length, "x", "agent", "plain" if plain else "excused")
        for turn, start, length, cue, plain in sorted(hits)
    ]
    plainly = soften(found, Conversation(id="c", turns=every), finder._softeners)
    assert finder._talk.soften(found, every) == plainly


def test_many_threads_find_what_one_finds(compiled, finder):
    texts = [f"{example} Zebra{n % 7}#{n} 24hrs" for n, example in enumerate(EXAMPLES[:200])]
    alone = [finder.find_naively(text, "agent") for text in texts]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda k: [finder.find_in_text(t, "agent") for t in texts[k:] + texts[:k]], range(4)):
            assert sorted(map(repr, found)) == sorted(map(repr, alone))
