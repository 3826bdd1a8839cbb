"""How fast scoring is, as ratios to other things done with the same turns in the same run.

    python benchmarks/speed.py [--conversations 2000] [--rounds 5] [--stages] [--first] [--instructions] [--all]

Conversations are those of data/training/corpus.jsonl over and over, each with an id of its own, in one file of JSON
lines. *Whole run* is ``sq.score_to`` from that file to Parquet in one process, the Scorer built and warm. It is set
against

- the bare spaCy tokenizer (``spacy.blank("en").make_doc``) over the same texts;
- the floor: pydantic's validation of the same lines, and one scan of every text by an ``re2.Set`` of the words that
  the phrases hang on;
- VADER's compound score of every text, where vaderSentiment is installed;
- the naive path: every phrase of the packs searched for by RE2 in every turn, and a spaCy ``Matcher`` of as many
  patterns, on some sixty of the conversations.

Before that it prints how long ``import servicequal`` and the command's first score of one short conversation take, from
the start of a process to its end.

The rounds take turns, and medians are printed: on a busy machine ratios are worth more than times. ``--instructions``
counts, with valgrind's callgrind, the instructions that a turn costs, for judging a change where times are noise.
``--stages`` prints what each step of a whole run costs by itself, the best of so many rounds. ``--first`` prints what
a whole run costs over texts that the process has never met (the other training conversations) against the second time:
what is said over and over, as in the table, is known by then.
``--all`` goes on with the other benchmarks: two processes against one and peak memory up to a million turns
(batch.py), Spark's local cluster against two processes (spark.py, with the extra), live scoring (live.py), a large
report (report.py), and the instructions. It takes most of an hour.
"""

from __future__ import annotations

import argparse
import gc
import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

import servicequal as sq
from servicequal.batch.part import Part
from servicequal.batch.tables import write
from servicequal.detector.decide import decide
from servicequal.dynamics import dynamics
from servicequal.forms import Forms
from servicequal.hygiene import check
from servicequal.outline import outlined
from servicequal.rules import View
from servicequal.scoring import Judgement

sys.path.insert(0, str(Path(__file__).parent))
from batch import generate

FEW = 60
"""Conversations that the slow ways are measured on."""


def timed(action: Callable[[], Any]) -> float:
    """Processor seconds of an action in this process."""
    began = time.process_time()
    action()
    return time.process_time() - began


def over_all(action: Callable[[Any], Any], items: list[Any]) -> None:
    """Do something with each item, and keep nothing."""
    for item in items:
        action(item)


def whole_run(source: Path, scorer: sq.Scorer) -> None:
    """JSON lines to Parquet."""
    with tempfile.TemporaryDirectory() as out:
        sq.score_to(source, out, scorer)


def floor(lines: list[bytes], words: Any) -> None:
    """Validate, and look once for any word of the phrases."""
    for line in lines:
        for turn in sq.Conversation.model_validate_json(line).turns:
            words.Match(turn.text)


def word_set(scorer: sq.Scorer) -> Any:
    """An ``re2.Set`` of the words that the packs' phrases are made of."""
    import re2

    from servicequal.packs import builtin_macros
    from servicequal.phrases import Compiler, Shape

    def literal(shape: Shape) -> set[str]:
        return {*shape.words, *(word for part in shape.parts for word in literal(part))}

    shared = Compiler(builtin_macros())
    found: set[str] = set()
    for pack in scorer.packs:
        compiler = Compiler(pack.macros, shared)
        for phrase in pack.phrases:
            found |= {word for word in literal(compiler.compile(phrase)) if len(word) > 3 and word.isalpha()}
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 256 << 20
    words = re2.Set.SearchSet(options)
    for word in sorted(found):
        words.Add(rf"\b{word}")
    words.Compile()
    return words


def matcher(scorer: sq.Scorer) -> Any:
    """A spaCy ``Matcher`` with one pattern for each phrase of the packs: its words, gaps as optional tokens."""
    import spacy
    from spacy.matcher import Matcher

    nlp = spacy.blank("en")
    found = Matcher(nlp.vocab)
    for pack in scorer.packs:
        for number, phrase in enumerate(pack.phrases):
            words = re.findall(r"[a-z']+", phrase.lower())[:8] or ["x"]
            found.add(f"{pack.cue}.{number}", [[{"LOWER": word} for word in words]])
    return nlp, found


def naive(conversations: list[sq.Conversation], scorer: sq.Scorer) -> None:
    """Every phrase in every turn."""
    for conversation in conversations:
        for number, turn in enumerate(conversation.turns):
            scorer._finder.find_naively(turn.text, turn.speaker, number)


