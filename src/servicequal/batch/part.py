"""The rows of one part of a run: judgements are added one by one, then each dataset is one Arrow table.

Findings, ledger lines and scorecards are never made: what is the same for every finding of a rule is taken from the
rule, once a part, and what a judgement holds goes into the columns as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from .. import rows
from ..conversation import Conversation, Turn
from ..errors import Rejected
from ..gather import Column, Quotes, add_row, adder, column
from ..readers.draft import printable
from ..scoring import Account, Judgement, Tariff
from .tables import COLUMNS, DATASETS, kind_of, schema

_Arrays = dict[str, Any]


class Part:
    """The rows of one part. All judgements have to be of one Scorer; ``turns`` says whether texts are kept."""

    def __init__(self, turns: bool = True) -> None:
        self.datasets = DATASETS if turns else DATASETS[:-1]
        self._positions: list[int] = []
        self._ids = column("words")
        self._counts: dict[str, list[int]] = {name: [] for name in self.datasets}
        self._scores = _Grown("scores", COLUMNS["scores"][2:])
        self._agents = _Grown("agents", COLUMNS["agents"][2:])
        self._findings = _Findings()
        self._cues = _Grown("cues", COLUMNS["cues"][2:])
        self._ledger = _Ledger()
        self._turns = _Grown("turns", [name for name in Turn.model_fields if name in COLUMNS["turns"]])
        self._rejected = rows.empty(COLUMNS["rejected"])
        self._tariff: Tariff | None = None

    def add(self, position: int, conversation: Conversation, judged: Judgement) -> None:
        """Put down everything about one scored conversation."""
        account, counts = judged.account, self._counts
        if self._tariff is not account.tariff:
            self._begin(account.tariff)
        self._positions.append(position)
        self._ids.add(judged.conversation_id)
        _, channel, *row = rows.score_row(judged, account)
        about = conversation.metadata
        self._scores.add((channel, _said(about.get("started_at")), _said(about.get("file")), *row))
        for agent in judged.agents:
            self._agents.add(rows.agent_row(agent))
        counts["agents"].append(len(judged.agents))
        self._findings.add(account, judged)
        counts["findings"].append(len(account.outcomes))
        self._cues.read(judged.cues)
        counts["cues"].append(len(judged.cues))
        self._ledger.add(account)
        counts["ledger"].append(len(account.counted) + len(account.totals))
        if "turns" in counts:
            self._turns.read(conversation.turns)
            counts["turns"].append(len(conversation.turns))

    def _begin(self, tariff: Tariff) -> None:
        if self._tariff is not None:
            raise ValueError("judgements of two Scorers in one part")
        self._tariff = tariff
        self._ledger.begin(tariff)

    def reject(self, position: int, rejected: Rejected) -> None:
        """Put down what could not be scored."""
        rows.add_rejected(self._rejected, rejected)
        self._rejected["position"].append(position)

    def table(self, name: str) -> Any:
        """One dataset of the part, as wide as its schema; strings that repeat are dictionary-encoded."""
        import pyarrow as pa

        if name == "rejected":
            arrays = {field.name: pa.array(self._rejected[field.name], field.type) for field in schema(name)}
        elif name == "scores":
            arrays = {"position": pa.array(self._places), "conversation_id": self._unique, **self._scores.arrays()}
        else:
            arrays = {**self._keys(name), **self._columns(name)}
        return pa.table([arrays[each] for each in COLUMNS[name]], names=list(COLUMNS[name]))

    def _columns(self, name: str) -> _Arrays:
        """The columns of a dataset but for the keys of its rows."""
        if name == "findings":
            return self._findings.arrays(self._tariff, len(self._positions))
        if name == "ledger":
            return self._ledger.arrays(self._tariff)
        if name == "turns":
            return {"turn": self._numbers(name), **self._turns.arrays()}
        return (self._agents if name == "agents" else self._cues).arrays()

    @cached_property
    def _places(self) -> Any:
        """The position of each conversation: asked for when the last one is there."""
        import numpy as np

        return np.array(self._positions, dtype=np.int64)

    @cached_property
    def _unique(self) -> Any:
        """The id of each conversation, the same."""
        return self._ids.array()

    def _of(self, name: str) -> Any:
        """For every row of a dataset, the how manieth conversation it is of."""
        import numpy as np

        return np.repeat(np.arange(len(self._positions)), np.asarray(self._counts[name], dtype=np.int64))

    def _keys(self, name: str) -> _Arrays:
        """Position and id of every row, each as often as the conversation has rows."""
        import pyarrow as pa

        of, unique = self._of(name), self._unique
        return {
            "position": pa.array(self._places[of]),
            "conversation_id": _encoded(unique.indices.to_numpy()[of], unique.dictionary),
        }

    def _numbers(self, name: str) -> Any:
        """The number of every row within its conversation."""
        import numpy as np
        import pyarrow as pa

        counts = np.asarray(self._counts[name], dtype=np.int64)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        return pa.array((np.arange(len(first)) - first).astype(np.int32))


class _Grown:
    """Columns of a dataset that grow row by row."""

    def __init__(self, dataset: str, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.columns: tuple[Column, ...] = tuple([column(kind_of(dataset, name)) for name in self.names])
        self.read = adder(self.names, self.columns)

    def add(self, row: tuple[Any, ...]) -> None:
        """One row more."""
        add_row(row, self.columns)

    def arrays(self) -> _Arrays:
        """The columns by their names."""
        return {name: each.array() for name, each in zip(self.names, self.columns, strict=True)}


class _Findings:
    """What the verdicts say: a row for each rule of the tariff, one conversation behind the other."""

    def __init__(self) -> None:
        self._lists = _Grown("findings", ("outcome", "points", "lost"))
        self._said = _Grown("findings", ("explanation", "searched"))
        self._spans: Quotes = column("quotes")  # type: ignore[assignment]
        self._read = adder((*self._said.names, "spans"), (*self._said.columns, self._spans))

    def add(self, account: Account, judged: Judgement) -> None:
        """One row for each verdict."""
        outcome, points, lost = self._lists.columns
        outcome.extend(account.outcomes)
        points.extend(account.points)
        lost.extend(account.lost)
        self._spans.hear(judged.cues)
        self._read(account.verdicts)

    def arrays(self, tariff: Tariff | None, conversations: int) -> _Arrays:
        """The columns, with what is the same for every finding of a rule."""
        import numpy as np
        import pyarrow as pa

        rules = tariff.rules if tariff else ()
        at = np.tile(np.arange(len(rules), dtype=np.int32), conversations)
        found: _Arrays = {**self._lists.arrays(), **self._said.arrays()}
        for name in ("code", *rows.FINDINGS_CONSTANT):
            found[name] = _named([getattr(judged.rule, name) for judged in rules], at)
        found["critical"] = pa.array(np.array([judged.critical for judged in rules], dtype=bool)[at])
        spans = self._spans
        return {**found, "spans": spans.array(), "turns": spans.turns_said(), "words": spans.words_said()}


class _Ledger:
    """The lines of the rules that count, and those of the overall score behind them. A line is of a kind: the place of
    its rule in the tariff or, behind all of these, that of what a line of an overall score is for."""

    def __init__(self) -> None:
        self._kinds = column("numbers")
        self._figures = _Grown("ledger", ("weight", "credit", "points"))
        self._of_totals: dict[tuple[str, str, str], int] = {}
        self._weights: list[float] = []

    def begin(self, tariff: Tariff) -> None:
        """Before the first lines."""
        self._weights = [judged.weight for judged in tariff.rules]

    def add(self, account: Account) -> None:
        """The lines of one conversation."""
        weight, credit, points = self._figures.columns
        self._kinds.extend(account.counted)
        weight.pick(self._weights, account.counted)
        credit.pick(account.credited, account.counted)
        points.pick(account.points, account.counted)
        found = self._of_totals
        for line in account.totals:
            self._kinds.add(len(self._weights) + found.setdefault((line.score, line.item, line.kind), len(found)))
        self._figures.read(account.totals)

    def arrays(self, tariff: Tariff | None) -> _Arrays:
        """The columns."""
        rules = tariff.rules if tariff else ()
        kinds = [*((judged.rule.dimension, judged.rule.code, "rule") for judged in rules), *self._of_totals]
        at = self._kinds.array().to_numpy()
        names = {name: _named([kind[k] for kind in kinds], at) for k, name in enumerate(("score", "item", "kind"))}
        return {**names, **self._figures.arrays()}


def _said(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _named(names: list[str], at: Any) -> Any:
    """A dictionary-encoded array of the names at these places."""
    import pyarrow as pa

    unique = pa.array(names, pa.string()).dictionary_encode()  # a dictionary must not hold a value twice
    return _encoded(unique.indices.to_numpy()[at], unique.dictionary)


def _encoded(places: Any, names: Any) -> Any:
    """A dictionary-encoded array of the names at these places, which are known to be right."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(places), names, safe=False)
