"""Hygiene notes: each fires where it should and stays silent on a sound conversation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servicequal as sq
from servicequal import outline
from servicequal.conversation import Conversation, Turn
from servicequal.hygiene import CHECKS, check
from servicequal.outline import COMMON_WORDS, Glance, Outline, outlined
from support import ROOT, SAMPLES

SOUND = (
    ("agent", "Hello, thank you for calling Acme, how can I help you today?"),
    ("customer", "My bin was not emptied on Monday and I would like to know when you will come for it."),
    (
        "agent",
        "I am sorry about that. I will send the crew tomorrow before noon and ring you when it is done.",
    ),
)


def made(*turns, metadata=None, **update):
    return Conversation(
        id="c", turns=tuple(Turn(speaker=s, text=t, **update) for s, t in turns), metadata=metadata or {}
    )


def codes(conversation):
    return {note.code for note in check(conversation)}


def test_a_sound_conversation_has_no_notes():
    assert check(made(*SOUND)) == ()


@pytest.mark.parametrize(
    ("turns", "code", "about"),
    [
        ([("customer", SOUND[1][1])], "no_agent_turns", ()),
        ([("customer", SOUND[1][1])] * 2, "one_sided", (0, 1)),
        ([*SOUND, ("unknown", "eh")], "unknown_roles", (3,)),
        (
            [("customer" if s == "agent" else "agent", t) for s, t in SOUND] + [("agent", "I'm calling about my bin.")],
            "swapped_roles_suspected",
            (0, 3),
        ),
        ([*SOUND, SOUND[2]], "duplicated_turns", (3,)),
        ([*SOUND, ("customer", SOUND[2][1] + " ")], "duplicated_turns", (3,)),
        ([("agent", "hi"), ("customer", "yo")], "very_short", ()),
        (
            [
                (
                    "agent",
                    "Guten Tag, was kann ich für Sie tun, bitte sagen Sie mir Ihre Nummer und den Namen, "
                    "damit ich nachsehen kann, was mit der Lieferung geschehen ist, und wann sie ankommt, ja",
                ),
                ("customer", "Danke sehr"),
            ],
            "not_english",
            (),
        ),
        (
            [*SOUND, ("agent", "Your call is important to us, please continue to hold.")],
            "hold_or_ivr_text",
            (3,),
        ),
        ([*SOUND, ("agent", "For bins press 1, for taxes press 2.")], "hold_or_ivr_text", (3,)),
    ],
)
def test_notes(turns, code, about):
    notes = {note.code: note for note in check(made(*turns))}
    assert notes[code].turns == about


GREETING = "Good morning, thank you for calling Acme support."


@pytest.mark.parametrize(
    ("turns", "suspected"),
    [
        ([("agent", "Hm."), ("customer", GREETING), ("agent", SOUND[1][1])], True),
        ([("agent", SOUND[0][1]), ("customer", GREETING), ("agent", SOUND[1][1])], False),
        ([("agent", "Hello, it's Ann."), ("customer", "Oh, thank you for calling me back."), SOUND[2]], False),
        ([("agent", "Hello, it's Ann."), ("customer", "Thanks for calling."), SOUND[2]], False),
        ([SOUND[2], SOUND[1], SOUND[2], SOUND[1], ("customer", GREETING)], False),
        ([SOUND[2], ("customer", f"{SOUND[1][1]} The tape only says: {GREETING}")], False),
    ],
)
def test_a_company_greeting_from_the_customer(turns, suspected):
    assert ("swapped_roles_suspected" in codes(made(*turns))) is suspected


def test_confidence_and_inferred_roles():
    assert "low_asr_confidence" in codes(made(*SOUND, confidence=0.5))
    assert "low_asr_confidence" not in codes(made(*SOUND, confidence=0.61))
    marks = {"roles_inferred": {"Ann": {"role": "agent", "reason": "greets"}}}
    note = check(made(*SOUND, metadata=marks, speaker_id="Ann"))[0]
    assert (note.code, note.turns) == ("roles_inferred", (0, 1, 2))
    assert "greets" in note.message


def test_bots_and_the_system_may_announce():
    assert codes(made(*SOUND, ("bot", "Calls are recorded."), ("system", "You are number 3 in the queue."))) == set()


def test_every_check_bears_an_empty_conversation():
    empty = Conversation(id="c")
    found = {note.code for each in CHECKS for note in each(empty, outlined(empty))}
    assert found == {"no_agent_turns", "very_short"}


# -- the glance ----------------------------------------------------------------------------------------

SIGNS = [(sign, bit) for bit, signs in outline._SIGNS.items() for sign in signs]
SLOW = Glance(SIGNS, COMMON_WORDS)


@pytest.fixture(scope="module")
def fast():
    """The compiled glance."""
    pytest.importorskip("servicequal._glance", reason="installed without a compiler")
    return outline._glance()


def same(fast, turns, long=25, longest=20_000):
    assert [fast.at(turn.text) for turn in turns] == [SLOW.at(turn.text) for turn in turns]
    assert fast.over(tuple(turns), long, longest) == SLOW.over(turns, long, longest)


def test_a_glance_says_what_splitting_and_searching_would():
    assert SLOW.at("  Thank  you for calling; PRESS 1 ♪") == (7, 3, 32, outline.AGENT | outline.MENU | outline.HOLD)
    assert SLOW.at("\x1c I\u00a0don’t ") == (2, 2, 7, 0)
    assert SLOW.at(" \t\u2003") == SLOW.at("") == (0, 0, 0, 0)


def test_the_outline_of_a_conversation():
    turns = [Turn(speaker="agent", text="Hello."), Turn(speaker="agent", text="Hello.", kind="note", start=3.0)]
    turns += [Turn(speaker=speaker, text="It is.") for speaker in ("customer", "unknown", "bot", "customer")]
    found = outlined(Conversation(id="c", turns=(*turns, Turn(speaker="agent", text=" ", confidence=0.1))))
    sides = (0, 2, 3, 4, 5), (0,), (2, 5), (3,)
    assert found == Outline(*sides, (1, 0, 2, 2, 2, 2, 0), 9, 4, (), (), (), rated=True, long=False)
    assert outlined(Conversation(id="c")) == Outline((), (), (), (), (), 0, 0, (), (), (), False, False)


def test_the_compiled_glance_sees_the_same_in_real_conversations(fast):
    for path in [*sorted((ROOT / "data" / "training").glob("*.jsonl"))[:1], SAMPLES]:
        for conversation in sq.read(path):
            same(fast, conversation.turns)


PIECES = st.one_of(
    st.sampled_from([sign for sign, _ in SIGNS]),
    st.sampled_from([sign.upper().replace("'", "’") for sign, _ in SIGNS]),
    st.sampled_from(sorted(COMMON_WORDS)),
    st.sampled_from([" ", "  ", "\n", "\r", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000", "\u200b", "\ufeff"]),
    st.sampled_from(["ſ", "ﬁ", "ß", "ẞ", "\u212a", "İ", "ŉ", "ǰ", "’", "♪", "É", "Привет", "👩🏽‍🚒", "\ud800", "\0"]),
    st.text(max_size=12),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["agent", "customer", "bot", "unknown"]), st.lists(PIECES).map("".join))))
def test_the_compiled_glance_sees_the_same_in_any_text(fast, said):
    turns = [
        Turn.model_construct(
            speaker=speaker,
            text=text,
            kind="note" if text[:1] == "a" else "message",
            start=1.5 if len(text) % 3 else None,
        )
        for speaker, text in said
    ]
    same(fast, turns, 3, 20)


def test_the_compiled_glance_knows_which_characters_case_folding_changes(fast):
    signs = {character for sign, _ in SIGNS for character in sign}
    odd = [c for c in map(chr, range(0x110000)) if c.isspace() or len(c.casefold()) > 1 or c.casefold() in signs]
    assert len(odd) > 150
    for character in odd:
        for text in (character, f"i order{character}ed", f"plea{character}e hold", f" don{character}t "):
            assert fast.at(text) == SLOW.at(text), ascii(text)


@pytest.mark.parametrize("words", [0, 63, 64, 65, 2049, 100_000])
def test_the_compiled_glance_takes_texts_of_any_length(fast, words):
    for text in (" please" * words, "hold " * words, "é" * words, "press 1 ♪ " * words + "ſ"):
        assert fast.at(text) == SLOW.at(text)


def test_of_a_text_that_is_too_long_the_beginning_tells_the_language():
    foreign = "Guten Tag was kann ich für Sie tun bitte sagen Sie mir Ihre Nummer und den Namen damit ich nach " * 250
    assert "not_english" in codes(made(("agent", foreign + "the " * 20_000), ("customer", "Ja")))
    assert "not_english" not in codes(made(("agent", "the " * 6_000 + foreign * 9), ("customer", "Ja")))
