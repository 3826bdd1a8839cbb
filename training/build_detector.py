"""Build the detector that ships with servicequal from data/training. Same data, same code, same bytes.

python training/build_detector.py                        # with the thresholds in data/training/thresholds.json
python training/build_detector.py --like GOLD.jsonl …    # choose them anew on conversations like those to be scored
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from servicequal.cues import CueFinder
from servicequal.detector.train import train
from servicequal.gold import read_all_marked
from servicequal.packs import builtin_packs

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "training"
TARGET = ROOT / "src" / "servicequal" / "detector" / "detector.zip"


def main() -> None:
    """Train, write the model, and say what it reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", nargs="*", type=Path, default=[], help="marked conversations like those to score")
    parser.add_argument("--out", type=Path, default=TARGET)
    args = parser.parse_args()
    files = sorted(DATA.glob("*.jsonl"))
    marked = read_all_marked(files)
    read = set((DATA / "read-for-phrases.txt").read_text("utf-8").split())
    fresh = [m.conversation.id not in read for m in marked]
    chosen = DATA / "thresholds.json"
    like = read_all_marked(args.like) if args.like else []
    given = None if like else json.loads(chosen.read_text("utf-8"))
    about = {"data": [f.name for f in files]}
    known = train(marked, CueFinder(builtin_packs()), args.out, fresh, like, given, about)
    if like:
        chosen.write_text(json.dumps(known["thresholds"], indent=1, sort_keys=True) + "\n", "utf-8")
    for labels in known["cross_validated"].values():
        for label, row in labels.items():
            print(f"{label:16} {row['support']:5} marked turns   F1 {row['f1']}")
    print(f"{args.out} {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
