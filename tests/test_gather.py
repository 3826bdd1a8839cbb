"""Columns that grow value by value: compiled as without a compiler."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicequal import gather
from servicequal.conversation import Span, Turn
from servicequal.cues import CueMatch
from servicequal.rules import Verdict


@pytest.fixture(params=["compiled", "python"])
def way(request, monkeypatch):
    """Both ways of gathering."""
    if request.param == "compiled":
        pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    else:
        monkeypatch.setattr(gather, "_compiled", None)


def both(kind):
    """A compiled column and the plain one."""
    pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    return gather.column(kind), gather.KINDS[kind]()


PLACES = st.builds(Span, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
INT32 = st.integers(-(2**31), 2**31 - 1)
SPOKEN = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
VALUES = {
    "floats": st.none() | st.floats(allow_nan=False) | INT32,
    "numbers": st.none() | INT32,
    "words": st.none() | st.sampled_from(["", "a", "b", "\u00e9"]) | st.text("ab\u00e9", max_size=3),
    "texts": SPOKEN,
    "lists": st.lists(INT32, max_size=3).map(tuple) | st.lists(INT32, max_size=3),
    "spans": st.lists(PLACES, max_size=3).map(tuple) | st.lists(PLACES, max_size=3),
}


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_column_is_the_same_compiled_and_plain(kind, data):
    fast, plain = both(kind)
    for _ in range(data.draw(st.integers(0, 3))):
        values = data.draw(st.lists(VALUES[kind], min_size=1, max_size=20))
        places = tuple(data.draw(st.lists(st.integers(0, len(values) - 1), max_size=5)))
        for each in (fast, plain):
            each.add(values[0])
            each.extend(values)
            each.pick(values, places)
    assert len(fast) == len(plain)
    assert fast.array().equals(plain.array())
    assert fast.array().type == plain.array().type
    fast.array().validate(full=True)


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 2049, 100_000])
def test_columns_of_any_length(kind, count):
    fast, plain = both(kind)
    some = {"floats": [0.5, None], "numbers": [None, 7], "words": ["a", None], "texts": ["", "\u00e9"]}
    values = some.get(kind, [(), (1, 2), (3,)] if kind == "lists" else [(), (Span(1, 2, 3),) * 2])
    for each in (fast, plain):
        each.extend(values[at % len(values)] for at in range(count))
    assert fast.array().equals(plain.array())


def test_texts_that_are_equal_but_not_the_same_are_one_word():
    fast, plain = both("words")
    words = [f"w{number % 300}" for number in range(2000)]
    for each in (fast, plain):
        each.extend(words)
        each.extend(words)
    assert fast.array().equals(plain.array())


Pair = namedtuple("Pair", "left right")


@dataclass
class Loose:
    """Neither slots nor a model."""

    turn: int
    end: int


class Reckoned:
    """One attribute is worked out."""

    end = property(lambda self: self.turn + 1)

    def __init__(self, turn):
        self.turn = turn


class Later(Span):
    """A subclass, whose slots are those of another class."""


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "objects",
    [
        [Span(1, 2, 3), Span(4, 5, 2**31 - 1)],
        [Loose(1, 3), Reckoned(4), Span(0, 0, 7), Later(1, 2, 5), Loose(9, 9)],
        [],
    ],
)
def test_attributes_become_columns_wherever_an_object_keeps_them(objects):
    columns = (gather.column("numbers"), gather.column("numbers"))
    gather.adder(("end", "turn"), columns)(objects)
    assert columns[0].array().to_pylist() == [one.end for one in objects]
    assert columns[1].array().to_pylist() == [one.turn for one in objects]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("names", [("text", "start"), ("start", "text"), ("kind", "speaker")])
def test_models_and_named_tuples_too(names):
    turns = [Turn(speaker="agent", text="Hi."), Turn(text="\u00e9", speaker="bot", start=1, kind="note")]
    columns = tuple(gather.column("floats" if name == "start" else "words") for name in names)
    gather.adder(names, columns)(turns)
    assert [each.array().to_pylist() for each in columns] == [[getattr(t, name) for t in turns] for name in names]
    said, searched = gather.column("words"), gather.column("lists")
    gather.adder(("explanation", "searched"), (said, searched))((Verdict(None, "x"), Verdict(1.0, "y", (), (1, 2))))
    assert (said.array().to_pylist(), searched.array().to_pylist()) == (["x", "y"], [[], [1, 2]])


def test_a_named_tuple_that_is_too_short_is_refused():
    pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    add = gather.adder(("right",), (gather.column("numbers"),))
    add([Pair(1, 2)])
    with pytest.raises(ValueError, match="items"):
        add([tuple.__new__(Pair, (1,))])
    with pytest.raises(AttributeError):
        add([Loose(1, 2)])


@pytest.mark.usefixtures("way")
def test_a_row_becomes_columns():
    columns = (gather.column("words"), gather.column("floats"))
    gather.add_row(("a", None), columns)
    gather.add_row((None, 2), columns)
    assert [each.array().to_pylist() for each in columns] == [["a", None], [None, 2.0]]
    with pytest.raises(ValueError, match=r"as many|shorter|longer"):
        gather.add_row(("a",), columns)


def test_what_does_not_fit_is_refused():
    fast = pytest.importorskip("servicequal._gather", reason="installed without a compiler")
    for kind, value in (
        ("Numbers", 2**31),
        ("Numbers", 2**70),
        ("Lists", (2**31,)),
        ("Spans", [Span(0, 0, -(2**31) - 1)]),
        ("Floats", "1"),
        ("Numbers", 1.5),
        ("Words", 1),
        ("Words", []),
        ("Texts", None),
        ("Texts", "\ud800"),
        ("Spans", [None]),
        ("Lists", 1),
    ):
        with pytest.raises((OverflowError, TypeError, UnicodeEncodeError, AttributeError)):
            getattr(fast, kind)().add(value)
    numbers = fast.Numbers()
    for places in ((2,), (-1,)):
        with pytest.raises(IndexError):
            numbers.pick([1, 2], places)
    for names, columns, error in (
        (("a",), (), ValueError),
        (("a",), ("no column",), TypeError),
        (tuple("abcdefgh" * 5), (numbers,) * 40, ValueError),
    ):
        with pytest.raises(error):
            fast.Adder(names, columns)


@dataclass
class Talk:
    """The findings' spans and the cues of a conversation."""

    spans: list[list[Span]]
    cues: list[tuple[Span, str]]


