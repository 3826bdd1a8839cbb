"""The command: parse, call, print. Nothing is decided here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ._version import __version__
from .cli_calibrate import calibrate
from .cli_coach import coach
from .errors import Rejected, ServicequalError

if TYPE_CHECKING:
    from .conversation import Conversation
    from .readers.bulk import Reading
    from .scorer import Scorer

app = typer.Typer(
    name="servicequal",
    help="A linter for service conversations: four scores, every point explained by words on the page.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(calibrate)
app.command()(coach)
_PIPED_WIDTH = 140


def _console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough to read where output goes into a file."""
    console = Console(stderr=stderr)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(stderr=stderr, width=_PIPED_WIDTH)


_out = _console()
_err = _console(stderr=True)

Paths = Annotated[list[str], typer.Argument(help="Files, folders or globs; .gz and .zip are read through.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--roles", help="LABEL=ROLE (agent, customer, bot, system), or a CSV file label,role."),
]
Format = Annotated[str | None, typer.Option("--format", help="Reader to use; detected if left out.")]
Infer = Annotated[bool, typer.Option("--infer-roles", help="Guess missing roles; marked, abstains when unsure.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", help="FIELD=COLUMN where a table has unusual names: text=utt; repeatable."),
]
RubricFile = Annotated[Path | None, typer.Option("--rubric", help="Rubric file over the default.")]
Model = Annotated[str | None, typer.Option("--model", help="Detector file of your own training.")]
NoModel = Annotated[bool, typer.Option("--no-model", help="Phrases alone, without the learned detector.")]
Semantic = Annotated[
    str | None, typer.Option("--semantic", help="sentence-transformers model (name or folder): paraphrases too.")
]
PackFiles = Annotated[list[Path] | None, typer.Option("--pack", help="Your own cue pack; repeatable.")]


@app.command()
def score(
    paths: Paths,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for scores, findings, rejected.")] = None,
    kind: Annotated[str, typer.Option("--as", help="parquet, csv or jsonl.")] = "parquet",
    roles: Roles = None,
    format: Format = None,
    infer_roles: Infer = False,
    columns: Columns = None,
    rubric: RubricFile = None,
    pack: PackFiles = None,
    model: Model = None,
    no_model: NoModel = False,
    semantic: Semantic = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to score with.")] = 1,
    details: Annotated[bool, typer.Option("--details", help="Print transcript and ledger of each.")] = False,
    most: Annotated[int, typer.Option("--most", min=0, help="Rows of the table to print.")] = 50,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")] = False,
    no_turns: Annotated[bool, typer.Option("--no-turns", help="Leave the transcripts out of OUT.")] = False,
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="Conversations of a part of OUT at most.")] = 500,
) -> None:
    """Score conversations: a readable table, and files with every point and its reason."""
    from .cli_score import Shown, to_folder, to_screen

    scorer = _scorer(rubric, pack, model, no_model, semantic)
    _check_target(out, kind)
    shown = Shown(_out, _err, details, most)
    if out is None:
        scored = to_screen(_read(paths, roles, format, infer_roles, columns), scorer, shown, workers)
    else:
        reading = _reading(paths, roles, format, infer_roles, columns)
        how: dict[str, Any] = {"resume": resume, "turns": not no_turns, "kind": kind}
        scored = to_folder(reading, out, scorer, shown, workers=workers, chunk=chunk, **how)
    if not scored:
        raise typer.Exit(1)


@app.command()
def rules() -> None:
    """List the rules: code, name, dimension, weight and what each one owes the customer."""
    from rich.table import Table

    from .rules import RULES

    table = Table(header_style="bold")
    for name in ("code", "name", "dimension", "weight", "what"):
        table.add_column(name, overflow="fold", no_wrap=name in ("code", "weight"))
    for rule in RULES:
        table.add_row(rule.code, rule.name, rule.dimension, f"{rule.weight:g}", rule.what)
    _out.print(table)


