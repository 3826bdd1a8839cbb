"""The pages that the site makes from the library itself: every rule, every cue, every public name.

What they say is read from the rules and packs while the site is built, so it can't differ from what is scored. mkdocs
calls the functions whose names begin with ``on_``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import servicequal as sq
from servicequal.packs import CUES, Example, Pack, builtin_packs
from servicequal.rules import DIMENSIONS, RULES, Rule

_ROOT = Path(__file__).resolve().parents[1]
_EFFECTS = {"hurts": "The agent's that hurt", "helps": "The agent's that help", "tells": "The customer's"}
_HOMES = {
    "conversation": "Conversations", "readers": "Reading", "cues": "Cues", "packs": "Packs", "rubric": "Rubric",
    "scorer": "Scoring", "scoring": "Scorecards", "agents": "Agents", "dynamics": "Dynamics", "frame": "Frames",
    "report": "Frames", "report.notebook": "Notebooks", "agreement": "Agreement", "calibrate": "Calibration",
    "batch": "Batches", "live": "Live", "errors": "Errors",
}  # fmt: skip
"""The headings under which public names stand, by the module that they live in. Others get the module's name."""


def on_config(config: Any) -> Any:
    """The navigation without pages that are not there, with all generated ones, and with those it forgot."""
    docs = Path(config["docs_dir"])
    named = set(_names(config["nav"]))
    generated = {uri for uri, _ in _pages()}
    config["nav"] = _present(config["nav"], docs, generated)
    rules = [{f"{d.replace('_', ' ')}": [f"reference/rules/{r.code}.md" for r in _of(d)]} for d in DIMENSIONS]
    cues = [{_EFFECTS[e]: [f"reference/cues/{p.cue}.md" for p in _with(e)]} for e in _EFFECTS]
    config["nav"] += [{"Rules": rules}, {"Cues": cues}]
    more = sorted(p.relative_to(docs).as_posix() for p in docs.rglob("*.md"))
    forgotten = [uri for uri in more if uri not in named]
    if forgotten:
        config["nav"].append({"More": forgotten})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for uri, text in _pages():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fences as the site's highlighter knows them: what the tests do with a block is no language."""
    return re.sub(r"^```(\w+) (?:no-run|output)$", r"```\1", markdown, flags=re.MULTILINE)


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Docstrings name others as :class:`X`; here the name alone reads better."""
    if page.file.src_uri != "reference/python.md":
        return content
    return re.sub(r":(?:class|func|meth|mod|data):(?=<code>)", "", content)


def _names(nav: Iterable[Any]) -> Iterator[str]:
    for item in nav:
        if isinstance(item, str):
            yield item
        else:
            for value in item.values():
                yield from _names([value] if isinstance(value, str) else value)


def _present(nav: Sequence[Any], docs: Path, generated: set[str]) -> list[Any]:
    kept: list[Any] = []
    for item in nav:
        if isinstance(item, str):
            kept += [item] if item in generated or (docs / item).is_file() else []
            continue
        for title, value in item.items():
            inner = _present([value] if isinstance(value, str) else value, docs, generated)
            if inner:
                kept.append({title: inner[0] if isinstance(value, str) else inner})
    return kept


def _of(dimension: str) -> list[Rule]:
    return [rule for rule in RULES if rule.dimension == dimension]


def _with(effect: str) -> list[Pack]:
    return [pack for pack in builtin_packs() if pack.effect == effect]


@cache
def _pages() -> tuple[tuple[str, str], ...]:
    """(path within docs, Markdown) of every generated page."""
    return tuple(_made())


def _made() -> Iterator[tuple[str, str]]:
    seen = _examples()
    yield "reference/rules.md", _rules_page()
    for rule in RULES:
        yield f"reference/rules/{rule.code}.md", _rule_page(rule, seen.get(rule.code, {}))
    yield "reference/cues.md", _cues_page()
    for pack in builtin_packs():
        yield f"reference/cues/{pack.cue}.md", _cue_page(pack)
    yield "reference/python.md", _python_page()


def _text(text: str) -> str:
    """Any text as Markdown that shows it as it is: what could mean something to Markdown or HTML becomes an entity."""
    return re.sub(r"[^\w\s,;'\"“”‘’…–£$€%/]|_", lambda match: f"&#{ord(match[0])};", text)


def _rules_page() -> str:
    lines = [
        "# Rules",
        "",
        f"{len(RULES)} rules, made from what the library holds. A weight is a share within the dimension; a",
        "[rubric](../rubric.md) changes weights, thresholds and caps, or switches a rule off.",
    ]
    for dimension in DIMENSIONS:
        lines += [
            "",
            f"## {dimension.replace('_', ' ').capitalize()}",
            "",
            "| code | what it looks for | weight |",
            "|---|---|---:|",
        ]
        lines += [f"| [{r.code}](rules/{r.code}.md) | {_text(r.what)} | {r.weight:g} |" for r in _of(dimension)]
    return "\n".join(lines) + "\n"


def _rule_page(rule: Rule, seen: dict[str, tuple[str, str, str]]) -> str:
    lines = [
        f"# {rule.code} {rule.name.split('.', 1)[-1].replace('-', ' ')}",
        "",
        f"`{rule.name}` in [{rule.dimension.replace('_', ' ')}](../rules.md), weight {rule.weight:g}",
        "",
        *_section("What it does", rule.what),
        *_section("Why it matters", rule.why),
        *_section("Say instead", rule.say_instead),
    ]
    if not rule.needs_customer:
        lines += ["It can be judged on the agent's words alone.", ""]
    if rule.critical:
        lines += [f"It is **critical**: where it is missed, the overall score is at most {rule.cap:g}.", ""]
    if seen:
        lines += ["## In the sample conversations", ""]
        for outcome, (name, explanation, words) in sorted(seen.items()):
            quoted = f": “{_text(words)}”" if words else ""
            lines += [f"- **{outcome}** in `{name}`: {_text(explanation)}{quoted}"]
        lines += [""]
    settings = "".join(f", {name}: {value:g}" for name, value in rule.params.items())
    lines += [
        "## In a rubric", "", "The defaults, to be changed; weight 0 switches it off.", "",
        "```yaml", "rules:", f"  {rule.code}: {{weight: {rule.weight:g}{settings}}}", "```", "",
        *_section("Source", rule.source),
    ]  # fmt: skip
    return "\n".join(lines)


def _section(title: str, text: str) -> list[str]:
    return [f"## {title}", "", _text(text), ""]


def _examples() -> dict[str, dict[str, tuple[str, str, str]]]:
    """For each rule a sample that meets it and one that misses it: the one with the most to lose, then the first."""
    scorer = sq.Scorer()
    best: dict[str, dict[str, tuple[float, tuple[str, str, str]]]] = {}
    for conversation in sq.read(_ROOT / "data" / "samples"):
        card = scorer.score(conversation)
        words = {match.span: match.text for match in card.cues}
        for finding in card.findings:
            if finding.outcome not in ("met", "missed"):
                continue
            at_stake = (finding.points or 0.0) if finding.outcome == "met" else (finding.lost or 0.0)
            quoted = " … ".join(dict.fromkeys(words[s] for s in finding.spans if s in words))
            row = (card.conversation_id, finding.explanation, textwrap.shorten(quoted, 160, placeholder=" …"))
            known = best.setdefault(finding.code, {}).get(finding.outcome)
            if known is None or at_stake > known[0]:
                best[finding.code][finding.outcome] = (at_stake, row)
    return {code: {outcome: row for outcome, (_, row) in found.items()} for code, found in best.items()}


def _cues_page() -> str:
    lines = ["# Cues", "", f"The {len(CUES)} cues, made from their [packs](../packs.md)."]
    for effect, title in _EFFECTS.items():
        lines += ["", f"## {title}", "", "| cue | why it matters |", "|---|---|"]
        lines += [f"| [{p.cue}](cues/{p.cue}.md) | {_text(p.why)} |" for p in _with(effect)]
    return "\n".join(lines) + "\n"


def _cue_page(pack: Pack) -> str:
    examples = pack.examples
    lines = [
        f"# {pack.cue}",
        "",
        f"{_EFFECTS[pack.effect]}; searched in the {pack.speaker}'s turns.",
        "",
        *_section("Why it matters", pack.why),
        *(_section("Say instead", pack.say_instead) if pack.say_instead else []),
        *_listed("Flagged", "These are found.", examples.flags),
        *_listed("Passed", "Near-misses, excused or softened: these are not flagged.", examples.passes),
        *_listed("Known misses", "These should be found, and are not yet.", examples.known_misses),
        *_listed("Known false alarms", "These are found, and should not be.", examples.known_false_alarms),
    ]
    if pack.softened_by:
        links = ", ".join(f"[{cue}]({cue}.md)" for cue in pack.softened_by)
        lines += ["## Softened by", "", f"{links}, where they follow.", ""]
    counts = [name for name in ("asked", "negated", "supposed", "reported") if getattr(pack, name) == "counts"]
    if counts:
        lines += [f"It counts even where it is {' or '.join(counts)}.", ""]
    lines += [
        f'??? note "Its {len(pack.phrases)} phrases"', "", "    ```text",
        *(f"    {phrase}" for phrase in pack.phrases), "    ```", "",
        *_section("Source", pack.source),
    ]  # fmt: skip
    return "\n".join(lines)


def _listed(title: str, what: str, examples: Iterable[Example]) -> list[str]:
    rows = [f"- {_example(example)}" for example in examples]
    return [f"## {title}", "", what, "", *rows, ""] if rows else []


def _example(example: Example) -> str:
    parts = [f"(before: “{_text(example.before)}”) "] if example.before else []
    parts.append(_text(" ".join(example.text.split())))
    parts += [f" (after: “{_text(example.after)}”)"] if example.after else []
    return "".join(parts)


def _python_page() -> str:
    lines = [
        "# Python",
        "",
        "Everything that `import servicequal as sq` gives; anything else may change without notice.",
        "",
    ]
    groups: dict[str, list[str]] = {}
    for name, home in sq._HOME.items():
        groups.setdefault(_HOMES.get(home, home.split(".")[-1].capitalize()), []).append(name)
    for title, names in groups.items():
        lines += [f"## {title}", ""]
        for name in sorted(names, key=lambda n: (n.lower(), n)):
            lines += [f"::: servicequal.{name}", ""]
    lines += [
        "## Charts",
        "",
        "`from servicequal import plots`, with the extra `plots`.",
        "",
        "::: servicequal.plots",
        "",
    ]
    lines += ["## pandas", "", "`import servicequal.pandas`, then `df.servicequal`.", ""]
    lines += ["::: servicequal.pandas.ServicequalAccessor", ""]
    return "\n".join(lines)
