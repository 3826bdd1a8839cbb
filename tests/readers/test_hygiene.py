"""Hygiene notes: each fires where it should and stays silent on a sound conversation."""

from __future__ import annotations

import pytest

from servicequal.conversation import Conversation, Turn
from servicequal.hygiene import CHECKS, check

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
    assert {note.code for each in CHECKS for note in each(empty)} == {"no_agent_turns", "very_short"}