@app.command()
def explain(name: Annotated[str, typer.Argument(help="A rule's code or name, or a cue's name.")]) -> None:
    """Explain a rule or a cue: what, why, source, examples, what to say instead."""
    from .packs import builtin_packs
    from .rubric import find_rule

    pack = next((p for p in builtin_packs() if p.cue == name.strip().lower()), None)
    if pack is not None:
        _explain_pack(pack)
        return
    rule = find_rule(name, also=[p.cue for p in builtin_packs()])
    _out.print(f"[bold]{rule.code}[/bold]  {rule.name}  ({rule.dimension}, weight {rule.weight:g})")
    _out.print(f"\nWhat         {rule.what}\nWhy          {rule.why}\nSource       {rule.source}", markup=False)
    _out.print(f"Say instead  {rule.say_instead}", markup=False)
    if rule.params:
        settings = ", ".join(f"{k}={v:g}" for k, v in rule.params.items())
        _out.print(f"Settings     {settings}  (a rubric can change them)", markup=False)


@app.command()
def check(paths: Annotated[list[Path], typer.Argument(help="Pack files (YAML).")]) -> None:
    """Run the examples of your own packs; exit 1 if one of them does not do what it says."""
    from .checkpack import check_pack
    from .packs import load_pack

    wrong = 0
    for path in paths:
        pack = load_pack(path)
        results = list(check_pack(pack))
        for result in results:
            if not result.right:
                wrong += 1
                did = "flagged" if result.flagged else "passed"
                reasons = "; ".join(f"“{m.text}” {m.status}, {m.reason or m.pattern}" for m in result.matches)
                _out.print(f"{path}: {result.kind}: {result.text!r} was {did}  {reasons}", markup=False)
        right = sum(r.right for r in results)
        _out.print(f"{path}: {right} of {len(results)} examples of '{pack.cue}' as the pack says", markup=False)
        if not pack.examples.flags or not pack.examples.passes:
            _out.print(f"{path}: a pack needs examples that it flags and near-misses that it passes", markup=False)
            wrong += 1
    if wrong:
        raise typer.Exit(1)


@app.command()
def convert(
    paths: Paths,
    out: Annotated[Path, typer.Option("-o", "--out", help="JSON-lines file to write.")],
    roles: Roles = None,
    format: Format = None,
    infer_roles: Infer = False,
    columns: Columns = None,
) -> None:
    """Convert any readable export into servicequal's own JSON lines, one conversation a line."""
    from .readers import to_jsonl

    rejected: list[Rejected] = []

    def good() -> Iterator[Conversation]:
        for item in _read(paths, roles, format, infer_roles, columns):
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                yield item

    unfinished = out.with_name(out.name + ".part")
    try:
        count = to_jsonl(good(), unfinished)
        unfinished.replace(out)
    except OSError as error:
        raise typer.BadParameter(f"-o {out}: cannot be written: {error.strerror}") from error
    _out.print(f"{count} conversations written to {out}, {len(rejected)} rejected", markup=False)
    for item in rejected:
        _err.print(str(item), markup=False)
    if not count:
        raise typer.Exit(1)


@app.command(name="inspect")
def inspect_(
    paths: Paths,
    roles: Roles = None,
    format: Format = None,
    infer_roles: Infer = False,
    columns: Columns = None,
) -> None:
    """Show what is in a file, before scoring it: format, conversations, turns, roles, what was skipped and why."""
    from .readers import inspect

    report = inspect(
        list(paths), format=format, roles=_roles(roles), infer_roles=infer_roles, columns=_columns(columns)
    )
    _out.print(str(report), markup=False, highlight=False, soft_wrap=True)
    if not report.conversations:
        raise typer.Exit(1)


@app.command()
def evaluate(
    gold: Annotated[list[Path], typer.Argument(help="Marked conversations (JSON lines), verdicts (JSON).")],
    run: Annotated[Path | None, typer.Option("--run", help="The run that verdicts are about.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evaluation as JSON.")] = False,
    rubric: RubricFile = None,
    pack: PackFiles = None,
    model: Model = None,
    no_model: NoModel = False,
    semantic: Semantic = None,
    worst: Annotated[int, typer.Option(min=0, help="Disagreements to list.")] = 10,
) -> None:
    """Compare with graders or reviewers: precision, recall, F1 per cue, rank correlation per grade, theirs beside."""
    from .agreement import evaluate as compare
    from .report.agreement import evaluation_view

    result = compare(gold, _scorer(rubric, pack, model, no_model, semantic), worst=worst, run=run)
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        _out.print(evaluation_view(result))


