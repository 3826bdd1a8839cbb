"""A finished batch run, written in one part, for what reads runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import servicequal as sq
from servicequal.batch import RunData, open_run
from servicequal.batch.tables import Part, write


def write_run(out: Path, conversations: Iterable[sq.Conversation], scorer: sq.Scorer, turns: bool = True) -> RunData:
    """Score conversations into a run in ``out``."""
    part, count = Part(turns), 0
    for position, conversation in enumerate(conversations):
        part.add(position, conversation, scorer.score(conversation))
        count += 1
    for name in part.datasets:
        (out / name).mkdir(parents=True)
        with (out / name / "part-000000.parquet").open("wb") as stream:
            write(part.table(name), name, stream)
    run = {
        "schema_version": 1,
        "version": sq.__version__,
        "fingerprint": asdict(scorer.fingerprint),
        "options": {"as": "parquet", "turns": turns},
        "inputs": [],
        "totals": {"conversations": count, "scored": count, "rejected": 0},
        "parts": [{"part": "part-000000", "position": 0, "conversations": count}],
    }
    (out / "run.json").write_text(json.dumps(run), "utf-8")
    return open_run(out)
