"""How far servicequal agrees with graders, clean and under noise, in one table.

python benchmarks/agreement.py GOLD.jsonl … [--no-model] [--json]

Rows per file: the text as it is; lower-cased without punctuation, with fillers and typos; curly apostrophes; no
apostrophes; and with the roles swapped, where no deflection of an agent may come from a customer's words.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

import servicequal as sq
from servicequal.agreement import ANY_DEFLECTION
from servicequal.packs import HURTING

FILLERS = ("um", "uh", "er", "you know", "I mean", "like")


def noisy(text: str, rng: random.Random) -> str:
    """Lower case, no punctuation, a filler about every twelfth word, 3 % of the words with a typo."""
    words = re.sub(r"[^\w\s'’<>£$€@#]", " ", text.lower()).split()
    out = []
    for word in words:
        if rng.random() < 1 / 12:
            out.append(rng.choice(FILLERS))
        out.append(typo(word, rng) if rng.random() < 0.03 else word)
    return " ".join(out)


def typo(word: str, rng: random.Random) -> str:
    """One slip of the fingers: two letters swapped, one dropped, one doubled or one wrong."""
    if len(word) < 3:
        return word
    at = rng.randrange(len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    dropped, doubled = word[:at] + word[at + 1 :], word[: at + 1] + word[at:]
    wrong = word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :]
    return rng.choice((swapped, dropped, doubled, wrong))


VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, _: text,
    "noisy": noisy,
    "curly apostrophes": lambda text, _: text.replace("'", "’"),
    "no apostrophes": lambda text, _: text.replace("'", "").replace("’", ""),
}


def varied(path: Path, change: Callable[[str, random.Random], str], swap: bool = False) -> Iterator[str]:
    """The lines of a gold file with the text of every turn changed."""
    rng = random.Random(1)
    other = {"agent": "customer", "customer": "agent"}
    for line in path.read_text("utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        for turn in row["turns"]:
            turn["text"] = change(turn["text"], rng)
            if swap:
                turn["speaker"] = other.get(turn["speaker"], turn["speaker"])
        yield json.dumps(row)


def evaluated(path: Path, scorer: sq.Scorer, change: Callable[[str, random.Random], str]) -> sq.Evaluation:
    """The evaluation of a changed copy of a gold file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text("\n".join(varied(path, change)), "utf-8")
        return sq.evaluate(copy, scorer)


def swapped_flags(path: Path, scorer: sq.Scorer) -> int:
    """Deflections reported on turns that are the customer's once the roles are swapped."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        rows = []
        for line in varied(path, VARIANTS["as it is"], swap=True):
            row = json.loads(line)
            rows.append(json.dumps({k: row[k] for k in ("id", "channel", "turns")}))
        copy.write_text("\n".join(rows), "utf-8")
        cards = [scorer.score(c) for c in sq.read(copy) if isinstance(c, sq.Conversation)]
    return sum(m.cue in HURTING and m.speaker != "agent" for card in cards for m in card.cues)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    scorer = sq.Scorer(model=not args.no_model)
    rows = []
    for path in args.gold:
        for name, change in VARIANTS.items():
            result = evaluated(path, scorer, change)
            cues = {c.name: c for c in result.cues}
            row: dict[str, object] = {"file": path.name, "text": name}
            row["deflection F1"] = cues[ANY_DEFLECTION].f1
            row["precision"] = cues[ANY_DEFLECTION].precision
            row |= {n: cues[n].f1 for n in ("macro hurting", "macro helping", "macro customer")}
            row |= {g.name: g.spearman for g in result.grades}
            row["N/A agreed"] = result.not_applicable
            rows.append(row)
        print(f"{path.name}: roles swapped, deflections reported from customer words: {swapped_flags(path, scorer)}")
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table()
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
