"""The rows of one part of a run: judgements are added one by one, then each dataset is one Arrow table.

Findings, ledger lines and scorecards are never made: what is the same for every finding of a rule is taken from the
rule, once a part, and what a judgement holds as lists goes into the columns as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from .. import rows
from ..conversation import Conversation
from ..cues import CueMatch
from ..errors import Rejected
from ..readers.draft import printable
from ..rules import DIMENSIONS
from ..scoring import OVERALL, Account, Judgement, LedgerLine, Tariff
from .tables import COLUMNS, DATASETS, schema

_Arrays = dict[str, Any]
_explanation, _spans, _searched = attrgetter("explanation"), attrgetter("spans"), attrgetter("searched")
_SCORES = tuple(name for name in COLUMNS["scores"] if name != "position")
_AGENTS = COLUMNS["agents"][2:]
_OF_CUE = tuple((name, attrgetter(name)) for name in (*rows.CUES_COLUMNS[1:], "softened_by"))


class Part:
    """The rows of one part. All judgements have to be of one Scorer; ``turns`` says whether texts are kept."""

    def __init__(self, turns: bool = True) -> None:
        self.datasets = DATASETS if turns else DATASETS[:-1]
        self._positions: list[int] = []
        self._ids: list[str] = []
        self._counts: dict[str, list[int]] = {name: [] for name in self.datasets}
        self._scores: list[tuple[Any, ...]] = []
        self._agents: list[tuple[Any, ...]] = []
        self._findings = _Findings()
        self._cues: list[CueMatch] = []
        self._ledger = _Ledger()
        self._turns = rows.empty(rows.TURNS_COLUMNS[1:])
        self._rejected = rows.empty(COLUMNS["rejected"])
        self._tariff: Tariff | None = None

    def add(self, position: int, conversation: Conversation, judged: Judgement) -> None:
        """Put down everything about one scored conversation."""
        account, counts = judged.account, self._counts
        if self._tariff is not account.tariff:
            if self._tariff is not None:
                raise ValueError("judgements of two Scorers in one part")
            self._tariff = account.tariff
        self._positions.append(position)
        self._ids.append(judged.conversation_id)
        row = rows.score_row(judged, account)
        about = conversation.metadata
        self._scores.append((*row[:2], _said(about.get("started_at")), _said(about.get("file")), *row[2:]))
        self._agents += map(rows.agent_row, judged.agents)
        counts["agents"].append(len(judged.agents))
        self._findings.add(account, judged.cues)
        counts["findings"].append(len(account.outcomes))
        self._cues += judged.cues
        counts["cues"].append(len(judged.cues))
        self._ledger.add(account)
        counts["ledger"].append(len(account.counted) + len(account.totals))
        if "turns" in counts:
            rows.add_turns(self._turns, conversation)
            counts["turns"].append(len(conversation.turns))

    def reject(self, position: int, rejected: Rejected) -> None:
        """Put down what could not be scored."""
        rows.add_rejected(self._rejected, rejected)
        self._rejected["position"].append(position)

    def table(self, name: str) -> Any:
        """One dataset of the part, as wide as its schema; strings that repeat are dictionary-encoded."""
        import pyarrow as pa

        columns: _Arrays = {}
        if name not in ("scores", "rejected"):
            columns["position"], columns["conversation_id"] = self._keys(name)
        columns |= self._columns(name)
        arrays = [_array(columns[field.name], field.type) for field in schema(name)]
        return pa.table(arrays, names=list(COLUMNS[name]))

    def _columns(self, name: str) -> _Arrays:
        """The columns of a dataset but for the keys of its rows, as lists or arrays."""
        if name == "scores":
            return {"position": self._positions, **_turned(self._scores, _SCORES)}
        if name == "agents":
            return _turned(self._agents, _AGENTS)
        if name == "cues":
            return {column: list(map(get, self._cues)) for column, get in _OF_CUE}
        if name == "turns":
            return self._turns
        if name == "rejected":
            return self._rejected
        if self._tariff is None:
            return rows.empty(COLUMNS[name][2:])
        return (self._findings if name == "findings" else self._ledger).columns(self._tariff, len(self._ids))

    def _keys(self, name: str) -> tuple[Any, Any]:
        """Position and id of every row, each as often as the conversation has rows."""
        import numpy as np
        import pyarrow as pa

        counts = np.asarray(self._counts[name], dtype=np.int64)
        unique = pa.array(self._ids, pa.string()).dictionary_encode()
        encoded = pa.DictionaryArray.from_arrays(np.repeat(unique.indices.to_numpy(), counts), unique.dictionary)
        return np.repeat(np.asarray(self._positions, dtype=np.int64), counts), encoded


class _Findings:
    """What the verdicts say: lists with a value for each rule of the tariff, one conversation behind the other."""

    def __init__(self) -> None:
        self.lists = rows.empty(("outcome", "points", "lost", "explanation", "turns", "words", "spans", "searched"))

    def add(self, account: Account, cues: Sequence[CueMatch]) -> None:
        """One row for each verdict."""
        lists, verdicts = self.lists, account.verdicts
        lists["outcome"] += account.outcomes
        lists["points"] += account.points
        lists["lost"] += account.lost
        lists["explanation"] += map(_explanation, verdicts)
        lists["searched"] += map(_searched, verdicts)
        spans = list(map(_spans, verdicts))
        lists["spans"] += spans
        rows.add_quoted(lists, spans, cues)

    def columns(self, tariff: Tariff, conversations: int) -> _Arrays:
        """The columns, with what is the same for every finding of a rule."""
        import numpy as np
        import pyarrow as pa

        at = np.tile(np.arange(len(tariff.rules), dtype=np.int32), conversations)
        found: _Arrays = dict(self.lists)
        for column in ("code", *rows.FINDINGS_CONSTANT):
            values = pa.array([getattr(judged.rule, column) for judged in tariff.rules], pa.string())
            unique = values.dictionary_encode()  # a dictionary must not hold a value twice
            found[column] = pa.DictionaryArray.from_arrays(unique.indices.to_numpy()[at], unique.dictionary)
        found["critical"] = pa.array(np.array([judged.critical for judged in tariff.rules], dtype=bool)[at])
        return found


class _Ledger:
    """The lines of the rules that count, as places in the tariff, and those of the overall scores."""

    def __init__(self) -> None:
        self._counted: list[tuple[int, ...]] = []
        self._credited: list[float] = []
        self._points: list[float | None] = []
        self._totals: list[tuple[LedgerLine, ...]] = []

    def add(self, account: Account) -> None:
        """The lines of one conversation."""
        self._counted.append(account.counted)
        self._credited += account.credited
        self._points += account.points
        self._totals.append(account.totals)

    def columns(self, tariff: Tariff, conversations: int) -> _Arrays:
        """The columns; the lines of an overall score stand behind those of its conversation's rules."""
        import numpy as np

        rule = np.fromiter(chain.from_iterable(self._counted), np.int32)
        of = np.repeat(np.arange(conversations), _lengths(self._counted))
        totals = list(chain.from_iterable(self._totals))
        of_totals = np.repeat(np.arange(conversations), _lengths(self._totals))
        order = np.argsort(np.concatenate([of, of_totals]), kind="stable")

        def column(of_rules: Any, of_totals: Iterator[float]) -> Any:
            return np.concatenate([of_rules, np.fromiter(of_totals, of_rules.dtype, len(totals))])[order]

        rules = tariff.rules
        scores, kinds = _Names((*DIMENSIONS, OVERALL)), _Names(("rule", "dimension", "cap"))
        items = _Names((*(judged.rule.code for judged in rules), *(line.item for line in totals)))
        dimension = np.array([scores.at[judged.rule.dimension] for judged in rules], dtype=np.int32)
        weight = np.array([judged.weight for judged in rules], dtype=np.float64)
        credited, points = (np.array(values, dtype=np.float64) for values in (self._credited, self._points))
        place = rule + of * len(rules)
        return {
            "score": scores.array(column(dimension[rule], (scores.at[line.score] for line in totals))),
            "item": items.array(column(rule, (items.at[line.item] for line in totals))),
            "kind": kinds.array(column(np.zeros_like(rule), (kinds.at[line.kind] for line in totals))),
            "weight": column(weight[rule], (line.weight for line in totals)),
            "credit": column(credited[place], (line.credit for line in totals)),
            "points": column(points[place], (line.points for line in totals)),
        }


