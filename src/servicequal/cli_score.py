"""What ``servicequal score`` does and prints: to a folder, part by part, or to the screen alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from .batch import Progress, score_to
from .errors import Rejected
from .scorer import Scorer, score_many
from .scoring import Scorecard

if TYPE_CHECKING:
    from .conversation import Conversation
    from .readers.bulk import Reading

_REFUSED = 20
"""Rejections that are printed; all are in OUT/rejected."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How results are printed: where, transcripts or a table, and how many (0: of transcripts all, of a table none)."""

    out: Console
    err: Console
    details: bool
    most: int

    def cards(self, cards: Sequence[tuple[Scorecard, Conversation | None]]) -> None:
        """Print scorecards as asked for."""
        from .report.terminal import card_view, scores_table

        if not self.details:
            self.out.print(scores_table([card for card, _ in cards]))
            return
        for card, conversation in cards:
            self.out.print(card_view(card, conversation))
            self.out.print()

    def totals(self, scored: int, rejected: int, refused: Iterable[Rejected], skipped: int = 0) -> None:
        """Print how many there were, and the first rejections to standard error."""
        hidden = f" (the first {self.most} shown)" if scored > self.most else ""
        before = f" ({skipped} of all these were there already)" if skipped else ""
        self.out.print(f"{scored} conversations scored{hidden}, {rejected} rejected{before}", markup=False)
        for item in refused:
            self.err.print(f"rejected: {item}", markup=False, soft_wrap=True)


def to_folder(
    reading: Reading,
    out: Path,
    scorer: Scorer,
    shown: Shown,
    *,
    workers: int,
    chunk: int,
    resume: bool,
    turns: bool,
    kind: str,
) -> int:
    """Score into a folder and print the first results; returns how many were scored."""
    with _progress(shown.err) as tell:
        try:
            run = score_to(
                reading,
                out,
                scorer,
                workers,
                chunk,
                resume,
                turns,
                kind=kind,
                show=shown.most or (-1 if shown.details else 0),
                progress=tell,
            )
        except KeyboardInterrupt:
            shown.err.print(f"stopped; what is finished is in {out}, go on with --resume", markup=False)
            raise
    shown.cards(run.shown)
    shown.totals(run.scored, run.rejected, run.refused, run.skipped)
    names = "scores, findings, cues, …" if kind == "parquet" else f"scores.{kind}, findings.{kind}, cues.{kind}, …"
    shown.out.print(f"written to {out}: run.json, {names}", markup=False)
    return run.scored


def to_screen(items: Iterable[Conversation | Rejected], scorer: Scorer, shown: Shown, workers: int) -> int:
    """Score and print the first results, keeping no others; returns how many were scored."""
    waiting: list[Conversation] = []
    first: list[tuple[Scorecard, Conversation | None]] = []
    refused: list[Rejected] = []
    scored = rejected = 0
    with _progress(shown.err) as tell:
        for item in score_many(_noted(items, waiting, shown.details), workers=workers, scorer=scorer):
            if isinstance(item, Rejected):
                rejected += 1
                refused += [item] if len(refused) < _REFUSED else []
            else:
                talk = waiting.pop(0) if shown.details else None
                scored += 1
                if scored <= shown.most or (shown.details and not shown.most):
                    first.append((item, talk))
            tell(Progress(scored + rejected, rejected))
    shown.cards(first)
    shown.totals(scored, rejected, refused)
    return scored


def _noted(
    items: Iterable[Conversation | Rejected], waiting: list[Conversation], wanted: bool
) -> Iterator[Conversation | Rejected]:
    """The items; conversations that are to be printed are put down until their scorecard is there."""
    for item in items:
        if wanted and not isinstance(item, Rejected):
            waiting.append(item)
        yield item


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A line with conversations, their rate, share of the bytes and time left; on a terminal only."""
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.progress import TimeRemainingColumn as Left

    text = TextColumn("{task.description} {task.fields[seen]:,} conversations, {task.fields[rate]:,.0f}/s")
    columns = (
        SpinnerColumn(),
        text,
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        Left(elapsed_when_finished=True),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("scoring", total=None, seen=0, rate=0.0)

        def tell(now: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = now.conversations / elapsed if elapsed else 0.0
            bar.update(task, total=now.all_bytes or None, completed=now.bytes, seen=now.conversations, rate=rate)

        yield tell
