"""Values as a notebook shows them: HTML that stands by itself, and a plain-text twin that says the same.

``Conversation``, ``Scorecard`` and ``Finding`` come here by name (see :mod:`servicequal.rendering`), so they render
when they are the last value of a cell. A scorecard holds no text; :func:`show` puts it beside its conversation.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader
from rich.console import Console, Group, RenderableType
from rich.text import Text

from ..conversation import Conversation, Turn
from ..cues import CueMatch
from ..errors import Rejected
from ..packs import HURTING, Pack, load_pack
from ..rendering import Rendered
from ..rules import DIMENSIONS
from ..scoring import OVERALL, Finding, LedgerLine, Scorecard
from .marking import KINDS, Piece, Reasons, pieces, reasons
from .terminal import card_view, reason_of, scores_table

MOST_TURNS = 500
"""Turns of one conversation that are shown; the rest is counted in words. A notebook keeps what it shows."""
MOST_ROWS = 50
MOST_WORDS = 60
_WIDTH = 100

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (an escape would drive a terminal) and half characters, which no message can carry."""

_LABELS: Mapping[str, str] = {
    "hurts": "deflects",
    "softened": "deflects, then helps",
    "helps": "helps",
    "tells": "the customer",
    "excused": "looks like it, does not count",
}


