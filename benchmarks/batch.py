"""JSON lines to Parquet: conversations per second with one process and with two, and peak memory by input size.

    python benchmarks/batch.py --conversations 4000 --rounds 3 --turns 10000 100000

Conversations are those of data/training/corpus.jsonl over and over, each with an id of its own. Every run is a process
of its own, timed from the first part to the last, so that building the scorer isn't in it; ratios are of one round,
and the median of the rounds is printed. How busy the first process is beside two workers bounds how many are of use.
Memory is the largest resident set of the parent plus, for each worker, that of the largest worker. ``--model`` scores
with the learned detector.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import servicequal as sq
from servicequal.batch import Progress

ROOT = Path(__file__).resolve().parents[1]
MEBI = 2**20


def generate(path: Path, conversations: int | None = None, turns: int | None = None) -> None:
    """Write so many conversations, or conversations until there are so many turns."""
    found = [c for c in sq.read(ROOT / "data/training/corpus.jsonl") if isinstance(c, sq.Conversation)]
    lines = [(c.model_copy(update={"id": "@"}).model_dump_json(), len(c.turns)) for c in found]
    written = 0
    with path.open("w", encoding="utf-8") as stream:
        for number, (line, count) in enumerate(islice(cycle(lines), conversations)):
            stream.write(line.replace('"id":"@"', f'"id":"c{number}"', 1) + "\n")
            written += count
            if turns is not None and written >= turns:
                return


def measure(source: Path, workers: int, model: bool) -> dict[str, float]:
    """Score a file here; seconds from the first part to the last for the conversations between, and memory."""
    told: list[tuple[float, Progress]] = []
    scorer = sq.Scorer(model=model)
    busy = time.process_time()
    with tempfile.TemporaryDirectory() as out:
        run = sq.score_to(
            source, out, scorer, workers=workers, progress=lambda p: told.append((time.perf_counter(), p))
        )
    (began, first), (ended, last) = told[0], told[-1]
    seconds = ended - began
    own, child = (resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "turns": run.turns,
        "per_second": (last.conversations - first.conversations) / seconds if seconds else 0.0,
        "turns_per_second": (last.turns - first.turns) / seconds if seconds else 0.0,
        "parent": 1e6 * (time.process_time() - busy) / run.conversations,
        "memory": own + (child * workers if workers > 1 else 0),
    }


def measured(source: Path, workers: int, model: bool) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(source), "--workers", str(workers)]
    done = subprocess.run([*command, *(["--model"] if model else [])], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--conversations", type=int, default=4000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--turns", type=int, nargs="*", default=[10_000, 100_000], help="sizes for peak memory")
    arguments.add_argument("--model", action="store_true", help="with the learned detector")
    arguments.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.workers, given.model)))
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        generate(source, given.conversations)
        ratios = []
        for _ in range(given.rounds):
            one, two = (measured(source, workers, given.model) for workers in (1, 2))
            ratios.append(two["per_second"] / one["per_second"])
            for name, found in (("1 process", one), ("2 processes", two)):
                rates = f"{found['per_second']:8,.0f} conversations/s {found['turns_per_second']:8,.0f} turns/s"
                mine = f"{found['parent']:,.0f} µs of the first process per conversation"
                print(f"{name:12} {rates}  {mine}  peak {found['memory'] / MEBI:,.0f} MiB", flush=True)
        if ratios:
            print(f"2 processes against 1: {statistics.median(ratios):.2f} (median of {len(ratios)})")
        sizes = []
        for turns in given.turns:
            generate(source, turns=turns)
            found = measured(source, 1, given.model)
            sizes.append(found)
            print(
                f"{int(found['turns']):>9,} turns: peak {found['memory'] / MEBI:,.0f} MiB, "
                f"{1e6 / found['turns_per_second']:,.0f} µs per turn",
                flush=True,
            )
        if len(sizes) > 1:
            more = (sizes[-1]["memory"] - sizes[0]["memory"]) / MEBI
            cost = sizes[0]["turns_per_second"] / sizes[-1]["turns_per_second"]
            print(f"largest against smallest: {more:+,.0f} MiB, cost per turn × {cost:.2f}")


if __name__ == "__main__":
    main()
