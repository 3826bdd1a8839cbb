"""What scoring costs per turn on one core, phrases alone and with the detector, on the training corpus.

python benchmarks/cost.py [CONVERSATIONS.jsonl]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import servicequal as sq
from servicequal.normal import normalise

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print milliseconds per turn, and the ratios to the bare normal form of the same turns."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "training" / "corpus.jsonl"
    conversations = [c for c in sq.read(path) if isinstance(c, sq.Conversation)][:200]
    texts = [t.text for c in conversations for t in c.turns]
    began = time.process_time()
    for text in texts:
        normalise(text)
    floor = time.process_time() - began
    print(f"normal form alone      {1000 * floor / len(texts):7.3f} ms per turn")
    for name, model in (("phrases and rules", False), ("with the detector", True)):
        began = time.process_time()
        scorer = sq.Scorer(model=model)
        built = time.process_time() - began
        for conversation in conversations:  # the patterns' automata are built while they are used first
            scorer.score(conversation)
        began = time.process_time()
        for conversation in conversations:
            scorer.score(conversation)
        took = time.process_time() - began
        print(
            f"{name:22} {1000 * took / len(texts):7.3f} ms per turn   {took / floor:5.1f} × the normal form   "
            f"built in {built:.1f} s"
        )


if __name__ == "__main__":
    main()
