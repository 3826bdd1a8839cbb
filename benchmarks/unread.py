"""What the phrases reach on conversations that were read while they were written, and on those that were not.

python benchmarks/unread.py    # data/training/corpus.jsonl, split by read-for-phrases.txt; phrases alone
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import servicequal as sq
from servicequal.gold import read_marked

DATA = Path(__file__).resolve().parents[1] / "data" / "training"
SHOWN = ("any deflection", "macro hurting", "macro helping", "macro customer")


def main() -> None:
    """Print both rows. The detector learned from this corpus, so it is left out."""
    read = set((DATA / "read-for-phrases.txt").read_text("utf-8").split())
    corpus = DATA / "corpus.jsonl"
    lines = corpus.read_text("utf-8").splitlines()
    ids = [marked.conversation.id for marked in read_marked(corpus)]
    scorer = sq.Scorer(model=False)
    with tempfile.TemporaryDirectory() as folder:
        for name, wanted in (("read", True), ("not read", False)):
            part = Path(folder) / f"{name}.jsonl"
            part.write_text("\n".join(x for x, i in zip(lines, ids, strict=True) if (i in read) == wanted), "utf-8")
            result = sq.evaluate(part, scorer)
            figures = ", ".join(f"{c.name} {c.f1:.2f}" for c in result.cues if c.name in SHOWN and c.f1 is not None)
            print(f"{name:9} {result.conversations} conversations: {figures}")


if __name__ == "__main__":
    main()
