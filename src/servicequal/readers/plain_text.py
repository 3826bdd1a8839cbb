"""Plain-text transcripts: ``Speaker: line`` in its many spellings.

A turn begins only at a label that is a usual one, in the caller's role map, or a name seen at least
twice at the start of a line. Everything else continues the turn: blank lines, numbered lists,
``The error says: refused``. Without any label the text is one turn of an unknown speaker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from servicequal.conversation import Conversation, Role
from servicequal.errors import ReadError, Rejected
from servicequal.readers.draft import Draft, Said, build
from servicequal.readers.labels import LONGEST_LABEL, Candidate, candidate, leading_time, name_like
from servicequal.readers.registry import Fit, Reader, Sniff
from servicequal.readers.roles import WEAK, Roles, built_in, key
from servicequal.readers.sample import Sample
from servicequal.readers.source import Source
from servicequal.readers.times import Moment

EXTENSIONS = (".txt", ".text")
_STRUCTURED = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".csv",
    ".tsv",
    ".vtt",
    ".srt",
    ".parquet",
    ".xml",
    ".html",
    ".eml",
)
_QUOTES = {'"': '"', "“": "”", "«": "»", "'": "'", "‘": "’"}
_FENCES = ('"""', "'''", "```")


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a text holds: its turns, the lines before the first one, and what to warn of."""

    turns: tuple[Said, ...]
    header: str = ""
    warnings: tuple[str, ...] = ()
    labelled: bool = True


@dataclass(slots=True)
class _Open:
    """A turn whose lines are still being collected."""

    label: str | None
    line: int
    time: Moment | None = None
    name: str | None = None
    lines: list[str] = field(default_factory=list)


def _closed(turns: Sequence[_Open], named: dict[str, Role]) -> tuple[Said, ...]:
    """The turns with their lines joined, and without the quotes that wrap them."""
    texts = ["\n".join(turn.lines).strip() for turn in turns]
    wrapped = len(texts) >= 2 and all(_QUOTES.get(t[:1]) == t[-1:] and len(t) >= 2 for t in texts)
    return tuple(
        Said(
            text=text[1:-1].strip() if wrapped else _unwrapped(text),
            label=turn.label,
            name=turn.name,
            role=None if turn.label is None else named.get(key(turn.label)),
            start=turn.time,
            line=turn.line,
        )
        for turn, text in zip(turns, texts, strict=True)
    )


def parse_transcript(text: str, roles: Roles) -> Transcript:
    """The turns of a plain-text transcript; never raises. Time and memory are linear in the text."""
    lines = [_unfenced(line) for line in text.split("\n")]
    found = [candidate(line) for line in lines]
    named = _header_roles(found)
    found = [None if i in named.lines else c for i, c in enumerate(found)]
    accepted = _accepted(lines, found, roles, frozenset(named.roles))
    if len(accepted) < 2 and (inline := _inline(text, roles)) is not None:
        return inline
    if not accepted:
        return _unlabelled(lines)
    return _assembled(lines, accepted, named.roles)


def _unfenced(line: str) -> str:
    bare = line.strip().lstrip("\ufeff")
    for fence in _FENCES:
        if bare == fence or (bare.startswith("```") and " " not in bare):
            return ""
        if bare.startswith(fence):
            return bare.removeprefix(fence)
        if bare.endswith(fence):
            return line.rstrip()[: -len(fence)]
    return line


def _accepted(
    lines: Sequence[str], found: Sequence[Candidate | None], roles: Roles, named: frozenset[str]
) -> dict[int, Candidate]:
    """The lines that do begin a turn."""
    seen = Counter((key(c.label), c.style) for c in found if c is not None)
    certain = {
        i: c
        for i, c in enumerate(found)
        if c is not None and ((c.style == "colon" and key(c.label) in named) or _certain(c, seen, roles))
    }
    certain = {i: c for i, c in certain.items() if c.style != "bullet"} or certain
    certain = _without_lists(certain, roles, named)
    whole = _fully_labelled(lines, found, certain) and not _both_sides(certain, roles)
    timed = any(c.time is not None for c in certain.values())
    headed = any(c.style == "alone" for c in certain.values())
    for i, c in enumerate(found):
        if c is None or i in certain or not name_like(c.label):
            continue
        by_colon = c.style == "colon" and (whole or (timed and c.time is not None))
        alone = c.style == "alone" and headed and (i == 0 or not lines[i - 1].strip())
        if by_colon or alone:
            certain[i] = c
    return dict(sorted(certain.items()))


