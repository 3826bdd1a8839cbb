"""``servicequal coach``: what would help an agent most, for a terminal or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .coaching import AgentHabits, Habit, Moment

NO_NAME = "(not told apart)"


def coach(
    run: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of a finished run of `servicequal score -o`.")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="The agent's speaker_id; left out, agents are listed.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every agent, one after the other.")] = False,
    most: Annotated[int, typer.Option(min=1, help="Habits to name.")] = 3,
    least: Annotated[int, typer.Option(min=2, help="Conversations below which nothing is said.")] = 5,
    kind: Annotated[str, typer.Option("--as", help="text or json.")] = "text",
    mask: Annotated[bool, typer.Option("--mask", help="Mask personal data in what is quoted.")] = False,
) -> None:
    """What would raise an agent's scores most: their words, what to say instead, and where they did it well."""
    from .batch import open_run
    from .coaching import agents_of, habits
    from .masking import Masker

    if kind not in ("text", "json"):
        raise typer.BadParameter(f"--as {kind!r}: use text, json")
    opened = open_run(run)
    console = _console()
    if agent is None and not every:
        agents = agents_of(opened)
        if kind == "json":
            typer.echo(
                json.dumps([{"speaker_id": a, "conversations": n} for a, n in agents.items()], ensure_ascii=False)
            )
        else:
            console.print(agents_view(agents, least))
        return
    found = habits(opened, agent, most=most, least=least, masker=Masker() if mask else None)
    if kind == "json":
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        for one in found:
            console.print(habits_view(one))


def _console() -> Console:
    import os

    console = Console(highlight=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=110, highlight=False)


def agents_view(agents: dict[str | None, int], least: int) -> Table:
    """The agents of a run, and of whom there is enough to tell."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("agent")
    table.add_column("conversations", justify="right")
    table.add_column("")
    for name, count in agents.items():
        table.add_row(
            Text(NO_NAME if name is None else name), str(count), Text("too few to tell" if count < least else "", "dim")
        )
    return table


def habits_view(one: AgentHabits) -> Group:
    """One agent's habits, to be read together with the agent."""
    head = Text(NO_NAME if one.speaker_id is None else one.speaker_id, style="bold")
    head.append(f"  {one.conversations} conversations", style="dim")
    if one.overall is not None:
        head.append(f", overall {one.overall:.0f}", style="dim")
        if one.low is not None and one.high is not None:
            head.append(f" ({one.low:.0f}–{one.high:.0f})", style="dim")
        if one.team is not None:
            head.append(f", all others {one.team:.0f}", style="dim")
    lines: list[RenderableType] = [head]
    if one.note:
        lines.append(Text(f"  {one.note}", style="yellow"))
    for number, habit in enumerate(one.habits, 1):
        lines += [Text(), *_habit(number, habit)]
    return Group(*lines, Text())


def _habit(number: int, habit: Habit) -> Iterator[Text]:
    yield Text.assemble((f"{number}. {habit.why}", "bold"), (f"  {habit.code} {habit.name}", "dim"))
    cost = f"costs {habit.cost:.1f} points of overall a conversation ({habit.low:.1f}–{habit.high:.1f})"
    yield Text(f"   {cost}, in {habit.costly} of {habit.occasions} with an occasion{_beside(habit)}")
    for moment in habit.moments:
        yield from _moment(moment, "red")
    yield Text.assemble(("   Say instead  ", "bold"), habit.say_instead)
    if habit.well:
        yield Text("   Done well", style="bold")
        yield from _moment(habit.well, "green")


def _beside(habit: Habit) -> str:
    if habit.team is None:
        return ""
    said = {"more": "more than", "less": "less than", "alike": "not to be told from", "": "beside"}
    return f"; {said[habit.beside_team]} all others' {habit.team:.1f}"


def _moment(moment: Moment, colour: str) -> Iterator[Text]:
    place = moment.conversation_id if moment.turn is None else f"{moment.conversation_id} turn {moment.turn}"
    line = Text("     · ")
    if moment.before:
        line.append(f"“{_short(moment.before)}” — ", style="italic")
    if moment.words:
        line.append("“" + _short(moment.lead, end=True), style="dim")
        line.append(_short(moment.words), style=colour)
        line.append(_short(moment.tail) + "”", style="dim")
    else:
        line.append(moment.explanation)
    line.append(f"  {place}, conversation {moment.position}", style="dim")
    yield line
    if moment.say_instead:
        yield Text(f"       → {moment.say_instead}", style="dim")


def _short(text: str, most: int = 90, end: bool = False) -> str:
    text = " ".join(text.split()) if len(text) > most else text.replace("\n", " ")
    if len(text) <= most:
        return text
    return "…" + text[1 - most :] if end else text[: most - 1] + "…"
