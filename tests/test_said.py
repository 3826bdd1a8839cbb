"""What turns hold and who answers whom: compiled as without a compiler, and both as it is meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicequal.conversation import Span
from servicequal.cues import CueMatch
from servicequal.packs import CUES
from servicequal.rules.bits import BITS, COUNTING, OWN, PLAIN, SOFTENED, bits
from servicequal.rules.said import PlainSaid

STATUS = ("plain", "softened", "excused")


def cue(turn, start, end, name="action", status="plain"):
    return CueMatch(name, turn, start, end, "x", "agent", status)


@pytest.fixture(params=["compiled", "python"])
def said(request):
    """Both ways."""
    if request.param == "python":
        return PlainSaid
    return pytest.importorskip("servicequal.rules._said", reason="installed without a compiler").Said


def test_turns_are_asked_by_bits(said):
    cues = [cue(0, 0, 2), cue(1, 0, 2, "apology", "softened"), cue(3, 0, 1, "apology"), cue(3, 4, 6, "mine")]
    here = said(4, [*cues, cue(2, 0, 1, "action", "excused")], (1, 3))
    assert here.said == [BITS["action"], 0, 0, BITS["apology"] | OWN]
    assert here.softened == [0, BITS["apology"], 0, 0]
    assert here.said_in((0, 3)) == BITS["action"] | BITS["apology"] | OWN
    assert here.softened_in([1, 2]) == BITS["apology"]
    assert here.turns_with(range(4), bits("apology", "action")) == [0, 3]
    assert here.counting_with((3, 1), bits("apology")) == [3, 1]
    assert (here.count(range(4), OWN), here.count(range(4), OWN, bits("apology"))) == (1, 0)
    assert here.count_softened(range(4), bits("apology"), bits("action")) == 1


def test_places_are_told_once(said):
    cues = [
        cue(1, 0, 5, "apology", "softened"),
        cue(1, 0, 5, "empathy"),
        cue(1, 0, 7, "action"),
        cue(2, 0, 5, "action"),
    ]
    here = said(3, cues, ())
    wanted = bits("apology", "empathy", "action")
    assert here.spans((1, 2), wanted) == (Span(1, 0, 5), Span(1, 0, 7), Span(2, 0, 5))
    assert here.spans((1, 2), wanted, SOFTENED) == (Span(1, 0, 5),)
    assert here.spans((2, 1), wanted, COUNTING) == (Span(2, 0, 5), Span(1, 0, 5), Span(1, 0, 7))
    assert here.spans_hard_first([1], bits("apology", "action")) == (Span(1, 0, 7), Span(1, 0, 5))
    assert here.spans((), wanted) == ()


def test_turns_in_one_breath_are_one_reply(said):
    here = said(9, [cue(5, 0, 1), cue(8, 0, 1, "apology")], (0, 2, 3, 5, 6, 8))
    assert [here.replies(1, within) for within in (0, 1, 2, 9)] == [(), (2, 3), (2, 3, 5, 6), (2, 3, 5, 6, 8)]
    assert (here.replies(2, 1), here.replies(8, 2), here.replies(-1, 1)) == ((3,), (), (0,))
    assert (here.answered(1, 1), here.answered(1, 2)) == (0, BITS["action"])


@pytest.mark.parametrize("turn", [-1, 2, 2**40])
def test_turns_that_there_are_not_are_refused(said, turn):
    with pytest.raises((IndexError, OverflowError)):
        said(2, [cue(turn, 0, 1)], ())


def test_what_is_asked_of_turns_that_there_are_not_is_refused():
    fast = pytest.importorskip("servicequal.rules._said", reason="installed without a compiler").Said
    here = fast(2, [cue(1, 0, 1)], (1, 5))
    for ask in (here.said_in, here.softened_in):
        for turn in (-1, 2, 10**9):
            with pytest.raises(IndexError):
                ask((turn,))
    with pytest.raises(IndexError):
        here.answered(1, 1)
    with pytest.raises(RuntimeError):
        here.__init__(2, [], ())
    for wrong in (-1, 1 << 31):
        with pytest.raises(ValueError, match="too many"):
            fast(wrong, [], ())


matches = st.builds(
    cue,
    st.integers(0, 6),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from([*CUES, "mine"]),
    st.sampled_from(STATUS),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(matches, max_size=30),
    st.booleans(),
    st.sets(st.integers(0, 6)),
    st.lists(st.integers(0, 6), unique=True),
    st.integers(0, 2 * OWN - 1),
    st.integers(0, 2 * OWN - 1),
    st.integers(-1, 7),
    st.integers(0, 4),
)
def test_the_compiled_one_says_the_same(cues, ordered, agent, turns, wanted, without, turn, within):
    fast = pytest.importorskip("servicequal.rules._said", reason="installed without a compiler").Said
    if ordered:
        cues.sort(key=lambda m: (m.turn, m.start, m.cue))
    one, other = (made(7, cues, tuple(sorted(agent))) for made in (fast, PlainSaid))
    assert (one.said, one.softened) == (other.said, other.softened)
    for asked in (
        lambda s: (s.said_in(turns), s.softened_in(turns), s.turns_with(turns, wanted), s.counting_with(turns, wanted)),
        lambda s: (s.count(turns, wanted, without), s.count_softened(turns, wanted, without)),
        lambda s: [s.spans(turns, wanted, which) for which in (PLAIN, SOFTENED, COUNTING)],
        lambda s: s.spans_hard_first(turns, wanted),
        lambda s: (s.replies(turn, within), s.answered(turn, within)),
    ):
        assert asked(one) == asked(other)