@dataclass(frozen=True)
class Shown(Rendered):
    """A scorecard beside its conversation. What :func:`show` returns; a notebook draws it, ``print`` writes it."""

    card: Scorecard
    conversation: Conversation
    packs: tuple[Pack, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.card.conversation_id != self.conversation.id:
            raise ValueError(
                f"the scorecard is of conversation {self.card.conversation_id!r}, not of {self.conversation.id!r}"
            )

    def __str__(self) -> str:
        return text_of(self)


class Scorecards(Rendered, tuple[Scorecard | Rejected, ...]):
    """Scorecards (and rejections) in their order: a tuple that a notebook shows as a table.

    ``Scorecards(sq.score_many(…))``. The frames take it as they take any other collection of cards.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return text_of(self)


def show(
    what: Scorecard | Conversation | Finding | Iterable[Scorecard | Rejected],
    conversation: Conversation | None = None,
    packs: Iterable[Pack | str] = (),
) -> Rendered:
    """What a notebook should show: a scorecard with its marked transcript, or a collection of scorecards as a table.

    ``conversation`` is the one that was scored: a scorecard has offsets and no text. ``packs`` are your own, so that
    their marks can say why too. Raises ValueError where the two do not belong together.
    """
    if isinstance(what, Scorecard) and conversation is not None:
        mine = tuple(pack if isinstance(pack, Pack) else load_pack(pack) for pack in packs)
        return Shown(what, conversation, mine)
    if isinstance(what, Rendered):
        return what
    return Scorecards(what)


def html_of(value: Rendered) -> str:
    """The HTML of a value that renders. Raises TypeError for any other."""
    name, view = _painter(value)
    macro: Callable[[Any], str] = getattr(_template(), name)
    return _UNSHOWABLE.sub("\ufffd", str(macro(view(value))).strip())


def text_of(value: Rendered) -> str:
    """The plain-text twin, 100 columns wide, without colours."""
    file = io.StringIO()
    console = Console(
        file=file, width=_WIDTH, force_terminal=False, force_jupyter=False,
        color_system=None, no_color=True, highlight=False, emoji=False, markup=False,
    )  # fmt: skip
    console.print(_plain(value))
    lines = (line.rstrip() for line in file.getvalue().split("\n"))
    return _UNSHOWABLE.sub("\ufffd", "\n".join(lines)).strip("\n")


def mimebundle(
    value: Rendered, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """Both forms by media type, narrowed as IPython asks."""
    makers: dict[str, Callable[[Rendered], str]] = {"text/html": html_of, "text/plain": text_of}
    return {
        kind: make(value)
        for kind, make in makers.items()
        if (not include or kind in include) and (not exclude or kind not in exclude)
    }


@cache
def _template() -> Any:
    loader = PackageLoader("servicequal.report", "templates")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("notebook.html").module


def _painter(value: Rendered) -> tuple[str, Callable[[Any], dict[str, Any]]]:
    """The macro that draws a value, and the function that makes what it draws."""
    for kind, name, view in (
        (Conversation, "conversation", _conversation),
        (Scorecard, "card", _card),
        (Shown, "card", _shown),
        (Scorecards, "cards", _cards),
        (Finding, "finding", _finding),
    ):
        if isinstance(value, kind):
            return name, view
    raise TypeError(f"{type(value).__name__} has no picture")


def _plain(value: Rendered) -> RenderableType:
    if isinstance(value, Scorecard):
        return _plain_card(value)
    if isinstance(value, Shown):
        return Group(card_view(value.card, value.conversation, details=False), Text(), *_plain_ledger(value.card))
    if isinstance(value, Scorecards):
        return _plain_cards(value)
    if isinstance(value, Finding):
        rows = (*_finding_rows(value), *([("turns", _turns(value))] if value.spans else []))
        return Group(_title(value), *(Text(f"  {name}: {text}") for name, text in rows))
    if isinstance(value, Conversation):
        head = Text(f"{value.id}  {'  '.join(_conversation_parts(value))}")
        said = [Text(f"{n:>3} {t.speaker:<9}{t.text}") for n, t in enumerate(value.turns[:MOST_TURNS])]
        more = len(value.turns) - MOST_TURNS
        return Group(head, *said, *([Text(f"… and {more} more turns")] if more > 0 else []))
    raise TypeError(f"{type(value).__name__} has no text")


def _plain_card(card: Scorecard) -> Group:
    known = reasons(card)
    lines: list[RenderableType] = [card_view(card, details=False), Text("Flagged words")]
    for row in _words(_flagged(card, known)[:MOST_WORDS], known):
        said = "; ".join(f"“{word['text']}” ({word['turn']})" for word in row["words"])
        lines.append(Text(f"  {row['label']}: {said}"))
    return Group(*lines, Text(), *_plain_ledger(card))


def _plain_ledger(card: Scorecard) -> list[Text]:
    rows = [Text("Ledger: points, of how many, what for")]
    for row in _ledger(card):
        item = row["item"] or row["score"].upper()
        why = f"  {row['why']}" if row["why"] else ""
        rows.append(Text(f"  {row['points']:>6} {row['of']:>6}  {item}{why}", overflow="ellipsis", no_wrap=True))
    return rows


def _plain_cards(cards: Scorecards) -> Group:
    scored = [card for card in cards if isinstance(card, Scorecard)]
    rejected = [item for item in cards if isinstance(item, Rejected)]
    parts: list[RenderableType] = [scores_table(scored[:MOST_ROWS])]
    if len(scored) > MOST_ROWS:
        parts.append(Text(f"… and {len(scored) - MOST_ROWS} more"))
    parts.append(Text(_counted(scored, rejected)))
    return Group(*parts, *(Text(f"  {item}") for item in rejected[:MOST_ROWS]))


# -- what the template draws -----------------------------------------------------------------------------------------


def _conversation(conversation: Conversation) -> dict[str, Any]:
    turns = [_turn(n, turn, (Piece(turn.text),), []) for n, turn in enumerate(conversation.turns[:MOST_TURNS])]
    return {
        "head": {"title": conversation.id, "parts": _conversation_parts(conversation)},
        "turns": turns,
        "more": max(0, len(conversation.turns) - MOST_TURNS),
    }


def _conversation_parts(conversation: Conversation) -> list[str]:
    count = len(conversation.turns)
    return [conversation.channel or "channel not known", f"{count} turn{'' if count == 1 else 's'}"]


def _shown(shown: Shown) -> dict[str, Any]:
    return _card(shown.card, shown.conversation, shown.packs)


def _card(card: Scorecard, conversation: Conversation | None = None, packs: Iterable[Pack] = ()) -> dict[str, Any]:
    known = reasons(card, packs)
    flagged = _flagged(card, known)
    overall = _dial("overall", card.overall, None)
    dials = [_dial(d.replace("_", " "), card.scores[d], card.coverage[d]) for d in DIMENSIONS]
    return {
        "head": {"title": card.conversation_id, "parts": [card.channel or "channel not known"]},
        "dials": [overall, *dials],
        "notes": [note.message for note in card.notes],
        "key": _key(card.cues, known),
        "turns": None if conversation is None else _marked(card, conversation, known),
        "more": 0 if conversation is None else max(0, len(conversation.turns) - MOST_TURNS),
        "words": _words(flagged[:MOST_WORDS], known),
        "more_words": max(0, len(flagged) - MOST_WORDS),
        "ledger": _ledger(card),
        "fingerprint": _fingerprint(card),
    }


def _flagged(card: Scorecard, known: Reasons) -> list[CueMatch]:
    """The agent's deflections that count, or would if no help followed."""
    return [m for m in card.cues if m.speaker == "agent" and known.kind(m) in ("hurts", "softened")]


def _dial(name: str, score: float | None, coverage: float | None) -> dict[str, Any]:
    """A score as a dial: an empty ring and a dash where there was nothing to judge, which is not zero."""
    covered = None if coverage is None else round(coverage * 100)
    if score is None:
        level, shown, said = "none", "–", f"{name}: nothing to judge"
    else:
        level = "good" if score >= 70 else "fair" if score >= 45 else "poor"
        shown, said = f"{score:.0f}", f"{name}: {score:.1f} of 100"
    if covered is not None:
        said += f"; {covered} % of its weight had an occasion"
    return {
        "name": name,
        "shown": shown,
        "level": level,
        "filled": "0" if score is None else f"{score:.1f}",
        "coverage": covered,
        "title": said,
    }


def _key(cues: Sequence[CueMatch], known: Reasons) -> list[dict[str, Any]]:
    counts = Counter(known.kind(match) for match in cues)
    return [{"kind": kind, "label": _LABELS[kind], "count": counts[kind]} for kind in KINDS if counts[kind]]


def _words(matches: Sequence[CueMatch], known: Reasons) -> list[dict[str, Any]]:
    """The flagged words by cue, so that why and say-instead are read once."""
    by_cue: dict[str, list[CueMatch]] = {}
    for match in matches:
        by_cue.setdefault(match.cue, []).append(match)
    return [
        {
            "label": cue,
            "why": known.why(found[0]),
            "instead": known.instead(found[0]),
            "words": [{"turn": m.turn, "text": m.text, "kind": known.kind(m), "title": known.title(m)} for m in found],
        }
        for cue, found in by_cue.items()
    ]


def _marked(card: Scorecard, conversation: Conversation, known: Reasons) -> list[dict[str, Any]]:
    cues: dict[int, list[CueMatch]] = {}
    for match in card.cues:
        cues.setdefault(match.turn, []).append(match)
    marked = {match.span for match in card.cues}
    rules: dict[int, list[Finding]] = {}
    for finding in card.findings:
        if finding.outcome == "missed":
            for number in dict.fromkeys(s.turn for s in finding.spans if s not in marked):
                rules.setdefault(number, []).append(finding)
    return [
        _turn(n, turn, pieces(turn.text, cues.get(n, ()), known), rules.get(n, []))
        for n, turn in enumerate(conversation.turns[:MOST_TURNS])
    ]


def _turn(number: int, turn: Turn, text: tuple[Piece, ...], missed: Sequence[Finding]) -> dict[str, Any]:
    who = turn.speaker if turn.speaker_id is None else f"{turn.speaker} {turn.speaker_id}"
    kind = "" if turn.kind == "message" else f" · {turn.kind}"
    at = "" if turn.start is None else f" · {_clock(turn.start)}"
    spoken = turn.kind == "message" and turn.speaker in ("agent", "customer")
    return {
        "side": turn.speaker if spoken else "aside",
        "who": f"{number} · {who}{kind}{at}",
        "pieces": text,
        "rules": [{"code": f.code, "outcome": f.outcome, "title": _rule_title(f)} for f in missed],
    }


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _rule_title(finding: Finding) -> str:
    return "\n".join([f"{finding.code} {finding.name}", *(f"{name}: {text}" for name, text in _finding_rows(finding))])


def _finding_rows(finding: Finding) -> list[tuple[str, str]]:
    points = "" if finding.points is None else f": {finding.points:.1f} points"
    lost = f", {finding.lost:.1f} lost" if finding.lost else ""
    critical = " (critical)" if finding.critical else ""
    return [
        ("outcome", f"{finding.outcome.replace('_', ' ')}{critical}{points}{lost}"),
        ("because", finding.explanation),
        ("why", finding.why),
        ("say instead", finding.say_instead),
    ]


def _turns(finding: Finding) -> str:
    return ", ".join(map(str, sorted({span.turn for span in finding.spans})))


def _title(finding: Finding) -> str:
    return f"{finding.code} {finding.name} ({finding.dimension})"


def _finding(finding: Finding) -> dict[str, Any]:
    rows = _finding_rows(finding)
    if finding.spans:
        rows.append(("turns", _turns(finding)))
    return {
        "head": {"title": f"{finding.code} {finding.name}", "parts": [finding.dimension.replace("_", " ")]},
        "rows": rows,
    }


def _ledger(card: Scorecard) -> list[dict[str, Any]]:
    by_code = {f.code: f for f in card.findings}
    totals: dict[str, float | None] = {**card.scores, OVERALL: card.overall}
    rows: list[dict[str, Any]] = []
    for score in (*DIMENSIONS, OVERALL):
        lines = [line for line in card.ledger if line.score == score]
        rows += [_ledger_row(line, by_code.get(line.item)) for line in lines]
        total = totals[score]
        if total is not None:
            named = {"score": score.replace("_", " "), "item": "", "points": f"{total:.1f}"}
            rows.append({**named, "of": "100", "why": "", "sum": True})
    return rows


def _ledger_row(line: LedgerLine, finding: Finding | None) -> dict[str, Any]:
    possible = "" if finding is None or line.kind != "rule" else f"{line.points + (finding.lost or 0.0):.1f}"
    why = "" if finding is None else finding.explanation
    if line.kind == "cap":
        why = f"critical rule missed: {why}"
    elif line.kind == "dimension":
        why = f"weight {line.weight:g} · {line.credit:.2f}"
    return {
        "score": line.score.replace("_", " "),
        "item": line.item.replace("_", " ") if finding is None else f"{line.item} {finding.name}",
        "points": f"{line.points:+.1f}" if line.kind == "cap" else f"{line.points:.1f}",
        "of": possible,
        "why": why,
        "sum": False,
    }


def _fingerprint(card: Scorecard) -> str:
    mark = card.fingerprint
    model = "phrases alone" if mark.model is None else f"detector {mark.model}"
    return f"servicequal {mark.version} · rules {mark.rules} · rubric {mark.rubric} · {model}"


def _cards(cards: Scorecards) -> dict[str, Any]:
    scored = [card for card in cards if isinstance(card, Scorecard)]
    rejected = [item for item in cards if isinstance(item, Rejected)]
    return {
        "head": {"title": _counted(scored, rejected), "parts": []},
        "columns": ["overall", *(d.replace("_", " ") for d in DIMENSIONS)],
        "rows": [_cards_row(card) for card in scored[:MOST_ROWS]],
        "more": max(0, len(scored) - MOST_ROWS),
        "rejected": [str(item) for item in rejected[:MOST_ROWS]],
        "rejections": len(rejected),
    }


def _counted(scored: Sequence[Scorecard], rejected: Sequence[Rejected]) -> str:
    text = f"{len(scored)} conversation{'' if len(scored) == 1 else 's'} scored"
    return f"{text}, {len(rejected)} rejected" if rejected else text


def _cards_row(card: Scorecard) -> dict[str, Any]:
    return {
        "name": card.conversation_id,
        "scores": ["–" if s is None else f"{s:.0f}" for s in (card.overall, *(card.scores[d] for d in DIMENSIONS))],
        "flags": sum(m.status == "plain" and m.cue in HURTING for m in card.cues),
        "reason": reason_of(card),
    }