def fast(conversations: list[sq.Conversation], scorer: sq.Scorer) -> None:
    """The same by the sieve."""
    for conversation in conversations:
        for number, turn in enumerate(conversation.turns):
            scorer._finder.find_in_text(turn.text, turn.speaker, number)


SCORE = "import sys; from servicequal.cli import main; sys.argv[1:] = ['score', *sys.argv[1:]]; main()"


def first(rounds: int, model: bool) -> None:
    """Print µs per turn over new conversations in this process, the first time and, the median, later."""
    training = Path(__file__).resolve().parents[1] / "data" / "training"
    scorer = sq.Scorer(model=model)
    whole_run(training / "corpus.jsonl", scorer)
    whole_run(training / "corpus.jsonl", scorer)
    new = [c for name in ("exchanges", "social") for c in sq.read(training / f"{name}.jsonl")]
    turns = sum(len(c.turns) for c in new)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "new.jsonl"
        source.write_text("".join(f"{c.model_dump_json()}\n" for c in new), "utf-8")
        took = [1e6 * timed(lambda: whole_run(source, scorer)) / turns for _ in range(rounds + 1)]
    print(f"{took[0]:.1f} µs per turn the first time, {median(took[1:]):.1f} later")


def startup(rounds: int, console: Console) -> None:
    """Print medians of wall-clock seconds."""
    sample = Path(__file__).resolve().parents[1] / "data" / "samples" / "chat-simple-question-good.txt"
    for name, code in (("import servicequal", ["import servicequal"]), ("first score", [SCORE, str(sample)])):
        took = []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", *code], check=True, capture_output=True)
            took.append(time.perf_counter() - began)
        console.print(f"{name}: {median(took):.2f} s")


