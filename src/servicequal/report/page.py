"""The report: one HTML file that needs nothing else, from the folder that a batch run has written.

The pictures are drawn here; the list and the transcripts travel as compressed blocks and are unpacked in the
browser when they are looked at. A Content-Security-Policy forbids the page everything that isn't in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ServicequalError
from . import blocks, gather

if TYPE_CHECKING:
    from ..batch import RunData
    from ..coaching import AgentHabits
    from .highlights import Moment, RuleCost

LIMIT = 15_000_000
"""Bytes that a report may have; transcripts that don't fit are left out, the least telling first."""

MOST_LISTED = 40_000
"""Conversations in the list: more rows than this help nobody and cost megabytes."""

_SCRIPTS = ("dom", "data", "route", "verdicts", "marks", "ledger", "review", "list", "conversation", "theme", "main")
"""The page's modules, each after those that it imports from."""

_MOST_REJECTED = 200


@dataclass(frozen=True, slots=True)
class Report:
    """What a report holds: all conversations are in its pictures; so many are listed, so many can be opened."""

    html: str
    conversations: int
    listed: int
    transcripts: int

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return len(self.html.encode())


def write_report(
    out: str | Path, target: str | Path, title: str | None = None, mask: bool = False, most: int | None = None
) -> Report:
    """Write the report on the run in folder ``out`` to the HTML file ``target``. The same run gives the same bytes.

    ``mask`` hides personal data as far as the masker finds it. ``most`` limits how many conversations are listed and
    can be opened, the most telling first; pictures and sums are always over all. Raises BatchError where there is no
    finished run, ServicequalError where it holds no scored conversation or the file can't be written.
    """
    from ..batch import open_run

    if not Path(target).parent.is_dir():
        raise ServicequalError(f"{target}: cannot be written: there is no folder {Path(target).parent}")
    report = make_report(open_run(out), title=title, mask=mask, most=most)
    try:
        Path(target).write_text(report.html, "utf-8", newline="\n")
    except OSError as error:
        raise ServicequalError(f"{target}: cannot be written: {error.strerror}") from error
    return report


def make_report(
    run: RunData, title: str | None = None, mask: bool = False, most: int | None = None, limit: int = LIMIT
) -> Report:
    """The report on an opened run as text, at most ``limit`` bytes where pictures and list alone allow it."""
    masker = _masker(mask)
    shown: blocks.Shown = str if masker is None else masker.mask
    masked = None if masker is None else list(masker.looks_for)
    facts = gather.facts_of(run)
    if not facts.positions.size:
        raise ServicequalError("the run holds no scored conversation, so there is nothing to report")
    names = gather.names_of(facts)
    parts = _parts(run, facts, names, shown, masker)
    order = _order(gather.telling(facts), [facts.row(p) for p in parts["linked"]])
    order = order[: min(len(order) if most is None else most, MOST_LISTED)]
    rows = np.array(sorted(order), dtype=int)
    packed = _Transcripts(gather.conversations(run, facts, names, rows, shown))

    def page(chunks: Sequence[Sequence[int]], made: Sequence[str]) -> str:
        where = {position: n for n, chunk in enumerate(chunks) for position in chunk}
        listing = blocks.packed(gather.listed(run, facts, names, rows, where, shown))
        size = {"listed": len(rows), "transcripts": sum(map(len, chunks)), "masked": masked}
        return _rendered(run, title or "Service quality report", parts, size, [listing, *made])

    chunks, html = _fitting([int(facts.positions[row]) for row in order], packed, page, limit)
    return Report(html, len(facts.positions), len(rows), sum(map(len, chunks)))


def _fitting(
    order: Sequence[int],
    packed: _Transcripts,
    page: Callable[[Sequence[Sequence[int]], Sequence[str]], str],
    limit: int,
) -> tuple[list[list[int]], str]:
    """As many conversations of ``order`` (the most telling first) as fit, in chunks, and the page with them."""
    keep = len(order)
    while True:
        kept = sorted(order[:keep])
        chunks = [kept[i : i + blocks.CHUNK] for i in range(0, len(kept), blocks.CHUNK)]
        made = [packed.block(chunk) for chunk in chunks]
        html = page(chunks, made)
        over = len(html.encode()) - limit
        if over <= 0 or not keep:
            return chunks, html
        keep = max(0, min(keep - 1, int(keep * (1 - 1.02 * over / sum(map(len, made))))))


class _Transcripts:
    """Conversations as JSON text, so that those that don't fit can be left out without reading them again."""

    def __init__(self, items: Any) -> None:
        self._text = {position: (blocks.compact(talk), blocks.compact(facts)) for position, talk, facts in items}

    def block(self, positions: Sequence[int]) -> str:
        """The block of some conversations: their transcripts, then their facts, as like packs well with like."""
        parts = (",".join(self._text[p][i] for p in positions) for i in (0, 1))
        return blocks.squeezed("[[{}],[{}]]".format(*parts))