TALKS = st.builds(
    Talk,
    st.lists(st.lists(PLACES, max_size=5), max_size=4),
    st.lists(st.tuples(PLACES, st.sampled_from(["", "sorry", "a | b", "\u00e9"])), max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TALKS, max_size=4), st.sampled_from([0, 2**31 - 10, -5]))
def test_quotes_are_the_same_compiled_and_plain(talks, far):
    fast, plain = both("quotes")
    for talk in talks:
        spans = [tuple(Span(s.turn + min(far, 0), s.start + far, s.end + far) for s in each) for each in talk.spans]
        said = [
            CueMatch("apology", s.turn + min(far, 0), s.start + far, s.end + far, text, "agent")
            for s, text in talk.cues
        ]
        for each in (fast, plain):
            each.hear(said)
            each.extend(spans)
    for made in (lambda q: q.array(), lambda q: q.turns_said(), lambda q: q.words_said()):
        assert made(fast).equals(made(plain))
        made(fast).validate(full=True)


@pytest.mark.usefixtures("way")
def test_many_cues_and_many_spans_take_no_longer_each():
    cues = [CueMatch("apology", n, 0, 1, f"t{n}", "agent") for n in range(100_000)]
    quotes = gather.column("quotes")
    quotes.hear(reversed(cues))
    quotes.extend([tuple(cue.span for cue in cues), ()])
    assert quotes.turns_said().to_pylist() == [" ".join(map(str, range(100_000))), ""]
    assert quotes.words_said().to_pylist() == [" | ".join(cue.text for cue in cues), ""]
