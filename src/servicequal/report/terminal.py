"""Scorecards for a terminal: a table of many, and one read line by line against its transcript."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..conversation import Conversation
from ..cues import CueMatch
from ..packs import CUSTOMER, HURTING
from ..rules import DIMENSIONS
from ..scoring import OVERALL, Finding, Scorecard

_SHORT = {
    "common_sense": "sense",
    "flexibility": "flexible",
    "problem_solving": "solving",
    "recovery": "recovery",
}


def scores_table(cards: Sequence[Scorecard], title: str | None = None) -> Table:
    """One line per conversation: overall, the four scores, and what cost it most."""
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("conversation", overflow="ellipsis", no_wrap=True, max_width=34)
    for name in ("overall", *_SHORT.values()):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    table.add_column("flags", justify="right", no_wrap=True, min_width=5)
    table.add_column("what cost it most", overflow="ellipsis", no_wrap=True, max_width=56)
    for card in cards:
        flags = sum(m.status == "plain" and m.cue in HURTING for m in card.cues)
        table.add_row(
            Text(card.conversation_id),
            score_text(card.overall, bold=True),
            *(score_text(card.scores[d]) for d in DIMENSIONS),
            str(flags),
            Text(reason_of(card)),
        )
    return table


def reason_of(card: Scorecard) -> str:
    """The dearest finding with the agent's words, else the dearest of all."""
    worst = costliest(card, len(card.findings))
    if card.overall is None:
        return card.findings[0].explanation if card.findings else "nothing to judge"
    hurting = {m.span: m for m in card.cues if m.cue in HURTING and m.status != "excused"}
    for finding in worst:
        quoted = [hurting[s] for s in finding.spans if s in hurting]
        if quoted and finding.outcome == "missed":
            best = min(quoted, key=lambda m: (m.pattern == "model", m.turn, m.start))
            return f"“{best.text}” ({finding.name})"
    return worst[0].name if worst else ""


_WORTH_NAMING = 5.0
"""Points of a dimension that a finding has to cost before it is named as what cost most."""


def costliest(card: Scorecard, most: int) -> list[Finding]:
    """The findings that cost most points, the dearest first."""
    lost = [f for f in card.findings if f.lost and f.lost >= _WORTH_NAMING]
    return sorted(lost, key=lambda f: (-(f.lost or 0.0), f.code))[:most]


def card_view(card: Scorecard, conversation: Conversation | None = None, details: bool = True) -> Group:
    """One scorecard in full: scores, the transcript with its cues marked, and the ledger."""
    parts: list[RenderableType] = [_headline(card)]
    parts.extend(Text(f"  note: {note.message}", style="yellow") for note in card.notes)
    if conversation is not None:
        parts += [Text(), *(_turn(card, conversation, n) for n in range(len(conversation.turns)))]
    if details:
        parts += [Text(), _ledger(card)]
    return Group(*parts)


def _headline(card: Scorecard) -> Text:
    line = Text.assemble((card.conversation_id, "bold"), "  overall ", score_text(card.overall, bold=True))
    for d in DIMENSIONS:
        line.append("   " + d.replace("_", " ") + " ")
        line.append_text(score_text(card.scores[d]))
        line.append(f" ({card.coverage[d]:.0%})", style="dim")
    return line


def _turn(card: Scorecard, conversation: Conversation, number: int) -> Text:
    turn = conversation.turns[number]
    line = Text(f"{number:>3} {turn.speaker:<9}", style="dim")
    body = Text(turn.text)
    labels: list[str] = []
    for match in card.cues:
        if match.turn == number and match.status != "excused":
            body.stylize(_style(match), match.start, match.end)
            label = match.cue if match.status == "plain" else f"{match.cue} ({match.status})"
            if label not in labels:
                labels.append(label)
    line.append_text(body)
    if labels:
        line.append("  ‹" + ", ".join(labels) + "›", style="dim italic")
    return line


def _style(match: CueMatch) -> str:
    if match.status == "softened":
        return "yellow"
    if match.cue in HURTING:
        return "bold red"
    return "magenta" if match.cue in CUSTOMER else "green"


def _ledger(card: Scorecard) -> Table:
    title = "Ledger: what the scores add up from"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for name, side in (("score", "left"), ("item", "left"), ("points", "right"), ("of", "right")):
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("why", overflow="fold")
    by_code = {f.code: f for f in card.findings}
    for line in card.ledger:
        finding = by_code.get(line.item)
        words = _quotes(card, finding)
        why = "" if finding is None or line.kind == "cap" else finding.explanation
        if words and finding and finding.outcome == "missed":
            why = f"{why}: “{words}”"
        possible = line.points / line.credit if line.credit else (finding.lost if finding else None)
        table.add_row(
            line.score if line.score != OVERALL else "OVERALL",
            f"{line.item} {finding.name}" if finding else line.item,
            f"{line.points:+.1f}" if line.kind == "cap" else f"{line.points:.1f}",
            "" if possible is None or line.kind != "rule" else f"{possible:.1f}",
            Text(why),
        )
    return table


_LONGEST_QUOTE = 70


def _quotes(card: Scorecard, finding: Finding | None) -> str:
    """Up to two telling quotes of a finding, the agent's deflections first, each kept short."""
    spans = set(finding.spans) if finding else set()
    found = [m for m in card.cues if m.span in spans and m.status != "excused"]
    found.sort(key=lambda m: (m.cue not in HURTING, m.pattern == "model", m.turn, m.start))
    texts = dict.fromkeys(m.text for m in found)
    return "”, “".join(t if len(t) <= _LONGEST_QUOTE else t[:_LONGEST_QUOTE].rstrip() + "…" for t in list(texts)[:2])


def score_text(value: float | None, bold: bool = False) -> Text:
    """A score as coloured text; an en dash where there was nothing to judge."""
    if value is None:
        return Text("–", style="dim")
    colour = "green" if value >= 70 else "yellow" if value >= 45 else "red"
    return Text(f"{value:.0f}", style=f"bold {colour}" if bold else colour)
