"""Values that are made fast are the values that their class makes."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass

import pytest

from servicequal.agents import AgentShare
from servicequal.conversation import Span
from servicequal.made import maker, row_maker
from servicequal.rules import Verdict
from servicequal.scoring import Finding, LedgerLine

VALUES = {
    Span: (1, 2, 3),
    LedgerLine: ("overall", "recovery", "dimension", 1.0, 0.5, 12.5),
    Finding: ("REC101", "a", "recovery", "met", 1.0, None, (Span(1, 2, 3),), (1,), "b", "c", "d", True),
    AgentShare: (None, 1, 2, {}, {"action": 1}, None, {"recovery": 1.0}),
}


@pytest.mark.parametrize("made", VALUES, ids=lambda c: c.__name__)
def test_a_value_made_fast_is_the_same_value(made):
    expected, value = made(*VALUES[made]), maker(made)(*VALUES[made])
    assert type(value) is made
    assert value == expected
    assert repr(value) == repr(expected)
    assert pickle.dumps(value) == pickle.dumps(expected)
    assert pickle.loads(pickle.dumps(value)) == expected
    if made is not AgentShare:
        assert hash(value) == hash(expected)
    with pytest.raises(FrozenInstanceError):
        setattr(value, next(iter(made.__slots__)), 0)


@pytest.mark.parametrize("values", [(), (1, 2), (1, 2, 3, 4)])
def test_every_field_has_to_be_given(values):
    with pytest.raises(TypeError):
        maker(Span)(*values)


def test_only_frozen_slots_are_filled():
    pytest.importorskip("servicequal._made", reason="installed without a compiler")

    @dataclass(frozen=True)
    class Loose:
        one: int

    with pytest.raises(ValueError, match="no slot"):
        maker(Loose)


def test_what_is_made_is_let_go_again():
    import gc
    import weakref

    class Kept(list):
        pass

    kept = Kept()
    watched, made = weakref.ref(kept), maker(LedgerLine)
    lines = [made("overall", kept, "rule", 1.0, 1.0, 1.0) for _ in range(1000)]
    kept.append(lines[0])
    del kept, lines
    gc.collect()
    assert watched() is None


def test_a_named_tuple_made_fast_is_the_same():
    made = row_maker(Verdict)
    for values in ((0.5, "a"), (None, "b", (Span(1, 2, 3),)), (1.0, "c", (), (4,), True)):
        value, expected = made(*values), Verdict(*values)
        assert type(value) is Verdict
        assert value == expected
        assert repr(value) == repr(expected)
        assert value.outcome == expected.outcome
        assert pickle.loads(pickle.dumps(value)) == expected
    for wrong in ((), (1.0,), (1.0, "a", (), (), True, 6)):
        with pytest.raises(TypeError):
            made(*wrong)


def test_only_named_tuples_are_filled():
    fast = pytest.importorskip("servicequal._made", reason="installed without a compiler")
    for made, count, defaults in ((Span, 3, ()), (Verdict, 1, (1, 2))):
        with pytest.raises(ValueError, match="no named tuple"):
            fast.RowMaker(made, count, defaults)
