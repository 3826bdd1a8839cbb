"""Columns that grow value by value, and then are Arrow arrays. In Python where there is no compiler.

There is a column for each kind of value (:func:`column`), and there are functions that put what many objects hold into
several columns. Compiled, a value goes straight to where Arrow wants it; here a column is a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

try:
    from . import _gather as _compiled
except ImportError:
    _compiled = None

_place, _text = attrgetter("turn", "start", "end"), attrgetter("text")


Said = dict[tuple[int, int, int], str]
"""What is said at a place: turn, start and end."""


def heard(cues: Iterable[Any]) -> Said:
    """What cues say, by their places; of two at one place the last."""
    return {_place(cue): _text(cue) for cue in cues}


def quoted(spans: Sequence[Any], said: Said) -> tuple[str, str]:
    """The turns of the spans, each once and in order, and what is said at the very places of them."""
    places = list(map(_place, spans))
    turns = sorted({place[0] for place in places}) if len(places) > 1 else [place[0] for place in places]
    return " ".join(map(str, turns)), " | ".join([said[place] for place in places if place in said])


def column(kind: str) -> Column:
    """An empty column of a kind: one of the names of :data:`KINDS`."""
    if _compiled is None:
        return KINDS[kind]()
    made: Column = getattr(_compiled, KINDS[kind].__name__)()
    return made


class Column:
    """Values of one column."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __len__(self) -> int:
        return len(self.values)

    def add(self, value: Any) -> None:
        """One value more."""
        self.extend((value,))

    def extend(self, values: Iterable[Any]) -> None:
        """All these values more."""
        self.values.extend(values)

    def pick(self, values: list[Any], places: tuple[int, ...]) -> None:
        """The values at these places of a list more."""
        self.extend([values[place] for place in places])

    def array(self) -> Any:
        """As an Arrow array."""
        raise NotImplementedError


class Floats(Column):
    """Numbers, or None."""

    def array(self) -> Any:
        """As an Arrow array."""
        import pyarrow as pa

        return pa.array(self.values, pa.float64())


class Numbers(Column):
    """Whole numbers of 32 bits, or None."""

    def array(self) -> Any:
        """As an Arrow array."""
        import pyarrow as pa

        return pa.array(self.values, pa.int32())


class Words(Column):
    """Texts that repeat, or None: each is held once."""

    def array(self) -> Any:
        """As an Arrow array, dictionary-encoded."""
        import pyarrow as pa

        return pa.array(self.values, pa.string()).dictionary_encode()


class Texts(Column):
    """Texts of which hardly any repeats."""

    def array(self) -> Any:
        """As an Arrow array."""
        import pyarrow as pa

        return pa.array(self.values, pa.string())


class Lists(Column):
    """Lists of whole numbers."""

    def array(self) -> Any:
        """As an Arrow array."""
        import pyarrow as pa

        return pa.array(self.values, pa.list_(pa.int32()))


class Spans(Column):
    """Lists of whatever has a turn, a start and an end."""

    def array(self) -> Any:
        """As an Arrow array of lists of structs."""
        import pyarrow as pa

        kind = pa.struct([(name, pa.int32()) for name in ("turn", "start", "end")])
        found = [[dict(zip(kind.names, _place(span), strict=True)) for span in spans] for spans in self.values]
        return pa.array(found, pa.list_(kind))


class Quotes(Spans):
    """Spans of findings, beside them the turns that they are in, and what is said there."""

    def __init__(self) -> None:
        super().__init__()
        self._said: Said = {}
        self._turns: list[str] = []
        self._words: list[str] = []

    def hear(self, cues: Iterable[Any]) -> None:
        """The cues of the conversation that the next spans are of."""
        self._said = heard(cues)

    def extend(self, values: Iterable[Any]) -> None:
        """All these lists of spans more."""
        for spans in values:
            turns, words = quoted(spans, self._said)
            self.values.append(spans)
            self._turns.append(turns)
            self._words.append(words)

    def turns_said(self) -> Any:
        """The turns of each list, each once and in order, as one string; an Arrow array."""
        import pyarrow as pa

        return pa.array(self._turns, pa.string())

    def words_said(self) -> Any:
        """The texts of the cues at the very places of each list, as one string; an Arrow array."""
        import pyarrow as pa

        return pa.array(self._words, pa.string())


KINDS: dict[str, type[Column]] = {
    "floats": Floats,
    "numbers": Numbers,
    "words": Words,
    "texts": Texts,
    "lists": Lists,
    "spans": Spans,
    "quotes": Quotes,
}


def adder(names: tuple[str, ...], columns: tuple[Column, ...]) -> Callable[[Iterable[Any]], None]:
    """What adds the attributes of these names of objects, each to its column. It is quickest for many of one class."""
    if _compiled is None:
        return partial(_add, names, columns)
    made: Callable[[Iterable[Any]], None] = _compiled.Adder(names, columns)
    return made


def add_row(values: tuple[Any, ...], columns: tuple[Column, ...]) -> None:
    """Add each value to its column."""
    if _compiled is not None:
        _compiled.add_row(values, columns)
    else:
        for value, into in zip(values, columns, strict=True):
            into.add(value)


def _add(names: Sequence[str], columns: Sequence[Column], objects: Iterable[Any]) -> None:
    held = list(objects)
    for name, into in zip(names, columns, strict=True):
        into.extend(map(attrgetter(name), held))