def ratios(source: Path, rounds: int, console: Console) -> None:
    """Print the table."""
    import spacy

    lines = source.read_bytes().splitlines()
    conversations = [sq.Conversation.model_validate_json(line) for line in lines]
    texts = [turn.text for c in conversations for turn in c.turns]
    plain, full = sq.Scorer(model=False), sq.Scorer()
    few = conversations[:: max(1, len(conversations) // FEW)]
    nlp = spacy.blank("en")
    words = word_set(plain)
    pipe, patterns = matcher(plain)
    actions: dict[str, Callable[[], Any]] = {
        "whole run, phrases and rules": lambda: whole_run(source, plain),
        "whole run, with the detector": lambda: whole_run(source, full),
        "scoring alone, phrases and rules": lambda: over_all(plain.score, conversations),
        "scoring alone, with the detector": lambda: over_all(full.score, conversations),
        "spaCy tokenizer": lambda: over_all(nlp.make_doc, texts),
        "floor: validation and one scan": lambda: floor(lines, words),
        "cues by the sieve, on some": lambda: fast(few, plain),
        "spaCy Matcher, on some": lambda: [patterns(pipe(t.text)) for c in few for t in c.turns],
        "every phrase by RE2, on some": lambda: naive(few, plain),
    }
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        pass
    else:
        vader = SentimentIntensityAnalyzer()
        actions["VADER"] = lambda: over_all(vader.polarity_scores, texts)
    took: dict[str, list[float]] = {name: [] for name in actions}
    gc.collect()
    gc.freeze()  # what is held here is no part of what is measured
    for turn in range(rounds + 1):  # the first warms up
        for name, action in actions.items():
            seconds = timed(action)
            if turn:
                took[name].append(seconds)
    table = Table("what", "µs per turn", "turns per second", "time against the tokenizer", "against the floor")
    part = sum(len(c.turns) for c in few)
    for name, times in took.items():
        count = part if name.endswith("on some") else len(texts)

        def against(other: str, times: list[float] = times, count: int = count) -> str:
            return f"{median((a / count) / (b / len(texts)) for a, b in zip(times, took[other], strict=True)):.2f} ×"

        each = median(times) / count
        rate = f"{1 / each:,.0f}"
        table.add_row(
            name, f"{1e6 * each:,.1f}", rate, against("spaCy tokenizer"), against("floor: validation and one scan")
        )
    console.print(f"{len(conversations):,} conversations, {len(texts):,} turns, medians of {rounds}")
    console.print(table)


def stages(source: Path, rounds: int, console: Console) -> None:
    """Print what each step of a whole run costs, the best of so many rounds, with what it needs made before."""
    lines = source.read_bytes().splitlines()
    plain, full = sq.Scorer(model=False), sq.Scorer()
    talks = [sq.Conversation.model_validate_json(line) for line in lines]
    turns = sum(len(talk.turns) for talk in talks)
    table = Table("step", "µs per turn")

    def measure(name: str, step: Callable[..., Any], *made: list[Any]) -> list[Any]:
        """Time a step over all conversations; what it gives is kept for the next."""
        best, found = float("inf"), []
        for _ in range(rounds):
            began = time.process_time()
            found = list(map(step, *made))
            best = min(best, time.process_time() - began)
        table.add_row(name, f"{1e6 * best / turns:,.2f}")
        return found

    def formed(talk: sq.Conversation) -> Forms:
        forms = Forms(talk)
        for number in range(len(talk.turns)):
            forms[number]
        return forms

    measure("lines to conversations", sq.Conversation.model_validate_json, lines)
    outlines = measure("outline", outlined, talks)
    notes = measure("hygiene", check, talks, outlines)
    forms = measure("normal forms", formed, talks)
    cues = measure("cues by phrases", plain._finder.find, talks, forms)
    measure("detector", lambda talk, found, form: decide(talk, found, full.detector, forms=form), talks, cues, forms)
    views = measure("view", View, talks, cues, forms, outlines)
    measure("rules and account", lambda *one: plain._accounts(*([each] for each in one)), views, notes)
    measure("dynamics", dynamics, talks, outlines)
    judged = measure("all of a judgement, phrases and rules", plain.judge, talks)
    measure("all of a judgement, with the detector", full.judge, talks)
    measure("its scorecard", Judgement.scorecard, judged)
    (part,) = measure("rows put down", lambda *_: filled(talks, judged), [None])
    tables = measure("rows to tables", part.table, list(part.datasets))
    measure("tables to Parquet", lambda table, name: write(table, name, io.BytesIO()), tables, list(part.datasets))
    measure("whole run, phrases and rules", lambda path: whole_run(path, plain), [source])
    measure("whole run, with the detector", lambda path: whole_run(path, full), [source])
    console.print(f"{len(talks):,} conversations, {turns:,} turns, best of {rounds}")
    console.print(table)


def filled(talks: list[sq.Conversation], judged: list[Judgement]) -> Part:
    """A part with everything in it."""
    part = Part()
    for position, (talk, judgement) in enumerate(zip(talks, judged, strict=True)):
        part.add(position, talk, judgement)
    return part


def instructions(console: Console) -> None:
    """What a turn costs in instructions: the difference between scoring a sample of turns once and three times more."""
    for name, model in (("phrases and rules", False), ("with the detector", True)):
        counts = [_counted(model, repeats) for repeats in (1, 4)]
        console.print(f"{name}: {(counts[1][0] - counts[0][0]) / (3 * counts[0][1]):,.0f} instructions per turn")


def _counted(model: bool, repeats: int) -> tuple[int, int]:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__, "--hot"]
    done = subprocess.run(
        [*command, str(repeats), *(["--model"] if model else [])], capture_output=True, text=True, check=True
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(f"callgrind printed no count:\n{done.stderr}")
    return int(found[1]), int(done.stdout.split()[-1])


def hot(repeats: int, model: bool) -> None:
    """Score forty conversations so many times; print their turns."""
    source = Path(__file__).resolve().parents[1] / "data" / "training" / "corpus.jsonl"
    conversations = [c for c in sq.read(source) if isinstance(c, sq.Conversation)][:40]
    scorer = sq.Scorer(model=model)
    for _ in range(repeats):
        for conversation in conversations:
            scorer.score(conversation)
    print(sum(len(c.turns) for c in conversations))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--conversations", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--stages", action="store_true", help="what each step of a run costs instead")
    arguments.add_argument("--first", action="store_true", help="what texts cost that were never met instead")
    arguments.add_argument("--instructions", action="store_true", help="count instructions instead (needs valgrind)")
    arguments.add_argument("--all", action="store_true", help="and all other benchmarks of speed")
    arguments.add_argument("--hot", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--model", action="store_true", help="with --first: with the detector")
    given = arguments.parse_args()
    console = Console(width=120)
    if given.hot:
        hot(given.hot, given.model)
    elif given.first:
        first(given.rounds, given.model)
    elif given.instructions:
        instructions(console)
    else:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "in.jsonl"
            generate(source, given.conversations)
            if given.stages:
                stages(source, given.rounds, console)
                return
            startup(given.rounds, console)
            ratios(source, given.rounds, console)
    if given.all:
        for other in (
            ["batch.py", "--rounds", "5", "--turns", "10000", "1000000"],
            ["spark.py"],
            ["live.py"],
            ["report.py"],
        ):
            console.print(f"\n{other[0]}")
            subprocess.run([sys.executable, str(Path(__file__).with_name(other[0])), *other[1:]], check=False)
        instructions(console)


if __name__ == "__main__":
    main()
