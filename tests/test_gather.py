"""Columns out of many objects: compiled as without a compiler, and at once for a part as finding by finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicequal import gather, rows
from servicequal.batch.places import Places, SpanLists
from servicequal.conversation import Span, Turn
from servicequal.cues import CueMatch


@pytest.fixture(params=["compiled", "python"])
def way(request, monkeypatch):
    """Both ways of gathering."""
    if request.param == "compiled":
        pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    else:
        monkeypatch.setattr(gather, "_compiled", None)


SPANS = [(), (Span(1, 2, 3),), (Span(4, 5, 2**31 - 1), Span(0, 0, 0))]


@pytest.mark.usefixtures("way")
def test_lists_become_flat_numbers():
    assert gather.lengths_of(SPANS).tolist() == [0, 1, 2]
    assert gather.lengths_of([]).tolist() == []
    assert gather.numbers_of([(3,), (), (1, 2)], 3).tolist() == [3, 1, 2]
    assert [each.tolist() for each in gather.places_of(SPANS, 3)] == [[1, 4, 0], [2, 5, 0], [3, 2**31 - 1, 0]]
    assert [each.tolist() for each in gather.places_of([], 0)] == [[], [], []]


@pytest.mark.usefixtures("way")
def test_attributes_and_fields_become_columns():
    turns = [Turn(speaker="agent", text="Hi."), Turn(speaker="bot", text="é", start=1, kind="note")]
    columns = [["before"], []]
    gather.add_fields(turns, ("text", "start"), columns)
    assert columns == [["before", "Hi.", "é"], [None, 1.0]]
    gather.add_attributes(SPANS[2], ("end", "turn"), columns)
    assert columns == [["before", "Hi.", "é", 2**31 - 1, 0], [None, 1.0, 4, 0]]


def test_what_does_not_fit_is_refused():
    fast = pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    room = [np.zeros(2, np.int32) for _ in range(3)]
    for call in (
        lambda: fast.lengths([(), (), ()], room[0]),
        lambda: fast.numbers([(1, 2), (3,)], room[0]),
        lambda: fast.places([SPANS[2], SPANS[1]], *room),
        lambda: fast.add_fields([], ("text",), []),
        lambda: fast.add_attributes([], ("text",), []),
    ):
        with pytest.raises(ValueError, match=r"expected|as many"):
            call()
    with pytest.raises(OverflowError):
        fast.numbers([(2**31,)], room[0])


PLACES = st.builds(Span, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@dataclass
class Talk:
    """The findings' spans and the cues of a conversation."""

    spans: list[list[Span]]
    cues: list[tuple[Span, str]]


TALKS = st.builds(
    Talk,
    st.lists(st.lists(PLACES, max_size=4), max_size=4),
    st.lists(st.tuples(PLACES, st.sampled_from(["", "sorry", "a | b", "é"])), max_size=6),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TALKS, max_size=4), st.sampled_from([0, 2**31 - 10]))
def test_turns_and_words_of_a_whole_part_are_those_of_each_finding(talks, far):
    expected = rows.empty(("turns", "words"))
    lists, of_lists, cues, of_cues = [], [], [], []
    for number, talk in enumerate(talks):
        spans = [[Span(s.turn, s.start + far, s.end + far) for s in each] for each in talk.spans]
        said = [CueMatch("apology", s.turn, s.start + far, s.end + far, text, "agent") for s, text in talk.cues]
        rows.add_quoted(expected, spans, said)
        lists += spans
        of_lists += [number] * len(spans)
        cues += said
        of_cues += [number] * len(said)
    found = SpanLists(lists, np.array(of_lists, dtype=np.int64))
    words = found.words(Places([cues], np.array(of_cues, dtype=np.int64)), [cue.text for cue in cues])
    assert (found.turns().to_pylist(), words.to_pylist()) == (expected["turns"], expected["words"])
    spans = [[{name: getattr(span, name) for name in ("turn", "start", "end")} for span in each] for each in lists]
    assert found.array().to_pylist() == spans
