"""Places in transcripts as flat numbers: lists of spans as Arrow arrays, and what stands at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..gather import lengths_of, places_of

FIELDS = ("turn", "start", "end")
_MOST = 2**63


class Places:
    """Turn, start and end of whatever has them (spans, cues), as arrays; ``of`` numbers the conversation of each."""

    def __init__(self, lists: Iterable[Sequence[Any]], of: Any) -> None:
        self.turn, self.start, self.end = places_of(lists, len(of))
        self.of = of

    def spans(self) -> Any:
        """An Arrow array of spans."""
        import pyarrow as pa

        return pa.StructArray.from_arrays([pa.array(each) for each in (self.turn, self.start, self.end)], names=FIELDS)


class SpanLists:
    """Lists of spans, one for each finding; ``of`` numbers the conversation of each list."""

    def __init__(self, lists: Sequence[Sequence[Any]], of: Any) -> None:
        import numpy as np

        self._lists = len(lists)
        lengths = lengths_of(lists)
        self._offsets = offsets_of(lengths)
        self._list = np.repeat(np.arange(len(lists)), lengths)
        self._places = Places(lists, of[self._list])

    def array(self) -> Any:
        """As an Arrow array."""
        import pyarrow as pa

        return pa.ListArray.from_arrays(pa.array(self._offsets), self._places.spans())

    def turns(self) -> Any:
        """The turns of each list, each once and in order, as one string."""
        import numpy as np
        import pyarrow as pa

        turn = self._places.turn
        most = int(turn.max(initial=0)) + 1
        lists, turns = np.divmod(np.unique(self._list * most + turn), most)
        return self._joined(lists, pa.array(turns).cast(pa.string()), " ")

    def words(self, said: Places, texts: Sequence[str]) -> Any:
        """The texts that are said at the very places of each list, as one string; of two at one place the last."""
        import numpy as np
        import pyarrow as pa

        mine, theirs = _keys(self._places, said)
        order = np.argsort(theirs, kind="stable")
        at = np.searchsorted(theirs[order], mine, side="right") - 1
        found = np.flatnonzero((at >= 0) & (theirs[order][at] == mine)) if len(order) else at[:0]
        words = pa.array(texts, pa.string()).take(pa.array(order[at[found]]))
        return self._joined(self._list[found], words, " | ")

    def _joined(self, lists: Any, texts: Any, between: str) -> Any:
        """The texts of each list as one string."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        offsets = offsets_of(np.bincount(lists, minlength=self._lists))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), texts), between)


def offsets_of(lengths: Any) -> Any:
    """Where lists of these lengths begin, one behind the other, and where the last ends."""
    import numpy as np

    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _keys(*each: Places) -> list[Any]:
    """A number for every place, the same for the same place of the same conversation alone."""
    import numpy as np

    turns, width = (1 + max(int(numbers.max(initial=0)) for numbers in found) for found in _extremes(each))
    conversations = 1 + max(int(places.of.max(initial=0)) for places in each)
    if conversations * turns * width**2 < _MOST:
        return [((p.of * turns + p.turn) * width + p.start) * width + p.end for p in each]
    rows = np.concatenate([np.stack([p.of, p.turn, p.start, p.end], axis=1) for p in each])
    numbers = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    return list(np.split(numbers, np.cumsum([len(p.of) for p in each])[:-1]))


def _extremes(each: Iterable[Places]) -> tuple[list[Any], list[Any]]:
    return [places.turn for places in each], [number for places in each for number in (places.start, places.end)]
