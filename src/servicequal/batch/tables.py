"""The datasets of a batch as Arrow tables: a fixed schema each, filled from columns, without pandas.

What repeats (ids, what a rule says) is encoded once per part and written so; everybody who reads the files sees
plain strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from .. import rows
from ..conversation import Conversation
from ..errors import Rejected
from ..packs import HELPING, HURTING
from ..scoring import Finding, Scorecard

DATASETS = ("scores", "agents", "findings", "cues", "ledger", "rejected", "turns")
SCORES = (
    "position", *rows.SCORES_COLUMNS[:2], "started_at", "source", *rows.SCORES_COLUMNS[2:],
)  # fmt: skip
COLUMNS: dict[str, tuple[str, ...]] = {
    "scores": SCORES,
    "agents": ("position", *rows.AGENTS_COLUMNS),
    "findings": ("position", *rows.FINDINGS_COLUMNS, "spans", "searched", "critical"),
    "cues": ("position", *rows.CUES_COLUMNS, "softened_by"),
    "ledger": ("position", *rows.LEDGER_COLUMNS),
    "rejected": ("position", *rows.REJECTED_COLUMNS),
    "turns": ("position", *rows.TURNS_COLUMNS),
}
"""The columns of each dataset in order; ``position`` (the conversation's place in the whole input) joins them."""

_TEXTS = frozenset(
    "conversation_id channel started_at source notes rules_fingerprint version dynamics_latency_from dynamics_talk_by "
    "speaker_id code name dimension outcome words explanation why say_instead cue speaker status text reason pattern "
    "score item kind column hint".split()
)
_COUNTS = frozenset(
    "turn start end deflections softened helping dynamics_replies dynamics_agent_interrupts "
    "dynamics_customer_interrupts".split()
)
_LONG = frozenset(("text", "explanation", "why", "say_instead", "notes", "words", "hint"))
"""Columns whose smallest and largest value help nobody to find a row."""
_spans, _searched, _softened = attrgetter("spans"), attrgetter("searched"), attrgetter("softened_by")


@cache
def schema(name: str) -> Any:
    """The Arrow schema of a dataset (see :data:`COLUMNS`). Raises KeyError for a name that is none."""
    import pyarrow as pa

    return pa.schema([pa.field(column, _type(name, column)) for column in COLUMNS[name]])


def _type(dataset: str, column: str) -> Any:
    import pyarrow as pa

    if column == "position" or (dataset == "rejected" and column in ("line", "turn")):
        return pa.int64()
    if column in ("spans", "softened_by"):
        return pa.list_(_span_type())
    if column == "searched":
        return pa.list_(pa.int32())
    if column == "critical":
        return pa.bool_()
    if dataset == "turns" and column in ("start", "end"):
        return pa.float64()
    if (dataset, column) == ("findings", "turns"):
        return pa.string()
    if dataset == "agents" and column in (*HURTING, *HELPING, "turns", "words"):
        return pa.int32()
    if column in _TEXTS:
        return pa.string()
    return pa.int32() if column in _COUNTS else pa.float64()


def _span_type() -> Any:
    import pyarrow as pa

    return pa.struct([(name, pa.int32()) for name in ("turn", "start", "end")])


class Part:
    """The rows of one part: conversations are added one by one, then each dataset is one Arrow table."""

    def __init__(self, turns: bool = True) -> None:
        self.datasets = DATASETS if turns else DATASETS[:-1]
        self._columns = {name: rows.empty(COLUMNS[name]) for name in self.datasets}
        self._places: dict[str, tuple[list[int], list[str]]] = {name: ([], []) for name in self.datasets}
        self._repeats: dict[str, list[int]] = {name: [] for name in self.datasets}
        self._rules: dict[str, Finding] = {}

    def add(self, position: int, conversation: Conversation, card: Scorecard) -> None:
        """Put down everything about one scored conversation."""
        columns = self._columns
        rows.add_scores(columns["scores"], card)
        columns["scores"]["position"].append(position)
        columns["scores"]["started_at"].append(_said(conversation, "started_at"))
        columns["scores"]["source"].append(_said(conversation, "file"))
        rows.add_agents(columns["agents"], card.agents)
        rows.add_findings(columns["findings"], card.findings, card.cues)
        columns["findings"]["spans"].extend(map(_spans, card.findings))
        columns["findings"]["searched"].extend(map(_searched, card.findings))
        for finding in card.findings:
            if finding.code not in self._rules:
                self._rules[finding.code] = finding
        rows.add_cues(columns["cues"], card.cues)
        columns["cues"]["softened_by"].extend(map(_softened, card.cues))
        rows.add_ledger(columns["ledger"], card.ledger)
        sizes = [("agents", card.agents), ("findings", card.findings), ("cues", card.cues), ("ledger", card.ledger)]
        if "turns" in columns:
            rows.add_turns(columns["turns"], conversation)
            sizes.append(("turns", conversation.turns))
        for name, items in sizes:
            self._place(name, position, card.conversation_id, len(items))

    def reject(self, position: int, rejected: Rejected) -> None:
        """Put down what could not be scored."""
        rows.add_rejected(self._columns["rejected"], rejected)
        self._columns["rejected"]["position"].append(position)

    def _place(self, name: str, position: int, identity: str, size: int) -> None:
        positions, identities = self._places[name]
        positions.append(position)
        identities.append(identity)
        self._repeats[name].append(size)

    def table(self, name: str) -> Any:
        """One dataset of the part, as wide as its schema; strings that repeat are dictionary-encoded."""
        import pyarrow as pa

        columns: dict[str, Any] = {**self._columns[name]}
        if name not in ("scores", "rejected"):
            columns["position"], columns["conversation_id"] = self._keys(name)
        if name == "findings":
            columns.update(self._of_rules(columns["code"]))
        arrays = [_array(columns[field.name], field.type) for field in schema(name)]
        return pa.table(arrays, names=list(COLUMNS[name]))

    def _keys(self, name: str) -> tuple[Any, Any]:
        import numpy as np
        import pyarrow as pa

        positions, identities = self._places[name]
        repeats = np.asarray(self._repeats[name], dtype=np.int64)
        known = {identity: number for number, identity in enumerate(dict.fromkeys(identities))}
        numbers = np.asarray([known[identity] for identity in identities], dtype=np.int32)
        encoded = pa.DictionaryArray.from_arrays(np.repeat(numbers, repeats), pa.array(known, pa.string()))
        return pa.array(np.repeat(np.asarray(positions, dtype=np.int64), repeats)), encoded

    def _of_rules(self, codes: Sequence[str]) -> dict[str, Any]:
        """What is the same for every finding of a rule, taken from the rule once."""
        import pyarrow as pa

        encoded = pa.array(codes, pa.string()).dictionary_encode()
        rules = [self._rules[code] for code in encoded.dictionary.to_pylist()]
        said: dict[str, Any] = {"code": encoded}
        for column in rows.FINDINGS_CONSTANT:
            values = pa.array([getattr(rule, column) for rule in rules], pa.string())
            unique = values.dictionary_encode()  # a dictionary must not hold a value twice
            said[column] = pa.DictionaryArray.from_arrays(unique.indices.take(encoded.indices), unique.dictionary)
        said["critical"] = pa.array([rule.critical for rule in rules], pa.bool_()).take(encoded.indices)
        return said


def _said(conversation: Conversation, key: str) -> str | None:
    value = conversation.metadata.get(key)
    return value if isinstance(value, str) else None


def _array(values: Any, kind: Any) -> Any:
    """Values as an Arrow array of that type; spans column by column, which is several times as fast."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(values, list):
        return values
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int32, count=len(values)), out=offsets[1:])
    flat = list(chain.from_iterable(values))
    if pa.types.is_struct(kind.value_type):
        fields = [pa.array(list(map(attrgetter(f.name), flat)), f.type) for f in kind.value_type]
        inner = pa.StructArray.from_arrays(fields, names=[f.name for f in kind.value_type])
    else:
        inner = pa.array(flat, kind.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets), inner, type=kind)


def write(table: Any, name: str, stream: Any) -> None:
    """Write one dataset of a part as Parquet: same rows, same bytes (of one pyarrow version)."""
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        stream,
        compression="zstd",
        compression_level=1,
        store_schema=False,
        write_statistics=_plain(c for c in COLUMNS[name] if c not in _LONG),
        use_dictionary=_plain(c for c in COLUMNS[name] if c not in ("text", "position", "start", "end")),
    )


def _plain(columns: Iterable[str]) -> list[str]:
    return [column for column in columns if column not in ("spans", "softened_by", "searched")]