def _certain(c: Candidate, seen: Counter[tuple[str, str]], roles: Roles) -> bool:
    times_seen = seen[key(c.label), c.style]
    if roles.mapped(c.label) is not None:
        return True
    if roles.knows(c.label):
        if c.style in ("dash", "alone") and c.time is None and times_seen < 2:
            return False
        return key(c.label) not in WEAK or times_seen >= 2 or c.time is not None
    if c.style in ("dash", "bullet", "comma") or (c.style == "bracket" and c.time is None):
        return False
    return times_seen >= 2 and name_like(c.label)


def _both_sides(accepted: dict[int, Candidate], roles: Roles) -> bool:
    return {"agent", "customer"} <= {roles.mapped(c.label) or built_in(c.label) for c in accepted.values()}


def _without_lists(accepted: dict[int, Candidate], roles: Roles, named: frozenset[str]) -> dict[int, Candidate]:
    """Beside usual labels for both sides, an unlisted one must be followed by speech.

    ``Subtotal: 5`` in an agent's list may be there twice; somebody's name is followed by more.
    """
    if not _both_sides(accepted, roles):
        return accepted
    words: dict[str, list[int]] = {}
    for c in accepted.values():
        if not roles.knows(c.label) and c.time is None and c.style == "colon":
            words.setdefault(key(c.label), []).append(len(c.text.split()))
    lists = {label for label, counts in words.items() if max(counts) < 3 and label not in named}
    return {i: c for i, c in accepted.items() if key(c.label) not in lists}


def _fully_labelled(lines: Sequence[str], found: Sequence[Candidate | None], certain: dict[int, Candidate]) -> bool:
    """True if from the first certain turn on every line with words begins with some label."""
    if not certain:
        return False
    first = min(certain)
    begins = [c is not None and (i in certain or name_like(c.label)) for i, c in enumerate(found)]
    return all(begins[i] for i in range(first, len(lines)) if lines[i].strip())


@dataclass(frozen=True, slots=True)
class _Named:
    """Roles by the key of a name, as header lines give them, and those lines."""

    roles: dict[str, Role] = field(default_factory=dict)
    lines: frozenset[int] = frozenset()


def _header_roles(found: Sequence[Candidate | None]) -> _Named:
    """``Agent: Dana Reyes`` before the first ``Dana:`` is a header line that gives Dana's role."""
    names = Counter(key(c.label) for c in found if c is not None and c.style == "colon")
    roles: dict[str, Role] = {}
    lines = set()
    for i, c in enumerate(found[:40]):
        if c is None or c.style != "colon" or key(c.label) in roles:
            continue
        role: Role | None = "agent" if key(c.label) == "agent" else None
        role = "customer" if key(c.label) in ("customer", "caller", "client") else role
        if role is None or names[key(c.label)] != 1 or len(c.text) > LONGEST_LABEL:
            continue
        label = next((key(x) for x in (c.text, c.text.split(" ")[0]) if key(x) and names.get(key(x))), None)
        if label is not None:
            roles[label] = role
            lines.add(i)
    return _Named(roles, frozenset(lines))


def _assembled(lines: Sequence[str], accepted: dict[int, Candidate], named: dict[str, Role]) -> Transcript:
    open_turns: list[_Open] = []
    header: list[str] = []
    timed = sum(c.time is not None for c in accepted.values()) * 2 > len(accepted)
    pending: tuple[int, Moment] | None = None
    for i, line in enumerate(lines):
        c = accepted.get(i)
        if c is not None:
            time = c.time or (pending[1] if pending else None)
            if pending and c.time is None:
                (open_turns[-1].lines if open_turns else header).pop()
            open_turns.append(_Open(c.label, i + 1, time, c.name, [c.text]))
            pending = None
            continue
        moment, rest = leading_time(line.strip())
        if line.strip():
            pending = (i, moment) if moment is not None and not rest else None
            if moment is not None and rest and timed:
                line = rest
        elif pending:
            continue
        (open_turns[-1].lines if open_turns else header).append(line.rstrip())
    return Transcript(_closed(open_turns, named), "\n".join(header).strip())


