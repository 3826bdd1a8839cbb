"""``servicequal calibrate``: a rubric proposed from people's grades, printed, and written only where asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .calibration import Calibration


def calibrate(
    graded: Annotated[
        list[Path], typer.Argument(help="Marked conversations (JSON lines), verdicts (JSON), sheets of grades (CSV).")
    ],
    run: Annotated[Path | None, typer.Option("--run", help="The run that verdicts and sheets are about.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Rubric file to write, if one is proposed.")] = None,
    rubric: Annotated[Path | None, typer.Option("--rubric", help="Rubric in use, to begin with.")] = None,
    pack: Annotated[list[Path] | None, typer.Option("--pack", help="Your own cue pack; repeatable.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Detector file of your own training.")] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Phrases alone, without the learned detector.")] = False,
    scale: Annotated[str, typer.Option("--scale", help="Worst and best grade of a sheet, such as 1-5.")] = "0-4",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Propose a rubric from people's grades: fitted weights, and whether they rank better on unseen conversations."""
    from .calibration import calibrate as fit
    from .scorer import Scorer

    if model and no_model:
        raise typer.BadParameter("--model and --no-model exclude each other")
    scorer = Scorer(rubric=rubric, packs=pack, model=model or not no_model)
    result = fit(graded, scorer, run=run, scale=_scale(scale), name=out.stem if out else "calibrated")
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        _console().print(calibration_view(result))
    if out is None:
        return
    if result.rubric is None:
        typer.echo(f"nothing written to {out}: {result.reason}", err=True)
        raise typer.Exit(1)
    try:
        out.write_text(result.to_yaml(), "utf-8")
    except OSError as error:
        raise typer.BadParameter(f"-o {out}: cannot be written: {error.strerror}") from error
    typer.echo(f"written to {out}; use it with --rubric {out}", err=True)


def _scale(said: str) -> tuple[float, float]:
    worst, _, best = said.partition("-")
    try:
        return float(worst), float(best)
    except ValueError:
        raise typer.BadParameter(f"--scale {said!r}: write WORST-BEST, such as 1-5") from None


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=120, highlight=False)


def calibration_view(result: Calibration) -> Group:
    """What was gained, the weights, and what is proposed."""
    gains = Table(
        title=f"{result.source}: {result.conversations} graded conversations", title_justify="left",
        header_style="bold", box=box.SIMPLE_HEAD,
    )  # fmt: skip
    gains.add_column("grade", no_wrap=True)
    for name in ("graded", "in use", "fitted, unseen", "gain", "95 % interval"):
        gains.add_column(name, justify="right", no_wrap=True)
    gains.add_column("")
    for fit in result.grades:
        gains.add_row(
            fit.name, str(fit.conversations), _n(fit.before), _n(fit.after), _n(fit.gain, "+.2f"),
            "" if fit.gain_low is None else f"{_n(fit.gain_low, '+.2f')} to {_n(fit.gain_high, '+.2f')}",
            Text(fit.reason or fit.verdict or "", "dim" if fit.verdict is None else ""),
        )  # fmt: skip
    parts: list[RenderableType] = [gains]
    if result.weights:
        parts.append(_weights(result))
    told = (
        f"a rubric is proposed: '{result.rubric.name}'" if result.rubric else f"no rubric is proposed: {result.reason}"
    )
    return Group(*parts, Text(told, style="bold"))


def _weights(result: Calibration) -> Table:
    table = Table(title="Weights", title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for name in ("within", "item"):
        table.add_column(name, no_wrap=True)
    for name in ("counted in", "in use", "fitted", "over the folds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in result.weights:
        item = row.item if row.name == row.item else f"{row.item} {row.name}"
        over = f"{row.low:.2f}–{row.high:.2f}"
        table.add_row(
            row.within,
            item,
            str(row.occasions),
            f"{row.before:g}",
            f"{row.after:.2f}",
            over,
            "proposed" if row.proposed else "",
        )
    return table


def _n(value: float | None, form: str = ".2f") -> str:
    return "–" if value is None else format(value, form)
