"""What one more turn costs while a conversation goes on, as it gets longer.

    python benchmarks/live.py [--turns 100 1000 10000 20000] [--without-detector]

The turns are a hundred of the samples, over and over, as a call with times. For each length the median over the
hundred turns before it, in processor time: of the whole step from turn to scorecard, and of the copying of pointers
in it, which is all that grows. A batch scoring of the whole conversation stands beside it.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import servicequal as sq

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"


def endless() -> Iterator[sq.Turn]:
    """Turns of one agent and one customer, every four seconds."""
    read = [c for c in sq.read(SAMPLES) if isinstance(c, sq.Conversation)]
    said = [t for c in read for t in c.turns if t.speaker in ("agent", "customer") and t.kind == "message"]
    for n, turn in enumerate(itertools.cycle(said[:100])):
        yield turn.model_copy(update={"start": 4.0 * n, "end": 4.0 * n + 3.5, "speaker_id": None})


def copying(card: sq.Scorecard) -> float:
    """Seconds that the tuples of a scorecard take to be copied once."""
    parts = [list(card.cues), *(list(x) for f in card.findings for x in (f.spans, f.searched))]
    begin = time.process_time()
    for part in parts:
        tuple(part)
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, nargs="+", default=[100, 200, 1000, 10_000, 20_000])
    parser.add_argument("--without-detector", action="store_true")
    args = parser.parse_args()
    scorer = sq.Scorer(model=not args.without_detector)
    live = sq.LiveScorer(channel="call", scorer=scorer)
    spent: list[float] = []
    print(f"{'turn':>7} {'ms per turn':>12} {'worst':>8} {'of it copying':>14} {'batch, all turns':>17}")
    for number, turn in enumerate(itertools.islice(endless(), max(args.turns)), 1):
        begin = time.process_time()
        card = live.add(turn)
        spent.append(1000 * (time.process_time() - begin))
        if number in args.turns:
            last = spent[-100:]
            whole = "" if number > 1000 else f"{1000 * _timed(scorer, live.conversation):.1f}"
            row = f"{number:>7} {median(last):>12.2f} {max(last):>8.2f} {1000 * copying(card):>14.3f} {whole:>17}"
            print(row, flush=True)


def _timed(scorer: sq.Scorer, conversation: sq.Conversation) -> float:
    begin = time.process_time()
    scorer.score(conversation)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
