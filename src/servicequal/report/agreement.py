"""An evaluation for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..agreement import Evaluation


def evaluation_view(result: Evaluation) -> Group:
    """Cues, grades and the worst disagreements, with the graders' own agreement beside ours."""
    cues = Table(
        title=f"{result.source}: {result.conversations} conversations, {result.turns} turns",
        title_justify="left",
        header_style="bold",
    )
    cues.add_column("cue", no_wrap=True, min_width=14)
    for name in ("support", "found", "precision", "recall", "F1", "95 % interval", "graders' F1"):
        cues.add_column(name, justify="right", no_wrap=True)
    for row in result.cues:
        cues.add_row(
            row.name, str(row.support), str(row.found), _n(row.precision), _n(row.recall), _n(row.f1),
            _span(row.low, row.high), _n(row.graders),
        )  # fmt: skip
    grades = Table(header_style="bold")
    grades.add_column("grade", no_wrap=True, min_width=15)
    for name in (
        "both",
        "Spearman",
        "95 % interval",
        "kappa",
        "mean error",
        "N/A agreed",
        "graders' Spearman",
    ):
        grades.add_column(name, justify="right", no_wrap=True)
    for grade in result.grades:
        grades.add_row(
            grade.name, str(grade.both), _n(grade.spearman), _span(grade.low, grade.high), _n(grade.kappa),
            _n(grade.mean_error), _share(grade.not_applicable), _n(grade.graders_spearman),
        )  # fmt: skip
    findings = [_findings(result)] if result.findings else []
    partial = f"of {result.partial} conversations only what was reviewed counts"
    lines = [Text(f"{d.kind}: {d.conversation_id} turn {d.turn} {d.cue}: “{d.words or d.text}”") for d in result.worst]
    notes = [Text(partial, style="dim")] if result.partial else []
    return Group(cues, *notes, grades, *findings, Text("Disagreements on deflections", style="bold"), *lines)


def _findings(result: Evaluation) -> Table:
    table = Table(header_style="bold")
    table.add_column("rule", no_wrap=True, min_width=15)
    for name in ("reviewed", "right", "share", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.findings:
        table.add_row(row.code, str(row.reviewed), str(row.right), _n(row.share), _span(row.low, row.high))
    return table


def training_view(known: Mapping[str, Any]) -> Table:
    """What a training run reached, every turn judged by a fit that did not see its conversation."""
    table = Table(title=f"cross-validated on {known['fresh']} conversations", title_justify="left", header_style="bold")
    table.add_column("label")
    table.add_column("marked turns", justify="right")
    table.add_column("F1", justify="right")
    for labels in known["cross_validated"].values():
        for label, row in labels.items():
            table.add_row(label, str(row["support"]), _n(row["f1"]))
    return table


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _span(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.2f}–{high:.2f}"