class _Names:
    """The few strings that a column has, and the place of each."""

    def __init__(self, names: Iterable[str]) -> None:
        self.at = {name: place for place, name in enumerate(dict.fromkeys(names))}

    def array(self, places: Any) -> Any:
        """A dictionary-encoded array from places."""
        import pyarrow as pa

        return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(list(self.at), pa.string()))


def _said(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _turned(found: Sequence[tuple[Any, ...]], names: Sequence[str]) -> _Arrays:
    """Rows as columns."""
    return dict(zip(names, zip(*found, strict=True), strict=True)) if found else rows.empty(names)


def _lengths(lists: Sequence[Sequence[Any]]) -> Any:
    import numpy as np

    return np.fromiter(map(len, lists), np.int32, len(lists))


def _array(values: Any, kind: Any) -> Any:
    """Values as an Arrow array of that type; lists and spans as flat numbers, which is several times as fast."""
    import numpy as np
    import pyarrow as pa

    if isinstance(values, (pa.Array, np.ndarray)):
        return values if isinstance(values, pa.Array) else pa.array(values, kind)
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(_lengths(values), out=offsets[1:])
    flat = chain.from_iterable(values)
    if pa.types.is_struct(kind.value_type):
        names = [field.name for field in kind.value_type]
        places = chain.from_iterable(map(attrgetter(*names), flat))
        numbers = np.fromiter(places, np.int32, 3 * int(offsets[-1])).reshape(-1, 3).T.copy()
        inner = pa.StructArray.from_arrays([pa.array(row) for row in numbers], names=names)
    else:
        inner = pa.array(np.fromiter(flat, np.int32, int(offsets[-1])))
    return pa.ListArray.from_arrays(pa.array(offsets), inner, type=kind)