def _unlabelled(lines: Sequence[str]) -> Transcript:
    """No label anywhere: a turn for each timed line if most are timed, else one; nobody is guessed."""
    warning = "no speaker labels found: who speaks is unknown"
    timed = [leading_time(line.strip()) for line in lines]
    filled = [i for i, line in enumerate(lines) if line.strip()]
    stamped = [i for i in filled if timed[i][0] is not None]
    open_turns: list[_Open] = []
    for i in filled:
        moment, rest = timed[i]
        if not open_turns or (len(stamped) >= 2 and 2 * len(stamped) >= len(filled) and moment is not None):
            open_turns.append(_Open(None, i + 1, moment, lines=[rest if moment is not None else lines[i]]))
        else:
            open_turns[-1].lines.append(lines[i])
    return Transcript(_closed(open_turns, {}), "", (warning,), labelled=False)


def _inline(text: str, roles: Roles) -> Transcript | None:
    """A transcript on one line, ``Agent: … Customer: … Agent: …``; only usual or mapped labels split it."""
    starts: list[tuple[int, int, str]] = []
    at = text.find(":")
    while at >= 0:
        found = _label_before(text, at, roles)
        if found is not None and (not starts or found[0] >= starts[-1][1]):
            starts.append((found[0], at + 1, found[1]))
        at = text.find(":", at + 1)
    if len(starts) < 3 or len({key(label) for _, _, label in starts}) < 2:
        return None
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    turns = tuple(
        Said(text=_unwrapped(text[body:end].strip(" *\n\t")), label=label, line=text.count("\n", 0, start) + 1)
        if start < 10_000
        else Said(text=_unwrapped(text[body:end].strip(" *\n\t")), label=label)
        for (start, body, label), end in zip(starts, ends, strict=True)
    )
    header = text[: starts[0][0]].strip(" *\n\t")
    return Transcript(turns, header, ("speaker labels stand inside lines",))


def _label_before(text: str, colon: int, roles: Roles) -> tuple[int, str] | None:
    """The longest capitalised label of up to four words that ends at a colon, and where it begins."""
    window = text[max(0, colon - 48) : colon]
    words = window.split(" ")
    for count in range(min(4, len(words)), 0, -1):
        label = " ".join(words[-count:])
        bare = label.lstrip('*_[<("\n').rstrip("*_]>)")
        if bare and bare[0].isupper() and "\n" not in bare and roles.knows(bare):
            if key(bare) in WEAK and roles.mapped(bare) is None:
                return None
            return colon - len(label), bare
    return None


def _unwrapped(text: str) -> str:
    """Without the quotes that wrap a whole turn; quotes inside are speech and stay."""
    closing = _QUOTES.get(text[:1])
    if closing is not None and len(text) >= 2 and text.endswith(closing):
        inner = text[1:-1]
        if text[0] not in inner and closing not in inner:
            return inner.strip()
    return text


def sniff(sample: Sample) -> Sniff:
    """A shape if labels are found, a fallback for other ``.txt`` files."""
    if sample.record is not None or sample.suffix in _STRUCTURED or sample.head.startswith(("WEBVTT", "PAR1")):
        return Sniff(Fit.NO)
    found = parse_transcript(sample.head, Roles())
    if found.labelled and len(found.turns) >= 2:
        return Sniff(Fit.SHAPE, f"{len(found.turns)} labelled turns in its beginning")
    if sample.suffix in EXTENSIONS:
        return Sniff(Fit.FALLBACK, "a text file without speaker labels")
    return Sniff(Fit.NO, "no speaker labels found")


def read(source: Source, roles: Roles) -> Iterator[Conversation | Rejected]:
    """One conversation a file, its id the file's stem."""
    found = parse_transcript(source.text(), roles)
    draft = Draft(
        id=source.stem,
        source=source.name,
        turns=found.turns,
        metadata={"file": source.name, "format": "text", "header": found.header or None},
        warnings=(*source.warnings, *found.warnings),
    )
    try:
        yield build(draft, roles)
    except ReadError as error:
        yield error.rejected


READER = Reader("text", "plain text, Speaker: line", EXTENSIONS, sniff, read)
