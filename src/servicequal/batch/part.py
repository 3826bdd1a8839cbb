"""The rows of one part of a run: judgements are added one by one, then each dataset is one Arrow table.

Findings, ledger lines and scorecards are never made: what is the same for every finding of a rule is taken from the
rule, once a part, and what a judgement holds as lists goes into the columns as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any

from .. import rows
from ..conversation import Conversation, Span
from ..cues import CueMatch
from ..errors import Rejected
from ..gather import add_attributes, lengths_of, numbers_of
from ..readers.draft import printable
from ..rules import DIMENSIONS
from ..scoring import OVERALL, Account, Judgement, LedgerLine, Tariff
from .places import FIELDS, Places, SpanLists, offsets_of
from .tables import COLUMNS, DATASETS, schema

_Arrays = dict[str, Any]
_explanation, _spans, _searched = attrgetter("explanation"), attrgetter("spans"), attrgetter("searched")
_SCORES = tuple(name for name in COLUMNS["scores"] if name != "position")
_AGENTS = COLUMNS["agents"][2:]
_CUE = tuple(name for name in COLUMNS["cues"][2:] if name not in FIELDS)


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
        self._findings.add(account)
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
            return self._of_cues
        if name == "turns":
            return self._turns
        if name == "rejected":
            return self._rejected
        if self._tariff is None:
            return rows.empty(COLUMNS[name][2:])
        if name == "ledger":
            return self._ledger.columns(self._tariff, len(self._ids))
        return self._findings.columns(self._tariff, len(self._ids), self._said, self._of_cues["text"])

    @cached_property
    def _said(self) -> Places:
        """Where the cues stand: asked for when the last one is there."""
        return Places([self._cues], self._of("cues"))

    @cached_property
    def _of_cues(self) -> _Arrays:
        """The columns of the cues, the same."""
        found: _Arrays = rows.empty(_CUE)
        add_attributes(self._cues, _CUE, list(found.values()))
        return {**found, "turn": self._said.turn, "start": self._said.start, "end": self._said.end}

    def _of(self, name: str) -> Any:
        """For every row of a dataset, the how manieth conversation it is of."""
        import numpy as np

        return np.repeat(np.arange(len(self._ids)), np.asarray(self._counts[name], dtype=np.int64))

    def _keys(self, name: str) -> tuple[Any, Any]:
        """Position and id of every row, each as often as the conversation has rows."""
        import numpy as np
        import pyarrow as pa

        of = self._of(name)
        unique = pa.array(self._ids, pa.string()).dictionary_encode()
        encoded = pa.DictionaryArray.from_arrays(unique.indices.to_numpy()[of], unique.dictionary)
        return np.asarray(self._positions, dtype=np.int64)[of], encoded


class _Findings:
    """What the verdicts say: lists with a value for each rule of the tariff, one conversation behind the other."""

    def __init__(self) -> None:
        self._lists = rows.empty(("outcome", "points", "lost", "explanation", "searched"))
        self._spans: list[tuple[Span, ...]] = []

    def add(self, account: Account) -> None:
        """One row for each verdict."""
        lists, verdicts = self._lists, account.verdicts
        lists["outcome"] += account.outcomes
        lists["points"] += account.points
        lists["lost"] += account.lost
        lists["explanation"] += map(_explanation, verdicts)
        lists["searched"] += map(_searched, verdicts)
        self._spans += map(_spans, verdicts)

    def columns(self, tariff: Tariff, conversations: int, said: Places, texts: Sequence[str]) -> _Arrays:
        """The columns, with what is the same for every finding of a rule; the cues of the part say ``texts``."""
        import numpy as np
        import pyarrow as pa

        at = np.tile(np.arange(len(tariff.rules), dtype=np.int32), conversations)
        found: _Arrays = dict(self._lists)
        for column in ("code", *rows.FINDINGS_CONSTANT):
            values = pa.array([getattr(judged.rule, column) for judged in tariff.rules], pa.string())
            unique = values.dictionary_encode()  # a dictionary must not hold a value twice
            found[column] = pa.DictionaryArray.from_arrays(unique.indices.to_numpy()[at], unique.dictionary)
        found["critical"] = pa.array(np.array([judged.critical for judged in tariff.rules], dtype=bool)[at])
        spans = SpanLists(self._spans, np.repeat(np.arange(conversations), len(tariff.rules)))
        return {**found, "spans": spans.array(), "turns": spans.turns(), "words": spans.words(said, texts)}


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
        of = np.repeat(np.arange(conversations), lengths_of(self._counted))
        totals = list(chain.from_iterable(self._totals))
        of_totals = np.repeat(np.arange(conversations), lengths_of(self._totals))
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


def _array(values: Any, kind: Any) -> Any:
    """Values as an Arrow array of that type."""
    import numpy as np
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray) or not pa.types.is_list(kind):
        return pa.array(values, kind)
    lengths = lengths_of(values)
    if pa.types.is_struct(kind.value_type):
        return SpanLists(values, np.zeros(len(lengths), np.int32)).array()
    inner = pa.array(numbers_of(values, int(lengths.sum())))
    return pa.ListArray.from_arrays(pa.array(offsets_of(lengths)), inner, type=kind)
