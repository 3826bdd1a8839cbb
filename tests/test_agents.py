"""Several agents in one conversation are counted and scored apart."""

from __future__ import annotations

import pytest

import servicequal as sq
from servicequal.agents import MOST_AGENTS

CALL = (
    ("customer", "Cal", "My parcel never arrived. When will I get it?"),
    ("agent", "Ann", "I couldn't say, it's nothing to do with us. You'd have to ask the courier."),
    ("customer", "Cal", "That's ridiculous. Can I speak to somebody else?"),
    ("agent", "Bob", "I'm so sorry about that. I've sent you a new one today, you'll have it by Friday noon."),
    ("customer", "Cal", "Brilliant, thank you so much!"),
    ("agent", "Bob", "You're welcome. I'll ring you on Friday to check it came."),
    ("customer", "Cal", "Bye."),
)


def made(turns):
    return sq.Conversation(id="c", turns=tuple(sq.Turn(speaker=r, speaker_id=who, text=t) for r, who, t in turns))


@pytest.fixture(scope="module")
def card(scorer):
    return scorer.score(made(CALL))


def test_each_agent_has_counts_and_scores(card):
    ann, bob = card.agents
    assert (ann.speaker_id, ann.turns, bob.speaker_id, bob.turns) == ("Ann", 1, "Bob", 2)
    assert ann.deflections["disowning"] == 1
    assert not bob.deflections
    assert bob.helping["apology"] == 1
    assert ann.overall < 20 < 75 < bob.overall
    assert set(bob.scores) == set(card.scores)


def test_a_part_keeps_every_turn_in_its_place(scorer, card):
    whole = made(CALL)
    part = sq.of_agent(whole, "Bob")
    assert [t.text for t in part.turns] == [t.text for t in whole.turns]
    assert [n for n, t in enumerate(part.turns) if t.scorable] == [2, 3, 4, 5, 6]
    assert scorer.score(part).overall == card.agents[1].overall
    assert sq.of_agent(part, "Bob") == part
    assert sq.of_agent(sq.Conversation(id="e"), "Bob").turns == ()


def test_a_lone_agent_has_the_conversations_scores(scorer, samples):
    for conversation in samples.values():
        card = scorer.score(conversation)
        if len(card.agents) == 1:
            assert (card.agents[0].overall, card.agents[0].scores) == (card.overall, card.scores)


def test_no_agent_and_far_too_many(scorer):
    assert scorer.score(made([("customer", "Cal", "Hello?")])).agents == ()
    many = scorer.score(made([("agent", str(n), "Calm down.") for n in range(MOST_AGENTS + 1)]))
    assert len(many.agents) == MOST_AGENTS + 1
    assert {share.overall for share in many.agents} == {None}


def test_the_frame_is_tidy(card):
    frame = sq.agents_frame([card, sq.Rejected("x")])
    assert frame[["conversation_id", "speaker_id", "turns"]].values.tolist() == [["c", "Ann", 1], ["c", "Bob", 2]]
    assert frame.loc[0, "disowning"] == 1
    assert frame.loc[1, "deflections"] == 0
    assert list(sq.agents_frame([]).columns) == list(frame.columns)