@app.command()
def train(
    marked: Annotated[list[Path], typer.Argument(help="Marked conversations, JSON lines: your own, and a base.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Detector file to write.")],
    like: Annotated[
        list[Path] | None,
        typer.Option("--like", help="Marked conversations that choose the thresholds; not learned from."),
    ] = None,
) -> None:
    """Train a detector on marked conversations; use it with --model. Takes minutes; same input, same bytes."""
    from .cues import CueFinder
    from .detector.train import train as run
    from .gold import read_all_marked
    from .packs import builtin_packs
    from .report.agreement import training_view

    conversations = read_all_marked(marked)
    held = read_all_marked(like) if like else []
    with _progress() as progress:
        progress.add_task(f"training on {len(conversations)} conversations", total=None)
        known = run(conversations, CueFinder(builtin_packs()), out, like=held, about={"data": [p.name for p in marked]})
    _out.print(training_view(known))
    _out.print(f"written to {out} ({out.stat().st_size:,} bytes); use it with --model {out}", markup=False)


def _explain_pack(pack: Any) -> None:
    _out.print(f"[bold]{pack.cue}[/bold]  ({pack.speaker}, {pack.effect})")
    _out.print(f"\nWhy          {pack.why}\nSource       {pack.source}", markup=False)
    if pack.say_instead:
        _out.print(f"Say instead  {pack.say_instead}", markup=False)
    for title, examples in (
        ("Flags", pack.examples.flags),
        ("Passes", pack.examples.passes),
        ("Known misses", pack.examples.known_misses),
        ("Known false alarms", pack.examples.known_false_alarms),
    ):
        if examples:
            _out.print(f"\n{title}", style="bold")
            for example in examples:
                _out.print(f"  · {example.text}", markup=False)


def _scorer(
    rubric: Path | None,
    packs: Sequence[Path] | None,
    model: str | None,
    no_model: bool,
    semantic: str | None = None,
) -> Scorer:
    from .scorer import Scorer

    if model and no_model:
        raise typer.BadParameter("--model and --no-model exclude each other")
    return Scorer(rubric=rubric, packs=packs, model=model or not no_model, semantic=semantic)


def _reading(
    paths: Sequence[str],
    roles: Sequence[str] | None,
    format: str | None,
    infer: bool,
    columns: Sequence[str] | None,
) -> Reading:
    from .readers.bulk import Reading

    return Reading(list(paths), format, _roles(roles), infer, _columns(columns))


def _read(
    paths: Sequence[str],
    roles: Sequence[str] | None,
    format: str | None,
    infer: bool,
    columns: Sequence[str] | None,
) -> Iterator[Conversation | Rejected]:
    return iter(_reading(paths, roles, format, infer, columns))


def _columns(columns: Sequence[str] | None) -> dict[str, str | None] | None:
    """``--columns`` as the mapping that it names; a field with nothing after the sign is left out."""
    pairs: dict[str, str | None] = {}
    for item in columns or ():
        parts = item.split(",")
        for pair in parts if all("=" in part for part in parts) else [item]:
            field, sign, column = pair.partition("=")
            if not sign or not field.strip():
                raise typer.BadParameter(f"--columns {item!r}: write FIELD=COLUMN, such as text=utt")
            pairs[field.strip()] = column.strip() or None
    return pairs or None


def _roles(roles: Sequence[str] | None) -> Any:
    """``--roles`` as the mapping or the file that it names."""
    if not roles:
        return None
    if len(roles) == 1 and "=" not in roles[0]:
        return roles[0]
    pairs: dict[str, str] = {}
    for item in ",".join(roles).split(","):
        label, sign, role = item.partition("=")
        if not sign or not label.strip() or not role.strip():
            raise typer.BadParameter(f"--roles {item!r}: write LABEL=ROLE, or give one CSV file")
        pairs[label.strip()] = role.strip()
    return pairs


_KINDS = ("parquet", "csv", "jsonl")


def _check_target(out: Path | None, kind: str) -> None:
    """What can be refused before hours of scoring is refused then."""
    if kind not in _KINDS:
        raise typer.BadParameter(f"--as {kind!r}: use {', '.join(_KINDS)}")
    if out is not None and out.exists() and not out.is_dir():
        raise typer.BadParameter(f"-o {out}: is a file; name a folder")


def _progress() -> Any:
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(json.dumps({"servicequal": __version__}))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; errors are one line on standard error and exit code 2."""
    try:
        app()
    except ServicequalError as error:
        _err.print(f"servicequal: {error}", markup=False, soft_wrap=True)
        raise SystemExit(2) from None
