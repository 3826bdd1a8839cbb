"""Dynamics: latency, talk share, silence and interruptions from the times, and never a score from them."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

import servicequal as sq
from servicequal.dynamics import dynamics


def timed(*turns, channel="call"):
    """Turns from (role, start, end), with as many words as the text has."""
    made = [
        sq.Turn(speaker=role, text=text[0] if text else "some words", start=start, end=end)
        for role, start, end, *text in turns
    ]
    return sq.Conversation(id="c", channel=channel, turns=tuple(made))


def test_no_times_no_dynamics():
    assert dynamics(timed(("agent", None, None), ("customer", None, None))) is None
    assert dynamics(sq.Conversation(id="c")) is None
    assert dynamics(timed(("bot", 0, 1), ("unknown", 1, 2))) is None


def test_a_call():
    found = dynamics(
        timed(
            ("customer", 0, 10),
            ("agent", 12, 20),
            ("customer", 19, 30),
            ("agent", 36, 40),
            ("customer", 40, 41),
            ("agent", 40.95, 45),
        )
    )
    assert (found.duration, found.replies) == (45, 3)
    assert (found.latency_median, found.latency_max, found.latency_from) == (2, 6, "end")
    assert (found.silence, found.silence_share) == (6, pytest.approx(6 / 45, abs=1e-4))
    assert (found.agent_interrupts, found.customer_interrupts) == (0, 1), "0.05 s is not heard as an interruption"
    assert found.overlap == pytest.approx(1.05)
    assert (found.talk_share, found.talk_by) == (pytest.approx(16.05 / (16.05 + 22), abs=1e-4), "time")


def test_an_agent_who_interrupts():
    found = dynamics(timed(("customer", 0, 10), ("agent", 4, 6), ("agent", 9, 12), ("customer", 12, 13)))
    assert (found.agent_interrupts, found.customer_interrupts, found.overlap) == (2, 0, 3)
    assert (found.latency_max, found.silence, found.silence_share) == (0, 0, 0)


def test_a_chat_has_starts_only():
    found = dynamics(
        timed(
            ("customer", 0, None, "one two three"),
            ("customer", 10, None, "four"),
            ("agent", 70, None, "five six"),
            ("agent", 80, None, "seven eight"),
            ("customer", 90, None, ""),
            channel="chat",
        )
    )
    assert (found.latency_median, found.latency_from, found.replies) == (60, "start", 1)
    assert (found.talk_share, found.talk_by) == (0.5, "words")
    assert (found.silence, found.agent_interrupts, found.overlap, found.duration) == (None, None, None, 80)


def test_a_bot_between_is_no_wait_of_the_agent_and_its_words_no_silence():
    found = dynamics(timed(("customer", 0, 1), ("bot", 2, 30), ("agent", 31, 32)))
    assert (found.replies, found.latency_median, found.silence) == (0, None, 0)


def test_one_side_only_has_no_share():
    assert dynamics(timed(("agent", 0, 5))).talk_share is None
    assert dynamics(timed(("agent", 5, 2), ("customer", 5, 5))).duration == 0, "an end before its start is its start"


_times = st.none() | st.floats(-10, 100)


@given(st.lists(st.tuples(st.sampled_from(["agent", "customer", "bot", "unknown"]), _times, _times), max_size=12))
def test_any_times_give_sound_numbers(turns):
    found = dynamics(timed(*turns))
    if found is None:
        return
    numbers = [v for v in dataclasses.astuple(found) if isinstance(v, (int, float))]
    assert all(number >= 0 for number in numbers)
    for share in (found.talk_share, found.silence_share):
        assert share is None or share <= 1
    assert found.silence is None or found.silence <= found.duration + 1e-6


def test_on_the_card_and_in_the_frame_and_never_in_a_score(scorer):
    talk = timed(
        ("customer", 0, 4, "My parcel never came. When will I get it?"),
        ("agent", 60, 64, "I'm sorry. I've sent a new one, you'll have it by Friday."),
    )
    bare = talk.model_copy(
        update={"turns": tuple(t.model_copy(update={"start": None, "end": None}) for t in talk.turns)}
    )
    card, other = scorer.score(talk), scorer.score(bare)
    assert (card.dynamics.latency_max, other.dynamics) == (56, None)
    assert card.model_dump(exclude={"dynamics"}) == other.model_dump(exclude={"dynamics"})
    assert sq.Scorecard.model_validate_json(card.model_dump_json()) == card
    frame = sq.scores_frame([card, other])
    assert frame["dynamics_silence"].tolist()[0] == 56
    assert frame["dynamics_silence"].isna().tolist() == [False, True]
