"""``servicequal report``: a batch run as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    out: Annotated[Path, typer.Argument(help="Folder that `servicequal score -o` has written.")],
    target: Annotated[Path, typer.Option("-o", "--out", help="HTML file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option("--title", help="Title of the report.")] = None,
    mask: Annotated[bool, typer.Option("--mask", help="Mask personal data as far as it is found.")] = False,
    most: Annotated[
        int | None, typer.Option("--most", min=1, help="Conversations to list and open, the most telling first.")
    ] = None,
) -> None:
    """Write the report on a run: one HTML file that needs no network, to read, search and review."""
    from .report.page import write_report

    made = write_report(out, target, title=title, mask=mask, most=most)
    typer.echo(f"{made.conversations} conversations, {made.bytes / 1e6:.1f} MB written to {target}")
    if made.listed < made.conversations:
        typer.echo(f"the list holds the {made.listed} most telling of them")
    if made.transcripts < made.listed:
        typer.echo(f"{made.transcripts} can be opened; the other transcripts were left out to keep the file small")