def _order(ranked: np.ndarray, featured: Sequence[int]) -> list[int]:
    """Rows by how much they are wanted: what the page links to, then the most telling."""
    return list(dict.fromkeys([*featured, *(int(row) for row in ranked)]))


def _linked(moments: Sequence[Moment], costs: Sequence[RuleCost], coaching: Sequence[AgentHabits]) -> list[int]:
    """Positions that a moment, a quote or a coaching card links to, each once."""
    positions = [m.position for m in moments] + [q.position for c in costs for q in c.quotes]
    for habit in (habit for card in coaching for habit in card.habits):
        positions += [m.position for m in (*habit.moments, *([habit.well] if habit.well else []))]
    return list(dict.fromkeys(positions))


def _masker(mask: bool) -> Any:
    from ..masking import Masker

    return Masker() if mask else None


def _parts(run: RunData, facts: gather.Facts, names: gather.Names, shown: blocks.Shown, masker: Any) -> dict[str, Any]:
    """What is drawn on the page itself."""
    team, agents = gather.pictures(facts)
    costs, results = gather.costs(run, facts, shown)
    moments = gather.celebrated(run, facts, shown)
    coaching = gather.coaching(run, facts, masker)
    linked = _linked(moments, costs, coaching)
    agent_of = gather.first_agents(facts)
    rejected = run.table("rejected")
    return {
        "team": team,
        "agents": agents,
        "costs": costs,
        "results": results,
        "moments": moments,
        "rejected": [_rejected(row, shown) for row in rejected.slice(0, _MOST_REJECTED).to_pylist()],
        "rejections": rejected.num_rows,
        "coaching": coaching,
        "linked": linked,
        "glossary": gather.glossary(run, names, shown),
        "n": len(facts.positions),
        "ids": {p: shown(facts.scores["conversation_id"].iloc[facts.row(p)]) for p in linked},
        "by": {p: shown(name) for p in linked if (name := agent_of.get(p)) is not None},
        "shown": shown,
        "agent_index": names.agents,
        "turns": int(run.run.get("totals", {}).get("turns", 0)),
        "has_turns": gather.has_turns(run),
    }


def _rejected(row: Mapping[str, Any], shown: blocks.Shown) -> dict[str, str]:
    source = str(row["source"] or "").replace("\\", "/").rsplit("/", 1)[-1]
    places = [source, *(f"{n} {row[n]}" for n in ("line", "column", "turn") if row[n] is not None)]
    return {
        "where": shown(", ".join(p for p in places if p)),
        "id": shown(row["conversation_id"] or ""),
        "reason": shown(row["reason"]),
        "hint": shown(row["hint"] or ""),
    }


# -- rendering -------------------------------------------------------------------------------------------


def _rendered(
    run: RunData, title: str, parts: Mapping[str, Any], size: Mapping[str, Any], packed: Sequence[str]
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    env = Environment(
        loader=PackageLoader("servicequal.report", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"words": words, "score": score_text, "rule": rule_name, "thousands": thousands}
    script, style = page_script(), _asset("style.css")
    totals = {"n": parts["n"], **size}
    meta = {
        "title": title,
        "run": {"fingerprint": run.run["fingerprint"], "conversations": totals["n"]},
        "key": hashlib.sha256(json.dumps(run.run, sort_keys=True).encode()).hexdigest()[:16],
        "chunks": len(packed) - 1,
        **totals,
        "has_turns": parts["has_turns"],
        **parts["glossary"],
    }
    context = {name: value for name, value in parts.items() if name not in ("glossary", "shown", "linked", "n")}
    return env.get_template("page.html.j2").render(
        **context,
        title=title,
        size=totals,
        run=run.run,
        names=parts["shown"],
        policy=_policy(script, style),
        script=Markup(script),
        style=Markup(style),
        meta=Markup(inert_json(meta)),
        listing=Markup(packed[0]),
        packed=[Markup(block) for block in packed[1:]],
    )


def inert_json(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or starts a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


def page_script() -> str:
    """The page's modules as one: they import only from each other and share no names, so the imports can go."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _asset(f"{name}.js"))) for name in _SCRIPTS)


def _asset(name: str) -> str:
    return (files("servicequal.report") / "html" / name).read_text("utf-8").replace("\r\n", "\n")


def _policy(script: str, style: str) -> str:
    """A Content-Security-Policy that allows this script and this style, and nothing from anywhere."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; script-src 'sha256-{digest(script)}'; style-src 'sha256-{digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def words(name: str) -> str:
    """A name of the library as people write it: ``problem_solving`` is *problem solving*."""
    return name.replace("_", " ")


def rule_name(name: str) -> str:
    """A rule's name as a line: ``expectations.a-when-gets-a-time`` is *A when gets a time*."""
    line = name.rpartition(".")[2].replace("-", " ")
    return line[:1].upper() + line[1:]


def score_text(value: float | None) -> str:
    """A score as a whole number, a dash where there is none."""
    return "–" if value is None else f"{value:.0f}"


def thousands(value: float) -> str:
    """A count with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")
