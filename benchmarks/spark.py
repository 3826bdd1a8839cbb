"""Spark's local-cluster with two executors against two local processes, over the same turns.

    pip install 'servicequal[spark]'
    python benchmarks/spark.py [--conversations 2000] [--runs 5] [--without-detector]

Both read the same Parquet file of turns, score it and write Parquet; both are warm (processes started, Scorers
built) before anything is timed. Printed are the medians, their ratio, and turns per second and core.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

import servicequal as sq
from servicequal.spark import score_table

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2


def turns(conversations: int) -> pd.DataFrame:
    """The samples over and over, a row per turn."""
    read = [c for c in sq.read(ROOT / "data" / "samples") if isinstance(c, sq.Conversation) and c.turns]
    rows = [
        (f"{k}", t.speaker, t.text, n)
        for k in range(conversations)
        for n, t in enumerate(t for t in read[k % len(read)].turns if t.kind == "message")
    ]
    return pd.DataFrame(rows, columns=["conversation_id", "speaker", "text", "turn"])


def cluster() -> Any:
    """Two executors of one core, each in a process of its own."""
    import pyspark
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return (
        SparkSession.builder.master(f"local-cluster[{WORKERS},1,1024]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executorEnv.PYTHONPATH", str(ROOT / "src"))
        .config("spark.sql.shuffle.partitions", 4 * WORKERS)
        .config("spark.sql.adaptive.coalescePartitions.enabled", False)
        .config("spark.ui.enabled", False)
        .getOrCreate()
    )


def timed(run: Callable[[], None]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--without-detector", action="store_true")
    args = parser.parse_args()
    model = not args.without_detector
    frame = turns(args.conversations)
    scorer = sq.Scorer(model=model)
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder, "turns.parquet"))
        frame.to_parquet(source, index=False)

        def here() -> None:
            found = sq.from_frame(pd.read_parquet(source))
            cards = sq.score_many(found, workers=WORKERS, scorer=scorer)
            sq.scores_frame(cards).to_parquet(Path(folder, "here.parquet"))

        spark = cluster()

        def there() -> None:
            scores = score_table(spark.read.parquet(source), model=model)
            scores.write.mode("overwrite").parquet(str(Path(folder, "there")))

        there()
        pairs = [(timed(here), timed(there)) for _ in range(args.runs)]
        local, remote = (median(times) for times in zip(*pairs, strict=True))
        ratio = median(a / b for a, b in pairs)
        spark.stop()
    for name, seconds in (("2 local processes", local), ("local-cluster, 2 executors", remote)):
        print(f"{name:<28} {seconds:8.2f} s {len(frame) / seconds / WORKERS:10.0f} turns per second and core")
    print(f"Spark's throughput is {ratio:.2f} × that of the local processes ({len(frame):,} turns)")


if __name__ == "__main__":
    main()
